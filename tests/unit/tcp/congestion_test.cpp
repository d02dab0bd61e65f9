#include "dataplane/tcp/congestion.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fedge::tcp {
namespace {

constexpr uint32_t kMss = 1000;

Congestion started(bool cubic, uint32_t segments = 10) {
    Congestion c;
    c.start(kMss, segments, cubic);
    return c;
}

// RFC 6928 section 2.
TEST(Congestion, BeginsWithTheInitialWindow) {
    struct {
        uint32_t mss;
        uint32_t window;
    } cases[] = {{1460, 14600}, {536, 5360}, {1000, 10000}, {9000, 18000}, {2000, 14600}};
    for (auto [mss, window] : cases) {
        Congestion c;
        c.start(mss, 10, true);
        EXPECT_EQ(c.window(), window);
    }
    EXPECT_EQ(started(true, 1).window(), kMss) << "RFC 5681 section 3.1: the SYN was lost";
}

// RFC 3465 section 2.2.
TEST(Congestion, SlowStartCountsBytesUpToTwoSegments) {
    Congestion c = started(false);
    c.on_acknowledged(1000, false, 100ms, Instant{});
    EXPECT_EQ(c.window(), 11000u);
    c.on_acknowledged(5000, false, 100ms, Instant{});
    EXPECT_EQ(c.window(), 13000u);
    c.on_acknowledged(5000, true, 100ms, Instant{});
    EXPECT_EQ(c.window(), 14000u) << "L = 1 after a timeout";
}

// RFC 5681 section 3.1: one segment a window.
TEST(Congestion, RenoAvoidsByOneSegmentPerWindow) {
    Congestion c = started(false);
    c.enter_recovery(20000);
    c.leave_recovery();
    ASSERT_EQ(c.window(), 10000u);
    for (int i = 0; i < 10; i++) {
        EXPECT_EQ(c.window(), 10000u);
        c.on_acknowledged(1000, false, 100ms, Instant{});
    }
    EXPECT_EQ(c.window(), 11000u);
}

TEST(Congestion, TimeoutLeavesOneSegmentAndHalfTheFlight) {
    Congestion c = started(false);
    c.on_timeout(8000, true);
    EXPECT_EQ(c.window(), kMss);
    EXPECT_EQ(c.threshold(), 4000u);
    c.on_timeout(1000, false);
    EXPECT_EQ(c.threshold(), 4000u) << "RFC 5681 section 3.1: not again for the same loss";
    c.on_timeout(1000, true);
    EXPECT_EQ(c.threshold(), 2 * kMss);
}

// RFC 6937 section 3.1, heuristic: over a round trip of recovery as much is sent as the threshold says.
TEST(Congestion, ProportionalRateReductionConvergesToTheThreshold) {
    Congestion c = started(false);
    constexpr uint32_t kFlight = 20;
    c.enter_recovery(kFlight * kMss);
    uint32_t pipe = (kFlight - 1) * kMss;  // one was lost
    uint32_t sent = 0;
    for (uint32_t i = 0; i < kFlight - 1; i++) {
        pipe -= kMss;
        c.during_recovery(kMss, pipe);
        while (pipe + kMss <= c.window()) {
            c.on_sent_in_recovery(kMss);
            pipe += kMss;
            sent++;
        }
    }
    EXPECT_NEAR(sent, kFlight / 2, 1);
    EXPECT_NEAR(pipe, c.threshold(), kMss);
    c.leave_recovery();
    EXPECT_EQ(c.window(), 10 * kMss);
}

// RFC 9438 sections 4.2 and 4.6: beta is 0.7, and after K seconds the window is back at its maximum.
TEST(Congestion, CubicComesBackAfterK) {
    Congestion c = started(true);
    // 200 segments, so that the cubic region rules and not the Reno-friendly one.
    while (c.window() < 200 * kMss) c.on_acknowledged(2000, false, 100ms, Instant{1s});
    uint32_t maximum = c.window();
    c.enter_recovery(maximum);
    c.leave_recovery();
    EXPECT_NEAR(c.window(), 0.7 * maximum, kMss);
    double k = std::cbrt(maximum * 0.3 / kMss / 0.4);
    Instant now{2s};
    Instant begin = now;
    while (std::chrono::duration<double>(now - begin).count() < k) {
        for (uint32_t acked = 0; acked < c.window(); acked += kMss) c.on_acknowledged(kMss, false, 100ms, now);
        now += 100ms;
        EXPECT_LE(c.window(), maximum * 1.03);
    }
    EXPECT_NEAR(c.window(), maximum, maximum * 0.03);
    while (std::chrono::duration<double>(now - begin).count() < 2 * k) {
        for (uint32_t acked = 0; acked < c.window(); acked += kMss) c.on_acknowledged(kMss, false, 100ms, now);
        now += 100ms;
    }
    EXPECT_NEAR(c.window(), maximum * 1.3, maximum * 0.06) << "convex: as far beyond as it was below";
}

TEST(Congestion, SmallerSegmentsKeepTheirNumber) {
    Congestion c = started(true);
    c.change_mss(500);
    EXPECT_EQ(c.window(), 5000u);
}

TEST(Congestion, UndoRestores) {
    Congestion c = started(true);
    uint32_t window = c.window();
    uint32_t threshold = c.threshold();
    c.on_timeout(10000, true);
    c.undo(window, threshold);
    EXPECT_EQ(c.window(), window);
    EXPECT_EQ(c.threshold(), threshold);
}

}  // namespace
}  // namespace fedge::tcp
