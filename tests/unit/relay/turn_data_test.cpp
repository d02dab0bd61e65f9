// RFC 8656 sections 11 and 12: data between client and peer.
#include <gtest/gtest.h>

#include "tests/support/turn_edge.h"

namespace fedge::relay {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace)

std::vector<uint8_t> data_of(const wire::StunMessage& message) {
    Bytes v = message.value(StunAttribute::data);
    return {v.begin(), v.end()};
}

struct Path {
    const char* what;
    const char* client;
    uint16_t listener;
    const char* server;
    const char* peer;
    uint8_t family;
};
constexpr Path kPaths[] = {
    {"IPv4 to IPv4", "198.51.100.7:4000", 0, "192.0.2.1:3478", "203.0.113.5:700", 1},
    {"IPv4 to IPv6", "198.51.100.7:4000", 0, "192.0.2.1:3478", "[2001:db8:5::5]:700", 2},
    {"IPv6 to IPv4", "[2001:db8:7::7]:4000", 1, "[2001:db8::1]:3478", "203.0.113.5:700", 1},
    {"IPv6 to IPv6", "[2001:db8:7::7]:4000", 1, "[2001:db8::1]:3478", "[2001:db8:5::5]:700", 2},
};

TEST(TurnData, EveryWayThroughInEveryFamily) {
    for (const Path& path : kPaths) {
        SCOPED_TRACE(path.what);
        Edge edge;
        Client client(edge, path.client, "alice", path.listener);
        Endpoint relayed =
            client
                .allocate([&](StunWriter& w) {
                    w.attribute_u32(StunAttribute::requested_address_family, uint32_t{path.family} << 24);
                })
                .relayed();
        Endpoint peer = at(path.peer);
        ASSERT_TRUE(client.permit({peer}).success());
        for (size_t size : {0, 1, 2, 3, 4, 172, 1400}) {
            std::string data(size, 'd');
            auto sent = client.send(peer, data);
            ASSERT_TRUE(sent);
            EXPECT_EQ(sent->source, relayed);
            EXPECT_EQ(sent->destination, peer);
            EXPECT_EQ(text_of(sent->payload), data);

            auto indication = edge.from_peer(peer, relayed, bytes_of(data));
            ASSERT_TRUE(indication);
            EXPECT_EQ(indication->source, at(path.server));
            EXPECT_EQ(indication->destination, at(path.client));
            auto message = wire::StunMessage::parse(indication->payload);
            ASSERT_TRUE(message) << size;
            EXPECT_TRUE(message->is(StunMethod::data));
            EXPECT_EQ(message->klass(), StunClass::indication);
            EXPECT_EQ(message->address(StunAttribute::xor_peer_address), peer);
            EXPECT_TRUE(message->has(StunAttribute::data));
            EXPECT_EQ(data_of(*message), std::vector<uint8_t>(size, 'd'));
        }
        ASSERT_TRUE(client.bind(0x4abc, peer).success());
        for (size_t size : {0, 1, 2, 3, 4, 172, 1400}) {
            std::string data(size, 'd');
            auto sent = client.send_on(0x4abc, data);
            ASSERT_TRUE(sent);
            EXPECT_EQ(sent->source, relayed);
            EXPECT_EQ(sent->destination, peer);
            EXPECT_EQ(text_of(sent->payload), data);
            auto back = edge.from_peer(peer, relayed, bytes_of(data));
            ASSERT_TRUE(back);
            ASSERT_EQ(back->payload.size(), size + 4);  // section 12.5: the server must use the channel
            EXPECT_EQ(load_be16(back->payload.data()), 0x4abc);
            EXPECT_EQ(load_be16(back->payload.data() + 2), size);
            EXPECT_EQ(back->destination, at(path.client));
        }
        // From another port of the peer: the permission holds, the channel is not bound to it.
        auto other = edge.from_peer({peer.address, 9}, relayed, bytes_of("x"));
        ASSERT_TRUE(other);
        EXPECT_EQ(wire::StunMessage::parse(other->payload)->address(StunAttribute::xor_peer_address),
                  (Endpoint{peer.address, 9}));
    }
}

TEST(TurnData, TransactionIdsOfIndicationsDiffer) {
    Edge edge;
    Client client(edge, "198.51.100.7:4000");
    Endpoint relayed = client.allocate().relayed();
    ASSERT_TRUE(client.permit("203.0.113.5:700").success());
    auto one = edge.from_peer(at("203.0.113.5:700"), relayed, bytes_of("x"));
    auto two = edge.from_peer(at("203.0.113.5:700"), relayed, bytes_of("x"));
    EXPECT_NE(wire::StunMessage::parse(one->payload)->transaction(),
              wire::StunMessage::parse(two->payload)->transaction());
}

