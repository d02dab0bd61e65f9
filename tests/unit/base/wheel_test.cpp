#include "dataplane/base/wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "dataplane/base/random.h"

namespace fedge {
namespace {

using namespace std::chrono_literals;

Instant at(Duration since_epoch) {
    return Instant{since_epoch};
}

std::vector<uint32_t> advance(TimingWheel& wheel, Instant now, uint32_t budget = ~0U) {
    std::vector<uint32_t> fired;
    uint32_t count = wheel.advance(now, budget, [&](uint32_t item) { fired.push_back(item); });
    EXPECT_EQ(count, fired.size());
    return fired;
}

TEST(TimingWheel, FiresOnceAndNeverEarly) {
    struct Case {
        const char* name;
        Duration after;
    };
    // On and beside the borders of the levels, 2^8 and 2^16 ticks ahead.
    const Case cases[] = {{"next tick", 10ms},
                          {"within a tick", 11ms},
                          {"last of level 0", 2550ms},
                          {"first of level 1", 2560ms},
                          {"level 1", 10s},
                          {"last of level 1", 655350ms},
                          {"first of level 2", 655360ms},
                          {"level 2", 2h}};
    for (const Case& c : cases) {
        for (Duration start : {Duration{0}, Duration{123456789}}) {
            TimingWheel wheel{4, 10ms, at(start)};
            Instant deadline = at(start) + c.after;
            wheel.arm(2, deadline);
            EXPECT_TRUE(wheel.armed(2)) << c.name;
            for (Instant now = at(start); now < deadline; now += 5ms)
                ASSERT_TRUE(advance(wheel, now).empty()) << c.name;
            EXPECT_EQ(advance(wheel, deadline + 10ms), std::vector<uint32_t>{2}) << c.name;
            EXPECT_FALSE(wheel.armed(2)) << c.name;
            EXPECT_EQ(wheel.count(), 0U) << c.name;
            EXPECT_TRUE(advance(wheel, deadline + 1h).empty()) << c.name;
        }
    }
}

TEST(TimingWheel, PastDeadlinesFireOnTheNextTick) {
    TimingWheel wheel{2, 1ms, at(1h)};
    wheel.arm(0, at(0s));
    wheel.arm(1, at(1h));
    EXPECT_TRUE(advance(wheel, at(1h)).empty());
    EXPECT_EQ(advance(wheel, at(1h + 1ms)), (std::vector<uint32_t>{0, 1}));
}

TEST(TimingWheel, RearmingReplacesTheDeadline) {
    TimingWheel wheel{1, 1ms, at(0s)};
    wheel.arm(0, at(10ms));
    wheel.arm(0, at(10s));
    EXPECT_EQ(wheel.count(), 1U);
    EXPECT_TRUE(advance(wheel, at(9999ms)).empty());
    EXPECT_EQ(advance(wheel, at(10s)), std::vector<uint32_t>{0});
    wheel.arm(0, at(20s));
    wheel.cancel(0);
    wheel.cancel(0);
    EXPECT_EQ(wheel.count(), 0U);
    EXPECT_TRUE(advance(wheel, at(60s)).empty());
}

TEST(TimingWheel, BudgetLeavesTheRestForLater) {
    TimingWheel wheel{100, 1ms, at(0s)};
    for (uint32_t i = 0; i < 100; i++) wheel.arm(i, at(5ms));
    std::set<uint32_t> seen;
    for (int call = 0; call < 10; call++) {
        auto fired = advance(wheel, at(6ms), 10);
        EXPECT_EQ(fired.size(), 10U) << call;
        seen.insert(fired.begin(), fired.end());
    }
    EXPECT_EQ(seen.size(), 100U);
    EXPECT_TRUE(advance(wheel, at(6ms), 10).empty());
}

TEST(TimingWheel, ArmingAndCancellingWhileFiring) {
    TimingWheel wheel{4, 1ms, at(0s)};
    for (uint32_t i = 0; i < 3; i++) wheel.arm(i, at(5ms));
    std::vector<uint32_t> fired;
    wheel.advance(at(20ms), 100, [&](uint32_t item) {
        fired.push_back(item);
        if (item == 0) {
            wheel.cancel(1);          // due in this very tick
            wheel.arm(3, at(7ms));    // later, but within this call
            wheel.arm(0, at(100ms));  // itself
        }
    });
    EXPECT_EQ(fired, (std::vector<uint32_t>{0, 2, 3}));
    EXPECT_EQ(wheel.count(), 1U);
    EXPECT_TRUE(wheel.armed(0));
}

// An item that always re-arms in the past must not hold the loop.
TEST(TimingWheel, ImmediateRearmingTerminates) {
    TimingWheel wheel{1, 1ms, at(0s)};
    wheel.arm(0, at(1ms));
    uint32_t fired = wheel.advance(at(50ms), 1000, [&](uint32_t item) { wheel.arm(item, at(0s)); });
    EXPECT_EQ(fired, 50U) << "once per tick";
}

// The reference: deadlines in a map, rounded up to the tick and never before the tick after arming.
class Model {
  public:
    Model(Duration tick, Instant start) : tick_(tick), now_(ticks(start)) {}

