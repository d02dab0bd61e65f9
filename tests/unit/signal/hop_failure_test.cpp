// What senders are told of next hops that came to nothing, what becomes of messages on connections that are refused
// when they seem to be open already, and how soon a front end that was lost is used again.
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tests/support/sip_world.h"

namespace fedge::signal {
namespace {

using namespace test;
using tls::Fault;

const std::vector<std::string> kProved = {"sip.partner.example"};

struct Ends {
    explicit Ends(std::vector<const char*> addresses = {"203.0.113.5"}, const SipPlan& plan = {}) : world(plan) {
        world.know("partner.example", "sip.partner.example", std::move(addresses));
    }
    // Sent by Bob, and so far that the n-th connection has it.
    void sent(size_t n = 1) {
        world.send(inside, message_out());
        EXPECT_EQ(world.next(world.begun(n, kProved)).method(), "MESSAGE");
    }
    std::string told() {
        SipText answer = world.next_request(inside);
        return answer.start.empty() ? "" : std::to_string(answer.status()) + " " + answer.get("ms-diagnostics-public");
    }
    SipWorld world;
    FakeStream& inside = world.inside();
};

std::string diagnostics(const char* code_and_reason, const char* type, const char* address = "203.0.113.5:5061") {
    return std::string("504 ") + code_and_reason + ";source=\"edge.contoso.local\";ErrorType=\"" + type +
           "\";fqdn=\"sip.partner.example\";address=\"" + address + "\"";
}
constexpr const char* k1010 = "1010;reason=\"Certificate trust with next-hop server could not be established\"";
constexpr const char* k1046 = "1046;reason=\"Failed to connect to a federated peer server\"";
constexpr const char* k1047 = "1047;reason=\"Failed to complete TLS negotiation with a federated peer server\"";

struct Case {
    const char* name;
    Fault fault;
    tcp::CloseReason reason;
    int detail;  // X509_V_ERR_* or alert
    const char* code;
    const char* type;
};
class HopFailures : public testing::TestWithParam<Case> {};

TEST_P(HopFailures, TellTheSenderWhatFailed) {
    const Case& c = GetParam();
    Ends ends;
    ends.world.send(ends.inside, message_out());
    ends.world.fail(1, c.fault, c.reason, c.detail);
    EXPECT_EQ(ends.told(), diagnostics(c.code, c.type));
    EXPECT_EQ(ends.world.attempts, (std::vector<std::string>{"sip.partner.example 203.0.113.5:5061 failed: " +
                                                             std::string(c.code).substr(0, 4)}));
}

constexpr auto kBroken = tcp::CloseReason::broken;
INSTANTIATE_TEST_SUITE_P(
    All, HopFailures,
    testing::Values(Case{"Refused", Fault::not_reached, tcp::CloseReason::refused, -1, k1046, "connect"},
                    Case{"Silent", Fault::not_reached, tcp::CloseReason::timed_out, -1, k1046, "connect"},
                    Case{"Unreachable", Fault::not_reached, tcp::CloseReason::unreachable, -1, k1046, "connect"},
                    Case{"OtherName", Fault::peer_certificate, kBroken, X509_V_ERR_HOSTNAME_MISMATCH, k1010,
                         "the certificate of the peer proves another name"},
                    Case{"Stranger", Fault::peer_certificate, kBroken, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                         k1010, "the certificate of the peer is of no trusted authority"},
                    Case{"Expired", Fault::peer_certificate, kBroken, X509_V_ERR_CERT_HAS_EXPIRED, k1010,
                         "the certificate of the peer has expired"},
                    Case{"Revoked", Fault::peer_certificate, kBroken, X509_V_ERR_CERT_REVOKED, k1010,
                         "the certificate of the peer was revoked"},
                    Case{"Purpose", Fault::peer_certificate, kBroken, X509_V_ERR_INVALID_PURPOSE, k1010,
                         "the certificate of the peer is for another purpose"},
                    Case{"OurPurpose", Fault::own_certificate, kBroken, SSL_AD_UNSUPPORTED_CERTIFICATE, k1010,
                         "the peer refuses our certificate: unsupported certificate (43)"},
                    Case{"Version", Fault::negotiation, kBroken, SSL_AD_PROTOCOL_VERSION, k1047,
                         "the peer sent the alert protocol version (70)"},
                    Case{"NoTls", Fault::negotiation, kBroken, -1, k1047, "the TLS handshake came to nothing"},
                    Case{"Reset", Fault::negotiation, tcp::CloseReason::reset, -1, k1047,
                         "the TLS handshake came to nothing"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(HopFailure, OfSilenceTheSenderIsToldHowFarItCame) {
    Ends ends;
    ends.world.send(ends.inside, message_out());
    ends.world.pass(6s);
    EXPECT_EQ(ends.told(), diagnostics(k1046, "connect"));

    Ends reached;
    reached.world.send(reached.inside, message_out());
    reached.world.begun_info(1).reached = true;
    reached.world.pass(6s);
    EXPECT_EQ(reached.told(), diagnostics(k1047, "the TLS handshake was not finished in time"));
}

TEST(HopFailure, OfSeveralServersTheOneIsToldThatGotFurthest) {
    Ends ends({"203.0.113.5", "203.0.113.6", "203.0.113.7"});
    ends.world.send(ends.inside, message_out());
    ends.world.refuse(1);
    ends.world.fail(2, Fault::peer_certificate, kBroken, X509_V_ERR_CERT_HAS_EXPIRED);
    ends.world.fail(3, Fault::negotiation);
    EXPECT_EQ(ends.told(), diagnostics(k1010, "the certificate of the peer has expired", "203.0.113.6:5061"));
}

TEST(HopFailure, OfDnsTheSenderIsToldForWhichDomain) {
    Ends ends;
    ends.world.send(ends.inside, message_out("nowhere.example"));
    std::string told = ends.told();
    EXPECT_TRUE(told.empty() || told.find("1008") == std::string::npos) << "only of allowed domains: " << told;
    ends.world.dns.clear();
    ends.world.send(ends.inside, message_out());
    EXPECT_EQ(ends.told(),
              "504 1008;reason=\"Unable to resolve DNS SRV "
              "record\";source=\"edge.contoso.local\";domain=\"partner.example\"");
}

// --- refused when it is open: in TLS 1.3 the peer looks at our certificate behind our end of the handshake

TEST(RefusedLate, WhatNobodyHasReadGoesToTheNextServer) {
    Ends ends({"203.0.113.5", "203.0.113.6"});
    ends.sent();
    ends.world.fail(1, Fault::own_certificate, kBroken, SSL_AD_UNSUPPORTED_CERTIFICATE);
    ASSERT_EQ(ends.world.begun(), 3U);
    EXPECT_EQ(ends.world.begun_to(2), endpoint("203.0.113.6:5061"));
    FakeStream& second = ends.world.begun(2, kProved);
    SipText got = ends.world.next(second);
    EXPECT_EQ(got.method(), "MESSAGE");
    EXPECT_EQ(ends.world.next(second).start, "") << "once";
    ends.world.send(second, response_to(got, 200));
    EXPECT_TRUE(ends.told().starts_with("200"));
    EXPECT_EQ(ends.world.count(Counter::sip_sent_again), 1U);
    EXPECT_EQ(ends.world.count(Counter::sip_connect_unwelcome), 1U);
    EXPECT_EQ(ends.world.attempts, (std::vector<std::string>{"sip.partner.example 203.0.113.5:5061 failed: 1010",
                                                             "sip.partner.example 203.0.113.6:5061 good"}));
    EXPECT_EQ(ends.world.proxy().held(), 0U);
}

TEST(RefusedLate, IfAllRefuseTheSenderIsToldAtOnceAndTheyAreLeftAlone) {
    Ends ends({"203.0.113.5", "203.0.113.6"});
    ends.sent();
    ends.world.fail(1, Fault::own_certificate, kBroken, SSL_AD_UNSUPPORTED_CERTIFICATE);
    EXPECT_EQ(ends.world.next(ends.world.begun(2, kProved)).method(), "MESSAGE");
    ends.world.fail(2, Fault::own_certificate, kBroken, SSL_AD_UNKNOWN_CA);
    EXPECT_EQ(ends.told(), diagnostics(k1010, "the peer refuses our certificate: unknown CA (48)", "203.0.113.6:5061"));
    EXPECT_EQ(ends.told(), "") << "once";
    ends.world.send(ends.inside, message_out("partner.example", "next"));
    EXPECT_TRUE(ends.told().starts_with("504 1010;"));
    EXPECT_EQ(ends.world.begun(), 3U) << "nobody is asked again so soon";
    // Those who open and refuse are left alone for longer and longer, as those who do not open.
    size_t tries = 0;
    for (int i = 0; i < 60; i++) {
        ends.world.pass(1s);
        ends.world.send(ends.inside, message_out("partner.example", "again" + std::to_string(i)));
        for (; ends.world.begun() > 3 + tries; tries++) {
            ends.world.begun(3 + tries, kProved);
            ends.world.fail(3 + tries, Fault::own_certificate, kBroken, SSL_AD_UNKNOWN_CA);
        }
        EXPECT_TRUE(ends.told().starts_with("504 1010;")) << i;
    }
    EXPECT_LE(tries, 12U) << "of two servers";
}

TEST(RefusedLate, WhatSomebodyMayHaveReadIsNotSentTwice) {
    Ends ends({"203.0.113.5", "203.0.113.6"});
    ends.sent();
    ends.world.fail(1, Fault::none, tcp::CloseReason::reset);
    EXPECT_EQ(ends.told(), diagnostics(k1047, "the peer closed the connection before it answered"));
    EXPECT_EQ(ends.world.count(Counter::sip_sent_again), 0U);
    // The next one goes to the other server.
    EXPECT_EQ(ends.world.begun_to(2), endpoint("203.0.113.6:5061"));
    EXPECT_EQ(ends.world.next(ends.world.begun(2, kProved)).start, "");
}

TEST(RefusedLate, OnceThePeerHasSpokenItsConnectionsAreLost) {
    Ends ends({"203.0.113.5", "203.0.113.6"});
    ends.sent();
    ends.world.send(ends.world.begun(1, kProved), "\r\n");
    EXPECT_EQ(ends.world.proxy().held(), 0U);
    ends.world.fail(1, Fault::broken);
    EXPECT_EQ(ends.told(), "");
    EXPECT_EQ(ends.world.begun(), 2U);
    EXPECT_EQ(ends.world.count(Counter::sip_connect_unwelcome), 0U);
}

TEST(RefusedLate, CopiesAreBoundedInNumberAndTime) {
    SipPlan plan;
    plan.hold_messages = 8;
    Ends ends({"203.0.113.5"}, plan);
    ends.sent();
    FakeStream& partner = ends.world.begun(1, kProved);
    for (int i = 0; i < 10; i++) {
        ends.world.send(ends.inside, message_out("partner.example", "more" + std::to_string(i)));
        EXPECT_EQ(ends.world.next(partner).method(), "MESSAGE") << i;
    }
    EXPECT_EQ(ends.world.proxy().held(), 2U) << "of half of the room half";
    ends.world.pass(12s);
    EXPECT_EQ(ends.world.proxy().held(), 0U);
    EXPECT_EQ(ends.told(), "") << "it was taken: the sender has a timer of his own";
    partner.reset();
    ends.world.turn();
    EXPECT_EQ(ends.told(), "");
}

TEST(RefusedLate, ByAFrontEndIsATemporaryTrouble) {
    SipWorld world;
    world.turn();
    FakeStream& one = world.begun(0, {"fe1.contoso.com"});
    FakeStream& partner = world.partner();
    world.know("partner.example", "sip.partner.example", {"203.0.113.5"});
    world.send(partner, message_in());
    world.next(one);
    world.fail(0, Fault::own_certificate, kBroken, SSL_AD_UNKNOWN_CA);
    SipText answer = world.next(partner);
    EXPECT_EQ(answer.status(), 503);
    EXPECT_TRUE(answer.get("ms-diagnostics-public").starts_with("1007;")) << answer.get("ms-diagnostics-public");
}

// --- front ends that come back

TEST(LostFrontEnd, IsTriedEverySecondAndUsedAsSoonAsItIsBack) {
    Ends ends;
    ends.world.next_request(ends.inside);
    ends.inside.reset();
    size_t tries = 0;
    for (int i = 0; i < 600; i++) {  // a minute
        ends.world.pass(100ms);
        for (; ends.world.begun() > 1 + tries; tries++) ends.world.refuse(1 + tries);
    }
    EXPECT_GE(tries, 25U);
    EXPECT_LE(tries, 61U);
    ends.world.pass(2s);
    ASSERT_EQ(ends.world.begun(), 2 + tries) << "within two seconds";
    FakeStream& back = ends.world.begun(1 + tries, {"fe1.contoso.com"});
    ends.world.send(ends.world.partner(), message_in());
    EXPECT_EQ(ends.world.next_request(back).method(), "MESSAGE");
}

TEST(LostFrontEnd, TheOnlyOneIsTriedAtOnceWhenItIsNeededButNotForEachRequest) {
    Ends ends;
    FakeStream& partner = ends.world.partner();
    ends.inside.reset();
    ends.world.send(partner, message_in("first"));
    ASSERT_EQ(ends.world.begun(), 2U) << "it was only just lost";
    ends.world.refuse(1);
    EXPECT_EQ(ends.world.next(partner).status(), 503);
    for (int i = 0; i < 20; i++) {
        ends.world.send(partner, message_in("burst" + std::to_string(i)));
        EXPECT_EQ(ends.world.next(partner).status(), 503);
    }
    EXPECT_EQ(ends.world.begun(), 2U);
    ends.world.pass(300ms);
    ends.world.send(partner, message_in("later"));
    ASSERT_EQ(ends.world.begun(), 3U) << "before its rest of a second is over";
    EXPECT_EQ(ends.world.next_request(ends.world.begun(2, {"fe1.contoso.com"})).method(), "MESSAGE");
}

}  // namespace
}  // namespace fedge::signal
