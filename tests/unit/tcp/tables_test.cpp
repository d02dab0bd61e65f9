// The tables beside the connections: TIME-WAIT, path MTU, prefixes.
#include <gtest/gtest.h>

#include "dataplane/tcp/path_mtu.h"
#include "dataplane/tcp/prefixes.h"
#include "dataplane/tcp/time_wait.h"

namespace fedge::tcp {
namespace {

TEST(TimeWaitTable, KeepsTheOldestFirst) {
    TimeWaitTable table(3, -1);
    uint32_t a = table.add();
    uint32_t b = table.add();
    uint32_t c = table.add();
    EXPECT_TRUE(table.full());
    EXPECT_EQ(table.oldest(), a);
    table.make_newest(a);
    EXPECT_EQ(table.oldest(), b);
    table.remove(c);
    EXPECT_EQ(table.count(), 2u);
    table.remove(b);
    EXPECT_EQ(table.oldest(), a);
    table.remove(a);
    EXPECT_EQ(table.oldest(), TimeWaitTable::kNone);
    for (int i = 0; i < 3; i++) table.add();
    EXPECT_TRUE(table.full());
}

TEST(PathMtu, IsLearnedAndForgotten) {
    SeededRandom random{1};
    PathMtu paths(2, -1, random);
    IpAddress a = IpAddress::v4(0xc0000201);
    Instant now{1h};
    EXPECT_EQ(paths.find(a, 1500, now), 1500);
    paths.learn(a, 1400, now);
    EXPECT_EQ(paths.find(a, 1500, now), 1400);
    EXPECT_EQ(paths.find(a, 1300, now), 1300) << "never above the interface's";
    EXPECT_EQ(paths.find(a, 1500, now + PathMtu::kLifetime + 1s), 1500);
    for (uint32_t i = 0; i < 10; i++) paths.learn(IpAddress::v4(0xc0000300 + i), 1200, now);
    EXPECT_EQ(paths.find(IpAddress::v4(0xc0000300), 1500, now), 1200);
    EXPECT_EQ(paths.find(IpAddress::v4(0xc0000309), 1500, now), 1500) << "full: not kept";
}

TEST(PrefixCounts, CountByAddressAndBySixtyFour) {
    SeededRandom random{1};
    PrefixCounts counts(16, -1, random);
    auto at = [](const char* text) { return IpAddress::parse(text).value(); };
    counts.add(at("192.0.2.1"));
    counts.add(at("192.0.2.1"));
    EXPECT_EQ(counts.count(at("192.0.2.1")), 2u);
    EXPECT_EQ(counts.count(at("192.0.2.2")), 0u);
    counts.add(at("2001:db8::1"));
    EXPECT_EQ(counts.count(at("2001:db8::ffff")), 1u);
    EXPECT_EQ(counts.count(at("2001:db8:0:1::1")), 0u);
    counts.remove(at("192.0.2.1"));
    counts.remove(at("192.0.2.1"));
    EXPECT_EQ(counts.count(at("192.0.2.1")), 0u);
}

}  // namespace
}  // namespace fedge::tcp
