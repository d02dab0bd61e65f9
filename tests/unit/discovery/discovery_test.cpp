// What is remembered, shared, limited and served on, under virtual time.
#include "control/discovery/discovery.h"

#include <gtest/gtest.h>

#include <optional>
#include <sstream>

#include "tests/unit/discovery/fake_resolver.h"

namespace fedge::control::discovery {
namespace {

using namespace std::chrono_literals;
using namespace test;

class DiscoveryTest : public testing::Test {
  protected:
    DiscoveryTest() {
        config_.dns = {.timeout_s = 5,
                       .ttl_min_s = 30,
                       .ttl_max_s = 3600,
                       .negative_ttl_s = 300,
                       .stale_s = 86400,
                       .cache_size = 1000};
        config_.discovery = {.per_second = 100, .concurrent = 10, .queue = 20};
        discovery_.configure(config_, now_);
        discovery_.on_change([this](const Query& query, const Route&, const Route& after, Time) {
            changes_.push_back(query.domain + " " + name_of(after.outcome));
        });
    }

    void partner(const std::string& domain, const char* ip, uint32_t ttl = 600) {
        dns_.set("_sipfederationtls._tcp." + domain, RecordType::srv,
                 data({srv(0, 0, 5061, "sip." + domain)}, false, ttl));
        dns_.set("sip." + domain, RecordType::a, data({address(ip)}, false, ttl));
        dns_.set("sip." + domain, RecordType::aaaa, no_data(ttl));
    }
    void dns_fails(const std::string& domain) {
        dns_.set("_sipfederationtls._tcp." + domain, RecordType::srv, servfail());
    }

    struct Heard {
        std::optional<Route> route;
        Time at{};
    };
    // The answer is there at once, or later through the pointer.
    std::shared_ptr<Heard> find(const std::string& domain, Time::duration patience = 4s) {
        auto heard = std::make_shared<Heard>();
        discovery_.find(discovery_.usual(domain, Service::sip), now_, now_ + patience,
                        [heard](const Route& route, Time at) {
                            EXPECT_FALSE(heard->route) << "answered twice";
                            *heard = {route, at};
                        });
        return heard;
    }
    // With DNS that answers at once.
    Route found(const std::string& domain) {
        auto heard = find(domain);
        dns_.answer_all(now_);
        EXPECT_TRUE(heard->route) << domain;
        return heard->route.value_or(Route{});
    }
    void pass(Time::duration time, Time::duration step = 100ms) {
        for (auto end = now_ + time; now_ < end;) {
            now_ += step;
            dns_.answer_all(now_);
            discovery_.on_tick(now_);
        }
        dns_.answer_all(now_);
    }
    // What the dataplane says of connecting there.
    void attempt(const char* endpoint, uint32_t good, uint32_t failed) {
        std::array attempts{Attempts{*Endpoint::parse(endpoint), good, failed}};
        discovery_.report(attempts, now_);
    }
    std::string first_address(const Route& route) {
        return route.targets.empty() ? "" : route.targets[0].addresses.at(0).text();
    }

