// Traces, dialogs and next hops as the proxy fills them.
#include "dataplane/signal/sip/sip_trace.h"

#include "tests/support/sip_world.h"

namespace fedge::signal {
namespace {

using namespace test;

class SipTraceTest : public testing::Test {
  protected:
    void SetUp() override { world_.know("partner.example", "sip.partner.example", {"203.0.113.5"}); }

    void trace(TraceFilter filter) {
        filter.id = filter.id ? filter.id : 1;
        filters_.push_back(std::make_unique<TraceFilters>(TraceFilters{std::move(filter)}));
        world_.proxy().trace().adopt(filters_.back().get());
    }
    struct Line {
        std::string what;  // "> partner partner.example: MESSAGE" of what came, "< ..." of what left
        std::string verdict;
        uint32_t lost;
        std::string text;
        uint64_t connection;
    };
    std::vector<Line> lines() {
        std::vector<Line> out;
        TraceRing& ring = world_.proxy().trace().ring();
        for (const TraceRecord* record = ring.oldest(); record; record = ring.oldest()) {
            std::string text(record->shown());
            std::string start = text.substr(0, text.find("\r\n"));
            std::string first = start.starts_with("SIP/2.0") ? start.substr(8, 3) : start.substr(0, start.find(' '));
            out.push_back(
                {std::string(record->incoming ? "> " : "< ") + std::string(words(record->peer).view()) + ": " + first,
                 std::string(record->verdict.view()), record->wanted[0].lost, text, record->connection});
            ring.taken();
        }
        return out;
    }
    static std::vector<std::string> what(const std::vector<Line>& lines) {
        std::vector<std::string> out;
        for (const Line& line : lines) out.push_back(line.what);
        return out;
    }

    SipWorld world_;
    std::vector<std::unique_ptr<TraceFilters>> filters_;
};
using Whats = std::vector<std::string>;

TEST_F(SipTraceTest, ShowsWhatCameAndWhatLeftInOrderWithoutTheEdgesOwnQuestions) {
    FakeStream& inside = world_.inside();
    FakeStream& partner = world_.partner();
    trace({});
    world_.pass(2s);  // the front end is asked for its health; it answers below
    world_.send(partner, message_in().add("Authorization", R"(Digest username="a", response="f00")"));
    SipText got = world_.next_request(inside);
    world_.send(inside, response_to(got, 200));
    auto seen = lines();
    EXPECT_EQ(what(seen), (Whats{"> partner sip.partner.example: MESSAGE", "< front-end fe1.contoso.com: MESSAGE",
                                 "> front-end fe1.contoso.com: 200", "< partner partner.example: 200"}));
    for (const Line& line : seen) {
        EXPECT_EQ(line.verdict, "");
        EXPECT_EQ(line.text.find("f00"), std::string::npos) << "secrets are masked: " << line.text;
        EXPECT_NE(line.connection, 0U);
    }
    EXPECT_NE(seen[0].text.find("\r\n\r\nHello, Bob"), std::string::npos);
    EXPECT_EQ(world_.count(Counter::sip_traced), 4U);
}

TEST_F(SipTraceTest, SaysWhatBecameOfWhatIsNotPassedOn) {
    world_.inside();
    FakeStream& partner = world_.partner();
    trace({});
    world_.send(partner, message_in("own").set("From", "<sip:eve@contoso.com>;tag=e"));
    auto seen = lines();
    ASSERT_EQ(what(seen), (Whats{"> partner sip.partner.example: MESSAGE", "< partner sip.partner.example: 403"}));
    EXPECT_EQ(seen[0].verdict, "answered with 403: a stranger claims to be one of our users");
    // Dropped without a word.
    world_.send(partner, message_in("blocked").set("From", "<sip:x@blocked.example>;tag=x"));
    seen = lines();
    ASSERT_EQ(what(seen), (Whats{"> partner sip.partner.example: MESSAGE"}));
    EXPECT_EQ(seen[0].verdict, "dropped: the source domain is blocked");
    // The list of dialogs says the same.
    std::vector<DialogRecord> rows(8);
    uint64_t cursor = 0;
    rows.resize(world_.proxy().list_dialogs(rows, cursor));
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].status, 403);
    EXPECT_EQ(rows[1].status, 0);
    EXPECT_EQ(rows[1].state, DialogState::failed);
    EXPECT_EQ(rows[1].reason.view(), "the source domain is blocked");
}

TEST_F(SipTraceTest, WhatWaitedTellsItsEndWithItsAnswer) {
    FakeStream& inside = world_.inside();
    world_.dns_silent = true;
    trace({});
    world_.send(inside, message_out());
    auto seen = lines();
    ASSERT_EQ(what(seen), (Whats{"> front-end fe1.contoso.com: MESSAGE"}));
    EXPECT_EQ(seen[0].verdict, "waits for DNS");
    world_.dns.clear();
    world_.answer("partner.example");
    seen = lines();
    ASSERT_EQ(what(seen), (Whats{"< front-end fe1.contoso.com: 504"}));
    EXPECT_NE(seen[0].verdict.find("SRV"), std::string::npos) << seen[0].verdict;
}

