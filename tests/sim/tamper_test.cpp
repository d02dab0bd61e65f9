// One exact mishap each: this segment is lost, that one comes twice.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/sim/duo.h"

namespace fedge::sim {
namespace {

using wire::TcpSegment;

class Tamper : public testing::TestWithParam<bool> {
  protected:
    static DuoSetup setup(Duration delay = 20ms) {
        DuoSetup setup;
        setup.towards_server.delay = setup.towards_client.delay = delay;
        return setup;
    }
    Session& connect(Duo& duo, SessionPlan plan) {
        plan.ipv6 = GetParam();
        return duo.connect(plan);
    }
    // Everything arrived, both ends are in order, nobody sent a reset, and after TIME-WAIT nothing is left.
    static void expect_orderly(Duo& duo, Duration within) {
        ASSERT_TRUE(duo.run(within));
        for (const auto& session : duo.sessions().all()) {
            ASSERT_TRUE(session->server);
            EXPECT_EQ(session->server->received(), session->plan.client.to_send);
            EXPECT_EQ(session->client->received(), session->plan.server.to_send);
            EXPECT_TRUE(session->client->saw_end() && session->server->saw_end());
            EXPECT_EQ(session->client->reason(), tcp::CloseReason::finished);
            EXPECT_EQ(session->server->reason(), tcp::CloseReason::finished);
            const WireChecks& checks = duo.network().checks();
            EXPECT_FALSE(checks.broke(session->client->local(), session->client->remote()));
            EXPECT_FALSE(checks.broke(session->client->remote(), session->client->local()));
        }
        duo.network().run_for(65s, 10ms);
        EXPECT_TRUE(duo.empty(duo.client()));
        EXPECT_TRUE(duo.empty(duo.server()));
        EXPECT_TRUE(duo.network().findings().empty()) << duo.network().findings().text();
    }
    // Drops the first `times` segments for which this holds.
    static Link::Tamper drop_first(int times, std::function<bool(const TcpSegment&)> which) {
        return [times, which = std::move(which)](Packet&, const TcpSegment& s) mutable {
            if (times == 0 || !which(s)) return true;
            times--;
            return false;
        };
    }
};

TEST_P(Tamper, NothingIsLost) {
    Duo duo{setup()};
    connect(duo, Duo::upload(300'000));
    connect(duo, Duo::download(300'000));
    expect_orderly(duo, 10s);
    EXPECT_EQ(duo.network().checks().retransmitted_bytes(), 0U);
}

TEST_P(Tamper, TheSynIsLostTwice) {
    Duo duo{setup()};
    duo.towards_server().tamper(drop_first(2, [](const TcpSegment& s) { return s.has(wire::kSyn); }));
    connect(duo, Duo::upload(10'000));
    expect_orderly(duo, 10s);
}

TEST_P(Tamper, TheSynAckIsLostTwice) {
    Duo duo{setup()};
    duo.towards_client().tamper(drop_first(2, [](const TcpSegment& s) { return s.has(wire::kSyn); }));
    connect(duo, Duo::upload(10'000));
    expect_orderly(duo, 10s);
}

// The server is in SYN-RECEIVED until data arrives.
TEST_P(Tamper, TheAckOfTheSynAckIsLost) {
    Duo duo{setup()};
    duo.towards_server().tamper(
        drop_first(1, [](const TcpSegment& s) { return !s.has(wire::kSyn) && s.payload.empty(); }));
    connect(duo, Duo::upload(10'000));
    expect_orderly(duo, 10s);
}

// Nobody but the server has something to say: only its SYN-ACK, repeated, brings the connection about.
TEST_P(Tamper, TheAckOfTheSynAckIsLostAndTheServerSpeaksFirst) {
    Duo duo{setup()};
    duo.towards_server().tamper(
        drop_first(1, [](const TcpSegment& s) { return !s.has(wire::kSyn) && s.payload.empty(); }));
    SessionPlan plan = Duo::download(10'000);
    plan.client.ending = Behaviour::Ending::close_at_end;
    Session& session = connect(duo, plan);
    ASSERT_TRUE(duo.run(10s));
    EXPECT_EQ(session.client->received(), 10'000U);
    EXPECT_EQ(session.server->reason(), tcp::CloseReason::finished);
    EXPECT_TRUE(duo.network().findings().empty()) << duo.network().findings().text();
}

TEST_P(Tamper, OneDataSegmentIsLost) {
    Duo duo{setup()};
    int data = 0;
    duo.towards_server().tamper([&](Packet&, const TcpSegment& s) { return s.payload.empty() || ++data != 12; });
    connect(duo, Duo::upload(200'000));
    expect_orderly(duo, 10s);
    // Repaired by one retransmission of that one segment.
    EXPECT_LE(duo.network().checks().retransmitted_bytes(), 1460U);
}

TEST_P(Tamper, TheFirstRetransmitIsLostAsWell) {
    Duo duo{setup()};
    int data = 0;
    uint32_t victim = 0;
    int dropped = 0;
    duo.towards_server().tamper([&](Packet&, const TcpSegment& s) {
        if (s.payload.empty()) return true;
        if (++data == 12) victim = s.seq;
        if (data < 12 || s.seq != victim || dropped == 2) return true;
        dropped++;
        return false;
    });
    connect(duo, Duo::upload(200'000));
    expect_orderly(duo, 10s);
    EXPECT_EQ(dropped, 2);
}

// A whole flight, as when a path breaks for a moment.
TEST_P(Tamper, AWholeWindowIsLost) {
    Duo duo{setup()};
    int data = 0;
    duo.towards_server().tamper([&](Packet&, const TcpSegment& s) {
        if (s.payload.empty()) return true;
        data++;
        return data <= 10 || data > 30;
    });
    connect(duo, Duo::upload(200'000));
    expect_orderly(duo, 20s);
}

// The last segments of a flight have nothing behind them that would give them away: a tail loss probe repairs them
// before the RTO. (With one segment alone in flight the RTO comes first, RFC 8985 section 7.2.)
TEST_P(Tamper, TheLastDataSegmentsAreLost) {
    Duo duo{setup()};
    uint32_t first = 0;
    Instant dropped{};
    Duration repaired{0};
    std::set<uint32_t> seen;
    duo.towards_server().tamper([&](Packet&, const TcpSegment& s) {
        if (s.has(wire::kSyn)) first = s.seq;
        if (s.payload.empty() || s.seq - first < 97'000) return true;
        if (seen.insert(s.seq).second) {
            dropped = duo.network().now();
            return false;
        }
        repaired = duo.network().now() - dropped;
        return true;
    });
    SessionPlan plan = Duo::upload(100'000);
    plan.client.ending = Behaviour::Ending::close_early;  // the FIN comes later
    plan.client.early = 3s;
    Session& session = connect(duo, plan);
    ASSERT_TRUE(duo.run(10s));
    EXPECT_EQ(session.server->received(), 100'000U);
    EXPECT_TRUE(duo.network().findings().empty()) << duo.network().findings().text();
    EXPECT_GE(seen.size(), 2U);
    EXPECT_GT(repaired, 40ms);
    EXPECT_LT(repaired, 300ms);
    EXPECT_EQ(duo.client().counter(Counter::tcp_loss_probes), 1U);
    EXPECT_EQ(duo.client().counter(Counter::tcp_timeouts), 0U);
}

// The same with the FIN on the last one.
TEST_P(Tamper, TheLastDataSegmentsAndTheFinAreLost) {
    Duo duo{setup()};
    uint32_t first = 0;
    std::set<uint32_t> seen;
    duo.towards_server().tamper([&](Packet&, const TcpSegment& s) {
        if (s.has(wire::kSyn)) first = s.seq;
        return s.payload.empty() || s.seq - first < 97'000 || !seen.insert(s.seq).second;
    });
    connect(duo, Duo::upload(100'000));
    expect_orderly(duo, 10s);
    EXPECT_GE(seen.size(), 2U);
    EXPECT_EQ(duo.client().counter(Counter::tcp_loss_probes), 1U);
    EXPECT_EQ(duo.client().counter(Counter::tcp_timeouts), 0U);
}

TEST_P(Tamper, TheFinIsLost) {
    for (bool clients : {true, false}) {
        Duo duo{setup()};
        auto drop = drop_first(1, [](const TcpSegment& s) { return s.has(wire::kFin); });
        (clients ? duo.towards_server() : duo.towards_client()).tamper(std::move(drop));
        connect(duo, Duo::upload(5'000));
        expect_orderly(duo, 10s);
    }
}

// The one in LAST-ACK repeats its FIN, and TIME-WAIT answers.
TEST_P(Tamper, TheFinalAckIsLost) {
    Duo duo{setup()};
    bool server_fin = false;
    int dropped = 0;
    duo.towards_client().tamper([&](Packet&, const TcpSegment& s) {
        server_fin |= s.has(wire::kFin);
        return true;
    });
    duo.towards_server().tamper([&](Packet&, const TcpSegment& s) {
        if (!server_fin || s.has(wire::kFin) || dropped == 2) return true;
        dropped++;
        return false;
    });
    SessionPlan plan = Duo::upload(5'000);
    plan.server.waits_for_end = true;  // so that the client is the one that ends in TIME-WAIT
    connect(duo, plan);
    expect_orderly(duo, 10s);
    EXPECT_GE(dropped, 1);
}

TEST_P(Tamper, BothEndAtOnce) {
    Duo duo{setup()};
    SessionPlan plan;
    plan.client.to_send = plan.server.to_send = 10;
    connect(duo, plan);
    expect_orderly(duo, 10s);
}

TEST_P(Tamper, HalfCloseCarriesAReply) {
    Duo duo{setup()};
    SessionPlan plan;
    plan.client.to_send = 3'000;
    plan.server.to_send = 400'000;
    plan.server.waits_for_end = true;
    connect(duo, plan);
    expect_orderly(duo, 10s);
}

TEST_P(Tamper, EveryAcknowledgementComesTwice) {
    DuoSetup twice = setup();
    twice.towards_client.duplicate_ppm = 1'000'000;
    Duo duo{twice};
    connect(duo, Duo::upload(200'000));
    expect_orderly(duo, 10s);
    // Duplicates are not a sign of loss as long as they acknowledge nothing new (RFC 6675 section 2).
    EXPECT_EQ(duo.network().checks().retransmitted_bytes(), 0U);
}

TEST_P(Tamper, EverySegmentComesTwice) {
    DuoSetup twice = setup();
    twice.towards_server.duplicate_ppm = 1'000'000;
    Duo duo{twice};
    connect(duo, Duo::upload(200'000));
    expect_orderly(duo, 10s);
}

// A window that opened again is told in one acknowledgement; when that is lost, only the probe finds out.
TEST_P(Tamper, TheWindowUpdateIsLost) {
    DuoSetup slow = setup();
    slow.server_options.receive_buffer = 8192;
    Duo duo{slow};
    bool closed = false;
    int dropped = 0;
    duo.towards_client().tamper([&](Packet&, const TcpSegment& s) {
        if (s.has(wire::kSyn)) return true;
        if (s.window < 1400) closed = true;  // less than a segment
        if (!closed || s.window < 4096 || dropped > 0) return true;
        dropped++;
        return false;
    });
    SessionPlan plan = Duo::upload(60'000);
    plan.server.read_max = 65536;
    plan.server.read_pause = 400ms;
    connect(duo, plan);
    expect_orderly(duo, 60s);
    EXPECT_TRUE(closed);
    EXPECT_EQ(dropped, 1);
}

// For most of the transfer only every tenth acknowledgement arrives.
TEST_P(Tamper, MostAcknowledgementsAreLost) {
    Duo duo{setup()};
    int seen = 0;
    uint32_t first = 0;
    duo.towards_client().tamper([&](Packet&, const TcpSegment& s) {
        if (s.has(wire::kSyn)) first = s.ack;
        return s.ack - first < 10 * 1448 || s.ack - first > 150'000 || ++seen % 10 == 0;
    });
    connect(duo, Duo::upload(200'000));
    expect_orderly(duo, 30s);
    EXPECT_GE(seen, 20);
}

// Segments leave in pairs swapped: reordering, not loss. After it was told so once, RACK waits long enough.
TEST_P(Tamper, NeighboursChangePlaces) {
    DuoSetup swapped = setup();
    swapped.towards_server.reorder_ppm = 200'000;
    swapped.towards_server.reorder_by = 2ms;
    Duo duo{swapped};
    connect(duo, Duo::upload(500'000));
    expect_orderly(duo, 20s);
    EXPECT_LE(duo.network().checks().retransmitted_bytes(), 20 * 1460U);
}

TEST_P(Tamper, ThePathLearnsASmallerMtu) {
    Duo duo{setup()};
    duo.network().scheduler().after(100ms, [&] { duo.towards_server().conditions().mtu = 1300; });
    Session& session = connect(duo, Duo::upload(500'000));
    bool small = false;
    duo.network().scheduler().after(500ms,
                                    [&] { small = session.client->info().mss <= 1300 - (GetParam() ? 72 : 52); });
    duo.network().scheduler().after(100ms, [&] { duo.towards_server().conditions().delay = 60ms; });
    expect_orderly(duo, 30s);
    EXPECT_TRUE(small);
    // One flight was too large, not the whole transfer.
    EXPECT_LT(duo.towards_server().counters().too_big, 100U);
}

// RFC 4821: nobody says why large segments are lost.
TEST_P(Tamper, ThePathIsABlackHoleForLargeSegments) {
    DuoSetup hole = setup();
    hole.towards_server.mtu = 1300;
    hole.towards_server.tells_mtu = false;
    Duo duo{hole};
    connect(duo, Duo::upload(100'000));
    expect_orderly(duo, 55s);
}

TEST_P(Tamper, AResetThatIsLostIsGivenAgain) {
    Duo duo{setup()};
    duo.towards_server().tamper(drop_first(1, [](const TcpSegment& s) { return s.has(wire::kRst); }));
    SessionPlan plan = Duo::download(2'000'000);
    plan.client.ending = Behaviour::Ending::abort_early;
    plan.client.early = 200ms;
    Session& session = connect(duo, plan);
    ASSERT_TRUE(duo.run(10s));
    EXPECT_EQ(session.server->reason(), tcp::CloseReason::reset);
    EXPECT_TRUE(duo.network().findings().empty()) << duo.network().findings().text();
}

TEST_P(Tamper, NobodyAnswers) {
    Duo duo{setup()};
    duo.towards_server().tamper([](Packet&, const TcpSegment&) { return false; });
    Session& session = connect(duo, Duo::upload(10));
    ASSERT_TRUE(duo.run(300s));
    EXPECT_EQ(session.client->reason(), tcp::CloseReason::timed_out);
    EXPECT_FALSE(session.client->opened());
    EXPECT_TRUE(duo.empty(duo.client()));
}

// The wire is cut in the middle: the user timeout of 60 s ends both sides.
TEST_P(Tamper, TheWireIsCut) {
    Duo duo{setup()};
    bool cut = false;
    auto cutter = [&](Packet&, const TcpSegment&) { return !cut; };
    duo.towards_server().tamper(cutter);
    duo.towards_client().tamper(cutter);
    SessionPlan plan;
    plan.client.to_send = plan.server.to_send = 5'000'000;
    Session& session = connect(duo, plan);
    duo.network().scheduler().after(300ms, [&] { cut = true; });
    Instant start = duo.network().now();
    ASSERT_TRUE(duo.run(200s));
    EXPECT_EQ(session.client->reason(), tcp::CloseReason::timed_out);
    EXPECT_EQ(session.server->reason(), tcp::CloseReason::timed_out);
    EXPECT_GE(duo.network().now() - start, 60s);
    EXPECT_LE(duo.network().now() - start, 62s);
    EXPECT_TRUE(duo.empty(duo.client()));
    EXPECT_TRUE(duo.empty(duo.server()));
    EXPECT_TRUE(duo.network().findings().empty()) << duo.network().findings().text();
}

INSTANTIATE_TEST_SUITE_P(Families, Tamper, testing::Bool(),
                         [](const auto& tested) { return std::string{tested.param ? "IPv6" : "IPv4"}; });

}  // namespace
}  // namespace fedge::sim