    FakeResolver dns_;
    std::ostringstream lines_;
    Log log_{lines_, Severity::debug};
    Discovery discovery_{dns_, log_, [](uint32_t) { return 0U; }};
    Config config_;
    Time now_{1h};
    std::vector<std::string> changes_;
};

TEST_F(DiscoveryTest, AnswersAreRememberedForTheirTimeToLive) {
    partner("a.example", "198.51.100.1", 600);
    Route route = found("a.example");
    EXPECT_EQ(route.outcome, Outcome::found);
    EXPECT_EQ(route.expires, now_ + 600s);
    EXPECT_EQ(dns_.asked.size(), 3U);
    now_ += 100s;
    route = found("a.example");
    EXPECT_EQ(dns_.asked.size(), 3U) << "from memory";
    EXPECT_EQ(route.expires, now_ + 500s);
    EXPECT_FALSE(route.stale);
    EXPECT_EQ(discovery_.counts().cached, 1U);
}

TEST_F(DiscoveryTest, TimesToLiveHaveBounds) {
    struct Case {
        uint32_t ttl;
        Time::duration kept;
    };
    int n = 0;
    for (const auto& c : {Case{0, 30s}, Case{1, 30s}, Case{30, 30s}, Case{31, 31s}, Case{3600, 3600s},
                          Case{3601, 3600s}, Case{0x7fffffff, 3600s}, Case{0xffffffff, 3600s}}) {
        std::string domain = "d" + std::to_string(n++) + ".example";
        partner(domain, "198.51.100.1", c.ttl);
        EXPECT_EQ(found(domain).expires - now_, c.kept) << c.ttl;
    }
}

TEST_F(DiscoveryTest, AbsencesAreRememberedButNotForLong) {
    dns_.set("_sipfederationtls._tcp.none.example", RecordType::srv, no_domain(100000));
    Route route = found("none.example");
    EXPECT_EQ(route.outcome, Outcome::not_found);
    EXPECT_EQ(route.expires, now_ + 300s);
    size_t asked = dns_.asked.size();
    found("none.example");
    EXPECT_EQ(dns_.asked.size(), asked);
    pass(301s);
    EXPECT_EQ(dns_.asked.size(), asked) << "nobody looks an absence up again by itself";
    partner("none.example", "198.51.100.1");
    EXPECT_EQ(found("none.example").outcome, Outcome::found);
}

TEST_F(DiscoveryTest, EqualQuestionsShareALookup) {
    partner("a.example", "198.51.100.1");
    std::vector<std::shared_ptr<Heard>> all;
    for (size_t i = 0; i < Discovery::kMaxWaiters; i++) all.push_back(find("a.example"));
    EXPECT_EQ(dns_.asked.size(), 1U);
    auto one_too_many = find("a.example");
    ASSERT_TRUE(one_too_many->route);
    EXPECT_EQ(one_too_many->route->outcome, Outcome::failed);
    EXPECT_EQ(discovery_.counts().limited, 1U);
    dns_.answer_all(now_);
    for (const auto& heard : all) ASSERT_TRUE(heard->route && heard->route->outcome == Outcome::found);
    EXPECT_EQ(discovery_.counts().lookups, 1U);
}

TEST_F(DiscoveryTest, DifferentQueriesAreDifferent) {
    partner("a.example", "198.51.100.1");
    found("a.example");
    Query query = discovery_.usual("a.example", Service::sip);
    query.mode = SipMode::sips;
    std::optional<Route> route;
    discovery_.find(query, now_, now_ + 1s, [&](const Route& r, Time) { route = r; });
    dns_.answer_all(now_);
    EXPECT_EQ(route->outcome, Outcome::not_found);
}

TEST_F(DiscoveryTest, TheDeadlineIsKeptAndTheAnswerComesToUseLater) {
    dns_.silent = true;
    partner("a.example", "198.51.100.1");
    auto heard = find("a.example", 1s);
    Time begin = now_;
    pass(900ms);
    EXPECT_FALSE(heard->route);
    pass(200ms);
    ASSERT_TRUE(heard->route);
    EXPECT_EQ(heard->route->outcome, Outcome::failed);
    EXPECT_EQ(heard->route->reason, "DNS has not answered in time");
    EXPECT_LE(heard->at, begin + 1100ms);
    EXPECT_EQ(discovery_.counts().late, 1U);
    dns_.silent = false;
    dns_.answer_all(now_);
    EXPECT_EQ(find("a.example")->route->outcome, Outcome::found);
}

TEST_F(DiscoveryTest, QuestionsWithoutAnAnswerAreGivenUp) {
    dns_.silent = true;
    auto heard = find("a.example", 60s);
    pass(4900ms);
    EXPECT_FALSE(heard->route);
    pass(200ms);
    ASSERT_TRUE(heard->route);
    EXPECT_EQ(heard->route->outcome, Outcome::failed);
    EXPECT_NE(heard->route->reason.find("no answer in time"), std::string::npos) << heard->route->reason;
    EXPECT_EQ(dns_.open(), 0U) << "cancelled";
    EXPECT_EQ(discovery_.counts().timeouts, 1U);
    EXPECT_EQ(discovery_.under_way(), 0U);
}

TEST_F(DiscoveryTest, WhatIsInUseIsLookedUpAgainBeforeItEnds) {
    partner("a.example", "198.51.100.1", 100);
    found("a.example");
    pass(80s);
    found("a.example");
    EXPECT_EQ(discovery_.counts().lookups, 1U);
    partner("a.example", "198.51.100.2", 100);
    pass(11s);
    EXPECT_EQ(discovery_.counts().lookups, 2U);
    EXPECT_EQ(first_address(*find("a.example")->route), "198.51.100.2") << "the partner has moved";
    EXPECT_EQ(changes_, std::vector<std::string>{"a.example found"});
}

TEST_F(DiscoveryTest, WhatNobodyAsksForEnds) {
    partner("a.example", "198.51.100.1", 100);
    found("a.example");
    pass(1000s);
    EXPECT_EQ(discovery_.counts().lookups, 2U) << "once again, because it was just asked for, and then no more";
}

TEST_F(DiscoveryTest, APartnerWhoIsGoneIsToldToThoseWhoListen) {
    partner("a.example", "198.51.100.1", 100);
    found("a.example");
    dns_.zone.clear();
    pass(91s);
    EXPECT_EQ(changes_, std::vector<std::string>{"a.example not-found"});
    EXPECT_EQ(find("a.example")->route->outcome, Outcome::not_found) << "DNS has answered: nothing stale is served";
    partner("a.example", "10.0.0.1", 100);
    pass(301s);
    EXPECT_EQ(found("a.example").outcome, Outcome::refused);
    EXPECT_EQ(changes_.size(), 1U) << "from nothing to nothing is no change";
    partner("a.example", "198.51.100.1", 100);
    pass(301s);
    EXPECT_EQ(found("a.example").outcome, Outcome::found);
    EXPECT_EQ(changes_.back(), "a.example found");
}

TEST_F(DiscoveryTest, TheSameAnswerIsNoChange) {
    partner("a.example", "198.51.100.1", 100);
    dns_.set("sip.a.example", RecordType::a, data({address("198.51.100.1"), address("198.51.100.2")}, false, 100));
    found("a.example");
    dns_.set("sip.a.example", RecordType::a, data({address("198.51.100.2"), address("198.51.100.1")}, false, 100));
    pass(95s);
    EXPECT_EQ(discovery_.counts().lookups, 2U);
    EXPECT_TRUE(changes_.empty()) << "the order of addresses is no news";
}

TEST_F(DiscoveryTest, OldAnswersServeOnWhileDnsFails) {
    partner("a.example", "198.51.100.1", 100);
    found("a.example");
    dns_fails("a.example");
    pass(95s);
    Route route = *find("a.example")->route;
    EXPECT_FALSE(route.stale) << "its time is not over yet";
    pass(10s);
    route = *find("a.example")->route;
    EXPECT_EQ(route.outcome, Outcome::found);
    EXPECT_TRUE(route.stale);
    EXPECT_LE(route.expires, now_ + Discovery::kStaleTtl);
    EXPECT_TRUE(changes_.empty());
    EXPECT_NE(lines_.str().find("the last answer serves on"), std::string::npos);
    partner("a.example", "198.51.100.2", 100);
    pass(Discovery::kMaxBackOff + 1s);
    route = found("a.example");
    EXPECT_FALSE(route.stale);
    EXPECT_EQ(first_address(route), "198.51.100.2") << "DNS is back";
}

TEST_F(DiscoveryTest, OldAnswersEnd) {
    config_.dns.stale_s = 1000;
    discovery_.configure(config_, now_);
    partner("a.example", "198.51.100.1", 100);
    found("a.example");
    dns_fails("a.example");
    for (int i = 0; i < 109; i++) {
        pass(10s, 1s);
        ASSERT_TRUE(find("a.example")->route->outcome == Outcome::found) << now_.time_since_epoch().count();
    }
    pass(20s);
    auto heard = find("a.example");
    dns_.answer_all(now_);
    EXPECT_EQ(heard->route->outcome, Outcome::failed);
}

TEST_F(DiscoveryTest, OldAnswersDoNotWaitForADnsThatIsSilent) {
    partner("a.example", "198.51.100.1", 100);
    found("a.example");
    pass(1000s, 1s);  // nobody asks: it ends, and is kept for need
    dns_.silent = true;
    Time begin = now_;
    auto heard = find("a.example", 10s);
    EXPECT_FALSE(heard->route) << "DNS has its chance first";
    pass(2s);
    ASSERT_TRUE(heard->route);
    EXPECT_TRUE(heard->route->stale);
    EXPECT_LE(heard->at - begin, Discovery::kStaleAfter + 100ms);
    pass(4s);  // the question is given up
    EXPECT_TRUE(find("a.example")->route) << "DNS has just failed: no waiting at all";
}

TEST_F(DiscoveryTest, ForgedAnswersDoNotReplaceWhatIsKnown) {
    partner("a.example", "198.51.100.1", 100);
    found("a.example");
    dns_.set("_sipfederationtls._tcp.a.example", RecordType::srv, bogus());
    pass(105s);
    Route route = *find("a.example")->route;
    EXPECT_TRUE(route.stale);
    EXPECT_EQ(first_address(route), "198.51.100.1");
    EXPECT_GT(discovery_.counts().bogus, 0U);
}

TEST_F(DiscoveryTest, FailingNamesAreAskedForEverMoreSlowly) {
    dns_fails("a.example");
    std::vector<Time> asked;
    size_t before = 0;
    for (int i = 0; i < 3600; i++) {
        find("a.example");
        dns_.answer_all(now_);
        if (dns_.asked.size() > before) asked.push_back(now_);
        before = dns_.asked.size();
        pass(1s, 1s);
    }
    ASSERT_GE(asked.size(), 10U);
    EXPECT_LE(asked.size(), 25U);
    for (size_t i = 2; i < asked.size(); i++) {
        auto gap = asked[i] - asked[i - 1];
        EXPECT_GE(gap, asked[i - 1] - asked[i - 2]) << i;
        EXPECT_LE(gap, Discovery::kMaxBackOff + 2s) << i;
    }
    auto heard = find("a.example");
    ASSERT_TRUE(heard->route);
    EXPECT_EQ(heard->route->outcome, Outcome::failed);
    EXPECT_NE(heard->route->reason.find("SERVFAIL"), std::string::npos);
    EXPECT_GT(heard->route->expires, now_);
}

TEST_F(DiscoveryTest, LookupsPerSecondAreLimited) {
    config_.discovery = {.per_second = 10, .concurrent = 100, .queue = 1000};
    discovery_.configure(config_, now_);
    for (int i = 0; i < 500; i++) find("d" + std::to_string(i) + ".example", 30s);
    EXPECT_EQ(discovery_.counts().lookups, 10U);
    pass(10s);
    EXPECT_NEAR(static_cast<double>(discovery_.counts().lookups), 110, 2);
    pass(60s);
    EXPECT_EQ(discovery_.waiting(), 0U) << "those whose time was over have given up their places";
    EXPECT_LE(discovery_.counts().lookups, 312U);
    EXPECT_GT(discovery_.counts().late, 0U);
}

TEST_F(DiscoveryTest, LookupsUnderWayAreLimited) {
    dns_.silent = true;
    for (int i = 0; i < 25; i++) find("d" + std::to_string(i) + ".example", 60s);
    EXPECT_EQ(discovery_.under_way(), 10U);
    EXPECT_EQ(discovery_.waiting(), 15U);
    EXPECT_EQ(dns_.open(), 10U);
    dns_.silent = false;
    dns_.answer_all(now_);
    EXPECT_EQ(discovery_.waiting(), 0U);
}

TEST_F(DiscoveryTest, TooManyThatWaitAreRefused) {
    dns_.silent = true;
    std::vector<std::shared_ptr<Heard>> all;
    for (int i = 0; i < 40; i++) all.push_back(find("d" + std::to_string(i) + ".example", 60s));
    for (size_t i = 0; i < 40; i++) EXPECT_EQ(all[i]->route.has_value(), i >= 30) << i;
    EXPECT_EQ(all[39]->route->outcome, Outcome::failed);
    EXPECT_NE(all[39]->route->reason.find("discovery.queue"), std::string::npos);
    EXPECT_EQ(discovery_.counts().limited, 10U);
}

TEST_F(DiscoveryTest, PartnersGoBeforeStrangers) {
    partner("known.example", "198.51.100.1", 30);
    found("known.example");
    config_.discovery = {.per_second = 10, .concurrent = 100, .queue = 1000};
    discovery_.configure(config_, now_);
    for (int i = 0; i < 900; i++) find("d" + std::to_string(i) + ".example", 600s);
    find("known.example");
    size_t before = discovery_.cache().peek(discovery_.usual("known.example", Service::sip))->route.steps.size();
    EXPECT_EQ(before, 3U);
    pass(28s);
    const Entry* entry = discovery_.cache().peek(discovery_.usual("known.example", Service::sip));
    EXPECT_GT(entry->resolved, Time{1h}) << "looked up again although hundreds wait";
    EXPECT_GT(discovery_.waiting(), 500U);
}

TEST_F(DiscoveryTest, TestingAsksWhateverIsRemembered) {
    partner("a.example", "198.51.100.1");
    found("a.example");
    partner("a.example", "198.51.100.2");
    std::optional<Route> route;
    discovery_.look_up(discovery_.usual("a.example", Service::sip), now_, now_ + 5s,
                       [&](const Route& r, Time) { route = r; });
    dns_.answer_all(now_);
    EXPECT_EQ(first_address(*route), "198.51.100.2");
    EXPECT_EQ(first_address(found("a.example")), "198.51.100.2") << "and the answer is used from then on";
    dns_fails("a.example");
    discovery_.look_up(discovery_.usual("a.example", Service::sip), now_, now_ + 5s,
                       [&](const Route& r, Time) { route = r; });
    dns_.answer_all(now_);
    EXPECT_EQ(route->outcome, Outcome::failed) << "as it is now, not as it was";
    EXPECT_EQ(found("a.example").outcome, Outcome::found);
}

TEST_F(DiscoveryTest, NamesThatCannotBeInDnsAreNotAskedFor) {
    for (const char* name :
         {"", ".", "example", "a..example", "a.example.", "A.example", "192.0.2.1", "a b.example", "-a.example",
          "b\xc3\xbc"
          "cher.example",
          "*.example", "a.example/../x"}) {
        auto heard = find(name);
        ASSERT_TRUE(heard->route) << name;
        EXPECT_EQ(heard->route->outcome, Outcome::failed) << name;
    }
    EXPECT_TRUE(dns_.asked.empty());
    EXPECT_EQ(discovery_.cache().size(), 0U);
}

TEST_F(DiscoveryTest, NewRulesForAddressesForgetOldAnswers) {
    partner("a.example", "198.51.100.1");
    EXPECT_EQ(found("a.example").outcome, Outcome::found);
    config_.dns.ttl_max_s = 7200;
    discovery_.configure(config_, now_);
    EXPECT_TRUE(find("a.example")->route) << "still remembered";
    EXPECT_EQ(dns_.configured, 1U);
    EXPECT_TRUE(changes_.empty());
    config_.interfaces.push_back(
        {.name = "outside", .role = Side::external, .port = "wan", .addresses = {*Prefix::parse("198.51.100.1/24")}});
    discovery_.configure(config_, now_);
    EXPECT_EQ(changes_, std::vector<std::string>{"a.example " + std::string(name_of(Outcome::failed))})
        << "the cores keep answers, too";
    EXPECT_EQ(found("a.example").outcome, Outcome::refused) << "that is our own address now";
    config_.dns.servers.push_back(*Endpoint::parse("192.0.2.53:53"));
    discovery_.configure(config_, now_);
    EXPECT_EQ(dns_.configured, 2U);
}

TEST_F(DiscoveryTest, NetworksInsideAreNoPlaceForPartners) {
    config_.interfaces.push_back(
        {.name = "outside", .role = Side::external, .port = "wan", .addresses = {*Prefix::parse("192.0.2.10/26")}});
    config_.interfaces.push_back(
        {.name = "inside", .role = Side::internal, .port = "lan", .addresses = {*Prefix::parse("192.0.2.130/26")}});
    config_.routes.push_back({*Prefix::parse("203.0.113.0/24"), *IpAddress::parse("192.0.2.140"), "inside"});
    config_.turn.relay_addresses.push_back({*IpAddress::parse("192.0.2.11"), *IpAddress::parse("198.51.100.99")});
    discovery_.configure(config_, now_);
    int n = 0;
    for (const char* ip : {"192.0.2.10", "192.0.2.130", "192.0.2.140", "203.0.113.7", "192.0.2.11", "198.51.100.99"}) {
        std::string domain = "d" + std::to_string(n++) + ".example";
        partner(domain, ip);
        EXPECT_EQ(found(domain).outcome, Outcome::refused) << ip;
    }
    config_.discovery.allow.push_back(*Prefix::parse("192.0.2.128/26"));
    discovery_.configure(config_, now_);
    EXPECT_EQ(found("d2.example").outcome, Outcome::found) << "the operator says that it may be";
    EXPECT_EQ(found("d1.example").outcome, Outcome::refused) << "but never an address of the edge itself";
    partner("six.example", "198.51.100.1");
    dns_.set("sip.six.example", RecordType::a, no_data());
    dns_.set("sip.six.example", RecordType::aaaa, data({address("2001:db8::1")}));
    EXPECT_EQ(found("six.example").outcome, Outcome::not_found) << "no IPv6 outside";
}

TEST_F(DiscoveryTest, LookupsUnderWayBeginAnewWithNewRules) {
    dns_.silent = true;
    partner("a.example", "198.51.100.1");
    auto heard = find("a.example", 60s);
    config_.discovery.deny.push_back(*Prefix::parse("198.51.100.0/24"));
    discovery_.configure(config_, now_);
    EXPECT_EQ(dns_.open(), 1U);
    EXPECT_EQ(dns_.cancelled.size(), 1U);
    dns_.silent = false;
    dns_.answer_all(now_);
    ASSERT_TRUE(heard->route);
    EXPECT_EQ(heard->route->outcome, Outcome::refused);
}

TEST_F(DiscoveryTest, FailingAddressesAreTriedLast) {
    partner("a.example", "198.51.100.1");
    dns_.set("sip.a.example", RecordType::a, data({address("198.51.100.1"), address("198.51.100.2")}));
    EXPECT_EQ(first_address(found("a.example")), "198.51.100.1");
    attempt("198.51.100.1:5061", 0, 1);
    Route route = found("a.example");
    EXPECT_EQ(first_address(route), "198.51.100.2");
    EXPECT_EQ(route.targets[0].addresses.size(), 2U);
    now_ += Health::kFirstPenalty;
    EXPECT_EQ(first_address(found("a.example")), "198.51.100.1");
}

TEST_F(DiscoveryTest, AnAddressThatWorksAgainIsTriedAsBefore) {
    partner("a.example", "198.51.100.1");
    dns_.set("sip.a.example", RecordType::a, data({address("198.51.100.1"), address("198.51.100.2")}));
    found("a.example");
    attempt("198.51.100.1:5061", 0, 1);
    EXPECT_EQ(first_address(found("a.example")), "198.51.100.2");
    attempt("198.51.100.1:5061", 1, 3);  // it answers some: that is no place to avoid
    EXPECT_EQ(first_address(found("a.example")), "198.51.100.1");
    EXPECT_EQ(discovery_.counts().lost, 0U);
}

TEST_F(DiscoveryTest, APartnerWhoCannotBeReachedIsLookedUpBeforeItsTime) {
    partner("a.example", "198.51.100.1");
    partner("b.example", "198.51.100.2");
    found("a.example");
    found("b.example");
    partner("a.example", "198.51.100.9");  // has moved, long before the time of its records is over
    now_ += 20s;
    uint64_t lookups = discovery_.counts().lookups;
    attempt("198.51.100.1:5061", 0, 2);
    dns_.answer_all(now_);
    EXPECT_EQ(discovery_.counts().lookups, lookups + 1) << "b.example is not concerned";
    EXPECT_EQ(discovery_.counts().lost, 1U);
    EXPECT_EQ(changes_, std::vector<std::string>{"a.example found"});
    EXPECT_EQ(first_address(found("a.example")), "198.51.100.9");
}

TEST_F(DiscoveryTest, APartnerOfWhomSomethingWorksIsNotLookedUpAgain) {
    partner("a.example", "198.51.100.1");
    dns_.set("sip.a.example", RecordType::a, data({address("198.51.100.1"), address("198.51.100.2")}));
    found("a.example");
    now_ += 20s;
    attempt("198.51.100.1:5061", 0, 1);
    dns_.answer_all(now_);
    EXPECT_EQ(discovery_.counts().lost, 0U);
    attempt("198.51.100.2:5061", 0, 1);
    dns_.answer_all(now_);
    EXPECT_EQ(discovery_.counts().lost, 1U);
}

TEST_F(DiscoveryTest, APartnerWhoStaysAwayIsNotLookedUpAllTheTime) {
    partner("a.example", "198.51.100.1");
    found("a.example");
    for (int i = 0; i < 100; i++) {
        now_ += 250ms;
        attempt("198.51.100.1:5061", 0, 1);
        dns_.answer_all(now_);
    }
    EXPECT_EQ(discovery_.counts().lost, 2U) << "25 s, and once in 10 s";
    EXPECT_EQ(found("a.example").outcome, Outcome::found);
}

TEST_F(DiscoveryTest, CallbacksMayAskAgain) {
    partner("a.example", "198.51.100.1");
    partner("b.example", "198.51.100.2");
    std::string heard;
    discovery_.find(discovery_.usual("a.example", Service::sip), now_, now_ + 5s, [&](const Route&, Time now) {
        heard += "a";
        discovery_.find(discovery_.usual("a.example", Service::sip), now, now + 5s,
                        [&](const Route&, Time) { heard += "a"; });
        discovery_.find(discovery_.usual("b.example", Service::sip), now, now + 5s,
                        [&](const Route&, Time) { heard += "b"; });
    });
    dns_.answer_all(now_);
    EXPECT_EQ(heard, "aab");
}

TEST_F(DiscoveryTest, MemoryIsBounded) {
    config_.dns.cache_size = 100;
    config_.discovery = {.per_second = 100000, .concurrent = 500, .queue = 100000};
    discovery_.configure(config_, now_);
    for (int i = 0; i < 5000; i++) {
        std::string domain = "d" + std::to_string(i) + ".example";
        if (i % 3 == 0) partner(domain, "198.51.100.1");
        found(domain);
        if (i % 100 == 0) pass(1s);
    }
    EXPECT_LE(discovery_.cache().size(), 100U);
    EXPECT_GT(discovery_.cache().evicted(), 4000U);
}

}  // namespace
}  // namespace fedge::control::discovery
