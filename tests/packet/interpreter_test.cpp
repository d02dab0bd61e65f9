// The interpreter's own tests: what it refuses to read, and that a script that must fail does fail, and says where.
#include <gtest/gtest.h>

#include "tests/packet/player.h"
#include "tests/packet/script.h"

namespace fedge::packet {
namespace {

std::optional<std::string> play(const std::string& text, Family family = Family::ipv4) {
    Script script = parse_script(text, "t.pkt");
    return Player(script, family).run();
}

std::string refusal(const std::string& text) {
    try {
        parse_script(text, "t.pkt");
    } catch (const ScriptError& error) {
        return error.what();
    }
    return "";
}

const std::string kOpening = R"(0 listen 5061
+0 < S 0:0(0) win 65535 <mss 1460>
+0 > S. 0:0(0) ack 1 <mss 1460>
+0 < . 1:1(0) ack 1 win 65535
+0 accept
)";  // 5 lines

TEST(Script, IsReadLineByLine) {
    Script script = parse_script(
        "# comment\n"
        "set cubic=off time_wait=10s\n"
        "limits half_open=7\n"
        "mtu 1400\n"
        "only ipv6\n"
        "\n"
        "0.5 listen 5061   // another\n"
        "+0.1~+0.2 b: > S. 0:0(0) ack 1\n"
        "* > R 1:1(0)\n"
        "flow b port=7\n",
        "t.pkt");
    EXPECT_FALSE(script.settings.cubic);
    EXPECT_EQ(script.settings.time_wait, 10s);
    EXPECT_EQ(script.settings.limits.half_open, 7U);
    EXPECT_EQ(script.mtu, 1400);
    EXPECT_EQ(script.families, std::vector<Family>{Family::ipv6});
    ASSERT_EQ(script.events.size(), 4U);
    EXPECT_EQ(script.events[0].when.kind, When::Kind::absolute);
    EXPECT_EQ(script.events[0].command, "listen 5061");
    EXPECT_EQ(script.events[0].place, "t.pkt:7");
    EXPECT_EQ(script.events[1].flow, "b");
    EXPECT_EQ(script.events[1].when.low, 100ms);
    EXPECT_EQ(script.events[1].when.high, 200ms);
    EXPECT_EQ(script.events[2].when.kind, When::Kind::any);
    EXPECT_EQ(script.events[3].when.kind, When::Kind::none);
}

TEST(Script, IsRefusedWithPlaceAndReason) {
    struct Case {
        const char* text;
        const char* says;
    };
    const Case cases[] = {
        {"", "nothing happens"},
        {"set colour=red\n0 quiet", "t.pkt:1: there is no setting called 'colour'"},
        {"limits speed=1\n0 quiet", "there is no limit called 'speed'"},
        {"only ipx\n0 quiet", "ipv4 or ipv6"},
        {"0 quiet\nset cubic=off", "t.pkt:2: 'set' must stand before"},
        {"0 < S 0:0(0) win x", "t.pkt:1: not a number"},
        {"\n\n+0.2~+0.1 > . 1:1(0)", "t.pkt:3: a time that ends before it begins"},
        {"+0.1~0.2 > . 1:1(0)", "both ends"},
        {"* < . 1:1(0) ack 1", "only for what is expected"},
        {"+0.1~+0.2 quiet", "only for what is expected"},
        {"> . 1:1(0)", "a segment needs a time"},
        {"include no/such.inc", "t.pkt:1: cannot read"},
        {"+0", "nothing happens here"},
    };
    for (const Case& c : cases)
        EXPECT_NE(refusal(c.text).find(c.says), std::string::npos) << c.text << ": " << refusal(c.text);
}

TEST(Player, HoldsWhatHolds) {
    for (Family family : {Family::ipv4, Family::ipv6}) {
        auto failure = play(kOpening + R"(+0 < P. 1:101(100) ack 1 win 65535
+0~+0.04 > . 1:1(0) ack 101
+0 read 100
+0 write 200
+0 > P. 1:201(200) ack 101
+0.01 < . 101:101(0) ack 201 win 65535
+1 quiet
)",
                            family);
        EXPECT_FALSE(failure) << *failure;
    }
}

struct Wrong {
    const char* name;
    const char* lines;  // behind the opening
    const char* says;
};

