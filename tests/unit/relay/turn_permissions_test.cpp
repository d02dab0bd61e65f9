// RFC 8656 sections 9, 10 and 12: permissions and channels.
#include <gtest/gtest.h>

#include "tests/support/turn_edge.h"

namespace fedge::relay {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace)

constexpr const char* kPeer = "203.0.113.5:700";

struct TurnPermissions : testing::Test {
    Endpoint peer_address(uint32_t n, uint16_t port = 700) { return {IpAddress::v4(0xcb007100 + n), port}; }
    AllocationRow row(Edge& e) {
        std::vector<AllocationRow> rows(1);
        uint64_t cursor = 0;
        EXPECT_EQ(e.turn.list(e.now, cursor, rows), 1U);
        return rows[0];
    }

    Edge edge;
    Client client{edge, "198.51.100.7:4000"};
    Endpoint relayed = client.allocate().relayed();
};

TEST_F(TurnPermissions, AreForAddressesNotPorts) {
    ASSERT_TRUE(client.permit(kPeer).success());
    EXPECT_TRUE(edge.from_peer(at("203.0.113.5:1"), relayed, bytes_of("x")));
    EXPECT_TRUE(edge.from_peer(at("203.0.113.5:65535"), relayed, bytes_of("x")));
    EXPECT_FALSE(edge.from_peer(at("203.0.113.6:700"), relayed, bytes_of("x")));
    EXPECT_TRUE(client.send("203.0.113.5:9", "x"));
    EXPECT_FALSE(client.send("203.0.113.6:700", "x"));
    EXPECT_EQ(edge.count(Drop::no_permission), 2U);
}

TEST_F(TurnPermissions, LastFiveMinutesAndNoTrafficRefreshesThem) {
    ASSERT_TRUE(client.permit(kPeer).success());
    for (int i = 0; i < 29; i++) {
        edge.pass(10s);
        EXPECT_TRUE(client.send(kPeer, "x"));
        EXPECT_TRUE(edge.from_peer(at(kPeer), relayed, bytes_of("x")));
    }
    edge.pass(10s - 1ms);
    EXPECT_TRUE(edge.from_peer(at(kPeer), relayed, bytes_of("x")));
    edge.now += 100ms;  // whether or not the timing wheel has been looked at
    EXPECT_FALSE(edge.from_peer(at(kPeer), relayed, bytes_of("x")));
    EXPECT_FALSE(client.send(kPeer, "x"));
    edge.pass(1s);
    EXPECT_EQ(row(edge).permissions, 0U);
}

TEST_F(TurnPermissions, AreRefreshed) {
    ASSERT_TRUE(client.permit(kPeer).success());
    edge.pass(200s);
    ASSERT_TRUE(client.permit(kPeer).success());
    edge.pass(299s);
    EXPECT_TRUE(edge.from_peer(at(kPeer), relayed, bytes_of("x")));
    edge.pass(2s);
    EXPECT_FALSE(edge.from_peer(at(kPeer), relayed, bytes_of("x")));
}

TEST_F(TurnPermissions, SeveralInOneRequestAllOrNothing) {
    ASSERT_TRUE(client.permit({peer_address(1), peer_address(2), peer_address(2, 9), peer_address(3)}).success());
    EXPECT_EQ(row(edge).permissions, 3U);
    EXPECT_EQ(edge.count(Counter::turn_permissions), 3U);
    EXPECT_EQ(client.permit({peer_address(4), at("127.0.0.1:9"), peer_address(5)}).code(), 403);
    EXPECT_EQ(client.permit({peer_address(4), at("[2001:db8:5::5]:9")}).code(), 443);
    EXPECT_EQ(client.permit(std::vector<Endpoint>{}).code(), 400);
    EXPECT_EQ(row(edge).permissions, 3U);
    EXPECT_FALSE(edge.from_peer(peer_address(4), relayed, bytes_of("x")));
}

