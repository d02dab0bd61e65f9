// Floods and blind attacks. The host's own time costs nothing here: what is measured is what it sends and keeps, and
// what good connections notice.
#include <algorithm>
#include <array>

#include "tests/sim/abuse_lab.h"

namespace fedge::sim {
namespace {

using wire::TcpSegment;

constexpr uint32_t kPerMs = 10;  // 10,000 packets per second

class Flood : public Abuse {
  protected:
    // How long four downloads of this size take.
    Duration downloads(Duo& duo) const {
        Instant start = duo.network().now();
        for (int i = 0; i < 4; i++) connect(duo, Duo::download(500'000));
        EXPECT_TRUE(duo.run(30s));
        return duo.network().now() - start;
    }
    Duration undisturbed() const {
        Duo duo{setup()};
        return downloads(duo);
    }
    static void syn(Attacker& attacker) {
        TcpSegment s;
        s.seq = attacker.dice().u32();
        s.flags = wire::kSyn;
        s.window = 65535;
        s.options = attacker.dice().one_in(2) ? modern() : plain();
        attacker.send(attacker.random_endpoint(), attacker.victim(), s);
    }
};

TEST_P(Flood, SynsFromEverywhereCostGoodConnectionsNothing) {
    Duo duo{setup()};
    Attacker attacker{duo.network(), victim(duo)};
    attacker.flood(5s, kPerMs, [&] { syn(attacker); });
    uint32_t half_open = 0;
    uint32_t connections = 0;
    uint32_t blocks = 0;
    attacker.flood(5s, 1, [&] {
        tcp::MemoryUse use = duo.server().tcp().memory();
        half_open = std::max(half_open, use.half_open);
        connections = std::max(connections, use.connections);
        blocks = std::max(blocks, use.blocks_used);
    });
    Duration took = downloads(duo);
    duo.network().run_for(5s);
    expect_served(duo);
    EXPECT_LE(took, undisturbed() * 21 / 20);
    EXPECT_EQ(half_open, setup().server_settings.limits.half_open);
    EXPECT_LE(connections, 4U);
    EXPECT_LE(blocks, 4 * (64 / 2 + 8U));
    EXPECT_GT(duo.server().counter(Counter::tcp_cookies_sent), 10'000U);
    // One SYN-ACK for each SYN, and a few more for the entries of the cache.
    EXPECT_GE(attacker.sent(), 50'000U);
    EXPECT_LE(attacker.heard(), attacker.sent() + 5U * setup().server_settings.limits.half_open);
    duo.network().run_for(kTimeWait + 40s, 10ms);
    EXPECT_TRUE(duo.empty(duo.server()));
}

TEST_P(Flood, NewClientsGetInByCookies) {
    Duo duo{setup()};
    Attacker attacker{duo.network(), victim(duo)};
    attacker.flood(4s, kPerMs, [&] { syn(attacker); });
    duo.network().run_for(500ms);
    ASSERT_EQ(duo.server().tcp().memory().half_open, setup().server_settings.limits.half_open);
    for (int i = 0; i < 10; i++) {
        SessionPlan plan = Duo::upload(20'000);
        plan.server.to_send = 20'000;
        connect(duo, plan);
        // One after the other: were the first segment lost in a queue, the cookie would be lost with it.
        duo.network().run_for(100ms);
    }
    ASSERT_TRUE(duo.run(3s));
    expect_served(duo);
    EXPECT_EQ(duo.server().counter(Counter::tcp_cookies_accepted), 10U);
}

// One address alone cannot fill the cache: it gets cookies while others get entries.
TEST_P(Flood, SynsFromOneAddressLeaveRoomForOthers) {
    Duo duo{setup()};
    Attacker attacker{duo.network(), victim(duo)};
    for (uint16_t i = 0; i < 1000; i++) {
        TcpSegment s;
        s.flags = wire::kSyn;
        s.options = modern();
        attacker.send({attacker.address(1), static_cast<uint16_t>(2000 + i)}, victim(duo), s);
    }
    EXPECT_EQ(duo.server().tcp().memory().half_open, setup().server_settings.limits.half_open_per_prefix);
}

TEST_P(Flood, AcksAndDataOfNoConnectionAreAnsweredSparingly) {
    Duo duo{setup()};
    Attacker attacker{duo.network(), victim(duo)};
    attacker.flood(5s, kPerMs, [&] {
        static constexpr std::array<uint8_t, 100> kData{};
        TcpSegment s;
        s.seq = attacker.dice().u32();
        s.ack = attacker.dice().u32();
        s.flags = attacker.dice().pick<uint8_t>(
            {wire::kAck, wire::kAck | wire::kPsh, wire::kAck | wire::kFin, wire::kSyn | wire::kAck, wire::kFin, 0});
        if (attacker.dice().one_in(2)) s.payload = kData;
        Endpoint to = victim(duo);
        if (attacker.dice().one_in(2)) to.port = attacker.dice().pick<uint16_t>({1, 22, 5062, 65535});
        attacker.send(attacker.random_endpoint(), to, s);
    });
    Duration took = downloads(duo);
    duo.network().run_for(5s);
    expect_served(duo);
    EXPECT_LE(took, undisturbed() * 21 / 20);
    // The allowance of each second and the first one's stock.
    EXPECT_LE(attacker.heard(), 6U * setup().server_settings.limits.resets_per_second);
    EXPECT_GE(attacker.heard(), setup().server_settings.limits.resets_per_second);
}

TEST_P(Flood, ResetsOfNoConnectionAreNotAnswered) {
    Duo duo{setup()};
    Attacker attacker{duo.network(), victim(duo)};
    for (int i = 0; i < 10'000; i++) {
        TcpSegment s;
        s.seq = attacker.dice().u32();
        s.ack = attacker.dice().u32();
        s.flags = attacker.dice().pick<uint8_t>({wire::kRst, wire::kRst | wire::kAck});
        attacker.send(attacker.random_endpoint(), victim(duo), s);
    }
    EXPECT_EQ(attacker.heard(), 0U);
}

// Whoever knows addresses and ports of a connection, and not its sequence numbers.
class Blind : public Abuse {
  protected:
    // A download that has been going on for half a second.
    Blind() : duo_{setup()}, attacker_{duo_.network(), {}} {}
    void SetUp() override {
        session_ = &connect(duo_, Duo::download(3'000'000));
        duo_.network().run_for(500ms);
        ASSERT_TRUE(session_->server);
        client_ = session_->client->local();
        server_ = session_->client->remote();
        // The client says nothing more: this is what the server expects next, and where its window begins.
        expected_ = duo_.network().checks().end_sent(client_, server_);
        challenges_ = duo_.server().counter(Counter::tcp_challenges_sent);
    }
    // As if from the client.
    void forge(uint8_t flags, uint32_t seq, uint32_t ack, Bytes payload = {}) {
        TcpSegment s;
        s.flags = flags;
        s.seq = seq;
        s.ack = ack;
        s.window = 1000;
        s.payload = payload;
        attacker_.send(client_, server_, s);
    }
    uint64_t challenges() { return duo_.server().counter(Counter::tcp_challenges_sent) - challenges_; }
    void expect_unharmed() {
        ASSERT_TRUE(duo_.run(30s));
        expect_served(duo_);
    }
    uint32_t end_of_server() { return duo_.network().checks().end_sent(server_, client_); }

    // RFC 5961 section 10 speaks of ten in five seconds.
    static constexpr uint64_t kChallengesAtMost = 10;
    static constexpr std::array<uint8_t, 64> kEvil{'e', 'v', 'i', 'l'};
    Duo duo_;
    Attacker attacker_;
    Session* session_ = nullptr;
    Endpoint client_;
    Endpoint server_;
    uint32_t expected_ = 0;
    uint64_t challenges_ = 0;
};

TEST_P(Blind, ResetsAnywhereDoNothing) {
    for (int i = 0; i < 20'000; i++) {
        uint32_t seq = attacker_.dice().u32();
        if (seq != expected_) forge(wire::kRst, seq, attacker_.dice().u32());
    }
    EXPECT_LE(challenges(), kChallengesAtMost);
    expect_unharmed();
}

// RFC 5961 section 3: in the window and not exact is challenged, and not too often.
TEST_P(Blind, ResetsInTheWindowAreChallenged) {
    for (uint32_t i = 1; i <= 20'000; i++) forge(wire::kRst, expected_ + i, 0);
    EXPECT_GE(challenges(), 1U);
    EXPECT_LE(challenges(), kChallengesAtMost);
    expect_unharmed();
}

// What makes the others worth anything: the exact number does reset.
TEST_P(Blind, TheExactResetEndsTheConnection) {
    forge(wire::kRst, expected_, 0);
    EXPECT_EQ(session_->server->closed() ? session_->server->reason() : tcp::CloseReason::finished,
              tcp::CloseReason::reset);
}

// RFC 5961 section 4.
TEST_P(Blind, SynsAreChallenged) {
    for (uint32_t i = 0; i < 20'000; i++) forge(wire::kSyn, i < 1000 ? expected_ + i : attacker_.dice().u32(), 0);
    EXPECT_GE(challenges(), 1U);
    EXPECT_LE(challenges(), kChallengesAtMost);
    expect_unharmed();
}

// RFC 5961 section 5: data is only taken with an acknowledgement that could be meant.
TEST_P(Blind, DataWithAWildAckIsNotTaken) {
    uint32_t end = end_of_server();
    for (uint32_t i = 0; i < 20'000; i++) {
        // From half the sequence space behind to half of it ahead, but for what is plausible.
        uint32_t ack = end + 1'000'000 + attacker_.dice().between(0, 0xffffffffU - 2'000'000);
        forge(wire::kAck | wire::kPsh, expected_ + i % 30'000, ack, kEvil);
    }
    EXPECT_EQ(session_->server->received(), 0U);
    expect_unharmed();
}

TEST_P(Blind, DataOutsideOfTheWindowIsNotTaken) {
    for (uint32_t i = 0; i < 20'000; i++) {
        uint32_t seq = expected_ + 70'000 + attacker_.dice().between(0, 0xffffffffU - 140'000);
        forge(wire::kAck | wire::kPsh | (i % 2 ? wire::kFin : 0), seq, end_of_server(), kEvil);
    }
    EXPECT_EQ(session_->server->received(), 0U);
    expect_unharmed();
}

// Timestamps of the connection are unknown to those who are blind: exact numbers do not help without them (RFC 7323
// section 3.2: a segment without a timestamp is dropped once they were negotiated).
TEST_P(Blind, DataWithoutTheTimestampIsNotTaken) {
    for (int i = 0; i < 100; i++) forge(wire::kAck | wire::kPsh, expected_, end_of_server(), kEvil);
    EXPECT_EQ(session_->server->received(), 0U);
    expect_unharmed();
}

// RFC 5927: what is not in flight is not believed; what is, is believed with care.
TEST_P(Blind, IcmpLies) {
    uint32_t mss = session_->server->info().mss;
    uint32_t end = end_of_server();
    for (uint32_t i = 0; i < 20'000; i++) {
        uint32_t seq = end + 100'000 + attacker_.dice().between(0, 0xffffffffU - 2'000'000);
        duo_.network().inject(
            tcp::IcmpError{attacker_.dice().pick({tcp::IcmpError::Kind::too_big, tcp::IcmpError::Kind::unreachable_hard,
                                                  tcp::IcmpError::Kind::unreachable_soft}),
                           server_, client_, seq, attacker_.dice().between(0, 1500)});
    }
    EXPECT_EQ(session_->server->info().mss, mss);
    // In flight, and absurd.
    uint32_t in_flight = *duo_.network().checks().last_sent(server_, client_);
    for (uint32_t mtu : {0U, 1U, 68U, 0xffffffffU}) {
        duo_.network().inject(tcp::IcmpError{tcp::IcmpError::Kind::unreachable_hard, server_, client_, in_flight, 0});
        duo_.network().inject(tcp::IcmpError{tcp::IcmpError::Kind::too_big, server_, client_, in_flight, mtu});
    }
    ASSERT_FALSE(session_->server->over());
    uint32_t floor = GetParam() ? 1280 - 60 - 12 : 552 - 40 - 12;
    EXPECT_GE(session_->server->info().mss, floor);
    expect_unharmed();
}

// Never raises (RFC 1191 section 3, RFC 8201 section 4).
TEST_P(Blind, IcmpDoesNotRaiseTheMtu) {
    uint32_t mss = session_->server->info().mss;
    for (uint32_t mtu : {1501U, 9000U, 65535U}) {
        uint32_t in_flight = *duo_.network().checks().last_sent(server_, client_);
        duo_.network().inject(tcp::IcmpError{tcp::IcmpError::Kind::too_big, server_, client_, in_flight, mtu});
    }
    EXPECT_EQ(session_->server->info().mss, mss);
    expect_unharmed();
}

auto family = [](const auto& tested) { return std::string{tested.param ? "IPv6" : "IPv4"}; };
INSTANTIATE_TEST_SUITE_P(Families, Flood, testing::Bool(), family);
INSTANTIATE_TEST_SUITE_P(Families, Blind, testing::Bool(), family);

}  // namespace
}  // namespace fedge::sim
