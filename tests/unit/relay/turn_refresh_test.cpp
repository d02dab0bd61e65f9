// RFC 8656 section 8: Refresh.
#include <gtest/gtest.h>

#include "tests/support/turn_edge.h"

namespace fedge::relay {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace)

void dual(StunWriter& w) {
    w.attribute_u32(StunAttribute::additional_address_family, 2U << 24);
}

TEST(TurnRefresh, Lifetimes) {
    struct Row {
        std::optional<uint32_t> asked;
        uint32_t granted;
    };
    for (const Row& row : {Row{std::nullopt, 600}, Row{1, 600}, Row{900, 900}, Row{7200, 3600}}) {
        Edge edge;
        Client client(edge, "198.51.100.7:4000");
        ASSERT_TRUE(client.allocate().success());
        edge.pass(300s);
        EXPECT_EQ(client.refresh(row.asked).lifetime(), row.granted);
        edge.pass(std::chrono::seconds{row.granted} - 1ms);
        EXPECT_EQ(edge.turn.allocations(), 1U);
        edge.pass(1s);
        EXPECT_EQ(edge.turn.allocations(), 0U);
    }
}

TEST(TurnRefresh, ShorterLifetimeCounts) {
    Edge edge;
    Client client(edge, "198.51.100.7:4000");
    ASSERT_TRUE(client.allocate([](StunWriter& w) { w.attribute_u32(StunAttribute::lifetime, 3600); }).success());
    EXPECT_EQ(client.refresh(700).lifetime(), 700U);
    edge.pass(701s);
    EXPECT_EQ(edge.turn.allocations(), 0U);
}

TEST(TurnRefresh, ZeroDeletes) {
    Edge edge;
    Client client(edge, "198.51.100.7:4000");
    Endpoint relayed = client.allocate().relayed();
    ASSERT_TRUE(client.bind(0x4000, "203.0.113.5:700").success());
    Reply reply = client.refresh(0);
    EXPECT_TRUE(reply.success());
    EXPECT_EQ(reply.lifetime(), 0U);
    EXPECT_EQ(edge.turn.allocations(), 0U);
    EXPECT_FALSE(client.send_on(0x4000, "x"));
    EXPECT_FALSE(edge.from_peer(at("203.0.113.5:700"), relayed, bytes_of("x")));
    EXPECT_EQ(client.refresh(0).code(), 437);  // section 8.3: the client takes that for a success
    EXPECT_EQ(edge.count(Drop::turn_no_allocation), 1U);
    EXPECT_EQ(edge.count(Drop::relay_port_unused), 1U);
    EXPECT_EQ(edge.count(Counter::turn_allocations_deleted), 1U);
}

TEST(TurnRefresh, StrangersAndTheDead) {
    Edge edge;
    Client owner(edge, "198.51.100.7:4000"), other(edge, "198.51.100.7:4000", "bob"), none(edge, "198.51.100.8:1");
    EXPECT_EQ(none.refresh().code(), 437);
    ASSERT_TRUE(owner.allocate().success());
    EXPECT_EQ(other.refresh(0).code(), 441);
    EXPECT_EQ(other.permit("203.0.113.5:1").code(), 441);
    EXPECT_EQ(other.bind(0x4000, "203.0.113.5:1").code(), 441);
    EXPECT_EQ(edge.count(Counter::turn_wrong_credentials), 3U);
    edge.now += 601s;  // run out, though the timing wheel was not looked at
    EXPECT_EQ(owner.refresh().code(), 437);
    EXPECT_EQ(owner.permit("203.0.113.5:1").code(), 437);
    EXPECT_EQ(owner.bind(0x4000, "203.0.113.5:1").code(), 437);
}

TEST(TurnRefresh, Families) {
    struct Row {
        const char* what;
        bool dual;
        uint8_t family;
        uint16_t code;
    };
    for (const Row& row :
         {Row{"own family", false, 1, 0}, Row{"other family", false, 2, 443}, Row{"no family", false, 7, 443},
          Row{"dual, IPv4", true, 1, 0}, Row{"dual, IPv6", true, 2, 0}}) {
        SCOPED_TRACE(row.what);
        Edge edge;
        Client client(edge, "198.51.100.7:4000");
        ASSERT_TRUE(client
                        .allocate([&](StunWriter& w) {
                            if (row.dual) dual(w);
                        })
                        .success());
        EXPECT_EQ(client.refresh(700, row.family).code(), row.code);
    }
}

TEST(TurnRefresh, ZeroForOneFamilyEndsThatHalfOnly) {
    Edge edge;
    uint32_t ports = edge.free_ports();
    Client client(edge, "198.51.100.7:4000");
    ASSERT_TRUE(client.allocate(dual).success());
    ASSERT_TRUE(client.bind(0x4000, "203.0.113.5:700").success());
    ASSERT_TRUE(client.bind(0x4001, "[2001:db8:5::5]:700").success());
    EXPECT_EQ(client.refresh(0, 1).lifetime(), 0U);
    EXPECT_EQ(edge.turn.allocations(), 1U);
    EXPECT_FALSE(client.send_on(0x4000, "x"));
    EXPECT_TRUE(client.send_on(0x4001, "x"));
    EXPECT_EQ(client.permit("203.0.113.5:700").code(), 443);
    EXPECT_EQ(client.refresh(0, 1).code(), 443);
    EXPECT_EQ(client.refresh(0, 2).lifetime(), 0U);
    EXPECT_EQ(edge.turn.allocations(), 0U);
    edge.pass(70s);
    EXPECT_EQ(edge.free_ports(), ports);
}

TEST(TurnRefresh, TimeLimitedCredentialsEndWhereTheyShould) {
    EdgeSettings settings;
    settings.shared_secret = "rotate me";
    Edge edge(settings);
    Client client(edge, "198.51.100.7:4000");
    client.user = std::to_string(kUnixStart + 300) + ":carol";
    client.password = "ignored";
    // password = base64(HMAC-SHA1(secret, username))
    HmacKey key = edge.digest.hmac_key(HmacAlgorithm::sha1, bytes_of(settings.shared_secret));
    std::array<uint8_t, 20> mac;
    edge.digest.hmac(key, bytes_of(client.user), mac.data());
    client.password = base64(mac);
    ASSERT_TRUE(client.allocate().success());
    edge.pass(299s);
    EXPECT_EQ(client.refresh().lifetime(), 600U);  // the allocation may outlive the credentials,
    edge.pass(2s);
    EXPECT_EQ(client.refresh().code(), 401);  // but they extend nothing any more
    EXPECT_EQ(edge.turn.allocations(), 1U);
    edge.pass(600s);
    EXPECT_EQ(edge.turn.allocations(), 0U);
}

}  // namespace
}  // namespace fedge::relay