class MustFail : public testing::TestWithParam<Wrong> {};

TEST_P(MustFail, AndSaysWhere) {
    auto failure = play(kOpening + GetParam().lines);
    ASSERT_TRUE(failure) << "the script passed";
    EXPECT_NE(failure->find(GetParam().says), std::string::npos) << *failure;
}

const Wrong kWrong[] = {
    {"NothingWasSent", "+0 > . 1:1(0) ack 1\n",
     "t.pkt:6: at 0.000000 s over IPv4\n  script: +0 > . 1:1(0) ack 1\n"
     "  expected: a segment at 0.000000 to 0.000000\n  seen:     nothing was sent"},
    {"UnexpectedSegmentAtTheEnd", "+0 write 10\n", "expected: nothing to be sent\n  seen:     a: > P. 1:11(10) ack 1"},
    {"UnexpectedSegmentBeforeTheNextLine", "+0 write 10\n+0 quiet\n", "t.pkt:7:"},
    {"UnexpectedRetransmissionLater", "+0 write 10\n+0 > P. 1:11(10) ack 1\n+60 quiet\n", "t.pkt:8:"},
    {"WrongLength", "+0 write 10\n+0 > P. 1:10(9) ack 1\n", "length is 10, not 9"},
    {"WrongAck", "+0 write 10\n+0 > P. 1:11(10) ack 2\n", "ack is 1, not 2"},
    {"WrongFlags", "+0 write 10\n+0 > F. 1:11(10) ack 1\n", "flags are P., not F."},
    {"TooEarly", "+0 write 10\n+0.1 > P. 1:11(10) ack 1\n", "expected: at 0.100000 to 0.101000"},
    {"TooLate", "+0 write 10\n+0 > P. 1:11(10) ack 1\n+0.01~+0.02 > P. 1:11(10) ack 1\n", "nothing was sent"},
    {"OfAnotherFlow", "+0 write 10\n+0 b: > P. 1:11(10) ack 1\n", "a segment of b"},
    {"ReadsMoreThanThere", "+0 < P. 1:11(10) ack 1 win 65535\n+0~+0.04 > . 1:1(0) ack 11\n+0 read 11\n",
     "what was read is 10"},
    {"ReadsOtherBytes", "+0 < P. 1:11(10) ack 1 win 65535 evil\n+0~+0.04 > . 1:1(0) ack 11\n+0 read 10\n",
     "not what the peer sent"},
    {"NotReadable", "+0 expect readable\n", "did not see 'readable'"},
    {"Readable", "+0 < P. 1:11(10) ack 1 win 65535\n+0~+0.04 > . 1:1(0) ack 11\n+0 expect not readable\n",
     "saw 'readable'"},
    {"NothingMoreAccepted", "+0 accept\n", "no stream was accepted"},
    {"ClosedAndNobodyExpectedIt", "+0 < R. 1:1(0) ack 1\n", "the stream was closed (reset by peer)"},
    {"ClosedForAnotherReason", "+0 < R. 1:1(0) ack 1\n+0 expect closed finished\n",
     "the stream was closed: reset by peer"},
    {"CallAfterTheEnd", "+0 < R. 1:1(0) ack 1\n+0 write 10\n", "the stream was closed: reset by peer"},
    {"WrongState", "+0 state CLOSE-WAIT\n", "the state is established"},
    {"WrongInfo", "+0 info mss=1000\n", "mss is 1460"},
    {"WrongMemory", "+0 memory connections=2\n", "connections is 1"},
    {"UnknownInfo", "+0 info colour=1\n", "info has no 'colour'"},
    {"UnknownCommand", "+0 dance\n", "there is no command called 'dance'"},
    {"UnknownCounter", "+0 counter dances=1\n", "there is no counter called 'dances'"},
    {"TooManyWords", "+0 shutdown now\n", "nothing is expected behind it"},
    {"TimeThatHasPassed", "+1 quiet\n0.5 quiet\n", "passed already"},
    {"WildcardSent", "+0 < . * ack 1\n", "cannot have wildcards"},
};

std::string wrong_name(const testing::TestParamInfo<Wrong>& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Interpreter, MustFail, testing::ValuesIn(kWrong), wrong_name);

}  // namespace
}  // namespace fedge::packet
