// From one snapshot to the next, several cores, listing and ending by the operator.
#include <gtest/gtest.h>

#include <set>

#include "tests/support/turn_edge.h"

namespace fedge::relay {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace)

TEST(TurnSnapshots, AllocationsSurviveOtherPositionsOfTheirAddresses) {
    Edge edge;
    Client client(edge, "198.51.100.7:4000");
    Endpoint relayed = client.allocate().relayed();
    ASSERT_TRUE(client.bind(0x4000, "203.0.113.5:700").success());
    EdgeSettings settings = edge.settings;
    settings.listeners = {"[2001:db8::1]:3478", "192.0.2.1:3479", "192.0.2.1:3478"};
    settings.relays = {{"192.0.2.11", "192.0.2.11"}, {"192.0.2.10", "192.0.2.10"}};
    settings.port_first = 60000;
    settings.port_last = 60999;
    edge.reload(settings);
    edge.pass(5s);
    client.listener = 2;
    EXPECT_EQ(client.send_on(0x4000, "x")->source, relayed);
    EXPECT_EQ(edge.from_peer(at("203.0.113.5:700"), relayed, bytes_of("x"))->source, at("192.0.2.1:3478"));
    EXPECT_TRUE(client.refresh().success());
    EXPECT_EQ(edge.turn.allocations(), 1U);
}

TEST(TurnSnapshots, AllocationsOfVanishedAddressesEnd) {
    for (bool listener : {true, false}) {
        Edge edge;
        Client gone(edge, "198.51.100.7:1"), stays(edge, "[2001:db8:7::7]:1", "alice", 1);
        ASSERT_TRUE(gone.allocate().success());
        ASSERT_TRUE(
            stays.allocate([](StunWriter& w) { w.attribute_u32(StunAttribute::requested_address_family, 2U << 24); })
                .success());
        EdgeSettings settings = edge.settings;
        if (listener) settings.listeners.erase(settings.listeners.begin());
        if (!listener) settings.relays.erase(settings.relays.begin());
        edge.reload(settings);
        edge.pass(5s);
        EXPECT_EQ(edge.turn.allocations(), 1U);
        EXPECT_EQ(edge.quota.total(), 1U);
        stays.listener = listener ? 0 : 1;
        EXPECT_TRUE(stays.refresh().success());
    }
}

TEST(TurnSnapshots, TablesFullOfVanishedAddressesMakeRoomAtOnce) {
    Edge edge;  // room for four relay addresses
    Client client(edge, "198.51.100.7:1");
    ASSERT_TRUE(client.allocate().success());
    EdgeSettings settings = edge.settings;
    settings.relays = {{"192.0.2.21", "192.0.2.21"},
                       {"192.0.2.22", "192.0.2.22"},
                       {"192.0.2.23", "192.0.2.23"},
                       {"192.0.2.24", "192.0.2.24"}};
    edge.reload(settings);
    EXPECT_EQ(edge.turn.allocations(), 0U);
    EXPECT_EQ(edge.free_ports(), 4000U);
    EXPECT_TRUE(client.allocate().success());
}

TEST(TurnSnapshots, BadSettingsAreRefusedInWords) {
    Edge edge;
    auto refused = [&](auto change) {
        EdgeSettings settings;
        change(settings);
        edge.error.clear();
        EXPECT_FALSE(edge.compile(settings));
        return edge.error;
    };
    using S = EdgeSettings;
    EXPECT_NE(refused([](S& s) { s.relays.clear(); }).find("relay_addresses"), std::string::npos);
    EXPECT_NE(refused([](S& s) { s.relays.push_back(s.relays[0]); }).find("twice"), std::string::npos);
    EXPECT_NE(refused([](S& s) { s.relays[0].second = "2001:db8::9"; }).find("family"), std::string::npos);
    EXPECT_NE(refused([](S& s) { s.relays[0].first = "224.0.0.1"; }).find("224.0.0.1"), std::string::npos);
    EXPECT_NE(refused([](S& s) { s.port_first = 80; }).find("port_first"), std::string::npos);
    EXPECT_NE(refused([](S& s) { s.port_last = 49999; }).find("port_last"), std::string::npos);
    EXPECT_NE(refused([](S& s) { s.default_lifetime_s = 0; }).find("default_lifetime"), std::string::npos);
    EXPECT_NE(refused([](S& s) { s.max_lifetime_s = 60; }).find("max_lifetime"), std::string::npos);
    EXPECT_NE(refused([](S& s) { s.max_permissions = 257; }).find("max_permissions"), std::string::npos);
    EXPECT_NE(refused([](S& s) { s.listeners.push_back(s.listeners[0]); }).find("twice"), std::string::npos);
    EXPECT_NE(refused([](S& s) { s.listeners.assign(5, "192.0.2.1:1"); }).find("listener"), std::string::npos);
    EXPECT_EQ(edge.compile({})->listeners.size(), 2U);
}