TEST_F(TurnPermissions, MalformedPeerAddressIsABadRequest) {
    Reply reply = client.request(StunMethod::create_permission, [&](StunWriter& w) {
        w.xor_address(StunAttribute::xor_peer_address, at(kPeer));
        std::array<uint8_t, 8> family_three{0, 3, 1, 2, 3, 4, 5, 6};
        w.attribute(StunAttribute::xor_peer_address, Bytes{family_three});
    });
    EXPECT_EQ(reply.code(), 400);
    EXPECT_EQ(row(edge).permissions, 0U);
}

TEST_F(TurnPermissions, LimitIsPerAllocationAndAllOrNothing) {
    EdgeSettings settings;
    settings.max_permissions = 4;
    edge.reload(settings);
    ASSERT_TRUE(client.permit({peer_address(1), peer_address(2), peer_address(3)}).success());
    EXPECT_EQ(client.permit({peer_address(4), peer_address(5)}).code(), 508);
    EXPECT_EQ(row(edge).permissions, 3U);
    EXPECT_TRUE(client.permit({peer_address(1), peer_address(2), peer_address(3), peer_address(4)}).success());
    EXPECT_EQ(client.bind(0x4000, peer_address(5)).code(), 508);
    EXPECT_TRUE(client.bind(0x4000, peer_address(4)).success());
    edge.pass(301s);  // what has run out makes room
    EXPECT_TRUE(client.permit({peer_address(11), peer_address(12), peer_address(13)}).success());
}

TEST_F(TurnPermissions, PoolIsTheLimitAllOrNothing) {
    relay::TurnPools pools = small_pools(4);
    pools.extra_bindings = 3;  // two chunks of three
    Edge tight({}, pools);
    Client one(tight, "198.51.100.7:1");
    ASSERT_TRUE(one.allocate().success());
    std::vector<Endpoint> nine;
    for (uint32_t i = 1; i <= 9; i++) nine.push_back(peer_address(i));
    EXPECT_EQ(one.permit(nine).code(), 508);
    EXPECT_EQ(row(tight).permissions, 0U);
    nine.pop_back();
    EXPECT_TRUE(one.permit(nine).success());
    EXPECT_EQ(one.bind(0x4000, peer_address(20)).code(), 508);
    EXPECT_TRUE(one.bind(0x4000, peer_address(8)).success());  // the permission becomes the channel: needs no room
}

TEST_F(TurnPermissions, ChannelBindChecksOfSection122) {
    struct Row {
        const char* what;
        uint16_t channel;
        const char* peer;
        uint16_t code;
    };
    const Row rows[] = {
        {"first", 0x4000, "203.0.113.5:700", 0},
        {"the same again", 0x4000, "203.0.113.5:700", 0},
        {"channel of another peer", 0x4000, "203.0.113.5:701", 400},
        {"peer of another channel", 0x4001, "203.0.113.5:700", 400},
        {"other port of the same peer", 0x4001, "203.0.113.5:701", 0},
        {"last number of RFC 8656", 0x4fff, "203.0.113.9:700", 0},
        {"last number of RFC 5766, still served", 0x7fff, "203.0.113.9:701", 0},
        {"below the range", 0x3fff, "203.0.113.10:700", 400},
        {"above the range", 0x8000, "203.0.113.10:700", 400},
        {"other family", 0x4002, "[2001:db8:5::5]:700", 443},
        {"forbidden", 0x4002, "10.1.2.3:700", 403},
        {"port 0", 0x4002, "203.0.113.10:0", 400},
    };
    for (const Row& r : rows) EXPECT_EQ(client.bind(r.channel, r.peer).code(), r.code) << r.what;
    EXPECT_EQ(row(edge).channels, 4U);
    EXPECT_EQ(row(edge).permissions, 2U);
}

TEST_F(TurnPermissions, ChannelBindNeedsBothAttributes) {
    EXPECT_EQ(client
                  .request(StunMethod::channel_bind,
                           [](StunWriter& w) { w.attribute_u32(StunAttribute::channel_number, 0x40000000); })
                  .code(),
              400);
    EXPECT_EQ(client
                  .request(StunMethod::channel_bind,
                           [](StunWriter& w) { w.xor_address(StunAttribute::xor_peer_address, at(kPeer)); })
                  .code(),
              400);
}

