// Loss and jitter against RFC 3550's own code (appendix A.1, A.3, A.8).
#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <random>

#include "dataplane/classify/streams.h"
#include "tests/unit/classify/rtp_packets.h"

namespace fedge::classify {
namespace {

using test::Bench;
using test::RtpFields;

// The appendix, transcribed with its names.
struct Reference {
    static constexpr uint32_t RTP_SEQ_MOD = 1 << 16;
    uint16_t max_seq;
    uint32_t cycles, base_seq, bad_seq, probation, received;
    double jitter = 0;
    std::optional<double> transit;

    explicit Reference(uint16_t seq) {
        init_seq(seq);
        max_seq = static_cast<uint16_t>(seq - 1);
        probation = 2;
    }
    void init_seq(uint16_t seq) {
        base_seq = seq;
        max_seq = seq;
        bad_seq = RTP_SEQ_MOD + 1;
        cycles = 0;
        received = 0;
    }
    int update_seq(uint16_t seq) {
        auto udelta = static_cast<uint16_t>(seq - max_seq);
        if (probation) {
            if (seq == static_cast<uint16_t>(max_seq + 1)) {
                probation--;
                max_seq = seq;
                if (probation == 0) {
                    init_seq(seq);
                    received++;
                    return 1;
                }
            } else {
                probation = 1;
                max_seq = seq;
            }
            return 0;
        }
        if (udelta < 3000) {
            if (seq < max_seq) cycles += RTP_SEQ_MOD;
            max_seq = seq;
        } else if (udelta <= RTP_SEQ_MOD - 100) {
            if (seq == bad_seq) {
                init_seq(seq);
            } else {
                bad_seq = (seq + 1) & (RTP_SEQ_MOD - 1);
                return 0;
            }
        }
        received++;
        return 1;
    }
    int64_t lost() const { return int64_t{cycles + max_seq} - base_seq + 1 - received; }  // A.3

