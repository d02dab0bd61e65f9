// The proxy from message to message: who gets what, what is written into it, and what is refused.
#include "tests/support/eal.h"
#include "tests/support/sip_world.h"

namespace fedge::signal {
namespace {

using namespace test;

const auto* const kEnvironment =
    testing::AddGlobalTestEnvironment(new EalEnvironment(std::vector<port::PortConfig>{}, 1));

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}
class SipProxyTest : public testing::Test {
  protected:
    SipWorld world_;

    void SetUp() override { world_.know("partner.example", "sip.partner.example", {"203.0.113.5"}); }
};

TEST_F(SipProxyTest, MessageFromAPartnerReachesTheFrontEndAndItsResponseComesBack) {
    FakeStream& inside = world_.inside();
    FakeStream& partner = world_.partner();
    world_.send(partner, message_in());
    SipText got = world_.next_request(inside);
    ASSERT_EQ(got.start, "MESSAGE sip:bob@contoso.com SIP/2.0");
    EXPECT_EQ(got.body, "Hello, Bob");
    EXPECT_EQ(got.get("Max-Forwards"), "69");
    auto vias = got.all("Via");
    ASSERT_EQ(vias.size(), 2U);
    EXPECT_TRUE(vias[0].starts_with("SIP/2.0/TLS edge.contoso.local:5061;branch=z9hG4bK")) << vias[0];
    EXPECT_EQ(vias[1], "SIP/2.0/TLS sip.partner.example:5061;branch=z9hG4bK-call-1;received=203.0.113.5");
    EXPECT_EQ(got.get("ms-edge-proxy-message-trust"),
              "ms-source-type=AutoFederation;ms-ep-fqdn=access.contoso.com;ms-source-verified-user=verified;"
              "ms-source-network=federation");
    EXPECT_TRUE(got.all("Record-Route").empty()) << "MESSAGE begins no dialog";

    world_.send(inside, response_to(got, 200).add("ms-diagnostics", "1;reason=\"inside\""));
    SipText answer = world_.next(partner);
    EXPECT_EQ(answer.status(), 200);
    ASSERT_EQ(answer.all("Via").size(), 1U);
    EXPECT_EQ(answer.get("Via"), vias[1]);
    EXPECT_EQ(answer.get("ms-diagnostics"), "") << "stays inside";
    EXPECT_EQ(world_.finals, (std::vector<std::pair<std::string, int>>{{"partner.example", 200}}));
    EXPECT_EQ(world_.count(Counter::sip_requests_relayed), 1U);
    EXPECT_EQ(world_.count(Counter::sip_responses_relayed), 1U);
}

TEST_F(SipProxyTest, MessageToAPartnerGoesToTheServerThatDnsNamesAndProvesIt) {
    FakeStream& inside = world_.inside();
    world_.send(inside, message_out());
    ASSERT_EQ(world_.begun(), 2U);
    EXPECT_EQ(world_.begun_to(1), endpoint("203.0.113.5:5061"));
    EXPECT_EQ(world_.begun_sni(1), "sip.partner.example");
    EXPECT_EQ(world_.begun_expected(1), (std::vector<std::string>{"sip.partner.example", "partner.example"}));
    EXPECT_EQ(world_.count(Counter::sip_held), 1U);
    FakeStream& partner = world_.begun(1, {"sip.partner.example"});
    SipText got = world_.next(partner);
    ASSERT_EQ(got.start, "MESSAGE sip:alice@partner.example SIP/2.0");
    EXPECT_TRUE(got.get("Via").starts_with("SIP/2.0/TLS access.contoso.com:5061;")) << got.get("Via");
    world_.send(partner, response_to(got, 202));
    EXPECT_EQ(world_.next_request(inside).status(), 202);
    // The next one finds the connection.
    world_.send(inside, message_out("partner.example", "call-3"));
    EXPECT_EQ(world_.next(partner).get("Call-ID"), "call-3");
    EXPECT_EQ(world_.begun(), 2U);
}

TEST_F(SipProxyTest, DirectPartnerGoesToTheServerThatTheOperatorNamed) {
    world_.know("edge.direct.example", "edge.direct.example", {"203.0.113.9"});
    FakeStream& inside = world_.inside();
    world_.send(inside, message_out("direct.example"));
    ASSERT_EQ(world_.begun(), 2U);
    EXPECT_EQ(world_.asked.back(), "edge.direct.example");
    EXPECT_EQ(world_.begun_expected(1), (std::vector<std::string>{"edge.direct.example"}));
    FakeStream& partner = world_.begun(1, {"edge.direct.example"});
    EXPECT_EQ(world_.next(partner).method(), "MESSAGE");
}

// An INVITE of a partner: answers, ACK and BYE of both sides go the way that Record-Route says.
TEST_F(SipProxyTest, DialogOfAPartnerInBothDirections) {
    FakeStream& inside = world_.inside();
    FakeStream& partner = world_.partner();
    SipText invite = with_method(message_in("dialog-1"), "INVITE")
                         .add("Contact", "<sip:alice@10.9.9.9:5060>")
                         .add("Record-Route", "<sip:sip.partner.example:5061;transport=tls;lr>");
    world_.send(partner, invite);
    SipText got = world_.next_request(inside);
    ASSERT_EQ(got.method(), "INVITE");
    auto records = got.all("Record-Route");
    ASSERT_EQ(records.size(), 3U);
    EXPECT_TRUE(contains(records[0], "@edge.contoso.local:5061;transport=tls;lr")) << records[0];
    EXPECT_TRUE(contains(records[1], "@access.contoso.com:5061;transport=tls;lr")) << records[1];
    EXPECT_EQ(records[2], "<sip:sip.partner.example:5061;transport=tls;lr>");
    world_.send(inside, response_to(got, 180));
    EXPECT_EQ(world_.next(partner).status(), 180);
    world_.send(inside, response_to(got, 200).add("Contact", "<sip:bob@10.0.0.77:5061>"));
    SipText ok = world_.next(partner);
    ASSERT_EQ(ok.status(), 200);
    EXPECT_EQ(ok.all("Record-Route"), records);

    // The partner's side: its route set is ours from the outside on.
    SipText ack = with_method(invite, "ACK");
    ack.start = "ACK sip:bob@10.0.0.77:5061 SIP/2.0";
    ack.set("To", "<sip:bob@contoso.com>;tag=answer").set("Via", "SIP/2.0/TLS sip.partner.example;branch=z9hG4bK-ack");
    ack.remove("Record-Route").add("Route", records[1]).add("Route", records[0]);
    world_.send(partner, ack);
    SipText acked = world_.next_request(inside);
    EXPECT_EQ(acked.start, "ACK sip:bob@10.0.0.77:5061 SIP/2.0");
    EXPECT_TRUE(acked.all("Route").empty());

    // Our side: bob hangs up.
    SipText bye;
    bye.start = "BYE sip:alice@10.9.9.9:5060 SIP/2.0";
    bye.headers = {{"Via", "SIP/2.0/TLS fe1.contoso.com:5061;branch=z9hG4bK-bye"},
                   {"Max-Forwards", "70"},
                   {"From", "<sip:bob@contoso.com>;tag=answer"},
                   {"To", "<sip:alice@partner.example>;tag=a1"},
                   {"Call-ID", "dialog-1"},
                   {"CSeq", "1 BYE"},
                   {"Route", records[0]},
                   {"Route", records[1]},
                   {"Route", records[2]}};
    world_.send(inside, bye);
    // The partner came to us: what goes to it takes a connection of our own, to the server that DNS names.
    FakeStream& back = world_.begun() > 1 ? world_.begun(1, {"sip.partner.example"}) : partner;
    SipText byed = world_.next(back);
    EXPECT_EQ(byed.start, "BYE sip:alice@10.9.9.9:5060 SIP/2.0");
    EXPECT_EQ(byed.all("Route"), (std::vector<std::string>{records[2]}));
    world_.send(back, response_to(byed, 200));
    EXPECT_EQ(world_.next_request(inside).status(), 200);
}

TEST_F(SipProxyTest, CancelAndAckOfARefusalHaveTheBranchOfTheirInvite) {
    FakeStream& inside = world_.inside();
    FakeStream& partner = world_.partner();
    SipText invite = with_method(message_in("c"), "INVITE");
    world_.send(partner, invite);
    SipText got = world_.next_request(inside);
    auto branch = [](const SipText& message) {
        std::string via = message.get("Via");
        size_t at = via.find("branch=");
        return via.substr(at, via.find(';', at) - at);
    };
    world_.send(partner, with_method(message_in("c"), "CANCEL").set("CSeq", "1 CANCEL"));
    SipText cancel = world_.next_request(inside);
    EXPECT_EQ(cancel.method(), "CANCEL");
    EXPECT_EQ(branch(cancel), branch(got));
    world_.send(partner, with_method(message_in("c"), "ACK").set("To", "<sip:bob@contoso.com>;tag=x"));
    SipText ack = world_.next_request(inside);
    EXPECT_EQ(ack.method(), "ACK");
    EXPECT_EQ(branch(ack), branch(got));
}

struct Refusal {
    const char* name;
    const char* from;
    const char* to;
    int status;  // 0: dropped
    const char* diagnostic;
    Counter counter;
};
class Refused : public testing::TestWithParam<Refusal> {};

TEST_P(Refused, OnTheWire) {
    SipWorld world;
    world.know("partner.example", "sip.partner.example", {"203.0.113.5"});
    FakeStream& inside = world.inside();
    FakeStream& partner = world.partner();
    SipText message = message_in();
    message.start = std::string("MESSAGE sip:bob@") + GetParam().to + " SIP/2.0";
    message.set("From", std::string("<sip:alice@") + GetParam().from + ">;tag=1");
    world.send(partner, message);
    EXPECT_EQ(world.next_request(inside).start, "");
    SipText answer = world.next(partner);
    EXPECT_EQ(answer.status(), GetParam().status);
    if (GetParam().status) {
        EXPECT_TRUE(answer.get("ms-diagnostics-public").starts_with(GetParam().diagnostic))
            << answer.get("ms-diagnostics-public");
        EXPECT_TRUE(contains(answer.get("ms-diagnostics-public"), "access.contoso.com"));
        EXPECT_TRUE(contains(answer.get("To"), ";tag="));
    }
    EXPECT_EQ(world.count(GetParam().counter), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Policy, Refused,
    testing::Values(Refusal{"blocked", "blocked.example", "contoso.com", 0, "", Counter::policy_blocked},
                    Refusal{"below_blocked", "it.blocked.example", "contoso.com", 0, "", Counter::policy_blocked},
                    Refusal{"not_on_a_list", "notblocked.example", "contoso.com", 0, "", Counter::policy_not_allowed},
                    Refusal{"spoofed", "contoso.com", "contoso.com", 403, "1002;", Counter::policy_spoofed},
                    Refusal{"relay", "partner.example", "elsewhere.example", 404, "1005;",
                            Counter::policy_not_our_domain},
                    Refusal{"certificate", "direct.example", "contoso.com", 0, "", Counter::policy_certificate}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(SipProxyTest, TrustFromOutsideIsNotBelieved) {
    FakeStream& inside = world_.inside();
    FakeStream& partner = world_.partner();
    SipText message =
        message_in()
            .add("ms-edge-proxy-message-trust", "ms-source-type=AuthorizedServer;ms-source-verified-user=verified")
            .add("MS-Edge-Proxy-Message-Trust", "ms-source-verified-user=verified")
            .add("P-Asserted-Identity", "<sip:ceo@contoso.com>")
            .add("ms-diagnostics", "1");
    world_.send(partner, message);
    SipText got = world_.next_request(inside);
    ASSERT_EQ(got.method(), "MESSAGE");
    EXPECT_EQ(got.all("ms-edge-proxy-message-trust").size(), 1U);
    EXPECT_TRUE(got.all("MS-Edge-Proxy-Message-Trust").empty());
    EXPECT_TRUE(got.all("P-Asserted-Identity").empty());
    EXPECT_TRUE(got.all("ms-diagnostics").empty());
    world_.send(partner, message_in("route").add("Route", "<sip:10.0.0.1;lr>"));
    EXPECT_EQ(world_.next(partner).status(), 403) << "strangers lay no ways through the inside";
}

TEST_F(SipProxyTest, LoopsEnd) {
    FakeStream& inside = world_.inside();
    FakeStream& partner = world_.partner();
    world_.send(partner, message_in("zero").set("Max-Forwards", "0"));
    EXPECT_EQ(world_.next(partner).status(), 483);
    world_.send(partner, message_in("full").set("Max-Forwards", "255"));
    EXPECT_EQ(world_.next_request(inside).get("Max-Forwards"), "254");
    SipText looped = message_in("again");
    world_.send(partner, looped);
    SipText once = world_.next_request(inside);
    looped.headers.insert(looped.headers.begin(), {"Via", once.get("Via")});
    looped.headers.insert(looped.headers.begin(), {"Via", "SIP/2.0/TLS sip.partner.example:5061;branch=z9hG4bK-other"});
    world_.send(partner, looped);
    EXPECT_EQ(world_.next(partner).status(), 482);
    world_.send(partner, message_in("rr").add("Record-Route", "<sip:access.contoso.com;lr>"));
    EXPECT_EQ(world_.next(partner).status(), 400);
    SipText own = message_in("own");
    own.start = "MESSAGE sip:bob@access.contoso.com SIP/2.0";
    world_.send(partner, own);
    EXPECT_EQ(world_.next(partner).status(), 482);
    EXPECT_EQ(world_.count(Counter::sip_loops), 3U);
    EXPECT_EQ(world_.next_request(inside).start, "");
}

TEST_F(SipProxyTest, AsksForTheEdgeItselfAreAnswered) {
    FakeStream& partner = world_.partner();
    SipText options = with_method(message_in(), "OPTIONS");
    options.start = "OPTIONS sip:access.contoso.com SIP/2.0";
    world_.send(partner, options);
    EXPECT_EQ(world_.next(partner).status(), 200);
}

TEST_F(SipProxyTest, ForgedResponsesGoNowhere) {
    FakeStream& inside = world_.inside();
    FakeStream& partner = world_.partner();
    world_.send(partner, message_in());
    SipText got = world_.next_request(inside);
    SipText forged = response_to(got, 200);
    std::string via = forged.headers[0].second;
    size_t token = via.find(";f=") + 3;
    via[token + 20] = via[token + 20] == 'A' ? 'B' : 'A';
    forged.headers[0].second = via;
    world_.send(inside, forged);
    EXPECT_EQ(world_.count(Counter::sip_token_refused), 1U);
    SipText bare = response_to(got, 200);
    bare.headers.erase(bare.headers.begin());
    world_.send(inside, bare);
    EXPECT_EQ(world_.count(Counter::sip_not_ours), 1U);
    world_.send(partner, response_to(got, 200));
    EXPECT_EQ(world_.count(Counter::sip_not_ours), 2U) << "from the side of the request";
    EXPECT_EQ(world_.next(partner).start, "");
}

TEST_F(SipProxyTest, ResponsesFindAPartnerThatHasReconnected) {
    FakeStream& inside = world_.inside();
    FakeStream& first = world_.partner();
    world_.send(first, message_in());
    SipText got = world_.next_request(inside);
    first.reset();
    FakeStream& second = world_.partner("sip.partner.example", "203.0.113.5:40001");
    world_.partner("sip.other.example", "203.0.113.6:40001");
    world_.send(inside, response_to(got, 200));
    EXPECT_EQ(world_.next(second).status(), 200);
}

TEST_F(SipProxyTest, WhoComesInsideMustBeTrusted) {
    FakeStream& stranger = world_.front_end("fe9.elsewhere.example");
    EXPECT_EQ(stranger.handler, nullptr);
    EXPECT_EQ(world_.count(Counter::sip_stranger_inside), 1U);
    EXPECT_NE(world_.front_end().handler, nullptr);
}

// --- waiting

TEST_F(SipProxyTest, WhatArrivesBeforeDnsAnswersIsHeldAndNothingIsLost) {
    FakeStream& inside = world_.inside();
    world_.dns_silent = true;
    for (int i = 0; i < 40; i++) world_.send(inside, message_out("partner.example", "held-" + std::to_string(i)));
    EXPECT_EQ(world_.proxy().held(), 40U);
    world_.answer("partner.example");
    ASSERT_GE(world_.begun(), 2U);
    EXPECT_EQ(world_.proxy().held(), 40U) << "now for the connection";
    FakeStream& partner = world_.begun(1, {"sip.partner.example"});
    for (int i = 0; i < 40; i++) EXPECT_EQ(world_.next(partner).get("Call-ID"), "held-" + std::to_string(i));
    world_.send(partner, "\r\n");
    EXPECT_EQ(world_.proxy().held(), 0U) << "nor copies, once it has said something";
    EXPECT_EQ(world_.count(Counter::sip_held), 40U);
}

TEST_F(SipProxyTest, HoldingIsBoundedInNumberAndTime) {
    FakeStream& inside = world_.inside();
    world_.dns_silent = true;
    for (int i = 0; i < 66; i++) world_.send(inside, message_out("partner.example", "held-" + std::to_string(i)));
    EXPECT_EQ(world_.proxy().held(), 64U) << "half of the room";
    for (int i = 64; i < 66; i++) {
        SipText full = world_.next_request(inside);
        EXPECT_EQ(full.status(), 503);
        EXPECT_EQ(full.get("Call-ID"), "held-" + std::to_string(i));
        EXPECT_EQ(full.get("Retry-After"), "5");
    }
    int late = 0;
    for (int second = 0; second < 11; second++) {  // the front end lives, and says so when it is asked
        world_.pass(1s);
        while (world_.next_request(inside).status() == 504) late++;
    }
    EXPECT_EQ(world_.proxy().held(), 0U);
    EXPECT_EQ(late, 64);
    EXPECT_EQ(world_.count(Counter::sip_held_expired), 64U);
    EXPECT_EQ(world_.count(Counter::sip_held_share), 2U);
}

TEST_F(SipProxyTest, TheNextAddressIsTriedWithinTheSameAttempt) {
    world_.dns.clear();
    world_.know("partner.example", "sip.partner.example", {"203.0.113.5", "203.0.113.6"});
    world_.know("partner.example", "sip2.partner.example", {"203.0.113.7"});
    FakeStream& inside = world_.inside();
    world_.send(inside, message_out());
    world_.refuse(1);
    ASSERT_EQ(world_.begun(), 3U);
    EXPECT_EQ(world_.begun_to(2), endpoint("203.0.113.6:5061"));
    world_.refuse(2);
    EXPECT_EQ(world_.begun_to(3), endpoint("203.0.113.7:5061"));
    EXPECT_EQ(world_.begun_sni(3), "sip2.partner.example");
    FakeStream& third = world_.begun(3, {"sip2.partner.example"});
    SipText got = world_.next(third);
    EXPECT_EQ(got.method(), "MESSAGE");
    EXPECT_EQ(world_.count(Counter::sip_fail_overs), 2U);
    EXPECT_EQ(world_.attempts.size(), 2U) << "before it has said a word it may still refuse us";
    world_.send(third, response_to(got, 200));
    EXPECT_EQ(world_.attempts, (std::vector<std::string>{"sip.partner.example 203.0.113.5:5061 failed: 1046",
                                                         "sip.partner.example 203.0.113.6:5061 failed: 1046",
                                                         "sip2.partner.example 203.0.113.7:5061 good"}));
}

TEST_F(SipProxyTest, AttemptsOfBeforeAMoveAreNoWordOnTheNewPlace) {
    FakeStream& inside = world_.inside();
    world_.send(inside, message_out());
    world_.dns.clear();
    world_.know("partner.example", "sip.partner.example", {"203.0.113.77"});
    world_.send(inside, message_out("partner.example", "moved"));
    world_.refuse(1);
    EXPECT_TRUE(world_.attempts.empty());
}

TEST_F(SipProxyTest, AServerThatDoesNotAnswerIsGivenUpInTimeForTheNext) {
    world_.know("partner.example", "sip2.partner.example", {"203.0.113.7"});
    FakeStream& inside = world_.inside();
    world_.send(inside, message_out());
    world_.pass(6s);
    ASSERT_EQ(world_.begun(), 3U);
    EXPECT_EQ(world_.begun_to(2), endpoint("203.0.113.7:5061"));
    FakeStream& second = world_.begun(2, {"sip2.partner.example"});
    EXPECT_EQ(world_.next(second).method(), "MESSAGE");
}

TEST_F(SipProxyTest, WhenAllAddressesFailTheSenderIsToldAndTheNextWaitsABit) {
    FakeStream& inside = world_.inside();
    world_.send(inside, message_out());
    world_.refuse(1);
    SipText answer = world_.next_request(inside);
    EXPECT_EQ(answer.status(), 504);
    EXPECT_TRUE(answer.get("ms-diagnostics-public").starts_with("1046;")) << answer.get("ms-diagnostics-public");
    world_.send(inside, message_out("partner.example", "soon"));
    EXPECT_EQ(world_.next_request(inside).status(), 504);
    EXPECT_EQ(world_.begun(), 2U) << "rests";
    world_.pass(2s);
    world_.send(inside, message_out("partner.example", "later"));
    EXPECT_EQ(world_.begun(), 3U);
}

// --- front ends

TEST(FrontEndTest, AnotherOneTakesOverWhenOneIsLost) {
    SipWorld::Plan plan;
    plan.front_ends = {"fe1.contoso.com", "fe2.contoso.com"};
    SipWorld world(plan);
    world.know("partner.example", "sip.partner.example", {"203.0.113.5"});
    FakeStream& one = world.inside(0);
    FakeStream& two = world.inside(1);
    FakeStream& partner = world.partner();
    int first = 0, second = 0;
    for (int i = 0; i < 200; i++) {
        world.send(partner, message_in("call-" + std::to_string(i)));
        first += world.next_request(one).method() == "MESSAGE";
        second += world.next_request(two).method() == "MESSAGE";
    }
    EXPECT_EQ(first + second, 200);
    EXPECT_GT(first, 60);
    EXPECT_GT(second, 60);
    one.reset();
    world.turn();
    for (int i = 0; i < 50; i++) {
        world.send(partner, message_in("call-" + std::to_string(i)));
        EXPECT_EQ(world.next_request(two).method(), "MESSAGE");
    }
}

TEST(FrontEndTest, OneThatDoesNotAnswerOptionsIsLeftOutUntilItDoes) {
    SipWorld::Plan plan;
    plan.front_ends = {"fe1.contoso.com", "fe2.contoso.com"};
    SipWorld world(plan);
    world.know("partner.example", "sip.partner.example", {"203.0.113.5"});
    FakeStream& one = world.inside(0);
    FakeStream& two = world.inside(1);
    for (int i = 0; i < 60; i++) {
        world.pass(1s);
        if (!one.over()) world.next(one);  // reads, never answers
        world.next_request(two);
    }
    EXPECT_TRUE(one.over());
    EXPECT_FALSE(two.over());
    EXPECT_EQ(world.count(Counter::sip_front_end_down), 1U);
    EXPECT_EQ(one.details.why, "the front end does not answer OPTIONS");
}

TEST(FrontEndTest, WithoutAnyTheSenderIsTold) {
    SipWorld world;
    world.know("partner.example", "sip.partner.example", {"203.0.113.5"});
    world.turn();
    world.refuse(0);
    FakeStream& partner = world.partner();
    world.send(partner, message_in());
    SipText answer = world.next(partner);
    EXPECT_EQ(answer.status(), 503);
    EXPECT_EQ(answer.get("Retry-After"), "5");
}

// --- remote users

TEST_F(SipProxyTest, RemoteUserRegistersAndIsReachedByPath) {
    FakeStream& inside = world_.inside();
    FakeStream& user = world_.client();
    SipText registration = with_method(message_in("reg"), "REGISTER");
    registration.start = "REGISTER sip:contoso.com SIP/2.0";
    registration.set("From", "<sip:bob@contoso.com>;tag=r")
        .set("Via", "SIP/2.0/TLS 192.168.1.5:50000;branch=z9hG4bKr;rport");
    world_.send(user, registration);
    SipText got = world_.next_request(inside);
    ASSERT_EQ(got.method(), "REGISTER");
    std::string path = got.get("Path");
    EXPECT_TRUE(contains(path, "@edge.contoso.local:5061;transport=tls;lr;ob")) << path;
    EXPECT_TRUE(contains(got.all("Via")[1], "received=198.51.100.7")) << got.all("Via")[1];
    EXPECT_TRUE(contains(got.all("Via")[1], "rport=50000"));
    world_.send(inside, response_to(got, 200));
    EXPECT_EQ(world_.next(user).status(), 200);

    SipText call = with_method(message_in("to-bob"), "INVITE");
    call.start = "INVITE sip:bob@192.168.1.5:50000;transport=tls SIP/2.0";
    call.set("From", "<sip:carol@contoso.com>;tag=c").set("Via", "SIP/2.0/TLS fe1.contoso.com;branch=z9hG4bKc");
    call.add("Route", path);
    world_.send(inside, call);
    SipText rings = world_.next(user);
    EXPECT_EQ(rings.start, call.start);
    EXPECT_TRUE(rings.all("Route").empty());
    EXPECT_TRUE(rings.get("Via").starts_with("SIP/2.0/TLS access.contoso.com:443;")) << rings.get("Via");
    world_.send(user, response_to(rings, 200));
    EXPECT_EQ(world_.next_request(inside).status(), 200);

    user.reset();
    world_.send(inside, call.set("Call-ID", "gone"));
    EXPECT_EQ(world_.next_request(inside).status(), 430);
}

TEST(FlowTokens, OfAnEarlierProcessFindNobodyElsesConnection) {
    SipText registration = with_method(message_in("reg"), "REGISTER").set("From", "<sip:bob@contoso.com>;tag=r");
    SipText call = with_method(message_in("to-bob"), "MESSAGE").set("From", "<sip:carol@contoso.com>;tag=c");
    call.start = "MESSAGE sip:bob@192.168.1.5;transport=tls SIP/2.0";
    {
        SipWorld before;
        FakeStream& inside = before.inside();
        before.send(before.client(), registration);
        call.add("Route", before.next_request(inside).get("Path"));
    }
    SipWorld::Plan plan;
    plan.seed = 12;
    SipWorld after(plan);
    FakeStream& inside = after.inside();
    FakeStream& somebody = after.client();  // in the same slot
    after.send(inside, call);
    EXPECT_EQ(after.next_request(inside).status(), 430);
    EXPECT_TRUE(somebody.take().empty());
}

TEST(CrossCore, RequestsFindARemoteUserOfAnotherCoreAndAnswersComeBack) {
    SipWorld first;
    SipWorld::Plan plan;
    plan.core = 1;
    SipWorld second(plan);
    first.other_core = &second;
    second.other_core = &first;
    FakeStream& user = second.client();
    FakeStream& inside = first.inside();
    FakeStream& inside_of_second = second.inside();
    SipText registration = with_method(message_in("reg"), "REGISTER").set("From", "<sip:bob@contoso.com>;tag=r");
    second.send(user, registration);
    std::string path = second.next_request(inside_of_second).get("Path");
    SipText call = with_method(message_in("to-bob"), "MESSAGE");
    call.start = "MESSAGE sip:bob@192.168.1.5;transport=tls SIP/2.0";
    call.set("From", "<sip:carol@contoso.com>;tag=c").set("Via", "SIP/2.0/TLS fe1.contoso.com;branch=z9hG4bKc");
    first.send(inside, call.add("Route", path));
    SipText got = second.next(user);
    ASSERT_EQ(got.start, call.start);
    EXPECT_EQ(first.count(Counter::sip_handed_over), 1U);
    second.send(user, response_to(got, 200));
    EXPECT_EQ(first.next_request(inside).status(), 200);
    EXPECT_EQ(second.count(Counter::sip_handed_over), 1U);
    user.reset();
    first.send(inside, call.set("Call-ID", "gone"));
    EXPECT_EQ(second.count(Counter::sip_flow_gone), 1U);
    first.other_core = nullptr;
    first.send(inside, call.set("Call-ID", "full"));
    EXPECT_EQ(first.next_request(inside).status(), 503);
    EXPECT_EQ(first.count(Counter::sip_handover_full), 1U);
}

TEST_F(SipProxyTest, RemoteUserWhoFailsToRegisterTooOftenIsClosed) {
    FakeStream& inside = world_.inside();
    FakeStream& user = world_.client();
    SipText registration = with_method(message_in("reg"), "REGISTER");
    registration.set("From", "<sip:bob@contoso.com>;tag=r");
    for (int i = 0; i < 11; i++) {
        ASSERT_FALSE(user.over()) << i;
        world_.send(user, registration.set("CSeq", std::to_string(i) + " REGISTER"));
        world_.send(inside, response_to(world_.next_request(inside), 403));
    }
    EXPECT_TRUE(user.over());
    EXPECT_EQ(world_.count(Counter::sip_registrations_limited), 1U);
}

TEST_F(SipProxyTest, RemoteUsersOfOthersAreRefused) {
    FakeStream& user = world_.client();
    SipText registration = with_method(message_in("reg"), "REGISTER");
    world_.send(user, registration);
    EXPECT_EQ(world_.next(user).status(), 403);
}

// --- streams

TEST_F(SipProxyTest, MessagesCutAnywhereAndManyInOnePiece) {
    FakeStream& inside = world_.inside();
    FakeStream& partner = world_.partner();
    std::string text = message_in("cut").text();
    for (char c : text) {
        char one[2] = {c, 0};
        partner.send(bytes_of(std::string_view(one, 1)));
    }
    world_.turn();
    EXPECT_EQ(world_.next_request(inside).body, "Hello, Bob");
    std::string many;
    for (int i = 0; i < 200; i++) many += message_in("many-" + std::to_string(i)).text();
    partner.together = 700;
    world_.send(partner, many);
    for (int i = 0; i < 200; i++) ASSERT_EQ(world_.next_request(inside).get("Call-ID"), "many-" + std::to_string(i));
    EXPECT_EQ(partner.unread(), 0U);
    EXPECT_EQ(world_.proxy().connections().gathered(), 0U);
}

TEST_F(SipProxyTest, WhoNeverSaysAnythingIsClosedAndSoIsWhoNeverFinishes) {
    world_.inside();
    FakeStream& silent = world_.partner("sip.partner.example", "203.0.113.5:40001");
    FakeStream& user = world_.client();
    FakeStream& slow = world_.client("198.51.100.8:50000");
    FakeStream& spoke = world_.client("198.51.100.9:50000");
    world_.send(spoke, "\r\n\r\n");
    for (int i = 0; i < 7; i++) {
        world_.send(slow, std::string(1, "OPTIONS"[i]));
        world_.pass(10s);
    }
    EXPECT_TRUE(silent.over());
    EXPECT_TRUE(user.over());
    EXPECT_TRUE(slow.over());
    EXPECT_FALSE(spoke.over());
    EXPECT_EQ(world_.count(Counter::sip_closed_idle), 3U);
    world_.pass(1801s);
    EXPECT_TRUE(spoke.over());
}

TEST_F(SipProxyTest, KeepalivesAreAnsweredAndSmugglersThrownOut) {
    FakeStream& partner = world_.partner();
    world_.send(partner, "\r\n\r\n");
    auto pong = partner.take();
    EXPECT_EQ(text_of(pong), "\r\n");
    std::string bad = message_in().text();
    bad.insert(bad.find("Content-Length"), "Content-Length: 3\r\n");
    world_.send(partner, bad);
    EXPECT_TRUE(partner.over());
    EXPECT_EQ(SipText{}.start, "");
    EXPECT_EQ(world_.count(Counter::sip_framing), 1U);
    EXPECT_EQ(world_.count(Counter::sip_requests_relayed), 0U);
}

TEST_F(SipProxyTest, ASlowFrontEndIsNotWaitedFor) {
    FakeStream& inside = world_.inside();
    inside.room = 1000;
    FakeStream& partner = world_.partner();
    int refused = 0;
    for (int i = 0; i < 100; i++) {
        SipText message = message_in("slow-" + std::to_string(i));
        message.body.assign(10000, 'x');
        world_.send(partner, message);
        SipText answer = world_.next(partner);
        refused += answer.status() == 503;
    }
    EXPECT_GT(refused, 60);
    EXPECT_LT(refused, 90);
    EXPECT_GT(world_.count(Counter::sip_overload), 60U);
    inside.room = 10'000'000;
    inside.drain();
    world_.turn();
    EXPECT_GT(inside.written.size(), 100'000U) << "what was taken is delivered";
}

TEST_F(SipProxyTest, BodiesBeyondTheLimitOfTheirKindAreRefused) {
    FakeStream& inside = world_.inside();
    FakeStream& user = world_.client();
    SipText big = message_in("big").set("From", "<sip:bob@contoso.com>;tag=1");
    big.body.assign(129 * 1024, 'x');
    world_.send(user, big);
    EXPECT_EQ(world_.next(user).status(), 513);
    EXPECT_TRUE(user.over());
    FakeStream& partner = world_.partner();
    SipText fits = message_in("fits");
    fits.body.assign(129 * 1024, 'x');
    world_.send(partner, fits);
    SipText got;
    std::string all;
    for (int i = 0; i < 4; i++) {
        auto more = inside.take();
        all.append(more.begin(), more.end());
        inside.drain();
        world_.turn();
    }
    while (got.method() != "MESSAGE" && !all.empty()) got = SipText::take(all);
    EXPECT_EQ(got.body, fits.body);
}

TEST_F(SipProxyTest, DiscoveredPartnersAreCountedOnceEvenIfTheyWait) {
    SipWorld::Plan plan;
    plan.discovery = true;
    SipWorld world(plan);
    world.know("found.example", "sip.found.example", {"203.0.113.50"});
    world.turn();
    FakeStream& partner = world.partner("sip.found.example", "203.0.113.50:41000");
    SipText message = message_in("d").set("From", "<sip:dave@found.example>;tag=d");
    world.dns_silent = true;
    world.send(partner, message);
    world.answer("found.example");
    EXPECT_EQ(world.admitted, (std::vector<std::string>{"bob of found.example"})) << "then it waits for the front end";
    FakeStream& inside = world.begun(0, {"fe1.contoso.com"});
    EXPECT_EQ(world.next_request(inside).method(), "MESSAGE");
    EXPECT_EQ(world.admitted.size(), 1U);
    world.admission = policy::Admission::rate;
    world.send(partner, message.set("Call-ID", "e"));
    SipText answer = world.next(partner);
    EXPECT_NE(answer.status(), 0);
    EXPECT_EQ(world.count(Counter::policy_rate), 1U);
}

}  // namespace
}  // namespace fedge::signal
