// Decorated names of a public IM provider in the path of the proxy: msn.example, with accounts of hosted.example.
#include "tests/support/sip_world.h"

namespace fedge::signal {
namespace {

using namespace test;

struct Provider {
    static SipPlan plan() {
        SipPlan out;
        out.provider = true;
        return out;
    }
    Provider() {
        for (const char* domain : {"federation.messenger.example", "msn.example", "found.example", "outlook.example"})
            world.know(domain, "federation.messenger.example", {"203.0.113.77"});
    }
    // The provider, that connects to us.
    FakeStream& connected() { return world.partner("federation.messenger.example", "203.0.113.77:40000"); }
    // ... that we connect to.
    FakeStream& begun() { return world.begun(1, {"federation.messenger.example"}); }
    SipWorld world{plan()};
    FakeStream& inside = world.inside();
};

SipText from_provider(const std::string& user_and_domain) {
    SipText out = message_in();
    return out.set("From", "\"Alice\" <sip:" + user_and_domain + ";x=1>;tag=a1;y=2");
}

TEST(SipNames, AccountsElsewhereAreDecoratedOnTheWayOutAndBackInResponses) {
    Provider p;
    SipText message = message_out("hosted.example");
    message.start = "MESSAGE sip:alice@hosted.example;x=1 SIP/2.0";
    message.set("To", "\"Alice A.\" <sip:alice@hosted.example>");
    p.world.send(p.inside, message);
    EXPECT_EQ(p.world.asked.back(), "federation.messenger.example");
    SipText got = p.world.next(p.begun());
    EXPECT_EQ(got.start, "MESSAGE sip:alice(hosted.example)@msn.example;x=1 SIP/2.0");
    EXPECT_EQ(got.get("To"), "\"Alice A.\" <sip:alice(hosted.example)@msn.example>");
    EXPECT_EQ(got.get("From"), "<sip:bob@contoso.com>;tag=b1") << "our own name is our own";
    p.world.send(p.begun(), response_to(got, 200));
    SipText answer = p.world.next_request(p.inside);
    EXPECT_EQ(answer.status(), 200);
    EXPECT_EQ(answer.get("To"), "\"Alice A.\" <sip:alice@hosted.example>;tag=answer");
    EXPECT_EQ(answer.all("Via").size(), 1U);
}

TEST(SipNames, DomainsOfTheProviderAreWrittenAsTheyAre) {
    Provider p;
    for (const char* domain : {"msn.example", "outlook.example"}) {
        p.world.send(p.inside, message_out(domain, domain));
        SipText got = p.world.next(p.begun());
        EXPECT_EQ(got.start, std::string("MESSAGE sip:alice@") + domain + " SIP/2.0");
        EXPECT_EQ(got.get("Via").find(";n="), std::string::npos);
    }
}

TEST(SipNames, DecoratedByTheUserStaysAsItIsBothWays) {
    Provider p;
    SipText message = message_out("msn.example");
    message.start = "MESSAGE sip:alice(hosted.example)@msn.example SIP/2.0";
    message.set("To", "<sip:alice(hosted.example)@msn.example>");
    p.world.send(p.inside, message);
    SipText got = p.world.next(p.begun());
    EXPECT_EQ(got.start, message.start);
    p.world.send(p.begun(), response_to(got, 200));
    EXPECT_EQ(p.world.next_request(p.inside).get("To"), "<sip:alice(hosted.example)@msn.example>;tag=answer");
}

TEST(SipNames, WhatComesFromTheProviderComesFromTheAccount) {
    Provider p;
    FakeStream& provider = p.connected();
    p.world.send(provider, from_provider("alice(hosted.example)@msn.example"));
    SipText got = p.world.next_request(p.inside);
    EXPECT_EQ(got.get("From"), "\"Alice\" <sip:alice@hosted.example;x=1>;tag=a1;y=2");
    p.world.send(p.inside, response_to(got, 200));
    SipText answer = p.world.next(provider);
    EXPECT_EQ(answer.status(), 200);
    EXPECT_EQ(answer.get("From"), "\"Alice\" <sip:alice(hosted.example)@msn.example;x=1>;tag=a1;y=2");
}

TEST(SipNames, NobodyAtTheProviderSpeaksInTheNameOfOthers) {
    Provider p;
    FakeStream& provider = p.connected();
    // Of ours, of another partner, of a domain that nobody has said is there.
    for (const char* name : {"ceo(contoso.com)@msn.example", "alice(partner.example)@msn.example",
                             "alice(direct.example)@msn.example", "alice(found.example)@msn.example"}) {
        p.world.send(provider, from_provider(name).set("Call-ID", name));
        EXPECT_EQ(p.world.next_request(p.inside).get("From"),
                  std::string("\"Alice\" <sip:") + name + ";x=1>;tag=a1;y=2");
    }
}

TEST(SipNames, BlockedDomainsStayBlockedUnderDecoratedNames) {
    Provider p;
    FakeStream& provider = p.connected();
    p.world.send(provider, from_provider("eve(it.blocked.example)@msn.example"));
    EXPECT_EQ(p.world.next_request(p.inside).start, "");
    EXPECT_EQ(p.world.next(provider).start, "");
    EXPECT_EQ(p.world.count(Counter::policy_blocked), 1U);
    SipText out = message_out("msn.example");
    out.start = "MESSAGE sip:eve(blocked.example)@msn.example SIP/2.0";
    p.world.send(p.inside, out);
    EXPECT_EQ(p.world.next_request(p.inside).status(), 404);
    EXPECT_EQ(p.world.count(Counter::policy_blocked), 2U);
}

TEST(SipNames, WithinADialogOnlyTheAddressOfRecordChanges) {
    Provider p;
    SipText invite = with_method(message_out("hosted.example", "d"), "INVITE").add("Contact", "<sip:bob@10.0.0.77>");
    invite.body.clear();
    invite.remove("Content-Type");
    p.world.send(p.inside, invite);
    SipText got = p.world.next(p.begun());
    ASSERT_EQ(got.method(), "INVITE");
    p.world.send(p.begun(), response_to(got, 200).add("Contact", "<sip:alice(hosted.example)@msn.example;opaque=1>"));
    SipText ok = p.world.next_request(p.inside);
    EXPECT_EQ(ok.get("To"), "<sip:alice@hosted.example>;tag=answer");
    auto records = ok.all("Record-Route");
    ASSERT_EQ(records.size(), 2U);

    SipText bye = with_method(message_out("hosted.example", "d"), "BYE").set("CSeq", "2 BYE");
    bye.start = "BYE sip:alice(hosted.example)@msn.example;opaque=1 SIP/2.0";
    bye.set("To", ok.get("To")).add("Route", records[1]).add("Route", records[0]);
    bye.body.clear();
    p.world.send(p.inside, bye);
    SipText byed = p.world.next(p.begun());
    EXPECT_EQ(byed.start, "BYE sip:alice(hosted.example)@msn.example;opaque=1 SIP/2.0");
    EXPECT_EQ(byed.get("To"), "<sip:alice(hosted.example)@msn.example>;tag=answer");
}

TEST(SipNames, ANameThatCannotBeDecoratedIsRefused) {
    Provider p;
    SipText message = message_out("hosted.example");
    message.start = "MESSAGE sip:" + std::string(900, 'a') + "@hosted.example SIP/2.0";
    p.world.send(p.inside, message);
    p.begun();
    EXPECT_EQ(p.world.next_request(p.inside).status(), 404);
}

TEST(SipNames, AForgedNoteInAResponseChangesNothingThatMatters) {
    Provider p;
    p.world.know("partner.example", "sip.partner.example", {"203.0.113.5"});
    FakeStream& partner = p.world.partner();
    p.world.send(partner, message_in());
    SipText got = p.world.next_request(p.inside);
    SipText answer = response_to(got, 200);
    answer.headers[0].second += ";n=nowhere.example";
    p.world.send(p.inside, answer);
    EXPECT_EQ(p.world.next(partner).get("From"), "<sip:alice@partner.example>;tag=a1");
}

}  // namespace
}  // namespace fedge::signal
