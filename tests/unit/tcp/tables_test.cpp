// The tables beside the connections: TIME-WAIT, path MTU, prefixes.
#include <gtest/gtest.h>

#include "dataplane/base/flow_hints.h"
#include "dataplane/tcp/path_mtu.h"
#include "dataplane/tcp/prefixes.h"
#include "dataplane/tcp/rechecks.h"
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

TEST(PathMtu, WhatHasExpiredMakesRoom) {
    SeededRandom random{1};
    constexpr uint32_t kPlaces = 100;
    PathMtu paths(kPlaces, -1, random);
    Instant now{1h};
    auto address = [](uint32_t i) { return IpAddress::v4(0xc0000200 + i); };
    for (uint32_t i = 0; i < kPlaces; i++) paths.learn(address(i), 1200, now);
    paths.learn(address(kPlaces), 1200, now);
    EXPECT_EQ(paths.find(address(kPlaces), 1500, now), 1500) << "full, and nothing has expired";
    // What was learned anew stays, wherever it stands among what has not.
    Instant half = now + PathMtu::kLifetime / 2;
    for (uint32_t i = 0; i < kPlaces; i += 10) paths.learn(address(i), 1300, half);
    Instant later = now + PathMtu::kLifetime + 1s;
    for (uint32_t i = 0; i < kPlaces * 9 / 10; i++) {
        paths.learn(address(1000 + i), 1400, later);
        ASSERT_EQ(paths.find(address(1000 + i), 1500, later), 1400) << i;
    }
    for (uint32_t i = 0; i < kPlaces; i++)
        EXPECT_EQ(paths.find(address(i), 1500, later), i % 10 == 0 ? 1300 : 1500) << i;
    paths.learn(address(9999), 1400, later);
    EXPECT_EQ(paths.find(address(9999), 1500, later), 1500) << "full again";
}

TEST(FlowHints, FindWhatWasAddedUntilItIsRemoved) {
    FlowHints hints(64, -1);
    EXPECT_EQ(hints.find(7), FlowHints::kNone);
    hints.add(7, 0);
    hints.add(0x10007, 5);  // of the same set
    EXPECT_EQ(hints.find(7), 0u);
    EXPECT_EQ(hints.find(0x10007), 5u);
    hints.remove(7, 0);
    EXPECT_EQ(hints.find(7), FlowHints::kNone);
    EXPECT_EQ(hints.find(0x10007), 5u);
}

TEST(FlowHints, AFullSetForgetsNobodyAndTakesNobody) {
    FlowHints hints(64, -1);
    for (uint32_t i = 0; i < 20; i++) hints.add(i << 16, i);
    uint32_t known = 0;
    for (uint32_t i = 0; i < 20; i++) {
        uint32_t found = hints.find(i << 16);
        EXPECT_TRUE(found == i || found == FlowHints::kNone) << i;
        known += found == i;
    }
    EXPECT_EQ(known, 8u);
    EXPECT_EQ(hints.find(0), 0u) << "the first ones keep their places";
    for (uint32_t i = 0; i < 20; i++) hints.remove(i << 16, i);
    hints.add(19 << 16, 19);
    EXPECT_EQ(hints.find(19 << 16), 19u);
}

TEST(Rechecks, ComeInOrderAroundTheEnd) {
    Rechecks queue(5, -1);
    uint32_t next = 0;
    for (uint32_t i = 0; i < 100; i++) {
        queue.push(i);
        if (queue.count() < 5) continue;
        EXPECT_EQ(queue.peek(0), next);
        EXPECT_EQ(queue.peek(4), next + 4);
        EXPECT_EQ(queue.pop(), next++);
    }
    EXPECT_EQ(queue.count(), 4u);
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
