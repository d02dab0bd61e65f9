// RFC 8656 section 7: Allocate.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "tests/support/turn_edge.h"

namespace fedge::relay {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace): the vocabulary of these tests

void transport(StunWriter& w, uint8_t protocol = 17) {
    w.attribute_u32(StunAttribute::requested_transport, uint32_t{protocol} << 24);
}
void family(StunWriter& w, uint8_t f) {
    w.attribute_u32(StunAttribute::requested_address_family, uint32_t{f} << 24);
}
void additional(StunWriter& w, uint8_t f) {
    w.attribute_u32(StunAttribute::additional_address_family, uint32_t{f} << 24);
}
void even_port(StunWriter& w, bool reserve) {
    std::array<uint8_t, 1> value{static_cast<uint8_t>(reserve ? 0x80 : 0)};
    w.attribute(StunAttribute::even_port, Bytes{value});
}
void token(StunWriter& w, Bytes value) {
    w.attribute(StunAttribute::reservation_token, value);
}

constexpr std::array<uint8_t, 8> kNoSuchToken{0, 0, 0, 1, 2, 3, 4, 5};

struct CheckRow {
    const char* what;
    std::function<void(StunWriter&)> add;
    uint16_t code;  // 0: success
    bool only_ipv6 = false;
    bool only_ipv4 = false;
};

TEST(TurnAllocate, ChecksOfSection72) {
    const CheckRow rows[] = {
        {"plain", [](StunWriter& w) { transport(w); }, 0},
        {"no REQUESTED-TRANSPORT", [](StunWriter&) {}, 400},
        {"TCP", [](StunWriter& w) { transport(w, 6); }, 442},
        {"transport is checked before the token", [](StunWriter& w) { transport(w, 6), token(w, kNoSuchToken); }, 442},
        {"DONT-FRAGMENT", [](StunWriter& w) { transport(w), w.attribute(StunAttribute::dont_fragment, Bytes{}); }, 0},
        {"token and EVEN-PORT", [](StunWriter& w) { transport(w), token(w, kNoSuchToken), even_port(w, false); }, 400},
        {"token and family", [](StunWriter& w) { transport(w), token(w, kNoSuchToken), family(w, 1); }, 400},
        {"token and additional", [](StunWriter& w) { transport(w), token(w, kNoSuchToken), additional(w, 2); }, 400},
        {"unknown token", [](StunWriter& w) { transport(w), token(w, kNoSuchToken); }, 508},
        {"zero token", [](StunWriter& w) { transport(w), token(w, std::array<uint8_t, 8>{}); }, 508},
        {"family and additional", [](StunWriter& w) { transport(w), family(w, 2), additional(w, 2); }, 400},
        {"IPv4", [](StunWriter& w) { transport(w), family(w, 1); }, 0},
        {"IPv6", [](StunWriter& w) { transport(w), family(w, 2); }, 0},
        {"family 3", [](StunWriter& w) { transport(w), family(w, 3); }, 440},
        {"IPv6 where there is none", [](StunWriter& w) { transport(w), family(w, 2); }, 440, false, true},
        {"IPv4 where there is none", [](StunWriter& w) { transport(w), family(w, 1); }, 440, true},
        {"default is IPv4, also where there is none", [](StunWriter& w) { transport(w); }, 440, true},
        {"EVEN-PORT", [](StunWriter& w) { transport(w), even_port(w, false); }, 0},
        {"EVEN-PORT with R", [](StunWriter& w) { transport(w), even_port(w, true); }, 0},
        {"R and additional", [](StunWriter& w) { transport(w), even_port(w, true), additional(w, 2); }, 400},
        {"EVEN-PORT and additional", [](StunWriter& w) { transport(w), even_port(w, false), additional(w, 2); }, 0},
        {"additional IPv6", [](StunWriter& w) { transport(w), additional(w, 2); }, 0},
        {"additional IPv4", [](StunWriter& w) { transport(w), additional(w, 1); }, 400},
        {"additional IPv6 without", [](StunWriter& w) { transport(w), additional(w, 2); }, 0, false, true},
        {"additional IPv6, no IPv4", [](StunWriter& w) { transport(w), additional(w, 2); }, 0, true},
        {"unknown required attribute",
         [](StunWriter& w) { transport(w), w.attribute(static_cast<StunAttribute>(0x7abc), std::string_view{"x"}); },
         420},
        {"unknown optional attribute",
         [](StunWriter& w) { transport(w), w.attribute(static_cast<StunAttribute>(0xfabc), std::string_view{"x"}); },
         0},
        {"LIFETIME of 8 bytes",
         [](StunWriter& w) { transport(w), w.attribute(StunAttribute::lifetime, std::string_view{"12345678"}); }, 400},
        {"LIFETIME of no bytes, and a good one",
         [](StunWriter& w) {
             transport(w), w.attribute(StunAttribute::lifetime, Bytes{});
             w.attribute_u32(StunAttribute::lifetime, 600);
         },
         400},
        {"REQUESTED-TRANSPORT of 1 byte",
         [](StunWriter& w) { w.attribute(StunAttribute::requested_transport, std::string_view{"\x11"}); }, 400},
        {"impossible length and unknown attribute",
         [](StunWriter& w) {
             transport(w), w.attribute(static_cast<StunAttribute>(0x7abc), std::string_view{"x"});
             w.attribute(StunAttribute::dont_fragment, std::string_view{"abcd"});
         },
         400},
        {"MOBILITY-TICKET is not offered",
         [](StunWriter& w) { transport(w), w.attribute(static_cast<StunAttribute>(0x8030), Bytes{}); }, 0},
    };
    for (const CheckRow& row : rows) {
        SCOPED_TRACE(row.what);
        EdgeSettings settings;
        if (row.only_ipv4) settings.relays.pop_back();
        if (row.only_ipv6) settings.relays.erase(settings.relays.begin());
        Edge edge(settings);
        uint32_t ports = edge.free_ports();
        Client client(edge, "198.51.100.7:4000");
        Reply reply = client.allocate_bare(row.add);
        EXPECT_EQ(reply.code(), row.code);
        EXPECT_EQ(reply.success(), row.code == 0);
        EXPECT_TRUE(reply.has(StunAttribute::message_integrity));  // errors are signed as well
        EXPECT_EQ(edge.turn.allocations(), row.code == 0 ? 1U : 0U);
        if (row.code) {
            EXPECT_EQ(edge.free_ports(), ports);
            EXPECT_EQ(edge.quota.total(), 0U);
        }
    }
}

