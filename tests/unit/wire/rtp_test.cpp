#include "dataplane/wire/rtp.h"

#include <gtest/gtest.h>

#include <vector>

#include "dataplane/wire/channel_data.h"
#include "tests/support/hex.h"

namespace fedge::wire {
namespace {

using fedge::test::from_hex;
using Buffer = std::vector<uint8_t>;

TEST(ClassifyPayload, FirstByteThenSecond) {  // RFC 7983 section 7, RFC 5761 section 4
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second : {0U, 96U, 191U, 192U, 200U, 223U, 224U, 255U}) {
            Buffer bytes(64);
            bytes[0] = static_cast<uint8_t>(first);
            bytes[1] = static_cast<uint8_t>(second);
            MediaKind expected = MediaKind::other;
            if (first <= 3) expected = MediaKind::stun;
            if (first >= 20 && first <= 63) expected = MediaKind::dtls;
            if (first >= 64 && first <= 79) expected = MediaKind::channel;
            if (first >= 128 && first <= 191)
                expected = second >= 192 && second <= 223 ? MediaKind::rtcp : MediaKind::rtp;
            EXPECT_EQ(classify_payload(bytes), expected) << first << " " << second;
        }
    }
}

TEST(ClassifyPayload, TooShortIsOther) {
    struct Case {
        const char* name;
        uint8_t first, second;
        size_t needed;
        MediaKind kind;
    };
    const Case cases[] = {
        {"STUN", 0, 1, 20, MediaKind::stun},       {"DTLS", 22, 254, 13, MediaKind::dtls},
        {"channel", 64, 0, 4, MediaKind::channel}, {"RTP", 0x80, 0, 12, MediaKind::rtp},
        {"RTCP", 0x80, 200, 8, MediaKind::rtcp},
    };
    for (const Case& c : cases) {
        for (size_t length = 0; length < 24; length++) {
            Buffer bytes(length);
            if (length > 0) bytes[0] = c.first;
            if (length > 1) bytes[1] = c.second;
            EXPECT_EQ(classify_payload(bytes), length >= c.needed ? c.kind : MediaKind::other)
                << c.name << " " << length;
        }
    }
}

TEST(Rtp, HeaderFields) {
    Buffer bytes = from_hex("80 e0 1234 0badcafe deadbeef 0102030405");
    auto rtp = Rtp::parse(bytes);
    ASSERT_TRUE(rtp);
    EXPECT_EQ(rtp->payload_type, 96);
    EXPECT_TRUE(rtp->marker);
    EXPECT_FALSE(rtp->has_padding);
    EXPECT_EQ(rtp->sequence, 0x1234);
    EXPECT_EQ(rtp->timestamp, 0x0badcafeU);
    EXPECT_EQ(rtp->ssrc, 0xdeadbeefU);
    EXPECT_EQ(rtp->payload_offset, 12);
    EXPECT_EQ(rtp->payload_length, 5);
}

TEST(Rtp, CsrcListAndExtensionStayInside) {
    struct Case {
        const char* name;
        const char* start;  // first two bytes
        size_t behind;      // bytes behind the fixed header
        uint16_t extension_words;
        size_t csrcs;
        int payload;  // -1: refused
    };
    const Case cases[] = {
        {"15 CSRCs", "8f60", 60, 0, 0, 0},
        {"15 CSRCs and payload", "8f60", 63, 0, 0, 3},
        {"15 CSRCs, one byte short", "8f60", 59, 0, 0, -1},
        {"15 CSRCs in a bare header", "8f60", 0, 0, 0, -1},
        {"empty extension", "9060", 4, 0, 0, 0},
        {"extension header cut", "9060", 3, 0, 0, -1},
        {"extension of 2 words", "9060", 14, 2, 0, 2},
        {"extension one byte short", "9060", 11, 2, 0, -1},
        {"extension of 65535 words", "9060", 100, 0xffff, 0, -1},
        {"CSRC and extension", "9160", 4 + 4 + 4 + 1, 1, 1, 1},
        {"CSRC and extension, one byte short", "9160", 4 + 4 + 3, 1, 1, -1},
    };
    for (const Case& c : cases) {
        Buffer bytes = from_hex(c.start);
        bytes.resize(12 + c.behind);
        size_t at = 12 + 4 * c.csrcs;
        if (c.extension_words && bytes.size() >= at + 4) store_be16(&bytes[at + 2], c.extension_words);
        auto rtp = Rtp::parse(bytes);
        ASSERT_EQ(rtp.has_value(), c.payload >= 0) << c.name;
        if (!rtp) continue;
        EXPECT_EQ(rtp->payload_length, c.payload) << c.name;
        EXPECT_EQ(size_t{rtp->payload_offset} + rtp->payload_length, bytes.size()) << c.name;
    }
}

