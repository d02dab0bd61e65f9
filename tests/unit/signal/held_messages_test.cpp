// Requests that wait, and how they share the room: nobody takes what others need.
#include "dataplane/signal/sip/held_messages.h"

#include <gtest/gtest.h>

#include "tests/support/sip_world.h"

namespace fedge::test {
namespace {

using signal::HeldMessage;
using signal::HeldMessages;
using signal::PeerKind;
using signal::WaitKey;
using Room = HeldMessages::Room;

constexpr auto kInside = PeerKind::front_end;
constexpr auto kOutside = PeerKind::partner;

class HeldRoom : public ::testing::Test {
  protected:
    // Holds one more, if it may.
    bool one(uint64_t owner, PeerKind from = kInside, uint64_t bytes = 100) {
        if (held.room(from, owner, bytes, limits) != Room::free) return false;
        HeldMessage message;
        message.kind = from;
        message.owner = owner;
        message.key = {WaitKey::For::next_hop, owner};
        message.bytes.resize(bytes);
        message.deadline = Instant{} + 10s;
        held.hold(std::move(message));
        return true;
    }
    uint32_t as_many_as_go(uint64_t owner, PeerKind from = kInside, uint64_t bytes = 100) {
        uint32_t n = 0;
        while (one(owner, from, bytes)) n++;
        return n;
    }