TEST(TurnAllocate, SuccessSaysWhatSection72Wants) {
    EdgeSettings settings;
    settings.relays[0] = {"192.0.2.10", "203.0.113.10"};  // behind a 1:1 NAT
    Edge edge(settings);
    Client client(edge, "198.51.100.7:4000");
    client.fingerprint = true;
    Reply reply = client.allocate();
    ASSERT_TRUE(reply.success());
    EXPECT_EQ(reply.relayed().address, addr("203.0.113.10"));
    EXPECT_GE(reply.relayed().port, 50000);
    EXPECT_LE(reply.relayed().port, 50999);
    EXPECT_EQ(reply.address(StunAttribute::xor_mapped_address), client.self);
    EXPECT_EQ(reply.lifetime(), 600U);
    EXPECT_FALSE(reply.has(StunAttribute::reservation_token));
    EXPECT_FALSE(reply.has(StunAttribute::software));
    EXPECT_EQ(reply.message()->fingerprint_ok(), true);
    IntegrityKey key;
    auto secret = md5_key("alice", "secret-alice");
    EXPECT_TRUE(integrity_ok(*reply.message(), secret, edge.digest, key));
}

TEST(TurnAllocate, Lifetimes) {
    struct Row {
        uint32_t asked;
        uint32_t granted;
    };
    for (Row row :
         {Row{0, 600}, Row{1, 600}, Row{599, 600}, Row{601, 601}, Row{3600, 3600}, Row{3601, 3600}, Row{~0U, 3600}}) {
        Edge edge;
        Client client(edge, "198.51.100.7:4000");
        Reply reply = client.allocate([&](StunWriter& w) { w.attribute_u32(StunAttribute::lifetime, row.asked); });
        EXPECT_EQ(reply.lifetime(), row.granted);
        edge.pass(std::chrono::seconds{row.granted} - 1ms);
        EXPECT_EQ(edge.turn.allocations(), 1U) << row.asked;
        edge.pass(2s);
        EXPECT_EQ(edge.turn.allocations(), 0U) << row.asked;
        EXPECT_EQ(edge.count(Counter::turn_allocations_expired), 1U);
    }
}

TEST(TurnAllocate, RetransmissionIsAnsweredTheSame) {
    Edge edge;
    Client client(edge, "198.51.100.7:4000");
    Reply first = client.allocate([](StunWriter& w) { even_port(w, true); });
    ASSERT_TRUE(first.success());
    edge.pass(5s);
    EXPECT_EQ(client.resend().bytes, first.bytes);
    EXPECT_EQ(edge.turn.allocations(), 1U);
    EXPECT_EQ(edge.count(Counter::turn_allocations_created), 1U);
}