TEST_F(SipTraceTest, FiltersByDomainCallAndConnection) {
    FakeStream& inside = world_.inside();
    FakeStream& partner = world_.partner();
    struct Case {
        const char* what;
        TraceFilter filter;
        bool fits;
    };
    const Case kCases[] = {{"domain of From", {0, "partner.example", "", 0, 100}, true},
                           {"domain of To", {0, "contoso.com", "", 0, 100}, true},
                           {"a domain above", {0, "example", "", 0, 100}, true},
                           {"not a border of labels", {0, "artner.example", "", 0, 100}, false},
                           {"another domain", {0, "elsewhere.example", "", 0, 100}, false},
                           {"Call-ID", {0, "", "call-7", 0, 100}, true},
                           {"another Call-ID", {0, "", "call", 0, 100}, false},
                           {"domain and another call", {0, "partner.example", "x", 0, 100}, false}};
    uint32_t id = 10;
    for (Case one : kCases) {
        one.filter.id = id++;
        trace(one.filter);
        world_.send(partner, message_in("call-7"));
        EXPECT_EQ(world_.next_request(inside).method(), "MESSAGE");
        EXPECT_EQ(lines().size(), one.fits ? 2U : 0U) << one.what;
    }
    trace({id++, "", "", 0, 100});
    world_.send(partner, message_in());
    uint64_t of_partner = lines().at(0).connection;
    trace({id, "", "", of_partner, 100});
    world_.send(partner, message_in());
    auto seen = lines();
    ASSERT_EQ(what(seen), (Whats{"> partner partner.example: MESSAGE"})) << "one connection, and no other";
    EXPECT_EQ(seen[0].connection, of_partner);
}

TEST_F(SipTraceTest, IsBoundedByItsRateAndSaysWhatIsMissing) {
    FakeStream& inside = world_.inside();
    FakeStream& partner = world_.partner();
    trace({1, "", "", 0, 4});
    for (int i = 0; i < 5; i++) {
        world_.send(partner, message_in());
        world_.next_request(inside);
    }
    EXPECT_EQ(lines().size(), 4U);
    EXPECT_EQ(world_.count(Counter::sip_trace_lost), 6U);
    world_.pass(2s);
    world_.send(partner, message_in());
    auto seen = lines();
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[0].lost, 6U);
    EXPECT_EQ(seen[1].lost, 0U);
}

TEST_F(SipTraceTest, AFullRingLosesAndGoesOn) {
    FakeStream& inside = world_.inside();
    FakeStream& partner = world_.partner();
    trace({1, "", "", 0, 10000});
    for (uint32_t i = 0; i < TraceRing::kRecords; i++) {
        world_.send(partner, message_in());
        world_.next_request(inside);
    }
    EXPECT_EQ(lines().size(), TraceRing::kRecords);
    EXPECT_EQ(world_.count(Counter::sip_trace_lost), TraceRing::kRecords);
    world_.send(partner, message_in());
    EXPECT_EQ(lines().at(0).lost, TraceRing::kRecords);
}

TEST_F(SipTraceTest, LongMessagesAreCutAndSaySo) {
    FakeStream& inside = world_.inside();
    FakeStream& partner = world_.partner();
    trace({});
    SipText message = message_in();
    message.body.assign(20000, 'x');
    world_.send(partner, message);
    world_.next_request(inside);
    const TraceRecord* record = world_.proxy().trace().ring().oldest();
    ASSERT_TRUE(record);
    EXPECT_EQ(record->shown().size(), TraceRecord::kText);
    EXPECT_EQ(record->size, message.text().size());
}

TEST_F(SipTraceTest, NothingIsCopiedWithoutATrace) {
    world_.inside();
    FakeStream& partner = world_.partner();
    trace({});
    world_.proxy().trace().adopt(nullptr);
    world_.send(partner, message_in());
    EXPECT_TRUE(lines().empty());
    EXPECT_EQ(world_.count(Counter::sip_traced), 0U);
}

TEST_F(SipTraceTest, NextHopsSayWhetherTheyAreReachedAndWhyNot) {
    FakeStream& inside = world_.inside();
    world_.send(inside, message_out());
    std::vector<NextHopRecord> rows(8);
    uint64_t cursor = 0;
    ASSERT_EQ(world_.proxy().list_next_hops(rows, cursor), 2U);
    EXPECT_EQ(cursor, 0U);
    EXPECT_EQ(rows[0].kind, PeerKind::front_end);
    EXPECT_EQ(rows[0].name.view(), "fe1.contoso.com");
    EXPECT_STREQ(rows[0].state, "up");
    EXPECT_EQ(rows[0].weight, 1U);
    EXPECT_EQ(rows[0].address, endpoint("10.0.0.20:5061"));
    EXPECT_EQ(rows[1].name.view(), "partner.example");
    EXPECT_STREQ(rows[1].state, "connecting");
    EXPECT_EQ(rows[1].held, 1U);
    world_.refuse(1);
    ASSERT_EQ(world_.proxy().list_next_hops(rows, cursor), 2U);
    EXPECT_STREQ(rows[1].state, "down");
    EXPECT_EQ(rows[1].failed, 1U);
    EXPECT_EQ(rows[1].error.view(), "203.0.113.5:5061: refused by peer");
    EXPECT_EQ(rows[1].held, 0U);
}

}  // namespace
}  // namespace fedge::signal