TEST(Rtp, Padding) {
    struct Case {
        const char* name;
        const char* payload;
        int left;  // -1: refused
    };
    const Case cases[] = {
        {"4 of 6", "0102 00000004", 2},     {"all", "00000004", 0}, {"one", "0101", 1},    {"zero", "0100", -1},
        {"more than there is", "0105", -1}, {"255", "01ff", -1},    {"no payload", "", -1}};
    for (const Case& c : cases) {
        Buffer bytes = from_hex(std::string("a060 0001 00000000 00000001") + c.payload);
        auto rtp = Rtp::parse(bytes);
        ASSERT_TRUE(rtp) << c.name << ": the header is readable all the same (SRTP encrypts the count)";
        EXPECT_TRUE(rtp->has_padding);
        auto clear = rtp->clear_payload(bytes);
        ASSERT_EQ(clear.has_value(), c.left >= 0) << c.name;
        if (!clear) continue;
        EXPECT_EQ(static_cast<int>(clear->size()), c.left) << c.name;
    }
    Buffer plain = from_hex("8060 0001 00000000 00000001 0105");
    EXPECT_EQ(Rtp::parse(plain)->clear_payload(plain)->size(), 2U) << "without the bit the last byte is payload";
    EXPECT_FALSE(Rtp::parse(plain)->clear_payload(Bytes{plain}.first(13))) << "another, shorter datagram";
}

TEST(Rtp, OtherVersionsAndRtcpAreRefused) {
    EXPECT_FALSE(Rtp::parse(from_hex("0060 0001 00000000 00000001")));
    EXPECT_FALSE(Rtp::parse(from_hex("4060 0001 00000000 00000001")));
    EXPECT_FALSE(Rtp::parse(from_hex("c060 0001 00000000 00000001")));
    EXPECT_FALSE(Rtp::parse(from_hex("80c8 0001 00000000 00000001")));
    EXPECT_FALSE(Rtp::parse(from_hex("8060 0001 00000000 000000")));
    EXPECT_FALSE(Rtp::parse({}));
    EXPECT_FALSE(Rtp::parse(Buffer(70000, 0x80)));
}

TEST(Rtcp, FirstPacketOfACompound) {
    // Receiver report of one block, then a source description.
    Buffer bytes =
        from_hex("81c9 0007 11223344 55667788 00000000 00000000 00000000 00000000 00000000 81ca 0001 11223344");
    auto rtcp = Rtcp::parse(bytes);
    ASSERT_TRUE(rtcp);
    EXPECT_EQ(rtcp->packet_type, 201);
    EXPECT_EQ(rtcp->count, 1);
    EXPECT_EQ(rtcp->length, 32);
    EXPECT_EQ(rtcp->ssrc, 0x11223344U);
}

TEST(Rtcp, LengthIsNotTrusted) {
    EXPECT_TRUE(Rtcp::parse(from_hex("80c9 0001 11223344")));
    EXPECT_FALSE(Rtcp::parse(from_hex("80c9 0002 11223344"))) << "beyond the datagram";
    EXPECT_FALSE(Rtcp::parse(from_hex("80c9 ffff 11223344")));
    EXPECT_FALSE(Rtcp::parse(from_hex("80c9 0000 11223344"))) << "no room for its own SSRC";
    EXPECT_FALSE(Rtcp::parse(from_hex("80c9 0001 112233")));
    EXPECT_FALSE(Rtcp::parse(from_hex("8060 0001 11223344"))) << "RTP";
    Buffer large(65536 * 4);
    large[0] = 0x80;
    large[1] = 200;
    store_be16(&large[2], 0xffff);
    EXPECT_FALSE(Rtcp::parse(large)) << "262144 bytes do not fit a datagram";
}

TEST(ChannelData, Framing) {
    struct Case {
        const char* name;
        const char* bytes;
        int length;  // -1: refused
    };
    const Case cases[] = {
        {"first channel", "4000 0004 01020304", 4},
        {"last channel of RFC 8656", "4fff 0000", 0},
        {"last channel of RFC 5766", "7fff 0000", 0},
        {"padded", "4000 0003 01020300", 3},
        {"trailing bytes", "4000 0001 0102030405060708", 1},
        {"one byte short", "4000 0004 010203", -1},
        {"length 0xffff", "4000 ffff 01020304", -1},
        {"above the range", "8000 0000", -1},
        {"below the range", "3fff 0000", -1},
        {"three bytes", "4000 00", -1},
        {"empty", "", -1},
    };
    for (const Case& c : cases) {
        auto frame = ChannelData::parse(from_hex(c.bytes));
        ASSERT_EQ(frame.has_value(), c.length >= 0) << c.name;
        if (!frame) continue;
        EXPECT_EQ(frame->length, c.length) << c.name;
    }
}

}  // namespace
}  // namespace fedge::wire
