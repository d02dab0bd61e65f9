// The TURN rows of the list of known attacks as far as they reach a server over TCP, one test each, named after them.
#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <set>
#include <string>

#include "tests/support/stream_edge.h"

namespace fedge::relay {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace)

struct StreamThreats : testing::Test {
    FakeTransport transport;
    StreamEdge server{transport};
    StreamClient four{server, "198.51.100.7:4000"};
    StreamClient six{server, "198.51.100.7:4001"};  // with a relay address of the other family
    Endpoint relay;

    void SetUp() override {
        Reply reply = four.allocate_tcp();
        ASSERT_TRUE(reply.success());
        relay = reply.relayed();
        ASSERT_TRUE(six.allocate_tcp(2).success());
    }
    // Neither Connect nor a permission for who comes, on an allocation of either family.
    void expect_refused(const std::string& text) {
        SCOPED_TRACE(text);
        Endpoint peer{addr(text.c_str()), 80};
        size_t streams = transport.streams.size();
        for (StreamClient* client : {&four, &six}) {
            EXPECT_EQ(client->connect(peer).code(), 403);
            EXPECT_EQ(client->permit({peer}).code(), 403);
        }
        EXPECT_EQ(transport.streams.size(), streams) << "nothing was sent";
        FakeStream* visitor = transport.visit(relay, peer);
        EXPECT_FALSE(visitor->handler) << "a connection from there is refused, too";
    }
};

