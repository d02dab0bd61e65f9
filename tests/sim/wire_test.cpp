// The simulator itself: the wire does what its conditions say, and the checks find what is wrong.
#include <gtest/gtest.h>

#include <memory>

#include "tests/sim/link.h"
#include "tests/sim/wire_checks.h"

namespace fedge::sim {
namespace {

using wire::TcpSegment;

const IpAddress kA = IpAddress::v4(0xc0000201);
const IpAddress kB = IpAddress::v4(0xc0000202);

class WireLink : public testing::Test {
  protected:
    // Sends 1000-byte packets one millisecond apart, numbered in SEG.SEQ, and returns the numbers in order of arrival.
    std::vector<uint32_t> send(const LinkConditions& conditions, uint32_t count, Duration apart = 1ms) {
        std::vector<uint32_t> arrived;
        Scheduler scheduler{Instant{1h}};
        link_ = std::make_unique<Link>(
            scheduler, 5, conditions,
            [&](Packet packet) {
                arrived.push_back(load_be32(packet.bytes.data() + 4));
                last_ = scheduler.now();
            },
            [&](const Packet&, uint16_t mtu) { told_ = mtu; });
        std::vector<uint8_t> payload(960);
        for (uint32_t i = 0; i < count; i++)
            scheduler.at(Instant{1h} + i * apart, [this, i, &payload] {
                TcpSegment s;
                s.seq = i;
                s.flags = wire::kAck;
                s.payload = payload;
                link_->send(make_packet(kA, kB, s));
            });
        while (!scheduler.empty()) scheduler.advance(scheduler.next());
        return arrived;
    }
    std::unique_ptr<Link> link_;
    Instant last_{};
    uint16_t told_ = 0;
};

TEST_F(WireLink, AGoodWireDeliversInOrderAfterTheDelay) {
    auto arrived = send({}, 1000);
    ASSERT_EQ(arrived.size(), 1000U);
    for (uint32_t i = 0; i < 1000; i++) EXPECT_EQ(arrived[i], i);
    EXPECT_EQ(last_, Instant{1h} + 999ms + 10ms);
}

TEST_F(WireLink, LosesAboutAsManyAsItShould) {
    LinkConditions lossy;
    lossy.loss_ppm = 100'000;
    size_t arrived = send(lossy, 10'000).size();
    EXPECT_GT(arrived, 8'800U);
    EXPECT_LT(arrived, 9'200U);
    EXPECT_EQ(link_->counters().lost, 10'000 - arrived);
}

TEST_F(WireLink, OutagesLoseEverythingForAWhile) {
    LinkConditions burst;
    burst.outage_every = 1s;
    burst.outage_length = 100ms;
    auto arrived = send(burst, 10'000);
    EXPECT_GT(arrived.size(), 8'000U);
    EXPECT_LT(arrived.size(), 9'800U);
    uint32_t longest = 0;
    for (size_t i = 1; i < arrived.size(); i++) longest = std::max(longest, arrived[i] - arrived[i - 1]);
    EXPECT_GT(longest, 50U);
}

TEST_F(WireLink, ReordersAndDuplicates) {
    LinkConditions mixed;
    mixed.reorder_ppm = 100'000;
    mixed.reorder_by = 5ms;
    mixed.duplicate_ppm = 100'000;
    auto arrived = send(mixed, 1000);
    EXPECT_EQ(arrived.size(), 1000 + link_->counters().duplicated);
    EXPECT_GT(link_->counters().duplicated, 50U);
    EXPECT_FALSE(std::is_sorted(arrived.begin(), arrived.end()));
}

TEST_F(WireLink, EveryCorruptedPacketIsFoundByItsChecksum) {
    LinkConditions bad;
    bad.corrupt_ppm = 1'000'000;
    EXPECT_TRUE(send(bad, 5000).empty());
    EXPECT_EQ(link_->counters().corrupted, 5000U);
}

TEST_F(WireLink, ARateLimitDelaysAndItsQueueOverflows) {
    LinkConditions slow;
    slow.bytes_per_second = 100'000;  // ten packets of 1000 bytes take 100 ms
    slow.queue_bytes = 5'000;
    auto arrived = send(slow, 10, 0ms);
    EXPECT_EQ(arrived.size(), 5U);
    EXPECT_EQ(link_->counters().overflowed, 5U);
    EXPECT_EQ(last_, Instant{1h} + 50ms + slow.delay);
}

TEST_F(WireLink, WhatIsTooBigIsDroppedAndToldUnlessItIsABlackHole) {
    LinkConditions small;
    small.mtu = 999;
    EXPECT_TRUE(send(small, 1).empty());
    EXPECT_EQ(told_, 999);
    told_ = 0;
    small.tells_mtu = false;
    EXPECT_TRUE(send(small, 1).empty());
    EXPECT_EQ(told_, 0);
}

// A and B shake hands: A's numbers begin at 101, B's at 501; windows are 1000 bytes, or 8000 with a scale of 3.
class Checks : public testing::Test {
  protected:
    void open(uint8_t scale = 0, bool timestamps = false) {
        scale_ = scale;
        timestamps_ = timestamps;
        pass(kA, 100, 0, wire::kSyn);
        pass(kB, 500, 101, wire::kSyn | wire::kAck);
        pass(kA, 101, 501, wire::kAck);
        ASSERT_TRUE(findings_.empty()) << findings_.text();
    }
    Packet packet(const IpAddress& from, uint32_t seq, uint32_t ack, uint8_t flags, size_t size,
                  uint16_t window) const {
        std::vector<uint8_t> payload(size);
        TcpSegment s;
        s.source_port = from == kA ? 1 : 2;
        s.destination_port = from == kA ? 2 : 1;
        s.seq = seq;
        s.ack = ack;
        s.flags = flags;
        s.window = window;
        s.payload = payload;
        if (flags & wire::kSyn) {
            s.options.mss = 1000;
            s.options.has_window_scale = scale_ > 0;
            s.options.window_scale = scale_;
        }
        s.options.has_timestamps = timestamps_;
        return make_packet(from, from == kA ? kB : kA, s);
    }
    void send(const IpAddress& from, uint32_t seq, uint32_t ack, uint8_t flags, size_t size = 0,
              uint16_t window = 1000) {
        checks_.sent(packet(from, seq, ack, flags, size, window), now_);
    }
    // Sent, and delivered at once.
    void pass(const IpAddress& from, uint32_t seq, uint32_t ack, uint8_t flags, size_t size = 0,
              uint16_t window = 1000) {
        send(from, seq, ack, flags, size, window);
        now_ += 1us;
        checks_.delivered(packet(from, seq, ack, flags, size, window), now_);
    }
    void expect_fault(const std::string& what) {
        ASSERT_EQ(findings_.total(), 1U) << findings_.text();
        EXPECT_NE(findings_.list()[0].find(what), std::string::npos) << findings_.list()[0];
    }

    Findings findings_;
    WireChecks checks_{findings_};
    Instant now_{1h};
    uint8_t scale_ = 0;
    bool timestamps_ = false;
};

TEST_F(Checks, AFullWindowIsAllowedAndAByteMoreAsAProbe) {
    open();
    pass(kA, 101, 501, wire::kAck, 1000);
    pass(kA, 1101, 501, wire::kAck, 1);
    EXPECT_TRUE(findings_.empty()) << findings_.text();
}
TEST_F(Checks, TwoBytesBeyondTheWindow) {
    open();
    pass(kA, 601, 501, wire::kAck, 502);
    expect_fault("2 bytes beyond the offered window");
}
TEST_F(Checks, TheWindowIsScaled) {
    open(3);
    pass(kA, 7101, 501, wire::kAck, 1000);  // just after the SYN-ACK, whose window is not scaled
    expect_fault("7000 bytes beyond the offered window");
}
TEST_F(Checks, AnOfferedWindowIsTakenBack) {
    open();
    pass(kB, 501, 101, wire::kAck, 0, 999);
    expect_fault("taken back by 1");
}
TEST_F(Checks, AnAcknowledgementOfWhatWasLost) {
    open();
    send(kA, 101, 501, wire::kAck, 10);  // not delivered
    pass(kB, 501, 111, wire::kAck);
    expect_fault("never arrived");
}
TEST_F(Checks, ATimestampIsMissing) {
    open(0, true);
    timestamps_ = false;
    pass(kA, 101, 501, wire::kAck);
    expect_fault("timestamps");
}
TEST_F(Checks, MoreThanTheMss) {
    open(3);
    pass(kB, 501, 101, wire::kAck);  // a scaled window, so that this is not the fault
    pass(kA, 101, 501, wire::kAck, 1001);
    expect_fault("larger than the peer's MSS");
}
TEST_F(Checks, OneResetEndsAConnectionAndMoreAnswerArrivals) {
    open();
    pass(kA, 101, 501, wire::kRst | wire::kAck);
    pass(kB, 501, 101, wire::kAck, 10);
    pass(kA, 101, 0, wire::kRst);
    EXPECT_TRUE(findings_.empty()) << findings_.text();
    EXPECT_TRUE(checks_.broke({kA, 1}, {kB, 2}));
    EXPECT_FALSE(checks_.broke({kB, 2}, {kA, 1}));
    now_ += 1us;
    pass(kA, 101, 0, wire::kRst);
    expect_fault("a reset too many");
}
TEST_F(Checks, AResetAfterBothEndsBreaksNothing) {
    open();
    pass(kA, 101, 501, wire::kFin | wire::kAck);
    pass(kB, 501, 102, wire::kFin | wire::kAck);
    pass(kA, 102, 502, wire::kAck);
    pass(kB, 502, 0, wire::kRst);
    EXPECT_FALSE(checks_.broke({kB, 2}, {kA, 1}));
    EXPECT_TRUE(findings_.empty()) << findings_.text();
}

}  // namespace
}  // namespace fedge::sim