    HeldMessages held;
    HeldMessages::Limits limits{.messages = 1200, .bytes = 1'000'000};
};

TEST_F(HeldRoom, OneAloneHasHalfOfIt) {
    EXPECT_EQ(as_many_as_go(1), 600U);
    EXPECT_EQ(held.room(kInside, 1, 100, limits), Room::shared);
    EXPECT_EQ(held.room(kInside, 2, 100, limits), Room::free);
}

TEST_F(HeldRoom, EachOfManyHasAsMuchAsTheOthers) {
    // In turn, as at a time of congestion.
    std::map<uint64_t, uint32_t> taken;
    for (bool more = true; more;) {
        more = false;
        for (uint64_t owner = 1; owner <= 5; owner++)
            if (one(owner, owner % 2 ? kInside : kOutside)) taken[owner]++, more = true;
    }
    for (auto [owner, n] : taken) EXPECT_NEAR(n, 1200 / 6, 1) << owner;
    EXPECT_EQ(held.room(kOutside, 6, 100, limits), Room::free);
}

TEST_F(HeldRoom, WhoComesLaterFindsRoomThatWhoWasFirstMayNotTake) {
    ASSERT_EQ(as_many_as_go(1), 600U);
    EXPECT_EQ(as_many_as_go(2, kOutside), 300U);
    EXPECT_FALSE(one(1));
    held.release({WaitKey::For::next_hop, 1});
    EXPECT_EQ(held.count(), 300U);
    EXPECT_EQ(as_many_as_go(2, kOutside), 300U) << "half of all, now that it is alone";
}

TEST_F(HeldRoom, OwnersByTheThousandLeaveAQuarterToTheOtherDirection) {
    uint32_t taken = 0;
    for (uint64_t owner = 1; owner <= 5000; owner++) taken += one(owner);
    EXPECT_EQ(taken, 900U);
    EXPECT_EQ(held.room(kInside, 6000, 100, limits), Room::shared);
    EXPECT_EQ(as_many_as_go(7000, kOutside), 150U);
}

TEST_F(HeldRoom, TheSameHoldsForBytes) {
    EXPECT_EQ(as_many_as_go(1, kInside, 10'000), 50U);
    EXPECT_TRUE(one(2, kInside, 10'000));
    EXPECT_EQ(held.bytes(), 510'000U);
    EXPECT_EQ(held.room(kOutside, 3, 490'001, limits), Room::full);
    EXPECT_TRUE(one(3, kOutside, 490'000)) << "one large message of somebody of whom nothing waits";
    EXPECT_EQ(held.bytes(), limits.bytes);
}

TEST_F(HeldRoom, WhatGoesLeavesNothingBehind) {
    for (uint64_t owner = 1; owner <= 50; owner++)
        for (int i = 0; i < 3; i++) ASSERT_TRUE(one(owner, owner % 2 ? kInside : kOutside));
    for (uint64_t owner = 1; owner <= 20; owner++) EXPECT_EQ(held.release({WaitKey::For::next_hop, owner}).size(), 3U);
    EXPECT_TRUE(held.expired(Instant{} + 9s).empty());
    size_t late = 0;
    for (auto some = held.expired(Instant{} + 10s); !some.empty(); some = held.expired(Instant{} + 10s)) {
        EXPECT_LE(some.size(), 64U) << "so that a turn is short";
        late += some.size();
    }
    EXPECT_EQ(late, 90U);
    EXPECT_EQ(held.count(), 0U);
    EXPECT_EQ(held.bytes(), 0U);
    EXPECT_EQ(as_many_as_go(1), 600U);
}

// --- over the wire

void expect_refused(const SipText& answer) {
    EXPECT_EQ(answer.status(), 503);
    EXPECT_EQ(answer.get("Retry-After"), "5");
    EXPECT_TRUE(answer.get("ms-diagnostics-public").starts_with("1007;")) << answer.get("ms-diagnostics-public");
}

class HeldShares : public ::testing::Test {
  protected:
    static SipPlan plan() {
        SipPlan plan;
        plan.hold_messages = 64;
        plan.discovery = true;
        return plan;
    }
    void flood(FakeStream& stream, int count, const std::string& domain) {
        for (int i = 0; i < count; i++) world.send(stream, message_out(domain, domain + "-" + std::to_string(i)));
    }
    uint32_t held() { return world.proxy().held(); }

    HeldShares() {
        world.know("partner.example", "sip.partner.example", {"203.0.113.5"});
        world.know("edge.direct.example", "edge.direct.example", {"203.0.113.9"});
    }

    SipWorld world{plan()};
};

TEST_F(HeldShares, OneSlowDestinationLeavesRoomForTheOthers) {
    FakeStream& inside = world.inside();
    world.dns_silent = true;
    flood(inside, 40, "slow.example");
    EXPECT_EQ(held(), 32U);
    for (int i = 0; i < 8; i++) expect_refused(world.next_request(inside));
    EXPECT_EQ(world.count(Counter::sip_held_share), 8U);
    EXPECT_EQ(world.count(Counter::sip_held_full), 0U);
    flood(inside, 10, "partner.example");
    EXPECT_EQ(held(), 42U);
    EXPECT_EQ(world.count(Counter::sip_held_share), 8U);
}

TEST_F(HeldShares, ManySlowDestinationsLeaveRoomForWhatComesFromOutside) {
    FakeStream& partner = world.partner();
    FakeStream& inside = world.front_end();
    world.dns_silent = true;
    for (int i = 0; i < 100; i++) flood(inside, 1, "slow" + std::to_string(i) + ".example");
    EXPECT_EQ(held(), 48U) << "three quarters";
    expect_refused(world.next(inside));
    EXPECT_EQ(world.count(Counter::sip_held_share), 52U);
    // The front end is not connected to yet.
    world.dns_silent = false;
    world.send(partner, message_in());
    EXPECT_EQ(held(), 49U);
    EXPECT_EQ(world.next_request(world.begun(0, {"fe1.contoso.com"})).method(), "MESSAGE");
}

TEST_F(HeldShares, OnePartnerWithoutAFrontEndLeavesRoomForTheOthers) {
    FakeStream& busy = world.partner("sip.partner.example");
    FakeStream& other = world.partner("edge.direct.example", "203.0.113.9:40000");
    for (int i = 0; i < 40; i++) world.send(busy, message_in("busy" + std::to_string(i)));
    EXPECT_EQ(held(), 32U);
    expect_refused(world.next(busy));
    SipText message = message_in("other");
    message.set("From", "<sip:dora@direct.example>;tag=d1");
    world.send(other, message);
    EXPECT_EQ(held(), 33U);
    EXPECT_EQ(world.next(other).start, "");
    FakeStream& front_end = world.begun(0, {"fe1.contoso.com"});
    std::vector<std::string> calls;
    for (SipText one = world.next_request(front_end); !one.start.empty(); one = world.next_request(front_end))
        calls.push_back(one.get("Call-ID"));
    EXPECT_EQ(calls.size(), 33U);
    EXPECT_EQ(std::ranges::count(calls, "other"), 1);
}

TEST_F(HeldShares, AnotherConnectionIsNoOtherPartner) {
    FakeStream& one = world.partner();
    FakeStream& another = world.partner("sip.partner.example", "203.0.113.6:40001");
    for (int i = 0; i < 32; i++) world.send(one, message_in("one" + std::to_string(i)));
    world.send(another, message_in("another"));
    EXPECT_EQ(held(), 32U);
    expect_refused(world.next(another));
}

TEST_F(HeldShares, RemoteUsersAreToldByTheirAddress) {
    auto registration = [&](const char* from, int n) {
        SipText out = with_method(message_in("register" + std::to_string(n)), "REGISTER");
        out.start = "REGISTER sip:contoso.com SIP/2.0";
        out.set("From", "<sip:bob@contoso.com>;tag=r").set("To", "<sip:bob@contoso.com>");
        FakeStream& client = world.client(from);
        world.send(client, out);
        return world.next(client).status();
    };
    for (int i = 0; i < 32; i++) ASSERT_EQ(registration("198.51.100.7:50000", i), 0) << i;
    EXPECT_EQ(registration("198.51.100.7:50001", 32), 503);
    EXPECT_EQ(registration("198.51.100.8:50000", 33), 0);
    EXPECT_EQ(held(), 33U);
}

TEST_F(HeldShares, NobodyLosesHisShareOnTheWayFromDnsToTheConnection) {
    FakeStream& inside = world.inside();
    world.know("partner.example", "sip.partner.example", {"203.0.113.5"});
    world.dns_silent = true;
    flood(inside, 32, "partner.example");
    flood(inside, 16, "slow.example");
    ASSERT_EQ(held(), 48U);
    ASSERT_EQ(world.count(Counter::sip_held_share), 0U);
    world.answer("partner.example");
    EXPECT_EQ(held(), 48U) << "32 of them for the connection";
    FakeStream& partner = world.begun(1, {"sip.partner.example"});
    for (int i = 0; i < 32; i++) EXPECT_EQ(world.next(partner).get("Call-ID"), "partner.example-" + std::to_string(i));
}

}  // namespace
}  // namespace fedge::test
