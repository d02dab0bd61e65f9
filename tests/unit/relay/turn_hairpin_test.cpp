// Two clients of one edge who know each other by their relayed addresses only.
#include <gtest/gtest.h>

#include "tests/support/turn_edge.h"

namespace fedge::relay {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace)

struct TurnHairpin : testing::Test {
    // Both families, so that no peer is refused for its family alone.
    static Endpoint allocate(Client& client) {
        Reply reply =
            client.allocate([](StunWriter& w) { w.attribute_u32(StunAttribute::additional_address_family, 2U << 24); });
        EXPECT_TRUE(reply.success());
        return reply.relayed();
    }
    static EdgeSettings behind_nat() {
        EdgeSettings settings;
        settings.relays[0].second = "203.0.113.10";
        return settings;
    }

    Edge edge;
    Client alice{edge, "198.51.100.7:4000", "alice"};
    Client bob{edge, "198.51.100.8:4000", "bob"};
    Endpoint relay_of_alice = allocate(alice);
    Endpoint relay_of_bob = allocate(bob);
};

TEST_F(TurnHairpin, NeedsPermissionsOnBothSides) {
    EXPECT_FALSE(alice.send(relay_of_bob, "x"));
    EXPECT_EQ(edge.count(Drop::no_permission), 1U);
    ASSERT_TRUE(alice.permit({relay_of_bob}).success());
    auto sent = alice.send(relay_of_bob, "hello");
    ASSERT_TRUE(sent);
    EXPECT_TRUE(sent->hairpin);
    EXPECT_EQ(sent->source, relay_of_alice);
    EXPECT_EQ(sent->destination, relay_of_bob);
    EXPECT_EQ(edge.count(Counter::relay_hairpin_packets), 1U);
    EXPECT_FALSE(edge.hairpin(*sent));
    EXPECT_EQ(edge.count(Drop::no_permission), 2U);

    ASSERT_TRUE(bob.permit({relay_of_alice}).success());
    auto arrived = edge.hairpin(*sent);
    ASSERT_TRUE(arrived);
    EXPECT_FALSE(arrived->hairpin);
    EXPECT_EQ(arrived->destination, bob.self);
    auto indication = wire::StunMessage::parse(arrived->payload);
    ASSERT_TRUE(indication);
    EXPECT_EQ(indication->address(StunAttribute::xor_peer_address), relay_of_alice);
    EXPECT_EQ(text_of(indication->value(StunAttribute::data)), "hello");
}

TEST_F(TurnHairpin, ChannelsBothWays) {
    ASSERT_TRUE(alice.bind(0x4000, relay_of_bob).success());
    ASSERT_TRUE(bob.bind(0x4001, relay_of_alice).success());
    auto there = alice.send_on(0x4000, "ping");
    ASSERT_TRUE(there && there->hairpin);
    EXPECT_EQ(edge.hairpin(*there)->payload, (std::vector<uint8_t>{0x40, 1, 0, 4, 'p', 'i', 'n', 'g'}));
    auto back = bob.send_on(0x4001, "pong");
    ASSERT_TRUE(back && back->hairpin);
    EXPECT_EQ(edge.hairpin(*back)->destination, alice.self);
    // A peer outside goes out as before, from the same allocation.
    ASSERT_TRUE(alice.bind(0x4002, "203.0.113.5:700").success());
    EXPECT_FALSE(alice.send_on(0x4002, "x")->hairpin);
}

TEST_F(TurnHairpin, PortsThatNobodyHasAnswerNothing) {
    Endpoint nobody = relay_of_bob;
    do nobody.port = nobody.port == 50999 ? uint16_t{50000} : static_cast<uint16_t>(nobody.port + 1);
    while (nobody == relay_of_alice);
    ASSERT_TRUE(alice.permit({nobody}).success());
    auto sent = alice.send(nobody, "x");
    ASSERT_TRUE(sent);
    EXPECT_FALSE(edge.hairpin(*sent));
    EXPECT_EQ(edge.count(Drop::relay_port_unused), 1U);
}

