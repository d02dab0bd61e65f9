#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "dataplane/base/random.h"
#include "dataplane/wire/stun.h"
#include "tests/support/hex.h"
#include "tests/unit/wire/stun_vectors.h"

namespace fedge::wire {
namespace {

using fedge::test::from_hex;
using Buffer = std::vector<uint8_t>;

const TransactionId kTransaction{0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};

Buffer copy(Bytes b) {
    return {b.begin(), b.end()};
}

// Writes RFC 5769 section 2.2 again. The RFC pads with a space, this writer with zero, so integrity and fingerprint
// differ; what does not depend on the padding is compared byte by byte.
TEST(StunWriter, Rfc5769Ipv4ResponseButForPadding) {
    Buffer memory(256, 0xee);
    StunWriter writer{memory, StunClass::success, 0x001, kTransaction};
    writer.attribute(StunAttribute::software, "test vector");
    writer.xor_address(StunAttribute::xor_mapped_address, Endpoint::parse("192.0.2.1:32853").value());
    uint8_t* mac = nullptr;
    Bytes prefix = writer.begin_integrity(StunAttribute::message_integrity, 20, mac);
    EXPECT_EQ(prefix.size(), 48U);
    EXPECT_EQ(load_be16(prefix.data() + 2), 48 + 24 - 20) << "the length already counts the integrity attribute";
    Buffer expected = from_hex(test::kIpv4Response);
    ASSERT_NE(mac, nullptr);
    std::copy_n(&expected[52], 20, mac);
    writer.fingerprint();
    ASSERT_TRUE(writer.ok());
    Buffer written = copy(writer.finish());
    ASSERT_EQ(written.size(), expected.size());
    EXPECT_EQ(written[35], 0) << "padding";
    expected[35] = 0;
    written.resize(72);
    expected.resize(72);
    EXPECT_EQ(written, expected);
    EXPECT_EQ(StunMessage::parse(Bytes{memory}.first(80))->fingerprint_ok(), true);
}

TEST(StunWriter, FingerprintOfTheSampleRequest) {
    Buffer expected = from_hex(test::kSampleRequest);
    EXPECT_EQ(crc32(Bytes{expected}.first(expected.size() - 8)) ^ kFingerprintXor,
              load_be32(&expected[expected.size() - 4]));
}

// CVE-2020-4067: padding must not carry what was in the buffer before.
TEST(StunWriter, PaddingIsZeroForEveryLength) {
    for (size_t length = 0; length <= 9; length++) {
        Buffer memory(64, 0xee);
        StunWriter writer{memory, StunClass::indication, 0x007, kTransaction};
        Buffer value(length, 0x77);
        writer.attribute(StunAttribute::data, Bytes{value});
        Bytes message = writer.finish();
        ASSERT_EQ(message.size() % 4, 0U);
        for (size_t i = 24 + length; i < message.size(); i++) EXPECT_EQ(message[i], 0) << length;
        EXPECT_EQ(memory[message.size()], 0xee) << "nothing behind the message is touched";
    }
    Buffer memory(64, 0xee);
    StunWriter writer{memory, StunClass::error, 0x003, kTransaction};
    const uint16_t types[] = {0x7ff1, 0x7ff2, 0x7ff3};
    writer.unknown_attributes(types);
    EXPECT_EQ(copy(writer.finish().subspan(20)), from_hex("000a0006 7ff1 7ff2 7ff3 0000"));
}

TEST(StunWriter, ErrorCodeHasNoReasonPhrase) {
    struct Case {
        uint16_t code;
        const char* attribute;
    };
    const Case cases[] = {
        {400, "00090004 00000400"}, {438, "00090004 00000426"}, {486, "00090004 00000456"}, {500, "00090004 00000500"}};
    for (const Case& c : cases) {
        Buffer memory(64, 0xee);
        StunWriter writer{memory, StunClass::error, 0x003, kTransaction};
        writer.error_code(c.code);
        EXPECT_EQ(copy(writer.finish().subspan(20)), from_hex(c.attribute)) << c.code;
    }
}

TEST(StunWriter, AddressesRoundTrip) {
    for (const char* text : {"192.0.2.1:1", "0.0.0.0:0", "255.255.255.255:65535", "[2001:db8::1]:3478", "[::]:8466",
                             "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"}) {
        Endpoint endpoint = Endpoint::parse(text).value();
        Buffer memory(128);
        StunWriter writer{memory, StunClass::success, 0x003, kTransaction};
        writer.xor_address(StunAttribute::xor_relayed_address, endpoint);
        writer.plain_address(StunAttribute::mapped_address, endpoint);
        auto m = StunMessage::parse(writer.finish());
        ASSERT_TRUE(m) << text;
        EXPECT_EQ(m->address(StunAttribute::xor_relayed_address), endpoint) << text;
        EXPECT_EQ(m->address(StunAttribute::mapped_address), endpoint) << text;
    }
}

TEST(StunWriter, EverySizeOfMemoryIsRespected) {
    auto write_all = [](MutableBytes out) {
        StunWriter writer{out, StunClass::success, 0x003, kTransaction};
        writer.xor_address(StunAttribute::xor_mapped_address, Endpoint::parse("192.0.2.1:1").value());
        writer.attribute_u32(StunAttribute::lifetime, 600);
        writer.attribute(StunAttribute::nonce, "12345");
        uint8_t* mac = nullptr;
        Bytes prefix = writer.begin_integrity(StunAttribute::message_integrity, 20, mac);
        EXPECT_EQ(mac == nullptr, prefix.empty());
        writer.fingerprint();
        EXPECT_EQ(writer.ok(), !writer.finish().empty());
        return writer.finish().size();
    };
    Buffer large(256);
    size_t needed = write_all(large);
    ASSERT_EQ(needed, 20U + 12 + 8 + 12 + 24 + 8);
    for (size_t size = 0; size <= needed; size++) {
        Buffer memory(size + 4, 0xee);
        EXPECT_EQ(write_all(MutableBytes{memory}.first(size)), size == needed ? needed : 0) << size;
        for (size_t i = size; i < memory.size(); i++)
            EXPECT_EQ(memory[i], 0xee) << "size " << size << " wrote behind it";
    }
}

TEST(StunWriter, LengthsBeyondSixteenBitsAreRefused) {
    Buffer memory(200000);
    Buffer value(40000);
    StunWriter writer{memory, StunClass::indication, 0x007, kTransaction};
    writer.attribute(StunAttribute::data, Bytes{value});
    EXPECT_TRUE(writer.ok());
    writer.attribute(StunAttribute::data, Bytes{value});
    EXPECT_FALSE(writer.ok()) << "the message would be longer than its length field can say";
    StunWriter other{memory, StunClass::indication, 0x007, kTransaction};
    Buffer huge(70000);
    other.attribute(StunAttribute::data, Bytes{huge});
    EXPECT_FALSE(other.ok());
    EXPECT_TRUE(other.finish().empty());
}

TEST(StunWriter, RandomMessagesParseToWhatWasWritten) {
    SeededRandom random{7};
    const StunAttribute types[] = {StunAttribute::username, StunAttribute::realm, StunAttribute::nonce,
                                   StunAttribute::software, StunAttribute::data};
    for (int round = 0; round < 2000; round++) {
        Buffer memory(4096, 0xee);
        StunWriter writer{memory, StunClass::request, 0x003, kTransaction};
        std::array<Buffer, std::size(types)> values;
        for (size_t i = 0; i < std::size(types); i++) {
            values[i].resize(random.below(500));
            random.fill(values[i]);
            writer.attribute(types[i], Bytes{values[i]});
        }
        writer.fingerprint();
        auto m = StunMessage::parse(writer.finish());
        ASSERT_TRUE(m) << round;
        for (size_t i = 0; i < std::size(types); i++) EXPECT_EQ(copy(m->value(types[i])), values[i]) << round;
        EXPECT_EQ(m->fingerprint_ok(), true);
    }
}

}  // namespace
}  // namespace fedge::wire
