#include "control/discovery/health.h"

#include <gtest/gtest.h>

namespace fedge::control::discovery {
namespace {

using namespace std::chrono_literals;

const Failure kRefused{1046, "nothing listens there"};

Endpoint at(const char* text) {
    return *Endpoint::parse(text);
}

std::vector<Target> two_targets() {
    Target a{"a", 5061, 10, 0, false, false, {*IpAddress::parse("192.0.2.1"), *IpAddress::parse("192.0.2.2")}};
    Target b{"b", 5061, 20, 0, false, false, {*IpAddress::parse("192.0.2.3")}};
    return {a, b};
}

std::string order(const std::vector<Target>& targets) {
    std::string out;
    for (const auto& target : targets) {
        for (const auto& address : target.addresses) out += (out.empty() ? "" : " ") + address.text().substr(8);
    }
    return out;
}

class HealthTest : public testing::Test {
  protected:
    std::string sorted() {
        auto targets = two_targets();
        health_.sort(targets, now_);
        return order(targets);
    }
    Health health_;
    Time now_{1h};
};

TEST_F(HealthTest, FailingAddressesAreTriedLastForATime) {
    EXPECT_EQ(sorted(), "1 2 3");
    health_.failed(at("192.0.2.1:5061"), kRefused, now_);
    EXPECT_EQ(sorted(), "2 1 3") << "the other address of the target first";
    health_.failed(at("192.0.2.2:5061"), kRefused, now_ + 1s);
    EXPECT_EQ(sorted(), "3 1 2") << "both fail: the next target first, though of lower priority";
    health_.failed(at("192.0.2.3:5061"), kRefused, now_ + 2s);
    EXPECT_EQ(sorted(), "1 2 3") << "all fail: the one that failed first is the best guess";
    now_ += Health::kFirstPenalty;
    EXPECT_EQ(sorted(), "1 2 3");
    health_.succeeded(at("192.0.2.1:5061"));
    EXPECT_EQ(health_.size(), 2U);
    EXPECT_EQ(health_.of(at("192.0.2.1:5061")).failures, 0U);
}

TEST_F(HealthTest, OtherPortsAreOthers) {
    health_.failed(at("192.0.2.1:443"), kRefused, now_);
    EXPECT_EQ(sorted(), "1 2 3");
}

TEST_F(HealthTest, PenaltyDoublesAndIsBounded) {
    Time::duration before{};
    for (int i = 0; i < 20; i++) {
        health_.failed(at("192.0.2.1:5061"), kRefused, now_);
        auto state = health_.of(at("192.0.2.1:5061"));
        auto penalty = state.until - now_;
        EXPECT_EQ(penalty, std::min<Time::duration>(i == 0 ? Time::duration(Health::kFirstPenalty) : before * 2,
                                                    Health::kMaxPenalty));
        before = penalty;
        now_ = state.until;
    }
}

TEST_F(HealthTest, ABurstOfFailuresIsOne) {
    for (int i = 0; i < 100; i++) health_.failed(at("192.0.2.1:5061"), kRefused, now_);
    EXPECT_EQ(health_.of(at("192.0.2.1:5061")).failures, 1U);
    EXPECT_EQ(health_.of(at("192.0.2.1:5061")).failure.code, 1046);
    health_.failed(at("192.0.2.1:5061"), {1010, "its certificate has expired"}, now_);
    EXPECT_EQ(health_.of(at("192.0.2.1:5061")).failure.words, "its certificate has expired") << "what it was last";
}

TEST_F(HealthTest, IsBounded) {
    for (uint32_t i = 0; i < Health::kMaxEntries + 100; i++) health_.failed({IpAddress::v4(i), 5061}, kRefused, now_);
    EXPECT_EQ(health_.size(), Health::kMaxEntries);
    EXPECT_EQ(health_.of({IpAddress::v4(0), 5061}).failures, 0U) << "the oldest made room";
    EXPECT_EQ(health_.of({IpAddress::v4(Health::kMaxEntries), 5061}).failures, 1U);
}

}  // namespace
}  // namespace fedge::control::discovery