TEST(TurnData, DontFragmentOnlyForIpv4ToIpv4) {
    for (const Path& path : kPaths) {
        Edge edge;
        Client client(edge, path.client, "alice", path.listener);
        ASSERT_TRUE(client
                        .allocate([&](StunWriter& w) {
                            w.attribute_u32(StunAttribute::requested_address_family, uint32_t{path.family} << 24);
                        })
                        .success());
        ASSERT_TRUE(client.permit({at(path.peer)}).success());
        bool both_ipv4 = path.listener == 0 && path.family == 1;
        EXPECT_EQ(client.send(at(path.peer), "x", true)->dont_fragment, both_ipv4) << path.what;
        EXPECT_FALSE(client.send(at(path.peer), "x", false)->dont_fragment);
    }
}

TEST(TurnData, BadSendIndicationsAreDroppedAndCounted) {
    Edge edge;
    Client client(edge, "198.51.100.7:4000");
    auto send = [&](auto add) {
        return edge.from_client(client.self, client.build(StunClass::indication, StunMethod::send, add, false))
            .has_value();
    };
    auto peer = [](StunWriter& w, const char* to = "203.0.113.5:700") {
        w.xor_address(StunAttribute::xor_peer_address, at(to));
    };
    auto data = [](StunWriter& w) { w.attribute(StunAttribute::data, std::string_view{"x"}); };
    EXPECT_FALSE(send([&](StunWriter& w) { peer(w), data(w); }));
    EXPECT_EQ(edge.count(Drop::turn_no_allocation), 1U);
    ASSERT_TRUE(client.allocate().success());
    ASSERT_TRUE(client.permit("203.0.113.5:700").success());
    EXPECT_TRUE(send([&](StunWriter& w) { peer(w), data(w); }));
    EXPECT_FALSE(send([&](StunWriter& w) { peer(w); }));
    EXPECT_FALSE(send([&](StunWriter& w) { data(w); }));
    EXPECT_FALSE(send([&](StunWriter& w) { peer(w, "203.0.113.5:0"), data(w); }));
    EXPECT_FALSE(send([&](StunWriter& w) {
        peer(w), data(w), w.attribute(static_cast<StunAttribute>(0x7abc), std::string_view{"x"});
    }));
    EXPECT_EQ(edge.count(Drop::send_malformed), 4U);
    EXPECT_FALSE(send([&](StunWriter& w) { peer(w, "203.0.113.6:700"), data(w); }));
    EXPECT_EQ(edge.count(Drop::no_permission), 1U);
    EXPECT_FALSE(send([&](StunWriter& w) { peer(w, "127.0.0.1:700"), data(w); }));
    EXPECT_EQ(edge.count(Drop::peer_denied), 1U);
}

TEST(TurnData, BadChannelDataIsDroppedAndCounted) {
    Edge edge;
    Client client(edge, "198.51.100.7:4000");
    EXPECT_FALSE(client.send_on(0x4000, "x"));
    EXPECT_EQ(edge.count(Drop::turn_no_allocation), 1U);
    ASSERT_TRUE(client.allocate().success());
    EXPECT_FALSE(client.send_on(0x4000, "x"));
    EXPECT_EQ(edge.count(Drop::channel_unbound), 1U);
    ASSERT_TRUE(client.bind(0x4000, "203.0.113.5:700").success());
    auto raw = [&](std::vector<uint8_t> bytes) { return edge.from_client(client.self, bytes); };
    EXPECT_FALSE(raw({0x40}));
    EXPECT_FALSE(raw({0x40, 0, 0}));
    EXPECT_FALSE(raw({0x40, 0, 0, 5, 1, 2, 3, 4}));  // longer than the datagram
    EXPECT_EQ(edge.count(Drop::channel_malformed), 3U);
    auto padded = raw({0x40, 0, 0, 3, 'a', 'b', 'c', 0});  // section 12.5: padding may be there
    ASSERT_TRUE(padded);
    EXPECT_EQ(text_of(padded->payload), "abc");
}