TEST(TurnAllocate, SameFiveTupleAgainIsAMismatch) {
    Edge edge;
    Client client(edge, "198.51.100.7:4000");
    ASSERT_TRUE(client.allocate().success());
    EXPECT_EQ(client.allocate().code(), 437);
    Client other_user(edge, "198.51.100.7:4000", "bob");
    EXPECT_EQ(other_user.allocate().code(), 437);
    Client other_listener(edge, "198.51.100.7:4000", "alice", 1);
    EXPECT_TRUE(other_listener.allocate().success());
    EXPECT_EQ(edge.count(Counter::turn_allocation_mismatch), 2U);
}

TEST(TurnAllocate, ExpiredAllocationDoesNotHoldTheFiveTuple) {
    Edge edge;
    Client client(edge, "198.51.100.7:4000");
    Endpoint before = client.allocate().relayed();
    edge.now += 601s;  // and the timing wheel was not looked at
    Reply again = client.allocate();
    ASSERT_TRUE(again.success());
    EXPECT_NE(again.relayed(), before);  // in quarantine
    EXPECT_EQ(edge.turn.allocations(), 1U);
}

TEST(TurnAllocate, EvenPortAndReservation) {
    Edge edge;
    Client rtp(edge, "198.51.100.7:4000");
    Reply reply = rtp.allocate([](StunWriter& w) { even_port(w, true); });
    ASSERT_TRUE(reply.success());
    Endpoint even = reply.relayed();
    EXPECT_EQ(even.port % 2, 0);
    auto given = reply.value(StunAttribute::reservation_token);
    ASSERT_EQ(given.size(), 8U);

    Client thief(edge, "198.51.100.9:4000", "bob");
    EXPECT_EQ(thief.allocate([&](StunWriter& w) { token(w, given); }).code(), 508);

    Client rtcp(edge, "198.51.100.7:4001");
    edge.pass(29s);
    Reply second = rtcp.allocate([&](StunWriter& w) { token(w, given); });
    ASSERT_TRUE(second.success());
    EXPECT_EQ(second.relayed(), (Endpoint{even.address, static_cast<uint16_t>(even.port + 1)}));

    Client late(edge, "198.51.100.7:4002");
    EXPECT_EQ(late.allocate([&](StunWriter& w) { token(w, given); }).code(), 508);  // used up
}

TEST(TurnAllocate, ReservationEndsAfterThirtySeconds) {
    Edge edge;
    uint32_t ports = edge.free_ports();
    Client rtp(edge, "198.51.100.7:4000");
    auto given = rtp.allocate([](StunWriter& w) { even_port(w, true); }).value(StunAttribute::reservation_token);
    EXPECT_EQ(edge.free_ports(), ports - 2);
    EXPECT_EQ(edge.quota.total(), 2U);
    edge.pass(31s);
    EXPECT_EQ(edge.free_ports(), ports - 1);
    EXPECT_EQ(edge.quota.total(), 1U);
    Client rtcp(edge, "198.51.100.7:4001");
    EXPECT_EQ(rtcp.allocate([&](StunWriter& w) { token(w, given); }).code(), 508);
}

TEST(TurnAllocate, EvenPortIsEven) {
    Edge edge;
    for (uint16_t i = 0; i < 50; i++) {
        Client client(edge, Endpoint{addr("198.51.100.7"), static_cast<uint16_t>(4000 + i)});
        EXPECT_EQ(client.allocate([](StunWriter& w) { even_port(w, false); }).relayed().port % 2, 0);
    }
}

TEST(TurnAllocate, DualAllocation) {
    Edge edge;
    Client client(edge, "198.51.100.7:4000");
    Reply reply = client.allocate([](StunWriter& w) { additional(w, 2); });
    ASSERT_TRUE(reply.success());
    EXPECT_FALSE(reply.has(StunAttribute::address_error_code));
    // Both addresses, and data to peers of either family.
    std::vector<AllocationRow> rows(1);
    uint64_t cursor = 0;
    ASSERT_EQ(edge.turn.list(edge.now, cursor, rows), 1U);
    ASSERT_EQ(rows[0].relays, 2);
    EXPECT_EQ(rows[0].relay[0].address, addr("192.0.2.10"));
    EXPECT_EQ(rows[0].relay[1].address, addr("2001:db8::10"));
    ASSERT_TRUE(client.permit({at("203.0.113.5:1"), at("[2001:db8:5::5]:1")}).success());
    EXPECT_EQ(client.send("203.0.113.5:700", "x")->source, rows[0].relay[0]);
    EXPECT_EQ(client.send("[2001:db8:5::5]:700", "x")->source, rows[0].relay[1]);
}

