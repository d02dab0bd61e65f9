#include "dataplane/classify/rtp_clock.h"

#include <gtest/gtest.h>

namespace fedge::classify {
namespace {

// RFC 3551 tables 4 and 5.
TEST(RtpClock, StaticPayloadTypes) {
    struct Case {
        uint8_t payload_type;
        uint32_t hz;
    };
    const Case cases[] = {{0, 8000},   {3, 8000},   {4, 8000},   {5, 8000},   {6, 16000},  {7, 8000},   {8, 8000},
                          {9, 8000},   {10, 44100}, {11, 44100}, {12, 8000},  {13, 0},     {14, 90000}, {15, 8000},
                          {16, 11025}, {17, 22050}, {18, 8000},  {19, 0},     {25, 90000}, {26, 90000}, {28, 90000},
                          {31, 90000}, {32, 90000}, {33, 90000}, {34, 90000}, {35, 0},     {96, 0},     {127, 0}};
    for (const Case& c : cases) EXPECT_EQ(hertz(static_clock(c.payload_type)), c.hz) << int{c.payload_type};
}

TEST(RtpClock, NearestIsFoundWithinFourPercent) {
    for (size_t i = 1; i < kRtpClockHz.size(); i++) {
        auto units = static_cast<uint32_t>(2 * kRtpClockHz[i]);
        EXPECT_EQ(nearest_clock(units, 2s), static_cast<RtpClock>(i));
        EXPECT_EQ(nearest_clock(units, 2000ms + 60ms), static_cast<RtpClock>(i)) << "late last packet";
        EXPECT_EQ(nearest_clock(units, 2000ms - 60ms), static_cast<RtpClock>(i)) << "late first packet";
    }
}

TEST(RtpClock, WhatIsNoKnownRateStaysUnknown) {
    EXPECT_EQ(nearest_clock(0, 2s), RtpClock::unknown);           // frozen timestamps
    EXPECT_EQ(nearest_clock(UINT32_MAX, 2s), RtpClock::unknown);  // ran backwards
    EXPECT_EQ(nearest_clock(2 * 12'000, 2s), RtpClock::unknown);
    EXPECT_EQ(nearest_clock(2 * 60'000, 2s), RtpClock::unknown);
    EXPECT_EQ(nearest_clock(16'000, 0s), RtpClock::unknown);
    EXPECT_EQ(nearest_clock(16'000, -1s), RtpClock::unknown);
}

TEST(RtpClock, TimestampsBecomeNanoseconds) {
    EXPECT_EQ(nanoseconds(RtpClock::hz_8000, 160), 20'000'000);
    EXPECT_EQ(nanoseconds(RtpClock::hz_48000, -960), -20'000'000);
    EXPECT_NEAR(static_cast<double>(nanoseconds(RtpClock::hz_90000, 3003)), 33'366'666.7, 10);
    EXPECT_NEAR(static_cast<double>(nanoseconds(RtpClock::hz_8000, INT32_MAX)), INT32_MAX * 125e3, 1e3);
    EXPECT_NEAR(static_cast<double>(nanoseconds(RtpClock::hz_8000, INT32_MIN)), INT32_MIN * 125e3, 1e3);
}

}  // namespace
}  // namespace fedge::classify
