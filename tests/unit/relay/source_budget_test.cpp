#include "dataplane/relay/source_budget.h"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

#include "dataplane/base/random.h"

namespace fedge::relay {
namespace {

IpAddress ip(const char* text) {
    return *IpAddress::parse(text);
}
constexpr Instant at(Duration d) {
    return Instant{d};
}

TEST(SourceBudget, GivesWhatCameInBurstAndRate) {
    SeededRandom random{1};
    SourceBudget budget{random};
    budget.configure(100, 1000);
    IpAddress a = ip("192.0.2.1");
    EXPECT_TRUE(budget.may_send(at(0s), a, 20, 1020)) << "received and burst";
    EXPECT_FALSE(budget.may_send(at(0s), a, 0, 1));
    EXPECT_TRUE(budget.may_send(at(0s), a, 28, 28)) << "no more than was received";
    EXPECT_FALSE(budget.may_send(at(1s), a, 0, 101));
    EXPECT_TRUE(budget.may_send(at(1s), a, 0, 100)) << "a second of rate";
    EXPECT_FALSE(budget.may_send(at(1h), a, 0, 1001)) << "never more than burst is saved";
    EXPECT_TRUE(budget.may_send(at(1h), a, 0, 1000));
}

TEST(SourceBudget, CreditsWhatARefusedRequestBrought) {
    SeededRandom random{1};
    SourceBudget budget{random};
    budget.configure(0, 100);
    IpAddress a = ip("192.0.2.1");
    EXPECT_TRUE(budget.may_send(at(0s), a, 0, 100));
    EXPECT_FALSE(budget.may_send(at(0s), a, 28, 92));
    EXPECT_FALSE(budget.may_send(at(0s), a, 28, 92));
    EXPECT_FALSE(budget.may_send(at(0s), a, 28, 92));
    EXPECT_TRUE(budget.may_send(at(0s), a, 28, 92));
    EXPECT_FALSE(budget.may_send(at(100h), a, 0, 100)) << "rate 0 gives nothing with time";
}

TEST(SourceBudget, CountsIpv4ByAddressAndIpv6By64) {
    SeededRandom random{1};
    SourceBudget budget{random};
    EXPECT_EQ(budget.cell_of(ip("2001:db8::1")), budget.cell_of(ip("2001:db8::ffff:ffff:ffff:ffff")));
    EXPECT_NE(budget.cell_of(ip("2001:db8::1")), budget.cell_of(ip("2001:db8:0:1::1")));
    EXPECT_NE(budget.cell_of(ip("192.0.2.1")), budget.cell_of(ip("192.0.2.2")));
}

TEST(SourceBudget, WhichSourcesShareIsSecret) {
    SeededRandom one{1}, two{2};
    SourceBudget a{one, 64}, b{two, 64};
    int same = 0;
    for (uint32_t i = 0; i < 1000; i++) same += a.cell_of(IpAddress::v4(i)) == b.cell_of(IpAddress::v4(i));
    EXPECT_LT(same, 100);
}

TEST(SourceBudget, NewSettingsApplyAtOnce) {
    SeededRandom random{1};
    SourceBudget budget{random};
    IpAddress a = ip("192.0.2.1");
    EXPECT_FALSE(budget.may_send(at(0s), a, 10, 11)) << "nothing before configuration";
    EXPECT_TRUE(budget.may_send(at(0s), a, 10, 10));
    budget.configure(0, 1000);
    EXPECT_TRUE(budget.may_send(at(0s), a, 0, 600));
    budget.configure(0, 500);
    EXPECT_FALSE(budget.may_send(at(0s), a, 0, 1)) << "600 are used already";
    budget.configure(0, 1000);
    EXPECT_TRUE(budget.may_send(at(0s), a, 0, 500));
    EXPECT_FALSE(budget.may_send(at(0s), a, 0, 1));
}

TEST(SourceBudget, RefusesTableThatIsNoPowerOfTwo) {
    SeededRandom random{1};
    EXPECT_THROW(SourceBudget(random, 1000), std::invalid_argument);
    EXPECT_THROW(SourceBudget(random, 0), std::invalid_argument);
}

// For every cell and from every moment on: sent <= received + burst + rate * time. Small table, so that sources
// collide.
TEST(SourceBudget, PropertyBoundHoldsOverAnySequence) {
    for (uint64_t seed = 1; seed <= 60; seed++) {
        SeededRandom random{seed};
        SourceBudget budget{random, 4};
        uint32_t rate = random.below(3) == 0 ? random.below(10) : random.below(100'000);
        uint32_t burst = random.below(20'000);
        budget.configure(rate, burst);
        struct Flow {
            double received = 0, sent = 0;
        };
        std::map<size_t, Flow> cells;
        Instant now{};
        int sent = 0;
        for (int step = 0; step < 5000; step++) {
            // From back to back to half an hour.
            now += Duration{static_cast<int64_t>(random.below(1000)) << random.below(32)};
            IpAddress source = IpAddress::v4(random.below(20));
            size_t received = random.below(200), response = random.below(400);
            Flow& flow = cells[budget.cell_of(source)];
            flow.received += static_cast<double>(received);
            if (!budget.may_send(now, source, received, response)) continue;
            sent++;
            flow.sent += static_cast<double>(response);
            double seconds = std::chrono::duration<double>(now.time_since_epoch()).count();
            ASSERT_LE(flow.sent, flow.received + burst + rate * seconds + 1e-6) << "seed " << seed << " step " << step;
        }
        EXPECT_GT(sent, 0) << "seed " << seed;
    }
}

// The rate is really given, also to one who asks every microsecond: fractions of bytes are not lost.
TEST(SourceBudget, FrequentQuestionsDoNotStarve) {
    SeededRandom random{3};
    SourceBudget budget{random};
    budget.configure(4096, 10'000);
    IpAddress a = ip("192.0.2.1");
    ASSERT_TRUE(budget.may_send(at(0s), a, 0, 10'000));
    int sent = 0;
    for (int us = 1; us <= 1'000'000; us++) sent += budget.may_send(at(Duration{us * 1000}), a, 0, 1);
    EXPECT_NEAR(sent, 4096, 1);
}

}  // namespace
}  // namespace fedge::relay