// RTP on one core, its RTCP port redeemed from a 5-tuple that RSS gave to another.
TEST(TurnCores, ReservationIsRedeemedWhereItWasMade) {
    SharedQuota quota(64);
    TurnPools pools = small_pools(16);
    pools.cores = 2;
    Edge first({}, pools, quota, 1);
    pools.core = 1;
    Edge second({}, pools, quota, 2);

    Client rtp(second, "198.51.100.7:4000");
    std::array<uint8_t, 1> reserve{0x80};
    Reply reply = rtp.allocate([&](StunWriter& w) { w.attribute(StunAttribute::even_port, Bytes{reserve}); });
    ASSERT_TRUE(reply.success());
    EXPECT_EQ(second.turn.owner_of_port(reply.relayed().port), 1);
    EXPECT_EQ(first.turn.relay_slot(0, reply.relayed().port), nullptr);
    auto token = reply.value(StunAttribute::reservation_token);

    Client rtcp(first, "198.51.100.7:4001");
    auto add = [&](StunWriter& w) { w.attribute(StunAttribute::reservation_token, Bytes{token}); };
    EXPECT_FALSE(rtcp.allocate(add));
    Outcome outcome = first.deliver(rtcp.self, 0, rtcp.resend().bytes.empty() ? rtcp.last_request : Bytes{});
    ASSERT_EQ(outcome.kind, Outcome::Kind::handover);
    EXPECT_EQ(outcome.core, 1);
    Outcome there = second.deliver(rtcp.self, 0, rtcp.last_request, true);
    Reply answer{{there.reply.begin(), there.reply.end()}};
    ASSERT_TRUE(answer.success());
    EXPECT_EQ(answer.relayed().port, reply.relayed().port + 1);

    Handle foreign = first.handle(rtcp.self);
    ASSERT_TRUE(Turn::is_foreign(foreign));
    EXPECT_EQ(first.turn.foreign_core(first.now, foreign), 1);
    EXPECT_EQ(first.turn.allocations(), 0U);
    EXPECT_EQ(second.turn.allocations(), 2U);
    first.pass(3700s);  // forgotten when nothing passes any more
    second.pass(3700s);
    EXPECT_EQ(first.handle(rtcp.self), 0U);
    EXPECT_EQ(quota.total(), 0U);
    // A packet is never handed over twice: the token of a third core is refused there.
    token[0] = 0;
    Client late(second, "198.51.100.7:4002");
    second.deliver(late.self, 0, late.build(StunClass::request, StunMethod::allocate, [](StunWriter&) {}));
    late.allocate();
    late.refresh(0);
    second.tick();
    auto request = late.build(StunClass::request, StunMethod::allocate, [&](StunWriter& w) {
        w.attribute_u32(StunAttribute::requested_transport, 17U << 24);
        add(w);
    });
    Outcome refused = second.deliver(late.self, 0, request, true);
    EXPECT_EQ((Reply{{refused.reply.begin(), refused.reply.end()}}).code(), 508);
}

TEST(TurnListing, PagesThroughAllAndEndsById) {
    Edge edge;
    for (uint16_t i = 0; i < 100; i++) {
        Client client(edge, Endpoint{addr("198.51.100.7"), static_cast<uint16_t>(1000 + i)}, i % 2 ? "bob" : "alice");
        ASSERT_TRUE(client.allocate().success());
    }
    std::set<uint64_t> ids;
    uint64_t cursor = 0;
    std::array<AllocationRow, 7> rows;
    do {
        size_t count = edge.turn.list(edge.now, cursor, std::span<AllocationRow>{rows});
        for (size_t i = 0; i < count; i++) EXPECT_TRUE(ids.insert(rows[i].id).second);
    } while (cursor);
    EXPECT_EQ(ids.size(), 100U);
    uint64_t id = *ids.begin();
    EXPECT_TRUE(edge.turn.disconnect(edge.now, id));
    EXPECT_FALSE(edge.turn.disconnect(edge.now, id));
    edge.tick();
    Client next(edge, "198.51.100.9:1");  // may live in the same slot, under another id
    ASSERT_TRUE(next.allocate().success());
    EXPECT_FALSE(edge.turn.disconnect(edge.now, id));
    uint32_t ended = 0;
    cursor = 0;
    do ended += edge.turn.disconnect_user(edge.now, "bob", cursor, 16);
    while (cursor);
    EXPECT_EQ(ended, 50U);
    EXPECT_EQ(edge.turn.allocations(), 50U);
}

TEST(TurnListing, NamesAreMadePrintable) {
    EdgeSettings settings;
    settings.users = {"al\x1b[2Jice\n"};
    Edge edge(settings);
    Client client(edge, "198.51.100.7:1", "al\x1b[2Jice\n");
    ASSERT_TRUE(client.allocate().success());
    std::array<AllocationRow, 1> rows;
    uint64_t cursor = 0;
    ASSERT_EQ(edge.turn.list(edge.now, cursor, std::span<AllocationRow>{rows}), 1U);
    EXPECT_EQ(rows[0].user.view(), "al?[2Jice?");
}

TEST(TurnMemory, AtMostOneKibibytePerAllocation) {
    TurnPools pools = small_pools(10'000);
    Edge edge({}, pools);
    EXPECT_LE(edge.turn.bytes_per_allocation(), 1024U);
}

TEST(TurnBinding, AnswersBothGenerationsOfClients) {
    Edge edge;
    Client client(edge, "198.51.100.7:4000");
    Reply reply = client.request(StunMethod::binding, [](StunWriter&) {});
    EXPECT_EQ(reply.address(StunAttribute::xor_mapped_address), client.self);
    EXPECT_EQ(client
                  .request(StunMethod::binding,
                           [](StunWriter& w) { w.attribute(static_cast<StunAttribute>(0x7abc), Bytes{}); })
                  .code(),
              420);
    std::vector<uint8_t> classic(20, 0x5a);
    classic[0] = 0, classic[1] = 1, classic[2] = classic[3] = 0;
    Reply old = edge.ask(client.self, 0, classic);
    EXPECT_EQ(old.bytes, (std::vector<uint8_t>{1,    1,    0,    12,   0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a,
                                               0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0,    1,
                                               0,    8,    0,    1,    0x0f, 0xa0, 198,  51,   100,  7}));
    EXPECT_EQ(edge.count(Counter::stun_binding), 2U);
}

}  // namespace
}  // namespace fedge::relay