TEST(TurnData, IcmpErrorsReachTheClient) {
    struct Row {
        const char* what;
        bool ipv6;
        IcmpError error;
        bool reported;
        std::array<uint8_t, 8> value;
    };
    const Row rows[] = {
        {"port unreachable", false, {3, 3, 0}, true, {0, 0, 3 << 1, 3, 0, 0, 0, 0}},
        {"fragmentation needed", false, {3, 4, 1280}, true, {0, 0, 3 << 1, 4, 0, 0, 5, 0}},
        {"TTL exceeded", false, {11, 0, 0}, true, {0, 0, 11 << 1, 0, 0, 0, 0, 0}},
        {"source quench", false, {4, 0, 0}, false, {}},
        {"echo reply", false, {0, 0, 0}, false, {}},
        {"IPv6 unreachable", true, {1, 4, 0}, true, {0, 0, 1 << 1, 4, 0, 0, 0, 0}},
        {"IPv6 too big", true, {2, 0, 1400}, true, {0, 0, 2 << 1, 0, 0, 0, 5, 120}},
        {"IPv6 hop limit", true, {3, 0, 0}, true, {0, 0, 3 << 1, 0, 0, 0, 0, 0}},
        {"IPv6 parameter problem", true, {4, 0, 0}, false, {}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.what);
        Edge edge;
        Client client(edge, "198.51.100.7:4000");
        Endpoint relayed = client
                               .allocate([&](StunWriter& w) {
                                   w.attribute_u32(StunAttribute::requested_address_family, (row.ipv6 ? 2U : 1U) << 24);
                               })
                               .relayed();
        Endpoint peer = at(row.ipv6 ? "[2001:db8:5::5]:700" : "203.0.113.5:700");
        uint16_t relay = edge.relay_index(relayed.address);
        EXPECT_FALSE(edge.turn.on_icmp(edge.now, relay, relayed.port, peer, row.error, edge.forward));  // no permission
        ASSERT_TRUE(client.permit({peer}).success());
        EXPECT_FALSE(edge.turn.on_icmp(edge.now, relay, relayed.port ^ 1, peer, row.error, edge.forward));
        ASSERT_EQ(edge.turn.on_icmp(edge.now, relay, relayed.port, peer, row.error, edge.forward), row.reported);
        if (!row.reported) continue;
        Sent sent = carry_out(edge.forward, {});
        EXPECT_EQ(sent.destination, client.self);
        auto message = wire::StunMessage::parse(sent.payload);
        ASSERT_TRUE(message);
        EXPECT_TRUE(message->is(StunMethod::data));
        EXPECT_EQ(message->address(StunAttribute::xor_peer_address), peer);
        EXPECT_FALSE(message->has(StunAttribute::data));
        Bytes value = message->value(StunAttribute::icmp);
        EXPECT_EQ(std::vector<uint8_t>(value.begin(), value.end()),
                  std::vector<uint8_t>(row.value.begin(), row.value.end()));
    }
}

