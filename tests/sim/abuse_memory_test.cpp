// Peers that hold on to memory, or try to make much work with few segments.
#include <algorithm>
#include <array>

#include "tests/sim/abuse_lab.h"

namespace fedge::sim {
namespace {

using wire::TcpSegment;

constexpr uint32_t kBlock = 2048;

class Hoard : public Abuse {
  protected:
    struct World {
        explicit World(const DuoSetup& setup, bool ipv6)
            : duo{setup}, attacker{duo.network(), {address_of(duo.server(), ipv6), kDuoPort}} {
            duo.sessions().others(victims);
        }
        tcp::MemoryUse memory() { return duo.server().tcp().memory(); }
        tcp::ConnectionRow row() {
            std::array<tcp::ConnectionRow, 1> rows{};
            uint32_t cursor = 0;
            duo.server().tcp().list(rows, cursor);
            return rows[0];
        }
        void run(Duration time) { duo.network().run_for(time, 5ms); }
        Victims victims;
        Duo duo;
        Attacker attacker;
    };
    static TcpSegment ack(uint16_t window) {
        TcpSegment s;
        s.window = window;
        return s;
    }
};

// Sockstress: connections with a window of zero, to a server that has something to say.
TEST_P(Hoard, ZeroWindowsAreBoundedAndEnd) {
    World w{setup(), GetParam()};
    w.victims.writes = 60'000;
    uint32_t opened = 0;
    for (uint32_t i = 0; i < 2000; i++)
        opened +=
            w.attacker.open({w.attacker.address(1 + i / 20), static_cast<uint16_t>(1024 + i)}, modern(), 0).has_value();
    const tcp::Limits& limits = setup().server_settings.limits;
    EXPECT_LE(w.memory().connections, limits.connections);
    EXPECT_GE(opened, limits.connections / 2);
    EXPECT_LE(w.memory().blocks_used, w.memory().connections * (60'000 / kBlock + 4));
    // An eighth of the blocks is kept for those who are there already.
    EXPECT_GE(w.memory().blocks_total - w.memory().blocks_used, w.memory().blocks_total / 8 - 64);
    size_t accepted = w.victims.users.size();
    uint64_t heard = w.attacker.heard();
    w.run(70s);
    // Probes back off: a handful each, not hundreds.
    EXPECT_LE(w.attacker.heard() - heard, accepted * 14);
    EXPECT_EQ(w.victims.closed(tcp::CloseReason::window_held_shut), accepted);
    w.run(70s);
    EXPECT_TRUE(w.duo.empty(w.duo.server()));
    // And good clients are served again.
    connect(w.duo, Duo::download(100'000));
    ASSERT_TRUE(w.duo.run(10s));
    expect_served(w.duo);
}

TEST_P(Hoard, OneAddressHasItsCap) {
    World w{setup(), GetParam()};
    for (uint16_t i = 0; i < 500; i++)
        w.attacker.open({w.attacker.address(1), static_cast<uint16_t>(1024 + i)}, modern(), 65535);
    EXPECT_LE(w.memory().connections, setup().server_settings.limits.connections_per_prefix);
    EXPECT_EQ(w.victims.users.size(), setup().server_settings.limits.connections_per_prefix);
    // Others get in.
    connect(w.duo, Duo::download(100'000));
    ASSERT_TRUE(w.duo.run(10s));
    expect_served(w.duo);
}

TEST_P(Hoard, TheSilentAreEndedByTheIdleTimeout) {
    DuoSetup with = setup();
    with.server_options.idle_timeout = 30s;
    World w{with, GetParam()};
    for (uint16_t i = 0; i < 200; i++)
        w.attacker.open({w.attacker.address(1 + i / 10), static_cast<uint16_t>(1024 + i)}, modern(), 65535);
    ASSERT_EQ(w.victims.users.size(), 200U);
    EXPECT_EQ(w.memory().blocks_used, 0U);
    uint64_t heard = w.attacker.heard();
    w.run(31s);
    EXPECT_EQ(w.victims.closed(tcp::CloseReason::idle), 200U);
    EXPECT_LE(w.attacker.heard() - heard, 200U);  // a reset each
    EXPECT_TRUE(w.duo.empty(w.duo.server()));
}

TEST_P(Hoard, TheHalfOpenAreForgotten) {
    World w{setup(), GetParam()};
    for (uint16_t i = 0; i < 60; i++) {
        TcpSegment syn;
        syn.flags = wire::kSyn;
        syn.options = modern();
        w.attacker.send({w.attacker.address(1 + i), 1024}, w.attacker.victim(), syn);
    }
    EXPECT_EQ(w.memory().half_open, 60U);
    w.run(70s);
    EXPECT_TRUE(w.duo.empty(w.duo.server()));
    EXPECT_LE(w.attacker.heard(), 60U * 6);
}

// FIN-WAIT-2 of a stream that was closed: a peer that acknowledges the end and never ends itself.
TEST_P(Hoard, TheNeverEndingAreEnded) {
    World w{setup(), GetParam()};
    std::vector<RawConnection> connections;
    for (uint16_t i = 0; i < 50; i++)
        if (auto c = w.attacker.open({w.attacker.address(1 + i), 1024}, modern(), 65535)) connections.push_back(*c);
    ASSERT_EQ(w.victims.users.size(), 50U);
    for (auto& user : w.victims.users) user->stream->close();
    w.duo.server().flush();
    for (RawConnection& c : connections) {
        c.rcv_nxt++;  // the FIN
        w.attacker.send(c, ack(65535));
    }
    EXPECT_EQ(w.memory().connections, 50U);
    w.run(130s);
    EXPECT_EQ(w.memory().connections, 0U);
}

// A user that does not read, a peer that sends all it may and more.
TEST_P(Hoard, UnreadDataStaysWithinTheReceiveBuffer) {
    World w{setup(), GetParam()};
    w.victims.reads = false;
    auto c = w.attacker.open({w.attacker.address(1), 1024}, plain(), 65535);
    ASSERT_TRUE(c);
    std::vector<uint8_t> piece(1000, 'x');
    for (int i = 0; i < 300; i++) {
        TcpSegment s = ack(65535);
        s.payload = piece;
        w.attacker.send(*c, s);
        c->snd_nxt += static_cast<uint32_t>(piece.size());
    }
    EXPECT_LE(w.row().info.unread, 64U * 1024);
    EXPECT_GE(w.row().info.unread, 60'000U);
    EXPECT_LE(w.memory().blocks_used, 64 * 1024 / kBlock + 3);
    EXPECT_LE(w.row().info.buffer_bytes, 64 * 1024 + 3 * kBlock);
}

// Rounding of a scaled window must not give a little more with every acknowledgement.
TEST_P(Hoard, ByteAtATimeDoesNotStretchAScaledWindow) {
    DuoSetup with = setup();
    with.server_options.receive_buffer = 256 * 1024;
    World w{with, GetParam()};
    w.victims.reads = false;
    auto c = w.attacker.open({w.attacker.address(1), 1024}, modern(), 65535);
    ASSERT_TRUE(c);
    auto put = [&](uint32_t ahead, size_t size) {
        std::vector<uint8_t> piece(size, 'x');
        RawConnection from = *c;
        from.snd_nxt += ahead;
        TcpSegment s = ack(65535);
        s.payload = piece;
        w.attacker.send(from, s);
    };
    for (int i = 0; i < 250; i++, c->snd_nxt += 1000) put(0, 1000);
    // Each in two bytes that change places: a gap and its end are both acknowledged at once.
    for (int i = 0; i < 10'000; i++, c->snd_nxt += 2) {
        put(1, 1);
        put(0, 1);
    }
    EXPECT_LE(w.row().info.unread, 256U * 1024);
    EXPECT_LE(w.memory().blocks_used, 256 * 1024 / kBlock + 3);
}

// One byte here, one byte there: what they pin is counted by blocks, and the number of ranges is bounded.
TEST_P(Hoard, TinyPiecesOutOfOrderPinNoMoreThanTheBuffer) {
    World w{setup(), GetParam()};
    auto c = w.attacker.open({w.attacker.address(1), 1024}, plain(), 65535);
    ASSERT_TRUE(c);
    static constexpr std::array<uint8_t, 1> kOne{'x'};
    uint32_t base = c->snd_nxt;
    uint64_t heard = w.attacker.heard();
    uint32_t sent = 0;
    auto at = [&](uint32_t offset) {
        c->snd_nxt = base + offset;
        TcpSegment s = ack(65535);
        s.payload = kOne;
        w.attacker.send(*c, s);
        sent++;
    };
    for (uint32_t offset = 1000; offset < 65'000; offset += kBlock) at(offset);  // one for each block first
    for (uint32_t offset = 1; offset < 65'000; offset += 2) at(offset);
    EXPECT_LE(w.memory().blocks_used, 65536 / kBlock + 4);
    EXPECT_LE(w.attacker.heard() - heard, sent);  // an acknowledgement each at most
    // The stream goes on as if nothing had been: its beginning comes, and everything else again.
    std::vector<uint8_t> piece(500, 'x');
    for (uint32_t offset = 0; offset < 60'000; offset += 500) {
        c->snd_nxt = base + offset;
        TcpSegment s = ack(65535);
        s.payload = piece;
        w.attacker.send(*c, s);
    }
    ASSERT_EQ(w.victims.users.size(), 1U);
    EXPECT_GE(w.victims.users[0]->received.size(), 60'000U);
    EXPECT_TRUE(std::ranges::all_of(w.victims.users[0]->received, [](uint8_t byte) { return byte == 'x'; }));
}

// The same on many connections, until the pool is scarce: then they are cut short, and a good client still downloads.
TEST_P(Hoard, TinyPiecesOnManyConnectionsLeaveMemoryForOthers) {
    DuoSetup with = setup();
    with.server_settings.limits.buffer_blocks = 2048;
    World w{with, GetParam()};
    Session& good = connect(w.duo, Duo::download(2'000'000));
    w.run(200ms);
    static constexpr std::array<uint8_t, 1> kOne{'x'};
    for (uint32_t i = 0; i < 200; i++) {
        auto c = w.attacker.open({w.attacker.address(1 + i), 1024}, plain(), 65535);
        if (!c) continue;
        uint32_t base = c->snd_nxt;
        for (uint32_t offset = 1000; offset < 65'000; offset += kBlock) {
            c->snd_nxt = base + offset;
            TcpSegment s = ack(65535);
            s.payload = kOne;
            w.attacker.send(*c, s);
        }
    }
    EXPECT_LE(w.memory().blocks_used, 2048U);
    ASSERT_TRUE(w.duo.run(30s));
    EXPECT_EQ(good.client->received(), 2'000'000U);
    EXPECT_EQ(good.client->reason(), tcp::CloseReason::finished);
}

// An MSS of 1 would make sixty thousand segments of one write.
TEST_P(Hoard, ATinyMssIsNotTaken) {
    World w{setup(), GetParam()};
    w.victims.writes = 60'000;
    for (uint16_t mss : {1, 2, 40}) {
        auto c = w.attacker.open({w.attacker.address(mss), 1024}, plain(mss), 65535);
        ASSERT_TRUE(c);
    }
    uint64_t heard = w.attacker.heard();
    w.run(1s);
    EXPECT_LE(w.attacker.heard(), heard + 3 * 30);  // an initial window each, and its repetition
    std::array<tcp::ConnectionRow, 3> rows{};
    uint32_t cursor = 0;
    ASSERT_EQ(w.duo.server().tcp().list(rows, cursor), 3U);
    for (const tcp::ConnectionRow& row : rows) EXPECT_GE(row.info.mss, 48U);
}

class Lies : public Hoard {
  protected:
    // The server has written 60,000 bytes; an initial window of them is out.
    Lies() : w_{setup(), GetParam()} {}
    void SetUp() override {
        w_.victims.writes = 60'000;
        auto c = w_.attacker.open({w_.attacker.address(1), 1024}, modern(), 1000);  // scaled: 128,000
        ASSERT_TRUE(c);
        c_ = *c;
        in_flight_ = w_.row().info.in_flight;
        ASSERT_GT(in_flight_, 5000U);
        window_ = w_.row().info.congestion_window;
        heard_ = w_.attacker.heard();
        sent_ = w_.attacker.sent();
    }
    // Segments that came for each that was sent.
    double amplification() const {
        return static_cast<double>(w_.attacker.heard() - heard_) / static_cast<double>(w_.attacker.sent() - sent_);
    }
    World w_;
    RawConnection c_;
    uint32_t in_flight_ = 0;
    uint32_t window_ = 0;
    uint64_t heard_ = 0;
    uint64_t sent_ = 0;
};

// Acknowledgements of what was never sent open nothing (RFC 5961 section 5, RFC 9293 section 3.10.7.4).
TEST_P(Lies, OptimisticAcks) {
    for (uint32_t i = 1; i <= 10'000; i++) {
        RawConnection ahead = c_;
        ahead.rcv_nxt += in_flight_ + i * 7;
        w_.attacker.send(ahead, ack(1000));
    }
    EXPECT_EQ(w_.row().info.congestion_window, window_);
    EXPECT_EQ(w_.row().info.in_flight, in_flight_);
    EXPECT_LE(w_.attacker.heard() - heard_, 10U);
    ASSERT_FALSE(w_.victims.users[0]->reason);
}

// An acknowledgement for each byte earns no more than one for all of them (RFC 3465).
TEST_P(Lies, AckDivision) {
    for (uint32_t i = 0; i < 1448; i++) {
        c_.rcv_nxt++;
        w_.attacker.send(c_, ack(1000));
    }
    EXPECT_LE(w_.row().info.congestion_window, window_ + 1448);
    EXPECT_LE(w_.attacker.heard() - heard_, 4U);
}

TEST_P(Lies, DuplicateAcksByTheThousand) {
    for (int i = 0; i < 10'000; i++) w_.attacker.send(c_, ack(1000));
    EXPECT_LE(w_.row().info.congestion_window, window_);
    EXPECT_LE(w_.attacker.heard() - heard_, 20U);
}

// Ranges that were never sent, that are upside down, that overlap, by the hundred.
TEST_P(Lies, SackOfAnything) {
    Dice& dice = w_.attacker.dice();
    for (int i = 0; i < 10'000; i++) {
        TcpSegment s = ack(1000);
        Attacker::stamp(c_, s);
        s.options.sack_count = static_cast<uint8_t>(dice.between(1, 3));
        for (uint8_t n = 0; n < s.options.sack_count; n++) {
            uint32_t left = c_.rcv_nxt + dice.pick<uint32_t>({0, 1, in_flight_, in_flight_ + 100, 0x7fffffff,
                                                              0x80000000, static_cast<uint32_t>(-1000), dice.u32()});
            s.options.sacks[n] = {left, left + dice.pick<uint32_t>({0, 1, 1448, in_flight_, 0x7fffffff, 0x80000000,
                                                                    static_cast<uint32_t>(-1)})};
        }
        w_.attacker.send(c_, s);
    }
    EXPECT_LE(w_.row().info.in_flight, in_flight_ + 20 * 1448);
    EXPECT_LE(amplification(), 0.1);
    EXPECT_LE(w_.memory().blocks_used, 64 * 1024 / kBlock + 4);
    // Whoever tells the truth afterwards gets everything.
    ASSERT_FALSE(w_.victims.users[0]->reason);
    for (int i = 0; i < 200 && w_.row().info.in_flight + w_.row().info.unsent > 0; i++) {
        c_.rcv_nxt += std::min(w_.row().info.in_flight, 2896U);
        w_.attacker.send(c_, ack(1000));
        w_.run(20ms);
    }
    EXPECT_EQ(w_.row().info.in_flight + w_.row().info.unsent, 0U);
}

// SACK one byte in two: many pieces to repair. The work per acknowledgement stays small.
TEST_P(Lies, SackOfEveryOtherSegment) {
    uint32_t segments = in_flight_ / 1448;
    for (int round = 0; round < 200; round++) {
        for (uint32_t i = 1; i < segments; i += 2) {
            TcpSegment s = ack(1000);
            s.options.sack_count = 1;
            s.options.sacks[0] = {c_.rcv_nxt + i * 1448, c_.rcv_nxt + (i + 1) * 1448};
            w_.attacker.send(c_, s);
        }
        w_.run(5ms);
    }
    EXPECT_LE(amplification(), 0.2);
}

TEST_P(Lies, OldTimestampsAreDroppedAndAnswered) {
    std::array<uint8_t, 10> data{};
    c_.ts_value = 5000;
    w_.attacker.send(c_, ack(1000));
    c_.ts_value = 1;
    for (int i = 0; i < 1000; i++) {
        TcpSegment s = ack(1000);
        s.payload = data;
        w_.attacker.send(c_, s);
    }
    EXPECT_EQ(w_.victims.users[0]->received.size(), 0U);
    EXPECT_GE(w_.duo.server().drops(Drop::tcp_timestamp), 1000U);
    EXPECT_LE(w_.attacker.heard() - heard_, 200U);
    c_.ts_value = 5001;
    TcpSegment s = ack(1000);
    s.payload = data;
    w_.attacker.send(c_, s);
    EXPECT_EQ(w_.victims.users[0]->received.size(), data.size());
}

// Echoes of times that never were must not make a round trip of years, or of nothing.
TEST_P(Lies, EchoedTimestampsOutOfThinAir) {
    w_.run(30ms);
    Dice& dice = w_.attacker.dice();
    for (uint32_t i = 0; i < 200; i++) {
        c_.rcv_nxt += 10;
        c_.ts_echo = dice.u32();
        c_.ts_value++;
        w_.attacker.send(c_, ack(1000));
    }
    EXPECT_LE(w_.row().info.smoothed_rtt, 2s);
    ASSERT_FALSE(w_.victims.users[0]->reason);
}

// One byte at a time through a window of one byte.
TEST_P(Lies, ATinyWindowIsServedSlowly) {
    w_.run(10ms);
    c_.rcv_nxt += in_flight_;
    uint64_t before = w_.attacker.heard();
    for (int i = 0; i < 1000; i++) {
        std::vector<Packet> answers = w_.attacker.during([&] { w_.attacker.send(c_, ack(0)); });
        for (const Packet& packet : answers) {
            wire::TcpSegment s;
            ASSERT_TRUE(wire::parse_tcp(packet.bytes, s));
            EXPECT_LE(s.payload.size(), 1U);
            if (s.seq == c_.rcv_nxt) c_.rcv_nxt += static_cast<uint32_t>(s.payload.size());
        }
        w_.run(10ms);
    }
    // Ten seconds: probes by back-off, not one for each acknowledgement.
    EXPECT_LE(w_.attacker.heard() - before, 60U);
}

auto family = [](const auto& tested) { return std::string{tested.param ? "IPv6" : "IPv4"}; };
INSTANTIATE_TEST_SUITE_P(Families, Hoard, testing::Bool(), family);
INSTANTIATE_TEST_SUITE_P(Families, Lies, testing::Bool(), family);

}  // namespace
}  // namespace fedge::sim