    void arm(uint32_t item, Instant deadline) {
        cancel(item);
        int64_t t = (deadline.time_since_epoch() + tick_ - Duration{1}) / tick_;
        by_item_[item] = by_time_.insert({std::max(t, now_ + 1), item});
    }
    void cancel(uint32_t item) {
        auto found = by_item_.find(item);
        if (found == by_item_.end()) return;
        by_time_.erase(found->second);
        by_item_.erase(found);
    }
    // (tick, item) of everything due.
    std::multimap<int64_t, uint32_t> advance(Instant now) {
        now_ = std::max(now_, ticks(now));
        std::multimap<int64_t, uint32_t> due;
        while (!by_time_.empty() && by_time_.begin()->first <= now_) {
            due.insert(*by_time_.begin());
            by_item_.erase(by_time_.begin()->second);
            by_time_.erase(by_time_.begin());
        }
        return due;
    }
    size_t count() const { return by_time_.size(); }
    Instant first() const { return Instant{by_time_.begin()->first * tick_}; }

  private:
    int64_t ticks(Instant t) const { return t.time_since_epoch() / tick_; }
    Duration tick_;
    int64_t now_;
    std::multimap<int64_t, uint32_t> by_time_;
    std::map<uint32_t, std::multimap<int64_t, uint32_t>::iterator> by_item_;
};

struct Behaviour {
    const char* name;
    uint32_t furthest_bits;  // deadlines up to 2^this ticks ahead
    uint32_t step_bits;      // advances by up to 2^this ticks
    int rounds;
};

class WheelAgainstModel : public testing::TestWithParam<Behaviour> {};

TEST_P(WheelAgainstModel, FiresTheSameItemsInTheSameOrderOfTicks) {
    const Behaviour& behaviour = GetParam();
    constexpr uint32_t kItems = 200;
    constexpr Duration kTick = 1ms;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        SeededRandom random{seed};
        Instant now = at(Duration{random.u32()});
        TimingWheel wheel{kItems, kTick, now};
        Model model{kTick, now};
        for (int round = 0; round < behaviour.rounds; round++) {
            for (uint32_t changes = random.below(8); changes > 0; changes--) {
                uint32_t item = random.below(kItems);
                if (random.below(4) == 0) {
                    wheel.cancel(item);
                    model.cancel(item);
                } else {
                    uint64_t ticks = random.u64() >> (64 - 1 - random.below(behaviour.furthest_bits));
                    Instant deadline = now + kTick * static_cast<int64_t>(ticks) + Duration{random.below(1000000)};
                    wheel.arm(item, deadline);
                    model.arm(item, deadline);
                }
            }
            now += kTick * random.below(1U << random.below(behaviour.step_bits)) + Duration{random.below(1000000)};
            auto expected = model.advance(now);
            std::vector<uint32_t> fired = advance(wheel, now);
            ASSERT_EQ(fired.size(), expected.size()) << "seed " << seed << " round " << round;
            // Within one tick the order is free; across ticks it is that of the deadlines.
            size_t position = 0;
            for (auto it = expected.begin(); it != expected.end();) {
                auto end = expected.upper_bound(it->first);
                std::set<uint32_t> together;
                for (; it != end; ++it) together.insert(it->second);
                std::set<uint32_t> got(fired.begin() + static_cast<ptrdiff_t>(position),
                                       fired.begin() + static_cast<ptrdiff_t>(position + together.size()));
                ASSERT_EQ(got, together) << "seed " << seed << " round " << round;
                position += together.size();
            }
            ASSERT_EQ(wheel.count(), model.count());
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Horizons, WheelAgainstModel,
                         testing::Values(Behaviour{"near", 9, 6, 20000}, Behaviour{"two_levels", 17, 12, 3000},
                                         Behaviour{"three_levels", 25, 16, 300}, Behaviour{"all_levels", 40, 18, 100}),
                         [](const auto& behaviour) { return std::string(behaviour.param.name); });

// More than 2^24 ticks ahead: through every level of the wheel.
TEST(TimingWheel, FarDeadlinesFireOnTime) {
    TimingWheel wheel{3, 1s, at(12345s)};
    wheel.arm(0, at(24h * 200));
    EXPECT_TRUE(advance(wheel, at(24h * 200 - 1s)).empty());
    EXPECT_EQ(advance(wheel, at(24h * 200)), std::vector<uint32_t>{0});
}

// Beyond 2^32 ticks an item is parked and filed again; kNever is as far as it gets.
TEST(TimingWheel, BeyondTheHorizonNothingFiresEarly) {
    TimingWheel wheel{3, 1ms, at(12345s)};
    wheel.arm(0, kNever);
    wheel.arm(1, at(1ms * (int64_t{1} << 33)));
    wheel.arm(2, at(1ms * (int64_t{1} << 32)));
    EXPECT_TRUE(advance(wheel, at(1ms * (int64_t{1} << 22))).empty());
    EXPECT_EQ(wheel.count(), 3U);
    wheel.cancel(0);
    EXPECT_FALSE(wheel.armed(0));
}

}  // namespace
}  // namespace fedge