TEST_F(TurnPermissions, ChannelOutlivesItsPermission) {
    ASSERT_TRUE(client.refresh(3600).success());
    ASSERT_TRUE(client.bind(0x4000, kPeer).success());
    EXPECT_TRUE(edge.from_peer(at(kPeer), relayed, bytes_of("x")));
    edge.pass(301s);
    EXPECT_FALSE(edge.from_peer(at(kPeer), relayed, bytes_of("x")));  // section 12.7: the permission decides
    EXPECT_TRUE(client.send_on(0x4000, "x"));                         // section 12.6: the binding decides
    ASSERT_TRUE(client.permit(kPeer).success());
    EXPECT_EQ(edge.from_peer(at(kPeer), relayed, bytes_of("x"))->payload[0], 0x40);
    edge.pass(298s);
    EXPECT_TRUE(client.send_on(0x4000, "x"));
    edge.pass(2s);
    EXPECT_FALSE(client.send_on(0x4000, "x"));
    EXPECT_EQ(edge.from_peer(at(kPeer), relayed, bytes_of("x"))->payload[1], 0x17);  // a Data indication now
    EXPECT_EQ(edge.count(Drop::channel_unbound), 1U);
}

TEST_F(TurnPermissions, ExpiredChannelMayBeBoundOtherwise) {
    ASSERT_TRUE(client.bind(0x4000, kPeer).success());
    client.refresh(3600);
    edge.pass(599s);
    EXPECT_EQ(client.bind(0x4000, "203.0.113.6:700").code(), 400);
    edge.pass(2s);
    EXPECT_TRUE(client.bind(0x4000, "203.0.113.6:700").success());
    EXPECT_TRUE(client.bind(0x4001, kPeer).success());
    EXPECT_EQ(client.send_on(0x4000, "x")->destination, at("203.0.113.6:700"));
}

TEST_F(TurnPermissions, ChannelLimit) {
    EdgeSettings settings;
    settings.max_channels = 2;
    edge.reload(settings);
    EXPECT_TRUE(client.bind(0x4000, peer_address(1)).success());
    EXPECT_TRUE(client.bind(0x4001, peer_address(2)).success());
    EXPECT_EQ(client.bind(0x4002, peer_address(3)).code(), 508);
    EXPECT_TRUE(client.bind(0x4001, peer_address(2)).success());
}

// Every look-up through the chained chunks, in both directions, and removal in every order.
TEST_F(TurnPermissions, ManyChannelsComeAndGo) {
    for (uint16_t i = 0; i < 64; i++) {
        ASSERT_TRUE(
            client.bind(static_cast<uint16_t>(0x4000 + i), peer_address(i / 4U + 1, static_cast<uint16_t>(1000 + i)))
                .success());
        edge.pass(1s);
    }
    EXPECT_EQ(row(edge).channels, 64U);
    EXPECT_EQ(row(edge).permissions, 16U);
    for (uint16_t i = 0; i < 64; i++) {
        Endpoint peer = peer_address(i / 4U + 1, static_cast<uint16_t>(1000 + i));
        EXPECT_EQ(client.send_on(static_cast<uint16_t>(0x4000 + i), "x")->destination, peer);
        EXPECT_EQ(load_be16(edge.from_peer(peer, relayed, bytes_of("x"))->payload.data()), 0x4000 + i);
    }
    client.refresh(3600);
    ASSERT_TRUE(client.bind(0x4000 + 63, peer_address(16, 1063)).success());
    edge.pass(536s + 32s);  // the first 32 are 600 s old
    EXPECT_NEAR(row(edge).channels, 32, 1);
    edge.pass(40s);
    EXPECT_EQ(row(edge).channels, 0U);
    edge.pass(301s);
    EXPECT_EQ(row(edge).permissions, 0U);
    EXPECT_TRUE(client.refresh(0).success());
    Client next(edge, "198.51.100.7:4001");  // all chunks came back
    ASSERT_TRUE(next.allocate().success());
    for (uint16_t i = 0; i < 64; i++)
        ASSERT_TRUE(next.bind(static_cast<uint16_t>(0x4000 + i), peer_address(i + 1U)).success());
}

}  // namespace
}  // namespace fedge::relay