    // A.8, all in timestamp units; `sent` is the timestamp with its wrap undone.
    void update_jitter(double arrival, double sent) {
        double t = arrival - sent;
        if (transit) jitter += (1. / 16.) * (std::abs(t - *transit) - jitter);
        transit = t;
    }
};

struct LossCase {
    const char* name;
    std::vector<int> sequences;
    int64_t lost;
    double percent;
};

TEST(StreamLoss, WorkedCases) {
    const LossCase cases[] = {
        {"in order", {1, 2, 3, 4, 5}, 0, 0},
        {"one lost", {1, 2, 3, 5, 6}, 1, 100.0 / 6},
        {"three of ten", {1, 2, 3, 7, 8, 9, 10}, 3, 30},
        {"reordered", {1, 2, 4, 3, 5}, 0, 0},
        {"late by two", {10, 11, 13, 14, 12, 15}, 0, 0},
        {"duplicates count as received", {1, 2, 3, 3, 3, 4}, -2, 0},
        {"a duplicate hides a loss", {1, 2, 3, 3, 5}, 0, 0},
        {"wrap", {65'533, 65'534, 65'535, 0, 1}, 0, 0},
        {"wrap with loss", {65'533, 65'534, 2, 3}, 3, 100.0 * 3 / 7},
        {"wrap, reordered across it", {65'534, 65'535, 1, 0, 2}, 0, 0},
        {"one stray number is not believed", {100, 101, 102, 40'000, 103, 104}, 0, 0},
        {"restart on two in sequence", {100, 101, 102, 40'000, 40'001, 40'002}, 0, 0},
        {"what was lost before a restart stays lost", {100, 101, 104, 40'000, 40'001, 40'002}, 2, 100.0 * 2 / 8},
        {"jump below the dropout limit is loss", {1, 2, 3001}, 2998, 100.0 * 2998 / 3001},
        {"jump at the dropout limit is not", {1, 2, 3002}, 0, 0},
        {"two in sequence at that distance are a restart", {1, 2, 3002, 3003}, 0, 0},
        {"99 late is reordering", {1000, 1001, 902}, -1, 0},
        {"100 late is a stray", {1000, 1001, 901}, 0, 0},
        {"loss before validation is not counted", {1, 5, 9, 10, 11}, 0, 0},
        {"one packet", {7}, 0, 0},
        {"never two in sequence", {7, 9, 11, 13}, 0, 0},
    };
    for (const LossCase& c : cases) {
        Bench bench;
        Duration at = 0s;
        for (int s : c.sequences) bench.send(at += 20ms, RtpFields{.sequence = static_cast<uint16_t>(s)});
        StreamReport row = bench.only();
        EXPECT_EQ(row.packets, c.sequences.size()) << c.name;
        EXPECT_EQ(row.bytes, 172 * c.sequences.size()) << c.name;
        EXPECT_EQ(row.lost, c.lost) << c.name;
        EXPECT_NEAR(row.loss_percent, c.percent, 1e-9) << c.name;
    }
}

// Loss, duplication, reordering, strays and wraps at random: always what the appendix counts. Strays never come in
// sequence here, since at a restart the appendix forgets what was lost before and we do not.
TEST(StreamLoss, AgreesWithAppendixA) {
    std::mt19937 random{1};
    for (int run = 0; run < 100; run++) {
        auto sequence = static_cast<uint16_t>(random());
        Bench bench;
        Reference reference{sequence};
        uint64_t sent_packets = 0;
        for (int i = 0; i < 3000; i++) {
            uint16_t sent = sequence;
            switch (random() % 20) {
                case 0: sequence += static_cast<uint16_t>(random() % 40); break;            // loss
                case 1: sent = static_cast<uint16_t>(sequence - 1 - random() % 98); break;  // late or duplicate
                case 2: sent = static_cast<uint16_t>(sequence + 5000 + 2 * (random() % 20'000)); break;
                default: sequence++;
            }
            if (static_cast<uint16_t>(sent) == reference.bad_seq) continue;
            bench.send(Duration{int64_t{i} * 1'000'000}, RtpFields{.sequence = sent});
            sent_packets++;
            reference.update_seq(sent);
            if (reference.probation == 0) {
                ASSERT_EQ(bench.only().lost, reference.lost()) << "run " << run << " packet " << i;
            }
        }
        EXPECT_EQ(bench.only().packets, sent_packets);
        EXPECT_EQ(reference.probation, 0U);
    }
}

TEST(StreamJitter, AgreesWithAppendixA) {
    struct Case {
        const char* name;
        uint8_t payload_type;
        uint32_t hz;
        uint32_t step;  // timestamp units per packet
        int spread_us;  // of the arrivals
    };
    const Case cases[] = {{"PCMU on a calm network", 0, 8000, 160, 2000},
                          {"PCMU on a bad network", 0, 8000, 160, 80'000},
                          {"G722 counts at 8 kHz", 9, 8000, 160, 10'000},
                          {"L16 stereo", 10, 44'100, 882, 5000},
                          {"H263", 34, 90'000, 3003, 20'000}};
    for (const Case& c : cases) {
        std::mt19937 random{5};
        Bench bench;
        Reference reference{0};
        auto timestamp = static_cast<uint32_t>(-20 * static_cast<int>(c.step));  // wraps on the way
        for (uint16_t i = 0; i < 500; i++, timestamp += c.step) {
            auto sent_ns = static_cast<int64_t>(i) * c.step * 1'000'000'000 / c.hz;
            Duration at{sent_ns + static_cast<int64_t>(random() % static_cast<uint32_t>(c.spread_us)) * 1000};
            bench.send(at, RtpFields{.sequence = i, .timestamp = timestamp, .payload_type = c.payload_type});
            // The first packet is on probation: jitter begins between the second and the third.
            if (i > 0)
                reference.update_jitter(static_cast<double>(at.count()) * c.hz / 1e9, static_cast<double>(i) * c.step);
        }
        StreamReport row = bench.only();
        ASSERT_TRUE(row.jitter_ms.has_value()) << c.name;
        EXPECT_EQ(row.clock_rate, c.hz) << c.name;
        EXPECT_NEAR(*row.jitter_ms, reference.jitter * 1000 / c.hz, 0.001) << c.name;
    }
}

TEST(StreamJitter, SteadyArrivalsHaveNone) {
    Bench bench;
    for (uint16_t i = 0; i < 100; i++) bench.send(i * 20ms, RtpFields{.sequence = i, .timestamp = i * 160U});
    EXPECT_NEAR(bench.only().jitter_ms.value(), 0, 1e-5);
}

// One packet late by 16 ms: |D| is 16 ms twice, so J goes to 1 ms and then 1 + (16 - 1) / 16.
TEST(StreamJitter, OneLatePacket) {
    Bench bench;
    for (uint16_t i = 0; i < 10; i++) bench.send(i * 20ms, RtpFields{.sequence = i, .timestamp = i * 160U});
    bench.send(10 * 20ms + 16ms, RtpFields{.sequence = 10, .timestamp = 1600});
    EXPECT_NEAR(bench.only().jitter_ms.value(), 1.0, 1e-4);
    bench.send(11 * 20ms, RtpFields{.sequence = 11, .timestamp = 1760});
    EXPECT_NEAR(bench.only().jitter_ms.value(), 1.9375, 1e-4);
}

// A dynamic payload type says nothing about its clock: no jitter is claimed until the timestamps have shown it.
TEST(StreamJitter, DynamicTypesWaitForTheirClock) {
    for (uint32_t hz : {8000U, 16'000U, 44'100U, 48'000U, 90'000U}) {
        std::mt19937 random{9};
        Bench bench;
        uint32_t timestamp = 0xfffff000;
        for (uint16_t i = 0; i < 300; i++) {
            timestamp += hz / 50;
            bench.send(i * 20ms + Duration{random() % 10'000'000},
                       RtpFields{.sequence = i, .timestamp = timestamp, .payload_type = 111});
            if (i < 100) {
                EXPECT_FALSE(bench.only().jitter_ms.has_value()) << hz << " packet " << i;
                EXPECT_EQ(bench.only().clock_rate, 0U);
            }
        }
        EXPECT_EQ(bench.only().clock_rate, hz);
        EXPECT_NEAR(bench.only().jitter_ms.value(), 3.3, 2.0)
            << hz;  // the mean distance of two uniform numbers is a third
    }
}

TEST(StreamJitter, FrozenTimestampsNeverGetAClock) {
    Bench bench;
    for (uint16_t i = 0; i < 1000; i++)
        bench.send(i * 20ms, RtpFields{.sequence = i, .timestamp = 7, .payload_type = 100});
    EXPECT_EQ(bench.only().clock_rate, 0U);
    EXPECT_FALSE(bench.only().jitter_ms.has_value());
}

// A pause longer than the coarse time of the measurement can tell must not produce a wrong clock.
TEST(StreamJitter, ClockIsNotTakenAcrossAPause) {
    Bench bench;
    uint16_t sequence = 0;
    uint32_t timestamp = 0;
    Duration at = 0s;
    auto talk = [&](Duration time) {
        for (Duration end = at + time; at < end; at += 20ms)
            bench.send(at, RtpFields{.sequence = sequence++, .timestamp = timestamp += 960, .payload_type = 111});
    };
    talk(1s);
    at += 70s;  // start_ms has wrapped; timestamps stood still
    talk(1s);
    EXPECT_EQ(bench.only().clock_rate, 0U);
    talk(2s);
    EXPECT_EQ(bench.only().clock_rate, 48'000U);
}

TEST(StreamJitter, TelephoneEventsAndComfortNoiseKeepTheClock) {
    Bench bench;
    uint16_t sequence = 0;
    auto send = [&](uint8_t type) {
        bench.send(sequence * 20ms,
                   RtpFields{.sequence = sequence, .timestamp = sequence * 160U, .payload_type = type});
        sequence++;
    };
    for (int i = 0; i < 10; i++) send(8);
    send(101);
    send(13);
    send(8);
    EXPECT_EQ(bench.only().clock_rate, 8000U);
    EXPECT_NEAR(bench.only().jitter_ms.value(), 0, 1e-5);
    EXPECT_EQ(bench.only().lost, 0);
    send(34);  // another known rate: jitter begins anew
    EXPECT_EQ(bench.only().clock_rate, 90'000U);
    EXPECT_EQ(bench.only().jitter_ms.value(), 0);
}

TEST(StreamJitter, ARestartIsNotJitter) {
    Bench bench;
    for (uint16_t i = 0; i < 10; i++) bench.send(i * 20ms, RtpFields{.sequence = i, .timestamp = i * 160U});
    for (uint16_t i = 0; i < 10; i++)
        bench.send(200ms + i * 20ms,
                   RtpFields{.sequence = static_cast<uint16_t>(30'000 + i), .timestamp = 0x80000000 + i * 160U});
    EXPECT_NEAR(bench.only().jitter_ms.value(), 0, 1e-5);
}

// However wild the timestamps, the estimate saturates instead of wrapping.
TEST(StreamJitter, SaturatesAndRecovers) {
    Bench bench;
    uint16_t i = 0;
    for (; i < 200; i++) bench.send(i * 20ms, RtpFields{.sequence = i, .timestamp = i % 2 ? 0x7fffffff : 0U});
    EXPECT_GT(bench.only().jitter_ms.value(), 4000);
    EXPECT_LE(bench.only().jitter_ms.value(), 4294.97);
    for (; i < 800; i++) bench.send(i * 20ms, RtpFields{.sequence = i, .timestamp = i * 160U});
    EXPECT_LT(bench.only().jitter_ms.value(), 0.01);
}

}  // namespace
}  // namespace fedge::classify
