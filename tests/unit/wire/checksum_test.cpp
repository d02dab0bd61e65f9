#include "dataplane/wire/checksum.h"

#include <gtest/gtest.h>

#include <vector>

#include "dataplane/base/random.h"
#include "tests/support/hex.h"

namespace fedge::wire {
namespace {

using test::from_hex;

// The definition, word by word (RFC 1071 section 1).
uint16_t folded_word_by_word(Bytes bytes) {
    uint32_t total = 0;
    for (size_t i = 0; i < bytes.size(); i += 2) {
        uint32_t low = i + 1 < bytes.size() ? bytes[i + 1] : 0;
        total += static_cast<uint32_t>(bytes[i]) << 8 | low;
        total = (total & 0xffff) + (total >> 16);
    }
    return static_cast<uint16_t>(total);
}

TEST(Checksum, Rfc1071Section3) {
    EXPECT_EQ(fold(sum(from_hex("00 01 f2 03 f4 f5 f6 f7"))), 0xddf2);
    EXPECT_EQ(checksum(from_hex("00 01 f2 03 f4 f5 f6 f7")), 0x220d);
}

TEST(Checksum, Ipv4Header) {
    EXPECT_EQ(checksum(from_hex("4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7")), 0xb861);
    EXPECT_EQ(checksum(from_hex("4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7")), 0);
}

TEST(Checksum, EveryLengthAtEveryAlignment) {
    SeededRandom random{1};
    std::vector<uint8_t> memory(400);
    for (size_t at = 0; at < 9; at++) {
        random.fill(memory);
        for (size_t length = 0; length + at <= 300; length++) {
            Bytes bytes = Bytes{memory}.subspan(at, length);
            ASSERT_EQ(fold(sum(bytes)), folded_word_by_word(bytes)) << "length " << length << " offset " << at;
        }
    }
}

TEST(Checksum, CarriesOfLongInputAreKept) {
    std::vector<uint8_t> ones(65535, 0xff);
    EXPECT_EQ(fold(sum(ones)), folded_word_by_word(ones));
    EXPECT_EQ(fold(sum(Bytes{ones}.first(65534))), 0xffff);
    EXPECT_EQ(sum(Bytes{}), 0U);
    std::vector<uint8_t> zeros(1500, 0);
    EXPECT_EQ(fold(sum(zeros)), 0);
}

TEST(Checksum, SumsOfPartsAtEvenOffsetsAdd) {
    SeededRandom random{2};
    std::vector<uint8_t> memory(257);
    for (int round = 0; round < 1000; round++) {
        random.fill(memory);
        size_t cut = 2 * random.below(129);
        uint64_t parts = sum(Bytes{memory}.first(cut)) + sum(Bytes{memory}.subspan(cut));
        ASSERT_EQ(fold(parts), folded_word_by_word(memory));
    }
}

TEST(Checksum, AddressesSumAsTheirWireForm) {
    for (const char* text :
         {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "2001:db8::1", "ffff:ffff:ffff:ffff::ffff"}) {
        IpAddress address = IpAddress::parse(text).value();
        // 0xffff is zero too (RFC 1071): the mapped prefix of IPv4 may be in the sum.
        EXPECT_EQ(fold(sum(address)) % 0xffff, folded_word_by_word(address.wire()) % 0xffff) << text;
    }
}

TEST(Checksum, TransportOverThePseudoHeader) {
    struct Case {
        const char* name;
        const char* source;
        const char* destination;
        const char* pseudo;  // RFC 768 and RFC 8200 section 8.1, with the length 13
    };
    const Case cases[] = {
        {"IPv4", "192.0.2.1", "198.51.100.7", "c0000201 c6336407 0011 000d"},
        {"IPv6", "2001:db8::1", "2001:db8:ffff::2",
         "20010db8000000000000000000000001 20010db8ffff00000000000000000002 0000000d 00000011"},
    };
    for (const Case& c : cases) {
        auto source = IpAddress::parse(c.source).value();
        auto destination = IpAddress::parse(c.destination).value();
        auto segment = from_hex("0d96 c350 000d 0000 68656c6c6f");
        auto whole = from_hex(c.pseudo);
        whole.insert(whole.end(), segment.begin(), segment.end());
        uint16_t expected = static_cast<uint16_t>(~folded_word_by_word(whole));
        EXPECT_EQ(transport_checksum(source, destination, 17, segment), expected) << c.name;
        EXPECT_FALSE(transport_checksum_ok(source, destination, 17, segment)) << c.name;
        store_be16(&segment[6], expected);
        EXPECT_TRUE(transport_checksum_ok(source, destination, 17, segment)) << c.name;
        for (size_t i = 0; i < segment.size(); i++) {
            segment[i] ^= 0x10;
            EXPECT_FALSE(transport_checksum_ok(source, destination, 17, segment)) << c.name << " byte " << i;
            segment[i] ^= 0x10;
        }
    }
}

// RFC 1624 section 4: the case that equation 2 of RFC 1141 gets wrong.
TEST(Adjust, Rfc1624Example) {
    EXPECT_EQ(adjust(0xdd2f, 0x5555, 0x3285), 0x0000);
}

TEST(Adjust, EqualsComputingAnew) {
    SeededRandom random{3};
    std::vector<uint8_t> memory(172);
    for (int round = 0; round < 20000; round++) {
        random.fill(memory);
        uint16_t before = checksum(memory);
        size_t at = 2 * random.below(80);
        size_t length = 2 * (1 + random.below(6));
        uint64_t removed = sum(Bytes{memory}.subspan(at, length));
        random.fill(MutableBytes{memory}.subspan(at, length));
        uint64_t added = sum(Bytes{memory}.subspan(at, length));
        ASSERT_EQ(adjust(before, removed, added), checksum(memory)) << "round " << round;
    }
}

TEST(Adjust, UnfoldedSumsAreFine) {
    auto a = IpAddress::parse("2001:db8:ffff:ffff:ffff:ffff:ffff:fffe").value();
    auto b = IpAddress::parse("2001:db8::1").value();
    auto payload = from_hex("0d96 c350 000d 0000 68656c6c6f");
    uint16_t from_a = transport_checksum(a, b, 17, payload);
    uint16_t from_b = transport_checksum(b, b, 17, payload);
    EXPECT_EQ(adjust(from_a, sum(a), sum(b)), from_b);
    EXPECT_EQ(adjust(from_b, sum(b), sum(a)), from_a);
}

}  // namespace
}  // namespace fedge::wire
