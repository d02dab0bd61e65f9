// Questions and answers of one core, under virtual time.
#include "dataplane/policy/questions.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

namespace fedge::policy {
namespace {

using State = Questions::Found::State;
using contract::Discoverable;
using contract::Finding;

struct Carried {
    uint64_t key;
    std::string domain, via;
    contract::SrvMode mode;
    bool namespace_rule;
};

class Carrier final : public QuestionCarrier {
  public:
    bool carry(uint64_t key, const RouteQuestion& q, Duration wait) override {
        EXPECT_GT(wait, 0s);
        if (refuse) return false;
        sent.push_back({key, std::string(q.domain), std::string(q.via), q.srv_mode, q.namespace_rule});
        return true;
    }
    uint64_t last() const { return sent.back().key; }

    bool refuse = false;
    std::deque<Carried> sent;
};

Route found(const char* address = "198.51.100.7", uint16_t port = 5061) {
    Route route;
    route.finding = Finding::found;
    route.target_count = 1;
    route.target[0].host = std::string_view("sip.a.com");
    route.target[0].port = port;
    route.target[0].address_count = 1;
    route.target[0].address[0] = IpAddress::parse(address).value();
    return route;
}

Route none(Finding finding, uint16_t code = 1008) {
    Route route;
    route.finding = finding;
    route.code = code;
    return route;
}

class QuestionsTest : public testing::Test {
  protected:
    void make(Questions::Limits limits = {}) {
        questions_ = std::make_unique<Questions>(limits, carrier_, Counters(block_), HashKey{});
    }
    void SetUp() override { make(); }
    Questions::Found find(std::string_view domain, std::string_view via = {}) {
        return questions_->find({.domain = domain, .via = via}, now_);
    }
    void go(Duration time) {
        now_ += time;
        questions_->advance(now_);
    }
    std::set<uint64_t> settled() {
        std::set<uint64_t> keys;
        for (uint64_t key; questions_->next_settled(key);) EXPECT_TRUE(keys.insert(key).second);
        return keys;
    }
    // Asks and answers.
    void know(std::string_view domain, const Route& route, Duration keep) {
        auto asked = find(domain);
        ASSERT_EQ(asked.state, State::pending);
        questions_->answer(asked.key, route, keep, now_);
        EXPECT_EQ(settled(), (std::set<uint64_t>{asked.key}));
    }
    uint64_t count(Counter c) { return Counters(block_).value(c); }