TEST_F(TurnHairpin, OwnRelayPortIsAPeerLikeOthers) {
    ASSERT_TRUE(alice.bind(0x4000, relay_of_alice).success());
    auto sent = alice.send_on(0x4000, "x");
    ASSERT_TRUE(sent && sent->hairpin);
    auto arrived = edge.hairpin(*sent);  // and there it ends: at a client
    ASSERT_TRUE(arrived);
    EXPECT_EQ(arrived->destination, alice.self);
    EXPECT_FALSE(arrived->hairpin);
}

TEST_F(TurnHairpin, AddressesAndPortsThatArePeers) {
    EdgeSettings settings = behind_nat();
    settings.listeners[0] = "192.0.2.10:3478";  // shares the relay address
    settings.listeners.push_back("192.0.2.12:3478");
    edge.reload(settings);
    edge.pass(1s);
    Client carol(edge, "198.51.100.9:4000");
    allocate(carol);
    struct Row {
        const char* peer;
        uint16_t permission, channel;  // error codes
    };
    const Row rows[] = {
        {"192.0.2.10:50000", 0, 0},       // relay address and first port
        {"192.0.2.10:50999", 0, 0},       // last port
        {"192.0.2.10:51000", 0, 403},     // beyond the range
        {"192.0.2.10:49999", 0, 403},     // before the range
        {"192.0.2.10:3478", 0, 403},      // the server itself
        {"192.0.2.10:53", 0, 403},        // a port that nothing answers on
        {"203.0.113.10:50001", 0, 0},     // what clients are told
        {"203.0.113.10:3478", 0, 403},    // the server as seen from outside
        {"[2001:db8::10]:50000", 0, 0},   // IPv6
        {"[2001:db8::10]:3478", 0, 403},  // IPv6
        {"192.0.2.12:50000", 403, 403},   // another listener's address
        {"192.0.2.1:50000", 403, 403},    // an interface's address
        {"[2001:db8::1]:50000", 403, 403},
        {"[64:ff9b::c000:20a]:50000", 403, 403},  // the relay address behind a NAT64 would leave the machine
        {"[2002:c000:20a::1]:50000", 403, 403},   // or by 6to4
    };
    uint16_t channel = 0x4000;
    for (const Row& r : rows) {
        SCOPED_TRACE(r.peer);
        EXPECT_EQ(carol.permit(r.peer).code(), r.permission);
        EXPECT_EQ(carol.bind(channel++, r.peer).code(), r.channel);
        uint64_t denied = edge.count(Drop::peer_denied);
        auto sent = carol.send(r.peer, "x");
        EXPECT_EQ(sent && sent->hairpin, r.channel == 0);
        EXPECT_EQ(edge.count(Drop::peer_denied), denied + (r.channel == 0 ? 0U : 1U));
    }
}

TEST_F(TurnHairpin, AdvertisedAddressesOnBothEnds) {
    edge.reload(behind_nat());
    Endpoint told_alice{addr("203.0.113.10"), relay_of_alice.port};
    Endpoint told_bob{addr("203.0.113.10"), relay_of_bob.port};
    ASSERT_TRUE(alice.bind(0x4000, told_bob).success());
    ASSERT_TRUE(bob.bind(0x4001, told_alice).success());
    auto sent = alice.send_on(0x4000, "x");
    ASSERT_TRUE(sent && sent->hairpin);
    EXPECT_EQ(sent->source, told_alice);
    EXPECT_EQ(sent->destination, relay_of_bob);
    EXPECT_EQ(load_be16(edge.hairpin(*sent)->payload.data()), 0x4001);
}

TEST_F(TurnHairpin, WhatComesFromTheWireIsNotFromARelayPortOfOurs) {
    edge.reload(behind_nat());
    Endpoint told_alice{addr("203.0.113.10"), relay_of_alice.port};
    ASSERT_TRUE(bob.permit({told_alice}).success());
    EXPECT_FALSE(edge.from_peer(told_alice, relay_of_bob, bytes_of("forged")));
    EXPECT_EQ(edge.count(Drop::spoofed_own_source), 1U);
    EXPECT_FALSE(edge.turn.on_icmp(edge.now, 0, relay_of_bob.port, told_alice, {3, 3, 0}, edge.forward));
    EXPECT_EQ(edge.count(Drop::icmp_unmatched), 1U);
}

