// How segments are read, made and compared, without an engine.
#include "tests/packet/segment.h"

#include <gtest/gtest.h>

#include "dataplane/wire/tcp.h"

namespace fedge::packet {
namespace {

constexpr uint16_t kPeer = 40000;
constexpr uint16_t kOurs = 5061;

Numbering numbering() {
    Numbering n;
    n.peer_isn = 0xfffffff0;
    n.our_isn = 0xffffff00;
    n.our_timestamp = 7000;
    return n;
}

// What the edge would send, made with its own writer.
std::vector<uint8_t> ours(uint32_t seq, uint32_t ack, uint8_t flags, size_t payload, wire::TcpOptions options = {}) {
    wire::TcpSegment segment;
    segment.source_port = kOurs;
    segment.destination_port = kPeer;
    segment.seq = numbering().our_base() + seq;
    segment.ack = numbering().peer_isn + ack;
    segment.flags = flags;
    segment.window = 512;
    segment.options = options;
    std::vector<uint8_t> bytes(wire::kMaxTcpHeader);
    bytes.resize(wire::write_tcp(bytes.data(), segment));
    for (size_t i = 0; i < payload; i++) bytes.push_back(payload_byte(false, seq - 1 + i));
    return bytes;
}

TEST(Value, Numbers) {
    struct Case {
        const char* text;
        int64_t low, high;
    };
    for (const Case& c : {Case{"7", 7, 7}, Case{"-1", -1, -1}, Case{"4~9", 4, 9}, Case{"10x1460", 14600, 14600},
                          Case{"64K", 65536, 65536}}) {
        Number n = parse_number(c.text);
        EXPECT_EQ(n.low, c.low) << c.text;
        EXPECT_EQ(n.high, c.high) << c.text;
    }
    EXPECT_TRUE(parse_number("*").any());
    EXPECT_TRUE(parse_number(">=5").holds(5));
    EXPECT_FALSE(parse_number(">=5").holds(4));
    EXPECT_TRUE(parse_number("<=5").holds(-100));
    for (const char* bad : {"", "x", "1.5", "9~4", "1x", "~", "7 ", ">="})
        EXPECT_THROW(parse_number(bad), ScriptError) << bad;
    EXPECT_THROW(parse_number("1~2").exact(), ScriptError);
    EXPECT_EQ(parse_duration("1.5s"), 1500ms);
    EXPECT_EQ(parse_duration("20ms"), 20ms);
    EXPECT_EQ(parse_duration("2min"), 120s);
    EXPECT_THROW(parse_duration("20"), ScriptError);
    EXPECT_EQ(parse_seconds("0.000250"), 250us);
}

TEST(SegmentText, IsRead) {
    SegmentText text = parse_segment("S. 0:0(0) ack 1 win 8192 <mss 1460,sackOK,TS val 5~6 ecr *,nop,wscale 7>");
    EXPECT_EQ(text.flags, wire::kSyn | wire::kAck);
    EXPECT_EQ(text.seq.exact(), 0);
    EXPECT_EQ(text.length, 0U);
    EXPECT_EQ(text.ack->exact(), 1);
    EXPECT_EQ(text.window->exact(), 8192);
    ASSERT_EQ(text.options.size(), 5U);
    EXPECT_EQ(text.options[2].value.high, 6);
    EXPECT_TRUE(text.options[2].echo.any());
    EXPECT_TRUE(parse_segment("P. 1:3(2) ack 1 <...>").any_options);
    EXPECT_TRUE(parse_segment(". * ack 1").any_range);
    EXPECT_EQ(parse_segment("R 5:5(0)").flags, wire::kRst);
    EXPECT_EQ(parse_segment("- 5:5(0)").flags, 0);
}

TEST(SegmentText, IsRefused) {
    for (const char* bad :
         {"", "S", "X 0:0(0)", "S 0:0", "S 0:1(0)", "S 5:0(-5)", ". 1:1(0) ack", ". 1:1(0) ack 1 wine 7",
          ". 1:1(0) <mss>", ". 1:1(0) <mss 1460", ". 1:1(0) <cheese>", ". 1:1(0) <sack>", ". 1:1(0) <sack 5>",
          ". 1:1(0) <TS val 5>", ". 1:1(0) <mss 1,>", ". 1:9(8) each 0", ". 1:1(0) <raw 0>"})
        EXPECT_THROW(parse_segment(bad), ScriptError) << bad;
}

TEST(SegmentText, PiecesHaveTheFlagsThatEndItOnTheLastOnly) {
    auto pieces = parse_segment("FP. 1:26(25) ack 1 each 10").pieces();
    ASSERT_EQ(pieces.size(), 3U);
    EXPECT_EQ(pieces[0].flags, wire::kAck);
    EXPECT_EQ(pieces[1].seq.exact(), 11);
    EXPECT_EQ(pieces[2].length, 5U);
    EXPECT_EQ(pieces[2].flags, wire::kAck | wire::kPsh | wire::kFin);
}

TEST(SegmentBytes, AreWhatTheTextSays) {
    auto bytes =
        build_segment(parse_segment("P. 1:5(4) ack 301 win 77 urg 2 <nop,nop,TS val 9 ecr 30,nop,nop,sack 401:501>"),
                      numbering(), kPeer, kOurs);
    wire::TcpSegment segment;
    ASSERT_TRUE(wire::parse_tcp(bytes, segment));
    EXPECT_EQ(segment.source_port, kPeer);
    EXPECT_EQ(segment.destination_port, kOurs);
    EXPECT_EQ(segment.seq, 0xfffffff1U);
    EXPECT_EQ(segment.ack, 0xffffff00U + 301);
    EXPECT_EQ(segment.window, 77);
    EXPECT_EQ(load_be16(bytes.data() + 18), 2);
    EXPECT_EQ(segment.options.timestamps.value, 9U);
    EXPECT_EQ(segment.options.timestamps.echo, 7030U);
    EXPECT_EQ(segment.options.sacks[0], (wire::SackRange{0xffffff00U + 401, 0xffffff00U + 501}));
    ASSERT_EQ(segment.payload.size(), 4U);
    EXPECT_EQ(segment.payload[0], payload_byte(true, 0));
    auto evil = build_segment(parse_segment("P. 1:5(4) ack 301 evil"), numbering(), kPeer, kOurs);
    EXPECT_NE(evil.back(), payload_byte(true, 3));
    EXPECT_THROW(build_segment(parse_segment(". 1:1(0)"), numbering(), kPeer, kOurs), ScriptError);
    EXPECT_THROW(build_segment(parse_segment(". * ack 1"), numbering(), kPeer, kOurs), ScriptError);
    EXPECT_THROW(build_segment(parse_segment(". 1:1(0) ack 1~2"), numbering(), kPeer, kOurs), ScriptError);
}

TEST(SegmentBytes, MayBeWrongOnPurpose) {
    wire::TcpSegment segment;
    EXPECT_FALSE(
        wire::parse_tcp(build_segment(parse_segment(". 1:1(0) ack 1 doff 4"), numbering(), kPeer, kOurs), segment));
    EXPECT_FALSE(
        wire::parse_tcp(build_segment(parse_segment("S 0:0(0) <raw 02030101>"), numbering(), kPeer, kOurs), segment));
}

TEST(Mismatch, EverythingFits) {
    wire::TcpOptions options;
    options.has_timestamps = true;
    options.timestamps = {7005, 11};
    options.sack_count = 1;
    options.sacks[0] = {numbering().peer_isn + 100, numbering().peer_isn + 200};
    auto bytes = ours(1, 21, wire::kAck | wire::kPsh, 10, options);
    for (const char* text :
         {"P. 1:11(10) ack 21 win 512 <nop,nop,TS val 5 ecr 11,nop,nop,sack 100:200>", ". 1:11(10) ack 21 <...>",
          ". * <...>", ". 1:11(10) ack * win 500~600 <sack 100:200,TS val * ecr *>"})
        EXPECT_EQ(mismatch(parse_segment(text), numbering(), bytes), std::nullopt) << text;
}

// Each of these must be found out; a comparison that lets one pass would let the engine err.
TEST(Mismatch, EachDifferenceIsFound) {
    wire::TcpOptions options;
    options.has_timestamps = true;
    options.timestamps = {7005, 11};
    options.sack_count = 1;
    options.sacks[0] = {numbering().peer_isn + 100, numbering().peer_isn + 200};
    auto bytes = ours(1, 21, wire::kAck, 10, options);
    struct Case {
        const char* text;
        const char* complaint;
    };
    const Case cases[] = {
        {"P. 1:11(10) ack 21 <...>", "flags"},
        {"F. 1:11(10) ack 21 <...>", "flags"},
        {". 2:12(10) ack 21 <...>", "sequence number"},
        {". 1:10(9) ack 21 <...>", "length"},
        {". 1:11(10) ack 22 <...>", "ack"},
        {". 1:11(10) ack 22~30 <...>", "ack"},
        {". 1:11(10) ack 21 win 511 <...>", "window"},
        {". 1:11(10) ack 21", "SACK"},
        {". 1:11(10) ack 21 <TS val 5 ecr 11>", "SACK"},
        {". 1:11(10) ack 21 <sack 100:200>", "timestamps"},
        {". 1:11(10) ack 21 <>", "timestamps"},
        {". 1:11(10) ack 21 <TS val 5 ecr 11,sack 100:201>", "SACK"},
        {". 1:11(10) ack 21 <TS val 5 ecr 11,sack 100:200 300:400>", "SACK"},
        {". 1:11(10) ack 21 <TS val 6 ecr 11,sack 100:200>", "TS val"},
        {". 1:11(10) ack 21 <TS val 5 ecr 12,sack 100:200>", "TS ecr"},
        {". 1:11(10) ack 21 <TS val 5 ecr 11,sack 100:200,mss 1460>", "MSS"},
        {". 1:11(10) ack 21 <TS val 5 ecr 11,sack 100:200,sackOK>", "sackOK"},
        {". 1:11(10) ack 21 <TS val 5 ecr 11,sack 100:200,wscale 7>", "window scale"},
    };
    for (const Case& c : cases) {
        auto wrong = mismatch(parse_segment(c.text), numbering(), bytes);
        ASSERT_TRUE(wrong) << c.text;
        EXPECT_NE(wrong->find(c.complaint), std::string::npos) << c.text << ": " << *wrong;
    }
    bytes.back() ^= 1;
    auto wrong = mismatch(parse_segment(". 1:11(10) ack 21 <...>"), numbering(), bytes);
    ASSERT_TRUE(wrong);
    EXPECT_NE(wrong->find("byte 9 "), std::string::npos) << *wrong;
}

TEST(Describe, IsTheNotationOfScripts) {
    wire::TcpOptions options;
    options.has_timestamps = true;
    options.timestamps = {7005, 11};
    EXPECT_EQ(describe(ours(1, 21, wire::kAck | wire::kPsh, 10, options), numbering()),
              "P. 1:11(10) ack 21 win 512 <TS val 5 ecr 11>");
    EXPECT_EQ(describe(ours(0, 1, wire::kSyn | wire::kAck, 0), numbering()), "S. 0:0(0) ack 1 win 512");
}

}  // namespace
}  // namespace fedge::packet