    contract::CounterBlock block_{};
    Carrier carrier_;
    std::unique_ptr<Questions> questions_;
    Instant now_{1h};
};

TEST_F(QuestionsTest, UnknownDomainIsAskedOnceHoweverManyWait) {
    auto first = find("a.com");
    EXPECT_EQ(first.state, State::pending);
    for (int i = 0; i < 10; i++) {
        auto again = find("a.com");
        EXPECT_EQ(again.state, State::pending);
        EXPECT_EQ(again.key, first.key);
    }
    EXPECT_EQ(carrier_.sent.size(), 1u);
    EXPECT_EQ(count(Counter::policy_questions), 1u);
    EXPECT_TRUE(settled().empty());
    questions_->answer(first.key, found(), 60s, now_);
    EXPECT_EQ(settled(), (std::set<uint64_t>{first.key}));
    EXPECT_TRUE(settled().empty()) << "each once";
    auto known = find("a.com");
    ASSERT_EQ(known.state, State::known);
    EXPECT_EQ(known.route->finding, Finding::found);
    EXPECT_EQ(known.route->targets()[0].host.view(), "sip.a.com");
    EXPECT_EQ(known.route->targets()[0].addresses()[0].text(), "198.51.100.7");
    EXPECT_NE(known.route->version, 0u);
    EXPECT_EQ(carrier_.sent.size(), 1u);
}

TEST_F(QuestionsTest, WhatIsAskedDifferentlyIsAnotherQuestion) {
    questions_->find({.domain = "a.com"}, now_);
    questions_->find({.domain = "a.com", .service = Discoverable::xmpp}, now_);
    questions_->find({.domain = "a.com", .srv_mode = contract::SrvMode::sips}, now_);
    questions_->find({.domain = "a.com", .via = "edge.a.com"}, now_);
    questions_->find({.domain = "a.com", .namespace_rule = true}, now_);
    questions_->find({.domain = "b.com"}, now_);
    EXPECT_EQ(carrier_.sent.size(), 6u);
    EXPECT_EQ(carrier_.sent[3].via, "edge.a.com");
    EXPECT_TRUE(carrier_.sent[4].namespace_rule);
}

TEST_F(QuestionsTest, WhoeverWaitsIsToldWhenTheTimeIsOver) {
    make({.wait = 5s});
    auto asked = find("a.com");
    go(4999ms);
    EXPECT_TRUE(settled().empty());
    go(1ms);
    EXPECT_EQ(settled(), (std::set<uint64_t>{asked.key}));
    auto known = find("a.com");
    ASSERT_EQ(known.state, State::known);
    EXPECT_EQ(known.route->finding, Finding::failed);
    EXPECT_EQ(known.route->reason.view(), "control did not answer in time");
    EXPECT_EQ(count(Counter::policy_questions_failed), 1u);
    go(2s);
    EXPECT_EQ(find("a.com").state, State::pending) << "asked again, but not at once";
}

TEST_F(QuestionsTest, LateAnswerIsCountedAndStillOfUse) {
    auto asked = find("a.com");
    go(6s);
    settled();
    questions_->answer(asked.key, found(), 60s, now_);
    EXPECT_EQ(count(Counter::policy_answers_late), 1u);
    EXPECT_EQ(find("a.com").route->finding, Finding::found);
}

TEST_F(QuestionsTest, AnswerToNothingIsCounted) {
    questions_->answer(123456789, found(), 60s, now_);
    questions_->answer(uint64_t{7} << 32, found(), 60s, now_);
    EXPECT_EQ(count(Counter::policy_answers_late), 2u);
    EXPECT_EQ(questions_->domains(), 0u);
}

TEST_F(QuestionsTest, AnswerIsUsedUntilItsTimeIsOver) {
    know("a.com", none(Finding::not_found), 10s);
    go(9999ms);
    EXPECT_EQ(find("a.com").state, State::known);
    EXPECT_EQ(carrier_.sent.size(), 1u) << "what is not there is not asked for ahead of time";
    go(1ms);
    EXPECT_EQ(find("a.com").state, State::pending);
}

TEST_F(QuestionsTest, WhatIsInUseIsAskedForAheadOfTime) {
    know("a.com", found(), 100s);
    know("idle.com", found(), 100s);
    go(79s);
    find("a.com");
    EXPECT_EQ(carrier_.sent.size(), 2u);
    go(1s);
    EXPECT_EQ(find("a.com").state, State::known) << "nobody waits for it";
    ASSERT_EQ(carrier_.sent.size(), 3u);
    find("a.com");
    EXPECT_EQ(carrier_.sent.size(), 3u);
    questions_->answer(carrier_.last(), found("198.51.100.8"), 100s, now_);
    EXPECT_TRUE(settled().empty());
    EXPECT_EQ(find("a.com").route->targets()[0].addresses()[0].text(), "198.51.100.8");
    go(99s);
    EXPECT_EQ(find("a.com").state, State::known);
}

TEST_F(QuestionsTest, VersionChangesWithTheRouteOnly) {
    know("a.com", found(), 10s);
    uint64_t version = find("a.com").route->version;
    go(8s);
    find("a.com");
    questions_->answer(carrier_.last(), found(), 10s, now_);
    EXPECT_EQ(find("a.com").route->version, version);
    go(8s);
    find("a.com");
    questions_->answer(carrier_.last(), found("198.51.100.7", 5062), 10s, now_);
    EXPECT_NE(find("a.com").route->version, version);
}

TEST_F(QuestionsTest, WithoutControlWhatWasKnownIsUsedAsStale) {
    make({.wait = 5s, .kept_stale = 1h, .stale_for = 30s});
    know("a.com", found(), 60s);
    uint64_t version = find("a.com").route->version;
    go(60s);
    auto asked = find("a.com");
    EXPECT_EQ(asked.state, State::pending);
    go(5s);
    EXPECT_EQ(settled(), (std::set<uint64_t>{asked.key}));
    auto stale = find("a.com");
    ASSERT_EQ(stale.state, State::known);
    EXPECT_EQ(stale.route->finding, Finding::found);
    EXPECT_TRUE(stale.route->stale);
    EXPECT_EQ(stale.route->version, version);
    EXPECT_EQ(count(Counter::policy_answers_stale), 1u);
    go(30s);
    EXPECT_EQ(find("a.com").state, State::pending) << "control is asked again";
    questions_->answer(carrier_.last(), found(), 60s, now_);
    EXPECT_FALSE(find("a.com").route->stale);
}

TEST_F(QuestionsTest, StaleIsNotForEver) {
    make({.wait = 5s, .kept_stale = 10min, .stale_for = 30s});
    know("a.com", found(), 60s);
    go(11min);
    find("a.com");
    go(5s);
    EXPECT_EQ(find("a.com").route->finding, Finding::failed);
}

TEST_F(QuestionsTest, FailureOfDnsDoesNotReplaceWhatWasFound) {
    know("a.com", found(), 60s);
    go(48s);
    find("a.com");
    questions_->answer(carrier_.last(), none(Finding::failed), 30s, now_);
    EXPECT_EQ(find("a.com").route->finding, Finding::found);
    EXPECT_TRUE(find("a.com").route->stale);
    go(30s);
    find("a.com");
    questions_->answer(carrier_.last(), none(Finding::not_found), 30s, now_);
    EXPECT_EQ(find("a.com").route->finding, Finding::not_found) << "but that it is gone does";
}

TEST_F(QuestionsTest, RefreshThatIsNotAnsweredLeavesWhatIsGood) {
    know("a.com", found(), 100s);
    go(80s);
    find("a.com");
    go(5s);
    auto known = find("a.com");
    EXPECT_EQ(known.state, State::known);
    EXPECT_FALSE(known.route->stale);
    EXPECT_EQ(carrier_.sent.size(), 2u) << "not asked again at once";
    go(2s);
    find("a.com");
    EXPECT_EQ(carrier_.sent.size(), 3u);
}

TEST_F(QuestionsTest, NewsMakeControlAskedAgain) {
    know("a.com", found(), 1h);
    questions_->find({.domain = "a.com", .service = Discoverable::xmpp}, now_);
    questions_->answer(carrier_.last(), found(), 1h, now_);
    questions_->news("a.com", Discoverable::sip, now_);
    questions_->news("unknown.com", Discoverable::sip, now_);
    EXPECT_EQ(find("a.com").state, State::pending);
    EXPECT_EQ(questions_->find({.domain = "a.com", .service = Discoverable::xmpp}, now_).state, State::known);
    questions_->answer(carrier_.last(), found("198.51.100.9"), 1h, now_);
    EXPECT_EQ(find("a.com").route->targets()[0].addresses()[0].text(), "198.51.100.9");
}

TEST_F(QuestionsTest, LeastRecentlyUsedDomainMakesRoom) {
    make({.domains = 3});
    for (const char* domain : {"a.com", "b.com", "c.com"}) know(domain, found(), 1h);
    find("a.com");
    know("d.com", found(), 1h);
    EXPECT_EQ(questions_->domains(), 3u);
    EXPECT_EQ(find("a.com").state, State::known);
    EXPECT_EQ(find("c.com").state, State::known);
    EXPECT_EQ(find("b.com").state, State::pending);
}

TEST_F(QuestionsTest, DomainsThatAreWaitedForMakeNoRoom) {
    make({.domains = 2});
    auto a = find("a.com");
    auto b = find("b.com");
    EXPECT_EQ(questions_->waiting(), 2u);
    EXPECT_EQ(find("c.com").state, State::full);
    EXPECT_EQ(count(Counter::policy_questions_full), 1u);
    questions_->answer(a.key, found(), 1h, now_);
    EXPECT_EQ(find("c.com").state, State::full) << "until those who wait were told";
    settled();
    EXPECT_EQ(find("c.com").state, State::pending);
    questions_->answer(b.key, found(), 1h, now_);
    EXPECT_EQ(find("b.com").state, State::known);
}

TEST_F(QuestionsTest, AnswerForADomainThatMadeRoomGoesNowhere) {
    make({.domains = 1});
    know("a.com", found(), 100s);
    go(80s);
    find("a.com");  // asked for ahead of time
    uint64_t key = carrier_.last();
    auto b = find("b.com");
    EXPECT_EQ(b.state, State::pending);
    questions_->answer(key, found("198.51.100.66"), 1h, now_);
    EXPECT_EQ(count(Counter::policy_answers_late), 1u);
    EXPECT_EQ(find("b.com").state, State::pending);
}

TEST_F(QuestionsTest, RefusedCarrierLeavesNothingBehind) {
    carrier_.refuse = true;
    EXPECT_EQ(find("a.com").state, State::full);
    EXPECT_EQ(questions_->domains(), 0u);
    EXPECT_EQ(count(Counter::policy_questions), 0u);
    carrier_.refuse = false;
    know("a.com", found(), 60s);
    carrier_.refuse = true;
    go(60s);
    EXPECT_EQ(find("a.com").state, State::known) << "stale is better than nothing";
    EXPECT_TRUE(find("a.com").route->stale);
}

TEST_F(QuestionsTest, NamesThatAreNoneAreNotAsked) {
    std::string longest(kMaxName, 'a');
    EXPECT_EQ(find("").state, State::full);
    EXPECT_EQ(find(longest + "a").state, State::full);
    EXPECT_EQ(find("a.com", longest + "a").state, State::full);
    EXPECT_EQ(find(longest, longest).state, State::pending);
}

TEST_F(QuestionsTest, TimesThatControlGivesAreBounded) {
    know("a.com", none(Finding::not_found), 0s);
    EXPECT_EQ(find("a.com").state, State::known);
    know("b.com", none(Finding::not_found), 1000h);
    go(24h);
    EXPECT_EQ(find("b.com").state, State::pending);
}

// Whatever happens in whatever order: nobody waits for ever, tables stay within their bounds, answers are right.
class QuestionsAtRandom : public QuestionsTest, public testing::WithParamInterface<unsigned> {};

TEST_P(QuestionsAtRandom, EveryKeyIsToldOnce) {
    make({.domains = 8, .wait = 5s, .kept_stale = 30s});
    std::mt19937 random(GetParam());
    std::map<uint64_t, Instant> waits;
    for (int step = 0; step < 5000; step++) {
        carrier_.refuse = random() % 10 == 0;
        std::string domain = "d" + std::to_string(random() % 20);
        auto got = find(domain);
        if (got.state == State::pending) waits.try_emplace(got.key, now_);
        if (got.state == State::known && got.route->finding == Finding::found) {
            ASSERT_EQ(got.route->targets()[0].host.view(), domain);
        }
        while (!carrier_.sent.empty() && random() % 3) {
            Carried question = carrier_.sent.front();
            carrier_.sent.pop_front();
            if (random() % 4 == 0) continue;  // lost
            Route route = random() % 2 ? found() : none(static_cast<Finding>(1 + random() % 3));
            if (route.target_count) route.target[0].host = std::string_view(question.domain);
            questions_->answer(question.key, route, std::chrono::seconds(random() % 20), now_);
        }
        if (random() % 50 == 0) questions_->news(domain, Discoverable::sip, now_);
        go(std::chrono::milliseconds(random() % 300));
        for (uint64_t key : settled()) ASSERT_EQ(waits.erase(key), 1u) << "told to somebody who did not wait";
        ASSERT_LE(questions_->domains(), 8u);
        for (const auto& [key, since] : waits) ASSERT_LT(now_ - since, 5s + 300ms);
    }
    go(10s);
    for (uint64_t key : settled()) waits.erase(key);
    EXPECT_TRUE(waits.empty());
    EXPECT_EQ(questions_->waiting(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, QuestionsAtRandom, testing::Range(1U, 21U));

}  // namespace
}  // namespace fedge::policy
