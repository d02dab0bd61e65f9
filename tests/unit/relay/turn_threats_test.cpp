// The TURN rows of the list of known attacks, one test each, named after them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/support/turn_edge.h"

namespace fedge::relay {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace)

// A client with an allocation of both families, so that no peer is refused for its family alone.
struct TurnThreats : testing::Test {
    Edge edge;
    Client client{edge, "198.51.100.7:4000"};
    void SetUp() override {
        ASSERT_TRUE(
            client.allocate([](StunWriter& w) { w.attribute_u32(StunAttribute::additional_address_family, 2U << 24); })
                .success());
    }
    // Every entry point where a client can name a peer refuses this one.
    void expect_refused(const std::string& peer) {
        SCOPED_TRACE(peer);
        Endpoint endpoint{addr(peer.c_str()), 80};
        EXPECT_EQ(client.permit({endpoint}).code(), 403);
        EXPECT_EQ(client.bind(0x4000, endpoint).code(), 403);
        uint64_t denied = edge.count(Drop::peer_denied);
        EXPECT_FALSE(client.send(endpoint, "x"));
        EXPECT_EQ(edge.count(Drop::peer_denied), denied + 1);
    }
};

TEST_F(TurnThreats, CVE_2020_26262_loopback_by_zero_address) {
    for (const char* peer : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.255", "::", "::1"}) expect_refused(peer);
}

TEST_F(TurnThreats, CVE_2026_27624_mapped_loopback) {
    for (const char* peer : {"::ffff:127.0.0.1", "::ffff:0.0.0.0", "::127.0.0.1", "::ffff:0:127.0.0.1",
                             "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b:1::10.0.0.1",
                             "2002:7f00:1::", "2002:a00:1::1", "2001:0:7f00:1::", "2001:0:cb00:7105::f5ff:fffe",
                             "2001:db8:5::5efe:10.0.0.1", "2001:db8:5::200:5efe:127.0.0.1"})
        expect_refused(peer);
}

TEST_F(TurnThreats, Coturn_4_13_1_internal_and_own_addresses) {
    for (const char* peer :
         {"169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "fe80::1", "fc00::1", "fd00::1",
          "fec0::1", "224.0.0.1", "255.255.255.255", "ff02::1", "192.0.2.1", "2001:db8::1"})  // the last two: listeners
        expect_refused(peer);
}

TEST_F(TurnThreats, Loop_through_own_relay_addresses) {
    EdgeSettings settings;
    settings.relays[0].second = "203.0.113.10";                // advertised by a 1:1 NAT
    settings.peer_allow = {"192.0.2.0/24", "203.0.113.0/24"};  // not even when it is allowed
    edge.reload(settings);
    // Forms that would leave the machine and come back.
    for (const char* peer : {"64:ff9b::c000:20a", "64:ff9b::203.0.113.10", "2002:c000:20a::1"}) expect_refused(peer);
    // On the relay addresses nothing but relay ports, and what comes out of those goes to clients.
    uint16_t channel = 0x4000;
    for (const char* peer : {"192.0.2.10:80", "192.0.2.10:3478", "203.0.113.10:3478", "[2001:db8::10]:3478",
                             "192.0.2.10:49999", "192.0.2.10:51000"}) {
        SCOPED_TRACE(peer);
        EXPECT_EQ(client.bind(channel++, peer).code(), 403);
        EXPECT_TRUE(client.permit(peer).success());
        EXPECT_FALSE(client.send(peer, "x"));
    }
    EXPECT_TRUE(client.permit("203.0.113.11:1").success());
}

TEST_F(TurnThreats, TURN_in_TURN_through_our_own_listener) {
    EdgeSettings settings;
    settings.listeners.push_back("192.0.2.10:3478");  // on a relay address
    settings.peer_allow = {"192.0.2.0/24"};
    edge.reload(settings);
    expect_refused("192.0.2.1");
    ASSERT_TRUE(client.permit("192.0.2.10:3478").success());
    EXPECT_EQ(client.bind(0x4000, "192.0.2.10:3478").code(), 403);
    EXPECT_FALSE(client.send("192.0.2.10:3478", "x"));
    EXPECT_GE(edge.count(Drop::peer_denied), 1U);
}

TEST_F(TurnThreats, Relay_abuse_peer_that_becomes_forbidden_is_cut_off) {
    ASSERT_TRUE(client.bind(0x4000, "203.0.113.5:700").success());
    ASSERT_TRUE(client.bind(0x4001, "203.0.113.6:700").success());
    EdgeSettings settings;
    settings.peer_deny = {"203.0.113.5/32"};
    edge.reload(settings);
    EXPECT_FALSE(client.send("203.0.113.5:700", "x"));
    edge.pass(10s);
    EXPECT_FALSE(client.send_on(0x4000, "x"));
    EXPECT_TRUE(client.send_on(0x4001, "x"));
}

TEST_F(TurnThreats, CVE_2020_4067_padding_is_zero) {
    // Attributes of odd lengths come in full of 0xff; what goes out is compared byte by byte with what must be there.
    edge.reply_buffer.fill(0xff);
    edge.forward.prepend.fill(0xff);
    Client fresh(edge, "198.51.100.8:4000");
    Reply challenge =
        edge.ask(fresh.self, 0, fresh.build(StunClass::request, StunMethod::allocate, [](StunWriter&) {}));
    size_t at = wire::kStunHeader;
    size_t padding = 0;
    while (at + 4 <= challenge.bytes.size()) {
        size_t length = load_be16(challenge.bytes.data() + at + 2);
        for (at += 4 + length; at % 4; at++, padding++) EXPECT_EQ(challenge.bytes[at], 0);
    }
    EXPECT_EQ(at, challenge.bytes.size());
    EXPECT_EQ(challenge.code(), 401);
    ASSERT_TRUE(client.permit("203.0.113.5:700").success());
    std::vector<AllocationRow> rows(1);
    uint64_t cursor = 0;
    edge.turn.list(edge.now, cursor, rows);
    auto sent = edge.from_peer(test::at("203.0.113.5:700"), rows[0].relay[0], bytes_of("x"));
    ASSERT_TRUE(sent);
    EXPECT_EQ((std::vector<uint8_t>(sent->payload.end() - 4, sent->payload.end())),
              (std::vector<uint8_t>{'x', 0, 0, 0}));
}

TEST_F(TurnThreats, Impossible_attribute_lengths_are_told_to_users_only) {
    auto bad = [](StunWriter& w) { w.attribute(StunAttribute::lifetime, Bytes{}); };
    EXPECT_EQ(client.request(StunMethod::refresh, bad).code(), 400);
    for (auto [klass, method] :
         {std::pair{StunClass::request, StunMethod::binding}, std::pair{StunClass::indication, StunMethod::send}}) {
        uint64_t dropped = edge.count(Drop::stun_malformed);
        auto outcome = edge.deliver(client.self, 0, client.build(klass, method, bad, false));
        EXPECT_EQ(outcome.kind, relay::Outcome::Kind::nothing);
        EXPECT_EQ(edge.count(Drop::stun_malformed), dropped + 1);
    }
    Client guessing(edge, "198.51.100.9:4000");
    guessing.password = "guess";
    EXPECT_EQ(guessing.request(StunMethod::refresh, bad).code(), 401);
    // The challenge of a stranger is paid from its budget like any other.
    EdgeSettings settings;
    settings.unauthenticated_rate = settings.unauthenticated_burst = 0;
    edge.reload(settings);
    Client stranger(edge, "198.51.100.10:4000");
    Reply reply = edge.ask(stranger.self, 0, stranger.build(StunClass::request, StunMethod::refresh, bad));
    EXPECT_TRUE(reply.bytes.empty());
    EXPECT_EQ(edge.count(Drop::stun_source_budget), 1U);
}

TEST_F(TurnThreats, CVE_2025_69217_relay_ports_are_not_predictable) {
    EdgeSettings settings;
    settings.port_last = 59999;
    settings.quarantine_s = 0;
    Edge wide(settings, small_pools(2048));
    std::vector<int> ports;
    for (uint16_t i = 0; i < 2000; i++) {
        Client c(wide, Endpoint{addr("198.51.100.7"), static_cast<uint16_t>(1000 + i)});
        ports.push_back(c.allocate().relayed().port);
    }
    // Buckets of 1000 ports, 200 expected in each: chi-square with 9 degrees of freedom, 99.99 % point 33.7.
    std::array<double, 10> buckets{};
    for (int port : ports) buckets[static_cast<size_t>((port - 50000) / 1000)]++;
    double chi = 0;
    for (double n : buckets) chi += (n - 200) * (n - 200) / 200;
    EXPECT_LT(chi, 33.7);
    // No correlation of one port with the next.
    double mean = 0;
    for (int port : ports) mean += port / 2000.0;
    double covariance = 0;
    double variance = 0;
    int steps_of_one_or_two = 0;
    for (size_t i = 1; i < ports.size(); i++) {
        covariance += (ports[i] - mean) * (ports[i - 1] - mean);
        variance += (ports[i] - mean) * (ports[i] - mean);
        steps_of_one_or_two += std::abs(ports[i] - ports[i - 1]) <= 2;
    }
    EXPECT_LT(std::abs(covariance / variance), 0.1);
    EXPECT_LT(steps_of_one_or_two, 10);
}

TEST_F(TurnThreats, CVE_2026_40613_odd_offsets) {
    // Under UndefinedBehaviorSanitizer this finds unaligned loads.
    auto request = client.build(StunClass::request, StunMethod::refresh, [](StunWriter&) {});
    for (size_t offset = 0; offset < 4; offset++) {
        std::vector<uint8_t> shifted(offset + request.size());
        std::copy(request.begin(), request.end(), shifted.begin() + static_cast<ptrdiff_t>(offset));
        EXPECT_TRUE(edge.ask(client.self, 0, Bytes{shifted}.subspan(offset)).success());
    }
}

TEST_F(TurnThreats, CVE_2018_4056_credentials_are_only_compared) {
    Client injected(edge, "198.51.100.9:1", "alice' OR '1'='1");
    EXPECT_EQ(injected.allocate().code(), 401);
    Client empty(edge, "198.51.100.9:2", "");
    EXPECT_EQ(empty.allocate().code(), 401);
}

TEST_F(TurnThreats, Coturn_1844_1964_lengths_that_wrap) {
    auto request = client.build(StunClass::request, StunMethod::refresh, [](StunWriter&) {});
    for (uint16_t length : {0xfffc, 0xffff, 0xfff0, 0x8000}) {
        auto whole = request;
        store_be16(whole.data() + 2, length);
        EXPECT_FALSE(edge.ask(client.self, 0, whole));
        auto attribute = request;
        store_be16(attribute.data() + wire::kStunHeader + 2, length);
        EXPECT_FALSE(edge.ask(client.self, 0, attribute));
    }
    EXPECT_EQ(edge.turn.allocations(), 1U);
}

TEST_F(TurnThreats, Coturn_1969_mobility_is_not_offered) {
    Client thief(edge, "198.51.100.66:1", "bob");
    Reply reply = thief.request(StunMethod::refresh, [](StunWriter& w) {
        std::array<uint8_t, 8> ticket{};
        w.attribute(static_cast<StunAttribute>(0x8030), Bytes{ticket});
    });
    EXPECT_EQ(reply.code(), 437);
}

TEST_F(TurnThreats, Coturn_2016_first_of_duplicates_is_checked_and_used) {
    Reply reply = client.request(StunMethod::channel_bind, [](StunWriter& w) {
        w.attribute_u32(StunAttribute::channel_number, 0x40000000);
        w.xor_address(StunAttribute::xor_peer_address, test::at("203.0.113.5:700"));
        w.xor_address(StunAttribute::xor_peer_address, test::at("127.0.0.1:700"));
    });
    ASSERT_TRUE(reply.success());
    EXPECT_EQ(client.send_on(0x4000, "x")->destination, test::at("203.0.113.5:700"));
    auto message = client.build(
        StunClass::indication, StunMethod::send,
        [](StunWriter& w) {
            w.xor_address(StunAttribute::xor_peer_address, test::at("203.0.113.5:700"));
            w.xor_address(StunAttribute::xor_peer_address, test::at("10.0.0.1:700"));
            w.attribute(StunAttribute::data, std::string_view{"x"});
        },
        false);
    EXPECT_EQ(edge.from_client(client.self, message)->destination, test::at("203.0.113.5:700"));
}

TEST_F(TurnThreats, Coturn_2017_ports_of_one_permission_cost_nothing) {
    ASSERT_TRUE(client.permit("203.0.113.5:1").success());
    std::vector<AllocationRow> rows(1);
    for (uint32_t port = 1; port < 65536; port++)
        ASSERT_TRUE(client.send({addr("203.0.113.5"), static_cast<uint16_t>(port)}, "x"));
    uint64_t cursor = 0;
    edge.turn.list(edge.now, cursor, rows);
    EXPECT_EQ(rows[0].permissions, 1U);
    uint16_t channel = 0x4000;
    while (client.bind(channel, {addr("203.0.113.5"), channel}).success()) channel++;
    EXPECT_EQ(channel - 0x4000, 64);  // max_channels
}

TEST_F(TurnThreats, Coturn_1641_1999_nothing_is_kept_for_strangers) {
    uint32_t ports = edge.free_ports();
    uint64_t hmacs = edge.digest.hmacs();
    for (uint32_t i = 0; i < 10'000; i++) {
        Endpoint spoofed{IpAddress::v4(0x0b000000 + i * 77), static_cast<uint16_t>(i)};
        Client stranger(edge, spoofed);
        auto add = [](StunWriter& w) { w.attribute_u32(StunAttribute::requested_transport, 17U << 24); };
        auto request = stranger.build(StunClass::request, StunMethod::allocate, add);
        EXPECT_NE(edge.deliver(spoofed, 0, request).kind, Outcome::Kind::forward);
        // With integrity and an invented nonce: still no HMAC.
        StunWriter writer{stranger.buffer, StunClass::request, 3, stranger.next_transaction()};
        add(writer);
        writer.attribute(StunAttribute::username, std::string_view{"alice"});
        writer.attribute(StunAttribute::realm, std::string_view{kRealm});
        writer.attribute(StunAttribute::nonce, std::string_view{"AAAAAAAAAAAAAAAA"});
        writer.attribute(StunAttribute::message_integrity, Bytes{std::array<uint8_t, 20>{}});
        edge.deliver(spoofed, 0, writer.finish());
    }
    EXPECT_EQ(edge.digest.hmacs(), hmacs);
    EXPECT_EQ(edge.turn.allocations(), 1U);
    EXPECT_EQ(edge.free_ports(), ports);
    EXPECT_EQ(edge.quota.total(), 1U);
}

TEST_F(TurnThreats, Reflection_is_bounded_by_what_a_source_sent) {
    EdgeSettings settings;
    settings.unauthenticated_rate = 100;
    settings.unauthenticated_burst = 1000;
    Edge tight(settings);
    Endpoint victim = test::at("198.51.100.7:4000");
    size_t received = 0;
    size_t sent = 0;
    for (int i = 0; i < 5000; i++) {
        tight.now += 10ms;
        Client attacker(tight, Endpoint{victim.address, static_cast<uint16_t>(i + 1)});
        auto method = i % 3 == 0 ? StunMethod::binding : i % 3 == 1 ? StunMethod::allocate : StunMethod::refresh;
        auto request = attacker.build(StunClass::request, method, [](StunWriter&) {});
        received += request.size();
        sent += tight.deliver(attacker.self, 0, request).reply.size();
    }
    EXPECT_GT(sent, 0U);
    EXPECT_LE(sent, received + 1000 + 50 * 100);
    EXPECT_GT(tight.count(Drop::stun_source_budget), 0U);
}

TEST_F(TurnThreats, Credential_replay_is_bounded_by_the_quota_of_the_user_part) {
    EdgeSettings settings;
    settings.shared_secret = "rotate me";
    settings.user_quota = 3;
    Edge limited(settings);
    HmacKey key = limited.digest.hmac_key(HmacAlgorithm::sha1, bytes_of(settings.shared_secret));
    uint32_t admitted = 0;
    for (uint16_t i = 0; i < 20; i++) {
        Client c(limited, Endpoint{addr("198.51.100.7"), static_cast<uint16_t>(1000 + i)});
        c.user = std::to_string(kUnixStart + 300 + i) + ":carol";  // every time another name, the same person
        std::array<uint8_t, 20> mac;
        limited.digest.hmac(key, bytes_of(c.user), mac.data());
        c.password = base64(mac);
        Reply reply = c.allocate();
        admitted += reply.success();
        EXPECT_TRUE(reply.success() || reply.code() == 486);
    }
    EXPECT_EQ(admitted, 3U);
}

TEST_F(TurnThreats, Ports_are_not_drained_into_quarantine_by_one_user) {
    EdgeSettings settings;
    settings.user_quota = 3;
    settings.quarantine_s = 64;
    Edge limited(settings);
    Client alice(limited, "198.51.100.7:4000", "alice");
    Client bob(limited, "198.51.100.8:4000", "bob");
    uint32_t free = limited.free_ports();
    auto come_and_go = [&](Client& user) {
        uint16_t code = user.allocate().code();
        if (code == 0) {
            EXPECT_TRUE(user.refresh(0).success());
        }
        return code;
    };
    for (int i = 0; i < 16; i++) EXPECT_EQ(come_and_go(alice), 0) << i;
    for (int i = 0; i < 100; i++) EXPECT_EQ(come_and_go(alice), 486) << i;
    EXPECT_EQ(limited.free_ports(), free - 16);
    EXPECT_EQ(come_and_go(bob), 0);
    limited.pass(4s);  // 64 s for 16 ports
    EXPECT_EQ(come_and_go(alice), 0);
    EXPECT_EQ(come_and_go(alice), 486);
    limited.pass(66s);
    EXPECT_EQ(limited.free_ports(), free);
    for (int i = 0; i < 16; i++) EXPECT_EQ(come_and_go(alice), 0) << i;
}

TEST_F(TurnThreats, Port_reuse_waits_for_the_quarantine) {
    EdgeSettings settings;
    settings.port_last = 50003;
    settings.relays.pop_back();
    Edge small(settings);
    std::vector<std::unique_ptr<Client>> clients;
    std::set<uint16_t> ports;
    for (uint16_t i = 0; i < 4; i++) {
        clients.push_back(
            std::make_unique<Client>(small, Endpoint{addr("198.51.100.7"), static_cast<uint16_t>(1000 + i)}));
        ports.insert(clients.back()->allocate().relayed().port);
    }
    EXPECT_EQ(ports.size(), 4U);
    EXPECT_TRUE(clients[0]->refresh(0).success());
    small.pass(59s);
    EXPECT_EQ(clients[0]->allocate().code(), 508);
    small.pass(3s);
    EXPECT_TRUE(clients[0]->allocate().success());
}

TEST_F(TurnThreats, Wrong_lengths_zero_lengths_and_a_thousand_attributes) {
    for (uint16_t type : {0x0001, 0x000c, 0x000d, 0x0012, 0x0017, 0x0018, 0x0019, 0x0022}) {
        for (size_t size : {0, 1, 2, 3, 5, 7, 9, 21}) {
            std::vector<uint8_t> value(size, 0xff);
            Reply reply = client.request(StunMethod::channel_bind, [&](StunWriter& w) {
                w.attribute(static_cast<StunAttribute>(type), Bytes{value});
            });
            EXPECT_FALSE(reply.success());
        }
    }
    std::vector<uint8_t> big(2048);
    StunWriter writer{big, StunClass::request, 3, {}};
    for (int i = 0; i < 400; i++) writer.attribute(StunAttribute::software, Bytes{});
    EXPECT_FALSE(edge.ask(client.self, 0, writer.finish()));
    EXPECT_EQ(edge.turn.allocations(), 1U);
}

TEST_F(TurnThreats, Fingerprint_mismatch_is_dropped) {
    client.fingerprint = true;
    auto request = client.build(StunClass::request, StunMethod::refresh, [](StunWriter&) {});
    EXPECT_TRUE(edge.ask(client.self, 0, request).success());
    request.back() ^= 1;
    EXPECT_FALSE(edge.ask(client.self, 0, request));
    EXPECT_EQ(edge.count(Drop::stun_fingerprint), 1U);
}

}  // namespace
}  // namespace fedge::relay
