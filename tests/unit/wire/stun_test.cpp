#include "dataplane/wire/stun.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <rte_net_crc.h>

#include <string>
#include <vector>

#include "dataplane/base/random.h"
#include "tests/support/hex.h"
#include "tests/unit/wire/stun_vectors.h"

namespace fedge::wire {
namespace {

using fedge::test::from_hex;
using Buffer = std::vector<uint8_t>;

const TransactionId kTransaction{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

Buffer copy(Bytes b) {
    return {b.begin(), b.end()};
}

Buffer hmac(const EVP_MD* digest, Bytes key, Bytes text) {
    Buffer mac(EVP_MAX_MD_SIZE);
    unsigned length = 0;
    HMAC(digest, key.data(), static_cast<int>(key.size()), text.data(), text.size(), mac.data(), &length);
    mac.resize(length);
    return mac;
}

Buffer hash(const EVP_MD* digest, const std::string& text) {
    Buffer out(EVP_MAX_MD_SIZE);
    unsigned length = 0;
    EVP_Digest(text.data(), text.size(), out.data(), &length, digest, nullptr);
    out.resize(length);
    return out;
}

// What MESSAGE-INTEGRITY at `offset` covers: everything before it, the length field ending behind it (RFC 8489
// section 14.5).
Buffer covered(Bytes message, size_t offset) {
    Buffer prefix = copy(message.first(offset));
    size_t mac = load_be16(message.data() + offset + 2);
    store_be16(&prefix[2], static_cast<uint16_t>(offset + 4 + mac - kStunHeader));
    return prefix;
}

// A request with hand-written attribute bytes.
Buffer request(const std::string& attributes) {
    Buffer body = from_hex(attributes);
    Buffer message = from_hex("0003 0000 2112a442 0102030405060708090a0b0c");
    store_be16(&message[2], static_cast<uint16_t>(body.size()));
    message.insert(message.end(), body.begin(), body.end());
    return message;
}

Buffer repeated(const std::string& attribute, size_t times) {
    std::string all;
    for (size_t i = 0; i < times; i++) all += attribute;
    return request(all);
}

TEST(StunVectors, SampleRequest) {
    Buffer bytes = from_hex(test::kSampleRequest);
    auto m = StunMessage::parse(bytes);
    ASSERT_TRUE(m);
    EXPECT_EQ(m->klass(), StunClass::request);
    EXPECT_TRUE(m->is(StunMethod::binding));
    EXPECT_EQ(m->text(StunAttribute::software), "STUN test client");
    EXPECT_EQ(m->text(StunAttribute::username), "evtj:h6vY");
    EXPECT_EQ(m->fingerprint_ok(), true);
    ASSERT_EQ(m->unknown_required().size(), 1U);
    EXPECT_EQ(m->unknown_required()[0], 0x0024) << "PRIORITY is ICE's, not ours; ICE-CONTROLLED is optional";
    size_t offset = m->integrity_offset().value();
    EXPECT_EQ(hmac(EVP_sha1(), bytes_of(test::kShortTermPassword), covered(bytes, offset)),
              copy(m->value(StunAttribute::message_integrity)));
}

TEST(StunVectors, Responses) {
    struct Case {
        const char* name;
        const char* message;
        const char* mapped;
    };
    const Case cases[] = {{"IPv4", test::kIpv4Response, "192.0.2.1:32853"},
                          {"IPv6", test::kIpv6Response, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"}};
    for (const Case& c : cases) {
        Buffer bytes = from_hex(c.message);
        auto m = StunMessage::parse(bytes);
        ASSERT_TRUE(m) << c.name;
        EXPECT_EQ(m->klass(), StunClass::success) << c.name;
        EXPECT_EQ(m->text(StunAttribute::software), "test vector") << c.name;
        EXPECT_EQ(m->address(StunAttribute::xor_mapped_address), Endpoint::parse(c.mapped)) << c.name;
        EXPECT_EQ(m->fingerprint_ok(), true) << c.name;
        size_t offset = m->integrity_offset().value();
        EXPECT_EQ(hmac(EVP_sha1(), bytes_of(test::kShortTermPassword), covered(bytes, offset)),
                  copy(m->value(StunAttribute::message_integrity)))
            << c.name;
    }
}

TEST(StunVectors, LongTermRequest) {
    Buffer bytes = from_hex(test::kLongTermRequest);
    auto m = StunMessage::parse(bytes);
    ASSERT_TRUE(m);
    EXPECT_EQ(m->text(StunAttribute::username), test::kLongTermUser);
    EXPECT_EQ(m->text(StunAttribute::nonce), "f//499k954d6OL34oL9FSTvy64sA");
    EXPECT_EQ(m->text(StunAttribute::realm), "example.org");
    EXPECT_EQ(m->fingerprint_ok(), std::nullopt);
    Buffer key = hash(EVP_md5(), std::string(test::kLongTermUser) + ":example.org:TheMatrIX");
    EXPECT_EQ(m->integrity_offset(), bytes.size() - 24);
    EXPECT_EQ(hmac(EVP_sha1(), key, covered(bytes, bytes.size() - 24)),
              copy(m->value(StunAttribute::message_integrity)));
}

TEST(StunVectors, UserhashAndSha256) {
    Buffer bytes = from_hex(test::kUserhashRequest);
    auto m = StunMessage::parse(bytes);
    ASSERT_TRUE(m);
    EXPECT_EQ(copy(m->value(StunAttribute::userhash)),
              hash(EVP_sha256(), std::string(test::kLongTermUser) + ":example.org"));
    EXPECT_EQ(m->text(StunAttribute::nonce), "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA");
    EXPECT_EQ(m->u32(StunAttribute::password_algorithm), 0x00020000U);
    EXPECT_FALSE(m->integrity_offset());
    EXPECT_EQ(m->integrity_sha256_offset(), bytes.size() - 36);
    Buffer key = hash(EVP_sha256(), std::string(test::kLongTermUser) + ":example.org:TheMatrIX");
    EXPECT_EQ(hmac(EVP_sha256(), key, covered(bytes, bytes.size() - 36)),
              copy(m->value(StunAttribute::message_integrity_sha256)));
}

TEST(StunPredicate, TellsStunFromEverythingElse) {
    struct Case {
        const char* name;
        const char* bytes;
        bool stun;
    };
    const Case cases[] = {
        {"bare binding request", "0001 0000 2112a442 0102030405060708090a0b0c", true},
        {"19 bytes", "0001 0000 2112a442 0102030405060708090a0b", false},
        {"empty", "", false},
        {"channel data", "4001 0000 2112a442 0102030405060708090a0b0c", false},
        {"RTP", "8001 0000 2112a442 0102030405060708090a0b0c", false},
        {"length not a multiple of 4", "0001 0003 2112a442 0102030405060708090a0b0c 000000", false},
        {"length beyond the datagram", "0001 0004 2112a442 0102030405060708090a0b0c", false},
        {"length 0xfffc", "0001 fffc 2112a442 0102030405060708090a0b0c", false},
        {"length 0xffff", "0001 ffff 2112a442 0102030405060708090a0b0c", false},
        {"wrong cookie", "0001 0000 2112a443 0102030405060708090a0b0c", false},
    };
    for (const Case& c : cases) EXPECT_EQ(is_stun(from_hex(c.bytes)), c.stun) << c.name;
}

TEST(StunPredicate, ClassicBinding) {
    EXPECT_TRUE(is_classic_binding(from_hex("0001 0000 00000000 0102030405060708090a0b0c")));
    EXPECT_TRUE(is_classic_binding(from_hex("0001 0008 00000000 0102030405060708090a0b0c 0003000400000000")));
    EXPECT_FALSE(is_classic_binding(from_hex("0001 0000 2112a442 0102030405060708090a0b0c"))) << "has a cookie";
    EXPECT_FALSE(is_classic_binding(from_hex("0003 0000 00000000 0102030405060708090a0b0c"))) << "not Binding";
    EXPECT_FALSE(is_classic_binding(from_hex("0001 0004 00000000 0102030405060708090a0b0c")))
        << "length beyond the datagram";
    EXPECT_FALSE(is_classic_binding(from_hex("0001 0000 00000000 0102030405060708090a0b"))) << "short";
}

TEST(StunParse, ClassAndMethodBitsAreInterleaved) {
    for (uint16_t method : {0x001, 0x003, 0x009, 0x00f, 0x010, 0x07f, 0x080, 0xabc, 0xfff}) {
        for (auto klass : {StunClass::request, StunClass::indication, StunClass::success, StunClass::error}) {
            Buffer memory(64);
            StunWriter writer{memory, klass, method, kTransaction};
            auto m = StunMessage::parse(writer.finish());
            ASSERT_TRUE(m);
            EXPECT_EQ(m->method(), method);
            EXPECT_EQ(m->klass(), klass);
            EXPECT_EQ(m->transaction(), kTransaction);
        }
    }
    EXPECT_EQ(load_be16(from_hex("0111").data()), 0x0111) << "Binding error response as RFC 8489 prints it";
    auto error = StunMessage::parse(from_hex("0113 0000 2112a442 0102030405060708090a0b0c"));
    ASSERT_TRUE(error);
    EXPECT_TRUE(error->is(StunMethod::allocate));
    EXPECT_EQ(error->klass(), StunClass::error);
}

// RFC 6062 section 6.
TEST(StunParse, MethodsAndConnectionIdOfTcpAllocations) {
    struct Case {
        const char* type;
        StunMethod method;
        StunClass klass;
    };
    for (const Case& c :
         {Case{"000a", StunMethod::connect, StunClass::request}, Case{"010a", StunMethod::connect, StunClass::success},
          Case{"011b", StunMethod::connection_bind, StunClass::error},
          Case{"001c", StunMethod::connection_attempt, StunClass::indication}}) {
        Buffer bytes = from_hex(std::string(c.type) + "0008 2112a442 0102030405060708090a0b0c 002a0004 01020304");
        auto m = StunMessage::parse(bytes);
        ASSERT_TRUE(m) << c.type;
        EXPECT_TRUE(m->is(c.method)) << c.type;
        EXPECT_EQ(m->klass(), c.klass) << c.type;
        EXPECT_EQ(m->u32(StunAttribute::connection_id), 0x01020304U);
        EXPECT_TRUE(m->unknown_required().empty());
        Buffer room(64);
        StunWriter writer{room, c.klass, static_cast<uint16_t>(c.method), m->transaction()};
        writer.attribute_u32(StunAttribute::connection_id, 0x01020304);
        EXPECT_EQ(copy(writer.finish()), bytes);
    }
    EXPECT_FALSE(StunMessage::parse(request("002a0003 01020300"))) << "the attribute has four bytes";
    EXPECT_FALSE(StunMessage::parse(request("002a0008 0102030405060708")));
}

TEST(StunParse, MalformedIsRefused) {
    struct Case {
        const char* name;
        Buffer message;
    };
    auto truncated = [](Buffer b, size_t by) {
        b.resize(b.size() - by);
        return b;
    };
    auto longer = request("802200040000000000000000");
    store_be16(&longer[2], 8);
    auto length_set = [](uint16_t length) {
        Buffer b = request("80220004 61626364");
        store_be16(&b[2], length);
        return b;
    };
    const Case cases[] = {
        {"datagram shorter than the length field", truncated(request("80220004 61626364"), 1)},
        {"datagram longer than the length field", longer},
        {"message length 0xfffc", length_set(0xfffc)},
        {"message length 0xffff", length_set(0xffff)},
        {"message length one less", length_set(7)},
        {"attribute length 0xffff", request("8022ffff 61626364")},
        {"attribute length 0xfffc", request("8022fffc 61626364")},
        {"attribute length beyond the message", request("80220005 61626364")},
        {"attribute padding beyond the message", request("80220009 6162636465666768")},
        {"second attribute beyond the message", request("80220004 61626364 8023fffd 00000000")},
        {"65 attributes", repeated("80220000", 65)},
        {"1000 attributes", repeated("80ff0000", 1000)},
        {"LIFETIME of 0 bytes", request("000d0000")},
        {"LIFETIME of 8 bytes", request("000d0008 0000000000000000")},
        {"CHANNEL-NUMBER of 2 bytes", request("000c0002 40000000")},
        {"REQUESTED-TRANSPORT of 1 byte", request("00190001 11000000")},
        {"DONT-FRAGMENT of 4 bytes", request("001a0004 00000000")},
        {"EVEN-PORT of 0 bytes", request("00180000")},
        {"RESERVATION-TOKEN of 4 bytes", request("00220004 00000000")},
        {"XOR-PEER-ADDRESS of 4 bytes", request("00120004 00010000")},
        {"XOR-PEER-ADDRESS of 12 bytes", request("0012000c 000200000000000000000000")},
        {"MESSAGE-INTEGRITY of 16 bytes", request("00080010 00000000000000000000000000000000")},
        {"MESSAGE-INTEGRITY-SHA256 of 12 bytes", request("001c000c 000000000000000000000000")},
        {"MESSAGE-INTEGRITY-SHA256 of 17 bytes", request("001c0011 00000000000000000000000000000000 00000000")},
        {"USERHASH of 20 bytes", request("001e0014 0000000000000000000000000000000000000000")},
        {"FINGERPRINT of 0 bytes", request("80280000")},
        {"FINGERPRINT not last", request("80280004 00000000 80220000")},
        {"ERROR-CODE of 0 bytes", request("00090000")},
        {"UNKNOWN-ATTRIBUTES of 3 bytes", request("000a0003 00010000")},
    };
    for (const Case& c : cases) EXPECT_FALSE(StunMessage::parse(c.message)) << c.name;

    Buffer long_name = request("00060204");
    long_name.resize(kStunHeader + 4 + 516);
    store_be16(&long_name[2], 4 + 516);
    EXPECT_FALSE(StunMessage::parse(long_name)) << "USERNAME of 516 bytes";
}

TEST(StunParse, ZeroLengthWhereLegal) {
    Buffer bytes = request("00060000 80220000 00130000 7fff0000");
    auto m = StunMessage::parse(bytes);
    ASSERT_TRUE(m);
    EXPECT_TRUE(m->has(StunAttribute::username));
    EXPECT_TRUE(m->value(StunAttribute::username).empty());
    EXPECT_TRUE(m->has(StunAttribute::data));
    EXPECT_FALSE(m->has(StunAttribute::realm));
    ASSERT_EQ(m->unknown_required().size(), 1U);
    EXPECT_EQ(m->unknown_required()[0], 0x7fff);
}

TEST(StunParse, AsManyAttributesAsAllowed) {
    Buffer bytes = repeated("80220000", StunMessage::kMaxAttributes);
    EXPECT_TRUE(StunMessage::parse(bytes));
}

TEST(StunParse, FirstOfDuplicatesCounts) {
    Buffer bytes = request("000d0004 00000001  000d0004 00000002");
    auto m = StunMessage::parse(bytes);
    ASSERT_TRUE(m);
    EXPECT_EQ(m->u32(StunAttribute::lifetime), 1U);
}

// 192.0.2.1:32853 and 198.51.100.7:80 under the cookie.
constexpr char kFirstPeer[] = "00120008 0001a147 e112a643";
constexpr char kSecondPeer[] = "00120008 00012142 e721c045";

TEST(StunParse, DuplicatePeerAddressFirstWins) {
    Buffer bytes = request(std::string(kFirstPeer) + kSecondPeer);
    auto m = StunMessage::parse(bytes);
    ASSERT_TRUE(m);
    EXPECT_EQ(m->address(StunAttribute::xor_peer_address)->text(), "192.0.2.1:32853");
    EXPECT_EQ(m->peer_addresses(), 2U);
    EXPECT_EQ(m->peer_address(0)->text(), "192.0.2.1:32853");
    EXPECT_EQ(m->peer_address(1)->text(), "198.51.100.7:80");
    EXPECT_FALSE(m->peer_address(2));
}

TEST(StunParse, AddressFamilyAndLengthMustAgree) {
    struct Case {
        const char* name;
        const char* attribute;
    };
    const Case cases[] = {
        {"family 2 in 8 bytes", "00120008 0002a147 e112a643"},
        {"family 1 in 20 bytes", "00120014 0001a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9"},
        {"family 0", "00120008 0000a147 e112a643"},
        {"family 255", "00120008 00ffa147 e112a643"},
    };
    for (const Case& c : cases) {
        Buffer bytes = request(c.attribute);
        auto m = StunMessage::parse(bytes);
        ASSERT_TRUE(m) << c.name;
        EXPECT_FALSE(m->address(StunAttribute::xor_peer_address)) << c.name;
        EXPECT_FALSE(m->peer_address(0)) << c.name;
        EXPECT_EQ(m->peer_addresses(), 1U) << c.name;
    }
}

// CVE-2026-27624: ::ffff:127.0.0.1 must be seen as what it is.
TEST(StunParse, MappedPeerAddressIsIpv4) {
    Buffer memory(64);
    StunWriter writer{memory, StunClass::request, 0x008, kTransaction};
    Buffer value = from_hex("0002 2142 00000000 00000000 0000ffff 7f000001");
    Buffer mask = from_hex("2112a442 0102030405060708090a0b0c");
    for (size_t i = 0; i < 16; i++) value[4 + i] ^= mask[i];
    writer.attribute(StunAttribute::xor_peer_address, Bytes{value});
    auto m = StunMessage::parse(writer.finish());
    ASSERT_TRUE(m);
    auto peer = m->peer_address(0);
    ASSERT_TRUE(peer);
    EXPECT_TRUE(peer->address.is_v4());
    EXPECT_TRUE(peer->address.is_loopback());
}

constexpr char kIntegrity[] = "00080014 0000000000000000000000000000000000000000";
constexpr char kSha256[] = "001c0010 00000000000000000000000000000000";

TEST(StunParse, WhatFollowsIntegrityIsIgnored) {
    struct Case {
        const char* name;
        std::string attributes;
        bool lifetime, integrity, sha256;
    };
    const std::string life = "000d0004 00000001";
    const Case cases[] = {
        {"before", life + kIntegrity, true, true, false},
        {"behind MESSAGE-INTEGRITY", kIntegrity + life, false, true, false},
        {"behind MESSAGE-INTEGRITY-SHA256", kSha256 + life, false, false, true},
        {"SHA256 behind the other counts", std::string(kIntegrity) + kSha256, false, true, true},
        {"the other behind SHA256 does not", std::string(kSha256) + kIntegrity, false, false, true},
        {"between the two", kIntegrity + life + kSha256, false, true, true},
        {"malformed but ignored", std::string(kIntegrity) + "000d0000", false, true, false},
    };
    for (const Case& c : cases) {
        for (const char* fingerprint : {"", "80280004 00000000"}) {
            Buffer bytes = request(c.attributes + fingerprint);
            auto m = StunMessage::parse(bytes);
            ASSERT_TRUE(m) << c.name;
            EXPECT_EQ(m->has(StunAttribute::lifetime), c.lifetime) << c.name;
            EXPECT_EQ(m->integrity_offset().has_value(), c.integrity) << c.name;
            EXPECT_EQ(m->integrity_sha256_offset().has_value(), c.sha256) << c.name;
            EXPECT_EQ(m->fingerprint_ok().has_value(), *fingerprint != 0) << c.name;
        }
    }
    Buffer hidden = request(std::string(kIntegrity) + "7fff0000");
    EXPECT_TRUE(StunMessage::parse(hidden)->unknown_required().empty());
    Buffer cut = request(std::string(kIntegrity) + "7fffff00");
    EXPECT_FALSE(StunMessage::parse(cut)) << "ignored attributes must still fit";
}

TEST(StunParse, SecondIntegrityDoesNotMoveTheFirst) {
    Buffer bytes = request(std::string("80220000") + kIntegrity + kIntegrity);
    auto m = StunMessage::parse(bytes);
    ASSERT_TRUE(m);
    EXPECT_EQ(m->integrity_offset(), kStunHeader + 4);
}

TEST(StunParse, UnknownRequiredAreListedOnceAndBounded) {
    Buffer bytes = request("7ff10000 8ff10000 7ff20000 7ff10000 7ff20000 00000000");
    auto m = StunMessage::parse(bytes);
    ASSERT_TRUE(m);
    auto unknown = m->unknown_required();
    EXPECT_EQ(std::vector<uint16_t>(unknown.begin(), unknown.end()), (std::vector<uint16_t>{0x7ff1, 0x7ff2, 0x0000}));

    std::string many;
    for (int i = 0; i < 40; i++) many += std::string("7f") + "0123"[i / 10] + "0123456789"[i % 10] + "0000";
    Buffer flood = request(many);
    EXPECT_EQ(StunMessage::parse(flood)->unknown_required().size(), 16U);
}

TEST(StunParse, FingerprintMismatch) {
    Buffer good = from_hex(test::kSampleRequest);
    for (size_t i = 0; i < good.size(); i++) {
        Buffer bad = good;
        bad[i] ^= 0x01;
        auto m = StunMessage::parse(bad);
        if (!m || !m->has(StunAttribute::fingerprint)) continue;
        EXPECT_EQ(m->fingerprint_ok(), false) << "byte " << i;
    }
    good.back() ^= 0x80;
    EXPECT_EQ(StunMessage::parse(good)->fingerprint_ok(), false);
}

// CVE-2026-40613: no load may assume alignment.
TEST(StunParse, EveryOffsetInMemory) {
    for (size_t at = 0; at < 8; at++) {
        Buffer memory(at);
        for (uint8_t b : from_hex(test::kIpv6Response)) memory.push_back(b);
        auto m = StunMessage::parse(Bytes{memory}.subspan(at));
        ASSERT_TRUE(m);
        EXPECT_EQ(m->fingerprint_ok(), true);
        EXPECT_EQ(m->address(StunAttribute::xor_mapped_address)->port, 32853);
    }
}

TEST(StunParse, EveryCutAndEveryFlippedBitIsSafe) {
    Buffer good = from_hex(test::kUserhashRequest);
    for (size_t length = 0; length < good.size(); length++)
        EXPECT_FALSE(StunMessage::parse(Bytes{good}.first(length))) << length;
    for (size_t bit = 0; bit < good.size() * 8; bit++) {
        Buffer bad = good;
        bad[bit / 8] ^= static_cast<uint8_t>(1U << (bit % 8));
        auto m = StunMessage::parse(bad);
        if (!m) continue;
        Bytes nonce = m->value(StunAttribute::nonce);
        EXPECT_TRUE(nonce.empty() ||
                    (nonce.data() >= bad.data() && nonce.data() + nonce.size() <= bad.data() + bad.size()));
    }
}

TEST(StunParse, PlainMappedAddress) {
    Buffer bytes = request("00010008 0001 0d96 c0000201");
    EXPECT_EQ(StunMessage::parse(bytes)->address(StunAttribute::mapped_address)->text(), "192.0.2.1:3478");
}

// RFC 8489 section 14.7 by its polynomial, bit by bit.
uint32_t crc32_bit_by_bit(Bytes bytes) {
    uint32_t crc = ~0U;
    for (uint8_t b : bytes) {
        crc ^= b;
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320U : 0U);
    }
    return ~crc;
}

// The library picks its way by CPU; every way must agree.
TEST(Crc32, EveryLengthWithAndWithoutVectors) {
    EXPECT_EQ(crc32(bytes_of("123456789")), 0xcbf43926U);
    SeededRandom random{8};
    Buffer memory(700);
    random.fill(memory);
    for (rte_net_crc_alg algorithm : {RTE_NET_CRC_SCALAR, RTE_NET_CRC_SSE42, RTE_NET_CRC_AVX512}) {
        rte_net_crc_set_alg(algorithm);  // what the CPU lacks falls back to another
        for (size_t at = 0; at < 17; at++) {
            for (size_t length = 0; length + at <= memory.size(); length += 1 + length / 64) {
                Bytes bytes = Bytes{memory}.subspan(at, length);
                ASSERT_EQ(crc32(bytes), crc32_bit_by_bit(bytes))
                    << "length " << length << " offset " << at << " algorithm " << algorithm;
            }
        }
    }
}

}  // namespace
}  // namespace fedge::wire