TEST(TurnAllocate, PartialDualAllocationNamesTheMissingFamily) {
    struct Row {
        bool ipv4;
        bool ipv6;
        uint16_t port_last;
        std::array<uint8_t, 4> error;
    };
    for (const Row& row : {Row{true, false, 50999, {2, 0, 4, 40}}, Row{false, true, 50999, {1, 0, 4, 40}}}) {
        EdgeSettings settings;
        if (!row.ipv6) settings.relays.pop_back();
        if (!row.ipv4) settings.relays.erase(settings.relays.begin());
        Edge edge(settings);
        Client client(edge, "198.51.100.7:4000");
        Reply reply = client.allocate([](StunWriter& w) { additional(w, 2); });
        ASSERT_TRUE(reply.success());
        EXPECT_EQ(reply.value(StunAttribute::address_error_code),
                  std::vector<uint8_t>(row.error.begin(), row.error.end()));
    }
    EdgeSettings settings;  // IPv6 ports run out
    settings.port_last = 50001;
    Edge edge(settings);
    for (uint16_t i = 0; i < 2; i++) {
        Client filler(edge, Endpoint{addr("198.51.100.8"), static_cast<uint16_t>(4000 + i)});
        ASSERT_TRUE(filler.allocate([](StunWriter& w) { family(w, 2); }).success());
    }
    Client client(edge, "198.51.100.7:4000");
    Reply reply = client.allocate([](StunWriter& w) { additional(w, 2); });
    ASSERT_TRUE(reply.success());
    EXPECT_EQ(reply.value(StunAttribute::address_error_code), (std::vector<uint8_t>{2, 0, 5, 8}));
    EXPECT_EQ(client.resend().bytes, reply.bytes);
}

TEST(TurnAllocate, EveryPortCanBeGivenOutAndThenNoMore) {
    EdgeSettings settings;
    settings.port_last = 50063;
    settings.relays = {{"192.0.2.10", "192.0.2.10"}, {"192.0.2.11", "192.0.2.11"}};
    Edge edge(settings);
    std::set<Endpoint> seen;
    for (uint16_t i = 0; i < 128; i++) {
        Client client(edge, Endpoint{addr("198.51.100.7"), static_cast<uint16_t>(4000 + i)});
        Reply reply = client.allocate();
        ASSERT_TRUE(reply.success()) << i;
        EXPECT_TRUE(seen.insert(reply.relayed()).second);
    }
    Client client(edge, "198.51.100.8:4000");
    EXPECT_EQ(client.allocate().code(), 508);
    EXPECT_EQ(edge.count(Counter::turn_capacity), 1U);
    EXPECT_EQ(edge.quota.total(), 128U);
}

TEST(TurnAllocate, PoolIsTheLimit) {
    Edge edge({}, small_pools(3));
    for (uint16_t i = 0; i < 5; i++) {
        Client client(edge, Endpoint{addr("198.51.100.7"), static_cast<uint16_t>(4000 + i)});
        EXPECT_EQ(client.allocate().code(), i < 3 ? 0 : 508);
    }
    EXPECT_EQ(edge.quota.total(), 3U);
    EXPECT_EQ(edge.free_ports(), 2000U - 3U);
}

TEST(TurnAllocate, Quotas) {
    EdgeSettings settings;
    settings.user_quota = 2;
    settings.total_quota = 3;
    Edge edge(settings);
    Client a1(edge, "198.51.100.7:1"), a2(edge, "198.51.100.7:2"), a3(edge, "198.51.100.7:3");
    Client b1(edge, "198.51.100.8:1", "bob"), b2(edge, "198.51.100.8:2", "bob");
    ASSERT_TRUE(a1.allocate().success());
    ASSERT_TRUE(a2.allocate().success());
    EXPECT_EQ(a3.allocate().code(), 486);
    ASSERT_TRUE(b1.allocate().success());
    EXPECT_EQ(b2.allocate().code(), 508);  // the total, not bob's own
    EXPECT_EQ(a1.refresh(0).lifetime(), 0U);
    edge.tick();
    EXPECT_TRUE(a3.allocate().success());
    EXPECT_EQ(edge.count(Counter::turn_user_quota), 1U);
}

TEST(TurnAllocate, DrainRefusesNewAndKeepsOld) {
    Edge edge;
    Client old(edge, "198.51.100.7:1"), fresh(edge, "198.51.100.7:2");
    ASSERT_TRUE(old.allocate().success());
    EdgeSettings settings = edge.settings;
    settings.drain = true;
    edge.reload(settings);
    EXPECT_EQ(fresh.allocate().code(), 508);
    EXPECT_TRUE(old.refresh().success());
    EXPECT_TRUE(old.bind(0x4000, "203.0.113.5:700").success());
    EXPECT_TRUE(old.send_on(0x4000, "x"));
    EXPECT_EQ(edge.count(Counter::turn_draining), 1U);
    EXPECT_EQ(edge.count(Counter::turn_capacity), 0U);
}

}  // namespace
}  // namespace fedge::relay
