#include "dataplane/wire/tcp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/hex.h"

namespace fedge::wire {
namespace {

using fedge::test::from_hex;
using fedge::test::to_hex;
using Buffer = std::vector<uint8_t>;

// A header with these options, the data offset set accordingly, and this payload.
Buffer segment_with(const std::string& options_hex, uint8_t flags = kAck, const std::string& payload_hex = "") {
    Buffer bytes = from_hex("9c40 13c5 01020304 05060708 0000 2000 0000 0000");
    Buffer options = from_hex(options_hex);
    EXPECT_EQ(options.size() % 4, 0U) << "the test's own options are not padded";
    bytes.insert(bytes.end(), options.begin(), options.end());
    bytes[12] = static_cast<uint8_t>(bytes.size() / 4 << 4);
    bytes[13] = flags;
    Buffer payload = from_hex(payload_hex);
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
}

TEST(TcpParse, HeaderFields) {  // RFC 9293 section 3.1
    Buffer bytes = segment_with("", kAck | kPsh, "aabbcc");
    TcpSegment segment;
    ASSERT_TRUE(parse_tcp(bytes, segment));
    EXPECT_EQ(segment.source_port, 40000);
    EXPECT_EQ(segment.destination_port, 5061);
    EXPECT_EQ(segment.seq, 0x01020304U);
    EXPECT_EQ(segment.ack, 0x05060708U);
    EXPECT_EQ(segment.flags, kAck | kPsh);
    EXPECT_EQ(segment.window, 0x2000);
    EXPECT_EQ(to_hex(segment.payload), "aabbcc");
    EXPECT_TRUE(segment.has(kPsh));
    EXPECT_FALSE(segment.has(kSyn));
    EXPECT_EQ(segment.length(), 3U);
}

TEST(TcpParse, LengthCountsSynAndFin) {  // RFC 9293 section 3.4, SEG.LEN
    struct Case {
        uint8_t flags;
        const char* payload;
        uint32_t length;
    };
    for (const Case& c : {Case{kAck, "", 0}, Case{kSyn, "", 1}, Case{kFin | kAck, "", 1}, Case{kSyn | kFin, "01", 3},
                          Case{kRst, "0102", 2}}) {
        Buffer bytes = segment_with("", c.flags, c.payload);
        TcpSegment segment;
        ASSERT_TRUE(parse_tcp(bytes, segment));
        EXPECT_EQ(segment.length(), c.length) << int{c.flags} << " " << c.payload;
    }
}

TEST(TcpParse, HeaderLengthsThatCannotBe) {
    Buffer whole = segment_with("01010101", kAck, "aabb");
    TcpSegment segment;
    for (size_t n = 0; n < kTcpHeader + 4; n++)
        EXPECT_FALSE(parse_tcp(Bytes{whole}.first(n), segment)) << n << " bytes of a header of 24";
    EXPECT_TRUE(parse_tcp(Bytes{whole}.first(24), segment));
    for (unsigned offset = 0; offset < 16; offset++) {
        Buffer bytes = segment_with("", kAck, std::string(80, '0'));  // 40 bytes of payload
        bytes[12] = static_cast<uint8_t>(offset << 4);
        bool sound = parse_tcp(bytes, segment);
        EXPECT_EQ(sound, offset >= 5) << offset;
        if (sound) {
            EXPECT_EQ(segment.payload.size(), 60U - offset * 4U) << offset;
        }
    }
}

TEST(TcpParse, ReservedBitsAreIgnored) {  // RFC 9293 section 3.1: must be ignored in received segments
    Buffer bytes = segment_with("", kAck);
    bytes[12] |= 0x0f;
    TcpSegment segment;
    ASSERT_TRUE(parse_tcp(bytes, segment));
    EXPECT_EQ(segment.payload.size(), 0U);
}

TEST(TcpParse, OptionsOfASyn) {
    // As Linux sends them, and each alone, and in another order with other padding.
    const char* shapes[] = {
        "020405b4 0402 080a 00000064 000000c8 01 030307",
        "030307 01 0402 01 01 020405b4 01 01 080a 00000064 000000c8",
        "080a 00000064 000000c8 020405b4 030307 0402 00 00 00 00 00",
    };
    for (const char* shape : shapes) {
        Buffer bytes = segment_with(shape, kSyn);
        TcpSegment segment;
        ASSERT_TRUE(parse_tcp(bytes, segment)) << shape;
        EXPECT_EQ(segment.options.mss, 1460) << shape;
        EXPECT_TRUE(segment.options.sack_permitted) << shape;
        EXPECT_TRUE(segment.options.has_window_scale) << shape;
        EXPECT_EQ(segment.options.window_scale, 7) << shape;
        EXPECT_TRUE(segment.options.has_timestamps) << shape;
        EXPECT_EQ(segment.options.timestamps.value, 100U) << shape;
        EXPECT_EQ(segment.options.timestamps.echo, 200U) << shape;
    }
}

TEST(TcpParse, SynOptionsOfOtherSegmentsDoNotCount) {  // RFC 9293 section 3.2, RFC 7323 section 2.2, RFC 2018 section 2
    Buffer bytes = segment_with("020405b4 0402 030307 01 01 01", kAck);
    TcpSegment segment;
    ASSERT_TRUE(parse_tcp(bytes, segment));
    EXPECT_EQ(segment.options.mss, 0);
    EXPECT_FALSE(segment.options.sack_permitted);
    EXPECT_FALSE(segment.options.has_window_scale);
}

TEST(TcpParse, WindowScaleAbove14CountsAs14) {  // RFC 7323 section 2.3
    for (unsigned shift : {0U, 1U, 13U, 14U, 15U, 255U}) {
        Buffer bytes = segment_with("030300 01", kSyn);
        bytes[22] = static_cast<uint8_t>(shift);
        TcpSegment segment;
        ASSERT_TRUE(parse_tcp(bytes, segment));
        EXPECT_EQ(segment.options.window_scale, std::min(shift, 14U)) << shift;
    }
}

TEST(TcpParse, UnknownOptionsAreSkipped) {  // RFC 9293 section 3.1, MUST-6
    Buffer bytes = segment_with("fd04beef fe02 2212 000102030405060708090a0b0c0d0e0f 020405b4", kSyn);
    TcpSegment segment;
    ASSERT_TRUE(parse_tcp(bytes, segment));
    EXPECT_EQ(segment.options.mss, 1460);
}

TEST(TcpParse, NothingCountsBehindTheEndOfTheList) {  // RFC 9293 section 3.2
    Buffer bytes = segment_with("01 00 0204 05b4 0000", kSyn);
    TcpSegment segment;
    ASSERT_TRUE(parse_tcp(bytes, segment));
    EXPECT_EQ(segment.options.mss, 0);
}

TEST(TcpParse, FirstOfDuplicatesCounts) {
    Buffer bytes =
        segment_with("020405b4 02040218 030307 01 030302 01 080a 00000001 00000002 080a 00000003 00000004", kSyn);
    TcpSegment segment;
    ASSERT_TRUE(parse_tcp(bytes, segment));
    EXPECT_EQ(segment.options.mss, 1460);
    EXPECT_EQ(segment.options.window_scale, 7);
    EXPECT_EQ(segment.options.timestamps.value, 1U);
}

TEST(TcpParse, OptionLengthsThatCannotBe) {  // RFC 9293 section 3.1, MUST-7
    struct Case {
        const char* name;
        const char* options;
    };
    const Case cases[] = {
        {"length 0", "fd000101"},
        {"length 1", "fd010101"},
        {"length beyond the header", "fd050101"},
        {"kind without length", "010101fd"},
        {"MSS too short", "020305 01"},
        {"MSS too long", "020505b4 00 010101"},
        {"window scale too short", "03020101"},
        {"window scale too long", "03040707"},
        {"SACK-permitted too long", "04030001"},
        {"timestamps too short", "0809 00000064000000 01 01 01"},
        {"timestamps too long", "080b 0000006400000000c8 01"},
        {"SACK without a range", "05020101"},
        {"SACK with half a range", "0506 00000001 0101"},
        {"SACK with one and a half", "050e 00000001 00000002 00000003 0101"},
    };
    for (const Case& c : cases) {
        for (uint8_t flags : {kSyn, kAck}) {
            Buffer bytes = segment_with(c.options, flags);
            TcpSegment segment;
            EXPECT_FALSE(parse_tcp(bytes, segment)) << c.name << " flags " << int{flags};
        }
    }
}

TEST(TcpParse, AlignedTimestampsAreTheSameAsAnyOther) {  // RFC 7323 appendix A
    for (const char* shape :
         {"0101080a 00000064 000000c8", "080a 00000064 000000c8 0101", "01080a 00000064 000000c8 01"}) {
        Buffer bytes = segment_with(shape, kAck, "ff");
        TcpSegment segment;
        ASSERT_TRUE(parse_tcp(bytes, segment)) << shape;
        EXPECT_TRUE(segment.options.has_timestamps) << shape;
        EXPECT_EQ(segment.options.timestamps.value, 100U) << shape;
        EXPECT_EQ(segment.options.timestamps.echo, 200U) << shape;
        EXPECT_EQ(segment.payload.size(), 1U) << shape;
    }
}

TEST(TcpParse, SackRanges) {  // RFC 2018 section 3
    Buffer one = segment_with("0101 050a 00001000 00002000", kAck);
    TcpSegment segment;
    ASSERT_TRUE(parse_tcp(one, segment));
    ASSERT_EQ(segment.options.sack_count, 1);
    EXPECT_EQ(segment.options.sacks[0], (SackRange{0x1000, 0x2000}));

    Buffer four = segment_with(
        "0101 0522 00000001 00000002 00000003 00000004 00000005 00000006 fffffff0 00000010 01010101", kAck);
    ASSERT_TRUE(parse_tcp(four, segment));
    ASSERT_EQ(segment.options.sack_count, 4);
    EXPECT_EQ(segment.options.sacks[3], (SackRange{0xfffffff0, 0x10}));
}

TEST(TcpParse, NothingOfAnEarlierSegmentRemains) {
    TcpSegment segment;
    Buffer rich = segment_with("020405b4 0402 080a 00000064 000000c8 01 030307", kSyn);
    ASSERT_TRUE(parse_tcp(rich, segment));
    Buffer poor = segment_with("", kAck);
    ASSERT_TRUE(parse_tcp(poor, segment));
    EXPECT_EQ(segment.options.mss, 0);
    EXPECT_FALSE(segment.options.has_timestamps);
    EXPECT_FALSE(segment.options.has_window_scale);
    EXPECT_FALSE(segment.options.sack_permitted);
}

struct Shape {
    const char* name;
    uint8_t flags;
    TcpOptions options;
    const char* bytes;  // of the options as they must be on the wire
};

TcpOptions with(uint16_t mss, int scale, bool sack, bool stamps, std::vector<SackRange> ranges = {}) {
    TcpOptions o;
    o.mss = mss;
    o.has_window_scale = scale >= 0;
    o.window_scale = static_cast<uint8_t>(std::max(scale, 0));
    o.sack_permitted = sack;
    o.has_timestamps = stamps;
    if (stamps) o.timestamps = {100, 200};
    o.sack_count = static_cast<uint8_t>(ranges.size());
    std::copy(ranges.begin(), ranges.end(), o.sacks.begin());
    return o;
}

const Shape kShapes[] = {
    {"nothing", kAck, with(0, -1, false, false), ""},
    {"MSS", kSyn, with(1460, -1, false, false), "020405b4"},
    {"MSS and scale", kSyn, with(1460, 7, false, false), "020405b401030307"},
    {"MSS and SACK", kSyn, with(1460, -1, true, false), "020405b401010402"},
    {"MSS and timestamps", kSyn, with(1460, -1, false, true), "020405b40101080a00000064000000c8"},
    {"all of a SYN", kSyn, with(1460, 7, true, true), "020405b40402080a00000064000000c801030307"},
    {"timestamps", kAck, with(0, -1, false, true), "0101080a00000064000000c8"},
    {"one range", kAck, with(0, -1, false, false, {{1, 2}}), "0101050a0000000100000002"},
    {"four ranges", kAck, with(0, -1, false, false, {{1, 2}, {3, 4}, {5, 6}, {7, 8}}),
     "010105220000000100000002000000030000000400000005000000060000000700000008"},
    {"timestamps and three ranges", kAck, with(0, -1, false, true, {{1, 2}, {3, 4}, {5, 6}}),
     "0101080a00000064000000c80101051a000000010000000200000003000000040000000500000006"},
};

TEST(TcpWrite, OptionsOnTheWire) {
    for (const Shape& shape : kShapes) {
        TcpSegment segment;
        segment.source_port = 5061;
        segment.destination_port = 40000;
        segment.seq = 0xfffffff0;
        segment.ack = 7;
        segment.flags = shape.flags;
        segment.window = 0xabcd;
        segment.options = shape.options;
        Buffer out(kMaxTcpHeader, 0xee);
        size_t length = write_tcp(out.data(), segment);
        ASSERT_LE(length, kMaxTcpHeader) << shape.name;
        ASSERT_EQ(length % 4, 0U) << shape.name;
        EXPECT_EQ(out[12], length / 4 << 4) << shape.name;
        std::string options = to_hex(Bytes{out}.subspan(kTcpHeader, length - kTcpHeader));
        EXPECT_EQ(options, shape.bytes) << shape.name;
        EXPECT_EQ(load_be16(out.data() + 16), 0) << "checksum, " << shape.name;
        EXPECT_EQ(load_be16(out.data() + 18), 0) << "urgent pointer, " << shape.name;

        TcpSegment again;
        ASSERT_TRUE(parse_tcp(Bytes{out}.first(length), again)) << shape.name;
        EXPECT_EQ(again.source_port, 5061);
        EXPECT_EQ(again.destination_port, 40000);
        EXPECT_EQ(again.seq, 0xfffffff0U);
        EXPECT_EQ(again.ack, 7U);
        EXPECT_EQ(again.flags, shape.flags);
        EXPECT_EQ(again.window, 0xabcd);
        EXPECT_EQ(again.options.mss, shape.options.mss) << shape.name;
        EXPECT_EQ(again.options.has_window_scale, shape.options.has_window_scale) << shape.name;
        EXPECT_EQ(again.options.window_scale, shape.options.window_scale) << shape.name;
        EXPECT_EQ(again.options.sack_permitted, shape.options.sack_permitted) << shape.name;
        EXPECT_EQ(again.options.has_timestamps, shape.options.has_timestamps) << shape.name;
        EXPECT_EQ(again.options.timestamps.value, shape.options.timestamps.value) << shape.name;
        EXPECT_EQ(again.options.timestamps.echo, shape.options.timestamps.echo) << shape.name;
        ASSERT_EQ(again.options.sack_count, shape.options.sack_count) << shape.name;
        for (uint8_t i = 0; i < again.options.sack_count; i++)
            EXPECT_EQ(again.options.sacks[i], shape.options.sacks[i]) << shape.name;
    }
}

TEST(TcpWrite, FourthRangeGivesWayToTimestamps) {  // RFC 2018 section 3
    TcpSegment segment;
    segment.flags = kAck;
    segment.options = with(0, -1, false, true, {{1, 2}, {3, 4}, {5, 6}, {7, 8}});
    Buffer out(kMaxTcpHeader);
    size_t length = write_tcp(out.data(), segment);
    EXPECT_EQ(length, kMaxTcpHeader);
    TcpSegment again;
    ASSERT_TRUE(parse_tcp(Bytes{out}.first(length), again));
    EXPECT_EQ(again.options.sack_count, 3);
    EXPECT_EQ(again.options.sacks[2], (SackRange{5, 6}));
}

TEST(TcpWrite, NeverBeyondTheLargestHeader) {
    Buffer out(kMaxTcpHeader + 8, 0xee);
    for (unsigned bits = 0; bits < 16; bits++) {
        for (size_t ranges = 0; ranges <= kMaxSackRanges; ranges++) {
            TcpSegment segment;
            segment.options = with(bits & 1 ? 1460 : 0, bits & 2 ? 7 : -1, (bits & 4) != 0, (bits & 8) != 0,
                                   std::vector<SackRange>(ranges, SackRange{1, 2}));
            segment.flags = kSyn;
            size_t length = write_tcp(out.data(), segment);
            EXPECT_LE(length, kMaxTcpHeader);
            EXPECT_TRUE(std::all_of(out.begin() + kMaxTcpHeader, out.end(), [](uint8_t b) { return b == 0xee; }));
            TcpSegment again;
            EXPECT_TRUE(parse_tcp(Bytes{out}.first(length), again)) << bits << " " << ranges;
        }
    }
}

}  // namespace
}  // namespace fedge::wire