TEST_F(StreamThreats, CVE_2020_26262_loopback_by_zero_address_with_CONNECT) {
    for (const char* peer : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.255", "::", "::1"}) expect_refused(peer);
    EXPECT_EQ(server.count(Drop::peer_denied), 6U);
}

TEST_F(StreamThreats, CVE_2026_27624_mapped_loopback_with_CONNECT) {
    for (const char* peer :
         {"::ffff:127.0.0.1", "::ffff:0.0.0.0", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1",
          "64:ff9b::10.0.0.1", "64:ff9b:1::10.0.0.1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:7f00:1::"})
        expect_refused(peer);
}

TEST_F(StreamThreats, Coturn_4_13_1_internal_and_own_addresses_with_CONNECT) {
    for (const char* peer :
         {"169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "fe80::1", "fc00::1", "fec0::1",
          "224.0.0.1", "255.255.255.255", "ff02::1", "192.0.2.1", "2001:db8::1"})  // the last two: listeners
        expect_refused(peer);
}

TEST_F(StreamThreats, Loops_through_own_relay_addresses) {
    StreamClient other{server, "198.51.100.8:4000", "bob"};
    Endpoint of_other = other.allocate_tcp().relayed();
    EXPECT_EQ(four.connect({relay.address, 22}).code(), 403) << "no relay port";
    EXPECT_EQ(four.connect({relay.address, 3478}).code(), 403);
    EXPECT_EQ(four.connect(relay).code(), 403) << "itself";
    // Another client may be reached, and has to permit it.
    EXPECT_FALSE(four.connect(of_other));
    EXPECT_FALSE(transport.visit(of_other, relay)->handler);
    EXPECT_EQ(server.count(Drop::no_permission), 1U);
}

TEST_F(StreamThreats, Duplicate_peer_address_the_first_counts_and_is_checked) {
    auto two = [&](const char* first, const char* second) {
        return four.request(StunMethod::connect, [&](StunWriter& w) {
            w.xor_address(StunAttribute::xor_peer_address, at(first));
            w.xor_address(StunAttribute::xor_peer_address, at(second));
        });
    };
    EXPECT_EQ(two("127.0.0.1:80", "203.0.113.5:80").code(), 403);
    EXPECT_FALSE(two("203.0.113.5:80", "127.0.0.1:80"));
    EXPECT_EQ(transport.streams.back().remote(), at("203.0.113.5:80"));
}

TEST_F(StreamThreats, Scans_through_the_relay_are_bounded) {
    int begun = 0;
    for (uint16_t port = 1; port <= 1000; port++) {
        begun += !four.connect({addr("203.0.113.5"), port});
        server.turn();
    }
    EXPECT_EQ(begun, 64) << "connections per allocation";
    EXPECT_EQ(server.count(Counter::turn_capacity), 936U);
    EXPECT_EQ(server.clients.peers(), 64U);
}

TEST_F(StreamThreats, State_before_authentication_is_bounded_and_costs_no_HMAC) {
    FakeTransport own;
    StreamEdge small{own, stream_settings(), {.sessions = 64, .unproven = 16}};
    std::list<StreamClient> crowd;
    uint64_t hmacs = small.edge.digest.hmacs();
    for (uint16_t i = 0; i < 100; i++) {
        StreamClient& one = crowd.emplace_back(small, ("198.51.100.66:" + std::to_string(1000 + i)).c_str());
        if (!one.stream.handler) continue;
        // With a nonce of its own making and any MESSAGE-INTEGRITY.
        auto request = one.build(StunClass::request, StunMethod::allocate, [&](StunWriter& w) {
            w.attribute_u32(StunAttribute::requested_transport, 6U << 24);
            w.attribute(StunAttribute::username, "alice");
            w.attribute(StunAttribute::realm, kRealm);
            w.attribute(StunAttribute::nonce, "0123456789abcdef");
            w.attribute(StunAttribute::message_integrity, Bytes{std::array<uint8_t, 20>{}});
        });
        for (int k = 0; k < 5; k++) EXPECT_EQ(one.ask(request).code(), 438);
    }
    EXPECT_EQ(small.edge.digest.hmacs(), hmacs);
    EXPECT_EQ(small.clients.unproven(), 16U);
    EXPECT_EQ(small.edge.turn.allocations(), 0U);
    EXPECT_EQ(small.count(Drop::tcp_no_room), 84U);
    small.pass(31s);
    EXPECT_EQ(small.clients.sessions(), 0U);
}

// RFC 6062 clients take the nonce of their control connection to data connections, and back.
TEST_F(StreamThreats, A_nonce_is_good_on_every_connection_of_its_address_and_on_no_other) {
    StreamClient first{server, "198.51.100.66:4000"}, second{server, "198.51.100.66:4001"},
        stranger{server, "198.51.100.67:4000"};
    ASSERT_TRUE(first.allocate_tcp().success());
    uint64_t stale = server.count(Counter::stun_stale_nonce);
    second.nonce = stranger.nonce = first.nonce;
    EXPECT_TRUE(second.allocate_tcp().success());
    EXPECT_EQ(server.count(Counter::stun_stale_nonce), stale);
    stranger.allocate_tcp();
    EXPECT_EQ(server.count(Counter::stun_stale_nonce), stale + 1);
}

TEST_F(StreamThreats, Zero_byte_connections_are_not_held_for_minutes) {
    StreamClient silent{server, "198.51.100.66:4000"}, one_byte{server, "198.51.100.66:4001"};
    one_byte.stream.send(Bytes{std::array<uint8_t, 1>{0}});
    for (int second = 0; second < 29; second++) {
        server.pass(1s);
        one_byte.stream.send(Bytes{std::array<uint8_t, 1>{0}});
    }
    server.pass(2s);
    EXPECT_TRUE(silent.stream.closed);
    EXPECT_TRUE(one_byte.stream.over());
}

TEST_F(StreamThreats, CVE_2020_4067_padding_is_zero) {
    StreamClient client{server, "198.51.100.9:4000", "bob"};
    Endpoint of_udp = client.allocate().relayed();
    Endpoint peer = at("203.0.113.5:9000");
    ASSERT_TRUE(client.bind(0x4000, peer).success());
    client.stream.take();
    for (size_t size = 1; size <= 9; size++) {
        ASSERT_TRUE(server.from_peer(peer, of_udp, std::string(2000, '\xff')));
        client.stream.take();
        ASSERT_TRUE(server.from_peer(peer, of_udp, std::string(size, '\xff')));
        EXPECT_EQ(client.received().at(0), channel_data(0x4000, std::string(size, '\xff')));
        ASSERT_TRUE(server.from_peer(at("203.0.113.5:9001"), of_udp, std::string(size, '\xff')));
        auto indication = client.received().at(0);
        for (size_t i = 20 + 12 + 4 + size; i < indication.size(); i++) EXPECT_EQ(indication[i], 0U);
    }
}

TEST_F(StreamThreats, Coturn_1844_lengths_near_the_end_of_16_bits) {
    StreamClient client{server, "198.51.100.9:4000", "bob"};
    ASSERT_TRUE(client.allocate().success());
    ASSERT_TRUE(client.bind(0x4000, at("203.0.113.5:9000")).success());
    server.turn();
    for (size_t length : {0xfff8UL, 0xfffcUL, 0xfffdUL, 0xffffUL}) {
        std::vector<uint8_t> all = channel_data(0x4000, std::string(length, 'x'));
        for (uint8_t byte : channel_data(0x4000, "next")) all.push_back(byte);
        client.stream.send(all);
        for (int i = 0; i < 3; i++) server.turn();
        auto sent = server.take();
        ASSERT_EQ(sent.size(), 1U) << length;
        EXPECT_EQ(text_of(sent[0].payload), "next");
    }
    auto message = client.build(
        StunClass::request, StunMethod::binding, [](StunWriter&) {}, false);
    store_be16(message.data() + 2, 0xfffc);
    client.stream.send(message);
    EXPECT_TRUE(client.stream.aborted);
}

TEST_F(StreamThreats, Connection_of_another_user_cannot_be_taken) {
    EXPECT_FALSE(four.connect(at("203.0.113.5:80")));
    transport.streams.back().handler->on_open();
    uint32_t id = StreamClient::connection_id({four.stream.take()});
    StreamClient bob{server, "198.51.100.8:4000", "bob"};
    EXPECT_EQ(bob.bind_connection(id).code(), 441);
    for (uint32_t guess = 0; guess < 50; guess++)
        EXPECT_EQ(bob.bind_connection(id + 1 + guess).code(), 400) << "ids lie apart";
    StreamClient nobody{server, "198.51.100.8:4001", "mallory"};
    EXPECT_EQ(nobody.bind_connection(id).code(), 401);
    StreamClient own{server, "198.51.100.7:4002"};
    EXPECT_TRUE(own.bind_connection(id).success());
}

TEST_F(StreamThreats, Port_of_an_earlier_owner_is_quarantined) {
    EdgeSettings settings = stream_settings();
    settings.port_last = 50001;
    FakeTransport own;
    StreamEdge small{own, settings};
    StreamClient a{small, "198.51.100.7:4000"}, b{small, "198.51.100.7:4001", "bob"};
    Endpoint of_a = a.allocate_tcp().relayed();
    ASSERT_TRUE(a.refresh(0).success());
    Endpoint of_b = b.allocate_tcp().relayed();
    EXPECT_NE(of_a, of_b);
    ASSERT_TRUE(b.refresh(0).success());
    EXPECT_EQ(b.allocate_tcp().code(), 508) << "both ports rest";
    EXPECT_EQ(own.visit(of_a, at("203.0.113.5:80")), nullptr) << "nobody listens";
    small.pass(61s);
    StreamClient c{small, "198.51.100.7:4002"};
    EXPECT_TRUE(c.allocate_tcp().success());
}

TEST_F(StreamThreats, Quota_counts_allocations_of_TCP) {
    EdgeSettings settings = stream_settings();
    settings.user_quota = 3;
    FakeTransport own;
    StreamEdge small{own, settings};
    std::list<StreamClient> clients;
    for (uint16_t i = 0; i < 4; i++) {
        StreamClient& one = clients.emplace_back(small, ("198.51.100.7:" + std::to_string(4000 + i)).c_str());
        EXPECT_EQ(one.allocate_tcp().code(), i < 3 ? 0 : 486);
    }
    clients.front().stream.reset();
    EXPECT_TRUE(clients.back().allocate_tcp().success());
}

}  // namespace
}  // namespace fedge::relay