TEST_F(TurnHairpin, ThePolicyOfTheOperatorHasTheLastWord) {
    struct Row {
        std::vector<std::string> allow, deny;
        uint16_t code;
    };
    const Row rows[] = {
        {{}, {"192.0.2.10/32"}, 403},
        {{}, {"192.0.2.0/24"}, 403},
        {{"192.0.2.10/32"}, {"192.0.2.0/24"}, 0},
        {{"192.0.2.0/24"}, {"192.0.2.10/32"}, 403},
        {{}, {"203.0.113.0/24"}, 0},
    };
    for (const Row& r : rows) {
        EdgeSettings settings;
        settings.peer_allow = r.allow;
        settings.peer_deny = r.deny;
        edge.reload(settings);
        EXPECT_EQ(alice.permit({relay_of_bob}).code(), r.code);
    }
    // Private relay addresses need no permission of the operator: the data does not go to the network.
    EdgeSettings settings;
    settings.relays.emplace_back("10.1.2.3", "10.1.2.3");
    edge.reload(settings);
    EXPECT_TRUE(alice.permit("10.1.2.3:50000").success());
    EXPECT_EQ(alice.permit("10.1.2.4:50000").code(), 403);
}

TEST_F(TurnHairpin, BindingsFollowSnapshots) {
    const Endpoint peer = test::at("203.0.113.10:50001");
    ASSERT_TRUE(alice.bind(0x4000, peer).success());
    ASSERT_TRUE(alice.bind(0x4001, "203.0.113.10:700").success());
    EXPECT_FALSE(alice.send_on(0x4000, "x")->hairpin);  // somebody outside
    edge.reload(behind_nat());
    edge.pass(1s);
    ASSERT_TRUE(alice.send_on(0x4000, "x"));
    EXPECT_TRUE(alice.send_on(0x4000, "x")->hairpin);  // ours now
    EXPECT_FALSE(alice.send_on(0x4001, "x"));          // ours, and not a relay port
    EdgeSettings narrow = behind_nat();
    narrow.port_first = 50002;
    edge.reload(narrow);
    edge.pass(1s);
    EXPECT_FALSE(alice.send_on(0x4000, "x"));
    EXPECT_EQ(edge.count(Drop::channel_unbound), 2U);
    edge.reload(EdgeSettings{});
    edge.pass(1s);
    ASSERT_TRUE(alice.bind(0x4002, peer).success());
    EXPECT_FALSE(alice.send_on(0x4002, "x")->hairpin);
}

TEST_F(TurnHairpin, RelayAddressThatGoesTakesItsPeersAlong) {
    EdgeSettings two;
    two.relays.emplace_back("192.0.2.13", "192.0.2.13");
    edge.reload(two);
    ASSERT_TRUE(alice.bind(0x4000, "192.0.2.13:50001").success());
    EXPECT_TRUE(alice.send_on(0x4000, "x")->hairpin);
    edge.reload(EdgeSettings{});
    // Before the sweep has come by: still no packet for the network.
    auto sent = alice.send_on(0x4000, "x");
    EXPECT_TRUE(sent && sent->hairpin);
    EXPECT_FALSE(edge.hairpin(*sent));
    edge.pass(1s);
    EXPECT_FALSE(alice.send_on(0x4000, "x")->hairpin);  // a peer outside like any other
}

TEST_F(TurnHairpin, BothSidesPayForTheBandwidth) {
    EdgeSettings settings;
    settings.allocation_kbps = 8;  // 1000 bytes per second
    edge.reload(settings);
    ASSERT_TRUE(alice.bind(0x4000, relay_of_bob).success());
    ASSERT_TRUE(bob.bind(0x4000, relay_of_alice).success());
    std::string data(1000, 'x');
    size_t arrived = 0;
    for (int i = 0; i < 100; i++)
        if (auto sent = alice.send_on(0x4000, data)) arrived += edge.hairpin(*sent).has_value();
    EXPECT_LT(arrived, 50U);
    EXPECT_GT(arrived, 0U);
    EXPECT_EQ(edge.count(Drop::bandwidth_allocation), 100U - arrived);
}

}  // namespace
}  // namespace fedge::relay
