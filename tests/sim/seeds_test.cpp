// A fixed set of seeds of the random simulation. More by hand: sim-tcp --runs N --first SEED.
#include <gtest/gtest.h>

#include "tests/sim/run.h"

namespace fedge::sim {
namespace {

constexpr uint64_t kSeeds = 160;
constexpr uint64_t kGroups = 16;

class Seeds : public testing::TestWithParam<uint64_t> {};

TEST_P(Seeds, DeliverEverythingAndLeaveNothingBehind) {
    uint64_t connections = 0;
    uint64_t bytes = 0;
    for (uint64_t seed = GetParam(); seed <= kSeeds; seed += kGroups) {
        RunReport report = run(seed);
        EXPECT_TRUE(report.ok) << report.text();
        connections += report.connections;
        bytes += report.bytes;
    }
    EXPECT_GT(connections, 0U);
    EXPECT_GT(bytes, 0U);
}

INSTANTIATE_TEST_SUITE_P(Fixed, Seeds, testing::Range<uint64_t>(1, kGroups + 1));

TEST(Replay, TheSameSeedIsTheSameRun) {
    RunReport once = run(7);
    RunReport again = run(7);
    EXPECT_EQ(once.text(), again.text());
}

}  // namespace
}  // namespace fedge::sim