TEST(TurnData, BandwidthOfAnAllocationIsPerDirection) {
    EdgeSettings settings;
    settings.allocation_kbps = 800;  // 100,000 bytes per second
    Edge edge(settings);
    Client client(edge, "198.51.100.7:4000");
    Endpoint relayed = client.allocate().relayed();
    ASSERT_TRUE(client.bind(0x4000, "203.0.113.5:700").success());
    std::string data(1000, 'x');
    uint32_t to_peer = 0;
    uint32_t to_client = 0;
    for (int ms = 0; ms < 10'000; ms++) {  // ten times the rate up, half of it down
        edge.now += 1ms;
        to_peer += client.send_on(0x4000, data).has_value();
        if (ms % 20 == 0) to_client += edge.from_peer(at("203.0.113.5:700"), relayed, bytes_of(data)).has_value();
    }
    EXPECT_NEAR(to_peer, 1000, 30);
    EXPECT_EQ(to_client, 500U);
    EXPECT_EQ(edge.count(Drop::bandwidth_allocation), 10'000U - to_peer);
}

TEST(TurnData, BandwidthOfAUserIsSharedByHisAllocations) {
    EdgeSettings settings;
    settings.user_kbps = 8000;  // 1,000,000 bytes per second
    Edge edge(settings);
    Client a(edge, "198.51.100.7:1"), b(edge, "198.51.100.7:2"), other(edge, "198.51.100.8:1", "bob");
    for (Client* c : {&a, &b, &other}) {
        ASSERT_TRUE(c->allocate().success());
        ASSERT_TRUE(c->bind(0x4000, "203.0.113.5:700").success());
    }
    std::string data(1000, 'x');
    uint32_t alice = 0;
    uint32_t bob = 0;
    for (int ms = 0; ms < 10'000; ms++) {
        edge.now += 1ms;
        for (int i = 0; i < 2; i++) alice += a.send_on(0x4000, data).has_value() + b.send_on(0x4000, data).has_value();
        if (ms % 2) bob += other.send_on(0x4000, data).has_value();
    }
    EXPECT_NEAR(alice, 10'000, 300);
    EXPECT_EQ(bob, 5000U);
    EXPECT_GT(edge.count(Drop::bandwidth_user), 20'000U);
}

TEST(TurnData, TrafficIsCounted) {
    Edge edge;
    Client client(edge, "198.51.100.7:4000");
    Endpoint relayed = client.allocate().relayed();
    ASSERT_TRUE(client.bind(0x4000, "203.0.113.5:700").success());
    EXPECT_TRUE(client.send_on(0x4000, "12345"));
    EXPECT_TRUE(client.send("203.0.113.5:700", "123"));
    EXPECT_TRUE(edge.from_peer(at("203.0.113.5:700"), relayed, bytes_of("12")));
    EXPECT_FALSE(edge.from_peer(at("203.0.113.6:700"), relayed, bytes_of("12")));
    std::vector<AllocationRow> rows(1);
    uint64_t cursor = 0;
    ASSERT_EQ(edge.turn.list(edge.now, cursor, rows), 1U);
    EXPECT_EQ(rows[0].to_peer_packets, 2U);
    EXPECT_EQ(rows[0].to_peer_bytes, 8U);
    EXPECT_EQ(rows[0].to_client_packets, 1U);
    EXPECT_EQ(rows[0].to_client_bytes, 2U);
    EXPECT_EQ(rows[0].dropped, 1U);
    EXPECT_EQ(edge.count(Counter::relay_to_peer_bytes), 8U);
    EXPECT_EQ(edge.count(Counter::relay_to_client_packets), 1U);
}

TEST(TurnData, StreamsAreMeasuredInBothDirections) {
    Edge edge;
    Client client(edge, "198.51.100.7:4000");
    Endpoint relayed = client.allocate().relayed();
    ASSERT_TRUE(client.bind(0x4000, "203.0.113.5:700").success());
    std::vector<uint8_t> rtp(172);
    rtp[0] = 0x80;
    store_be32(rtp.data() + 8, 0xfeedbeef);
    for (uint16_t i = 0; i < 100; i++) {
        store_be16(rtp.data() + 2, i);
        store_be32(rtp.data() + 4, i * 160U);
        edge.now += 20ms;
        ASSERT_TRUE(client.send_on(0x4000, text_of(rtp)));
        if (i % 10) {
            ASSERT_TRUE(edge.from_peer(at("203.0.113.5:700"), relayed, rtp));
        }  // every tenth was lost before
    }
    std::vector<StreamRow> rows(8);
    uint64_t cursor = 0;
    ASSERT_EQ(edge.turn.list(edge.now, cursor, rows), 2U);
    EXPECT_EQ(cursor, 0U);
    for (const StreamRow& row : std::span(rows).first(2)) {
        EXPECT_EQ(row.peer, at("203.0.113.5:700"));
        EXPECT_EQ(row.ssrc, 0xfeedbeef);
        EXPECT_EQ(row.user.view(), "alice");
        EXPECT_EQ(row.packets, row.direction == Direction::to_peer ? 100U : 90U);
        EXPECT_EQ(row.kind, classify::StreamKind::rtp);
        if (row.direction == Direction::to_peer) {
            EXPECT_EQ(row.lost, 0);
        } else {
            EXPECT_GE(row.lost, 9);
        }
    }
    EdgeSettings unmeasured = edge.settings;
    unmeasured.measure = false;
    edge.reload(unmeasured);
    ASSERT_TRUE(client.send_on(0x4000, text_of(rtp)));
    cursor = 0;
    ASSERT_EQ(edge.turn.list(edge.now, cursor, rows), 2U) << "what was measured stays listed";
    EXPECT_EQ(rows[0].packets + rows[1].packets, 190U) << "but does not go on";
    EXPECT_TRUE(client.refresh(0).success());
    cursor = 0;
    EXPECT_EQ(edge.turn.list(edge.now, cursor, rows), 0U);
    Client next(edge, "198.51.100.7:4001");
    ASSERT_TRUE(next.allocate().success());
    ASSERT_TRUE(next.bind(0x4000, "203.0.113.5:700").success());
    ASSERT_TRUE(next.send_on(0x4000, text_of(rtp)));
    cursor = 0;
    EXPECT_EQ(edge.turn.list(edge.now, cursor, rows), 0U) << "nothing new is measured";
}

TEST(TurnData, PacketsOfStreamsWithoutARecordAreCounted) {
    relay::TurnPools pools = small_pools();
    pools.streams = 1;
    Edge edge({}, pools);
    Client client(edge, "198.51.100.7:4000");
    ASSERT_TRUE(client.allocate().success());
    ASSERT_TRUE(client.bind(0x4000, "203.0.113.5:700").success());
    ASSERT_TRUE(client.bind(0x4001, "203.0.113.6:700").success());
    for (int i = 0; i < 3; i++) {
        EXPECT_TRUE(client.send_on(0x4000, "has the record"));
        EXPECT_TRUE(client.send_on(0x4001, "finds none"));
        edge.tick();
    }
    EXPECT_EQ(edge.count(Counter::streams_unmeasured_packets), 3U);
}

}  // namespace
}  // namespace fedge::relay
