// The edge as a clearing house: messages of one partner for another, judged as what comes in and as what leaves.
#include "tests/support/sip_world.h"

namespace fedge::signal {
namespace {

using namespace test;

struct House {
    static SipPlan plan() {
        SipPlan out;
        out.clearing_house = true;
        return out;
    }
    House() {
        world.know("partner.example", "sip.partner.example", {"203.0.113.5"});
        world.know("edge.direct.example", "edge.direct.example", {"203.0.113.9"});
    }
    SipText through(const std::string& method = "MESSAGE", const std::string& to = "direct.example") {
        SipText out = with_method(message_in("through"), method);
        out.start = method + " sip:dave@" + to + " SIP/2.0";
        return out.set("To", "<sip:dave@" + to + ">");
    }
    FakeStream& second() { return world.begun(1, {"edge.direct.example"}); }
    SipWorld world{plan()};
    FakeStream& inside = world.inside();
    FakeStream& first = world.partner();
};

TEST(ClearingHouse, MessagesPassFromPartnerToPartnerAndResponsesBack) {
    House house;
    house.world.send(house.first, house.through().add("P-Asserted-Identity", "<sip:ceo@direct.example>"));
    EXPECT_EQ(house.world.next_request(house.inside).start, "") << "the inside has nothing to do with it";
    SipText got = house.world.next(house.second());
    ASSERT_EQ(got.start, "MESSAGE sip:dave@direct.example SIP/2.0");
    EXPECT_EQ(got.get("From"), "<sip:alice@partner.example>;tag=a1");
    EXPECT_TRUE(got.get("Via").starts_with("SIP/2.0/TLS access.contoso.com:5061;"));
    EXPECT_NE(got.get("ms-edge-proxy-message-trust").find("ms-source-verified-user=verified"), std::string::npos);
    EXPECT_TRUE(got.all("P-Asserted-Identity").empty());
    house.world.send(house.second(), response_to(got, 200));
    SipText answer = house.world.next(house.first);
    EXPECT_EQ(answer.status(), 200);
    EXPECT_EQ(answer.all("Via").size(), 1U);
}

TEST(ClearingHouse, DialogsGoOnInBothDirectionsThroughFurtherProxies) {
    House house;
    SipText invite = house.through("INVITE").add("Contact", "<sip:alice@10.9.9.9:5060>");
    invite.add("Record-Route", "<sip:sip.partner.example;transport=tls;lr>");
    house.world.send(house.first, invite);
    SipText got = house.world.next(house.second());
    ASSERT_EQ(got.method(), "INVITE");
    SipText ok = response_to(got, 200).add("Contact", "<sip:dave@10.8.8.8>");
    std::string proxy = "<sip:proxy.direct.example;lr>";
    ok.headers.insert(ok.headers.begin(), {"Record-Route", proxy});
    house.world.send(house.second(), ok);
    SipText answered = house.world.next(house.first);
    ASSERT_EQ(answered.status(), 200);
    auto records = answered.all("Record-Route");  // proxy, ours twice, the first partner's edge
    ASSERT_EQ(records.size(), 4U);

    SipText ack = with_method(house.through(), "ACK").set("To", answered.get("To"));
    ack.start = "ACK sip:dave@10.8.8.8 SIP/2.0";
    ack.add("Route", records[2]).add("Route", records[1]).add("Route", records[0]);
    house.world.send(house.first, ack);
    SipText acked = house.world.next(house.second());
    EXPECT_EQ(acked.start, "ACK sip:dave@10.8.8.8 SIP/2.0");
    EXPECT_EQ(acked.all("Route"), std::vector<std::string>{proxy});

    SipText bye = with_method(house.through(), "BYE").set("CSeq", "7 BYE");
    bye.start = "BYE sip:alice@10.9.9.9:5060 SIP/2.0";
    bye.set("From", "<sip:dave@direct.example>;tag=answer").set("To", "<sip:alice@partner.example>;tag=a1");
    bye.set("Via", "SIP/2.0/TLS edge.direct.example;branch=z9hG4bKbye");
    for (size_t i : {1, 2, 3}) bye.add("Route", records[i]);
    FakeStream& from_second = house.world.partner("edge.direct.example", "203.0.113.9:41000");
    house.world.send(from_second, bye);
    SipText byed = house.world.next(house.world.begun(2, {"sip.partner.example"}));
    EXPECT_EQ(byed.start, "BYE sip:alice@10.9.9.9:5060 SIP/2.0");
    EXPECT_EQ(byed.all("Route"), std::vector<std::string>{records[3]});
}

TEST(ClearingHouse, ARouteFromPartnerToPartnerDoesNotLeadInside) {
    House house;
    SipText invite = house.through("INVITE").add("Contact", "<sip:alice@10.9.9.9:5060>");
    house.world.send(house.first, invite);
    auto records = house.world.next(house.second()).all("Record-Route");
    ASSERT_EQ(records.size(), 2U);
    SipText message = message_in("through").set("To", "<sip:bob@contoso.com>;tag=x");
    message.add("Route", records[1]).add("Route", records[0]).add("Route", "<sip:10.0.0.99;lr>");
    house.world.send(house.first, message);
    EXPECT_EQ(house.world.next_request(house.inside).start, "");
    EXPECT_EQ(house.world.next(house.first).status(), 403);
}

TEST(ClearingHouse, BothSidesOfPolicyApply) {
    House house;
    house.world.send(house.first, house.through("MESSAGE", "blocked.example"));
    EXPECT_EQ(house.world.next(house.first).status(), 404);
    EXPECT_EQ(house.world.count(Counter::policy_blocked), 1U);
    house.world.send(house.first, house.through("MESSAGE", "nobody.example").set("Call-ID", "2"));
    EXPECT_EQ(house.world.next(house.first).status(), 404);
    house.world.send(house.first, house.through().set("From", "<sip:eve@blocked.example>;tag=1").set("Call-ID", "3"));
    EXPECT_EQ(house.world.next(house.first).start, "");
    EXPECT_EQ(house.world.begun(), 1U) << "only the front end";
    // Remote users go inside, whatever they ask for.
    FakeStream& user = house.world.client();
    house.world.send(user, house.through().set("From", "<sip:bob@contoso.com>;tag=1").set("Call-ID", "4"));
    EXPECT_EQ(house.world.next_request(house.inside).get("Call-ID"), "4");
}

TEST(ClearingHouse, WhatWaitsForTheSecondPartnerIsHeldAndTold) {
    House house;
    house.world.dns_silent = true;
    house.world.send(house.first, house.through());
    EXPECT_EQ(house.world.proxy().held(), 1U);
    house.world.answer("partner.example");
    EXPECT_EQ(house.world.proxy().held(), 1U) << "now for the connection to the second";
    EXPECT_EQ(house.world.next(house.second()).method(), "MESSAGE");
    house.world.send(house.first, house.through().set("Call-ID", "again"));
    SipText got = house.world.next(house.second());
    house.first.reset();
    house.world.send(house.second(), response_to(got, 200));
    EXPECT_EQ(house.world.count(Counter::sip_flow_gone), 1U);
}

TEST(ClearingHouse, OthersDoNotRelay) {
    SipWorld world;
    world.know("partner.example", "sip.partner.example", {"203.0.113.5"});
    world.inside();
    FakeStream& partner = world.partner();
    SipText message = message_in();
    message.start = "MESSAGE sip:dave@direct.example SIP/2.0";
    world.send(partner, message);
    EXPECT_EQ(world.next(partner).status(), 404);
    EXPECT_EQ(world.count(Counter::policy_not_our_domain), 1U);
}

}  // namespace
}  // namespace fedge::signal
