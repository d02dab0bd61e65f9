// Requests that go back on a connection which the other side began (RFC 5923), and those that must not.
#include "tests/support/sip_world.h"

namespace fedge::signal {
namespace {

using namespace test;

const char* const kWithAlias = "SIP/2.0/TLS sip.partner.example:5061;branch=z9hG4bK-a;alias";

class ConnectionReuse : public testing::Test {
  protected:
    SipWorld world_;
    FakeStream* inside_ = nullptr;

    void SetUp() override {
        world_.know("partner.example", "sip.partner.example", {"203.0.113.5"});
        inside_ = &world_.inside();
    }
    // From where, who, and with what Via: a message that is let through, and its answer.
    FakeStream& partner(const char* from, const char* name, const char* via, const char* sender = "partner.example") {
        FakeStream& stream = world_.partner(name, from);
        world_.send(stream, message_in().set("Via", via).set("From", std::string("<sip:alice@") + sender + ">;tag=1"));
        SipText got = world_.next_request(*inside_);
        EXPECT_EQ(got.method(), "MESSAGE");
        world_.send(*inside_, response_to(got, 200));
        EXPECT_EQ(world_.next(stream).status(), 200);
        return stream;
    }
};

TEST_F(ConnectionReuse, RequestsGoBackToWhoSaysAlias) {
    FakeStream& theirs = partner("203.0.113.5:40000", "sip.partner.example", kWithAlias);
    world_.send(*inside_, message_out());
    SipText got = world_.next(theirs);
    ASSERT_EQ(got.start, "MESSAGE sip:alice@partner.example SIP/2.0");
    EXPECT_EQ(world_.begun(), 1U) << "the front end's alone";
    EXPECT_EQ(got.get("Via").find(";alias"), std::string::npos) << "it is they who offered";
    world_.send(theirs, response_to(got, 200));
    EXPECT_EQ(world_.next_request(*inside_).status(), 200);
    // Gone: a connection of our own.
    theirs.reset();
    world_.send(*inside_, message_out("partner.example", "later"));
    ASSERT_EQ(world_.begun(), 2U);
    EXPECT_EQ(world_.next(world_.begun(1, {"sip.partner.example"})).get("Call-ID"), "later");
}

struct NotReused {
    const char* name;
    const char* from;
    const char* proves;
    const char* via;
};
class OwnConnection : public ConnectionReuse, public testing::WithParamInterface<NotReused> {};

TEST_P(OwnConnection, IsBegun) {
    FakeStream& theirs = partner(GetParam().from, GetParam().proves, GetParam().via);
    world_.send(*inside_, message_out());
    EXPECT_EQ(world_.begun(), 2U);
    EXPECT_EQ(world_.next(theirs).start, "");
}
INSTANTIATE_TEST_SUITE_P(
    Where, OwnConnection,
    testing::Values(NotReused{"nobody_said_alias", "203.0.113.5:40000", "sip.partner.example",
                              "SIP/2.0/TLS sip.partner.example:5061;branch=z9hG4bK-a"},
                    NotReused{"it_comes_from_elsewhere", "203.0.113.77:40000", "sip.partner.example", kWithAlias},
                    NotReused{"it_comes_from_elsewhere_and_claims_to_be_there", "203.0.113.77:40000",
                              "sip.partner.example",
                              "SIP/2.0/TLS 203.0.113.5:5061;branch=z9hG4bK-a;alias;received=203.0.113.5"},
                    NotReused{"it_takes_requests_at_another_port", "203.0.113.5:40000", "sip.partner.example",
                              "SIP/2.0/TLS sip.partner.example:5099;branch=z9hG4bK-a;alias"}),
    [](const auto& info) { return std::string(info.param.name); });

// Two organisations at one address: what one has proved says nothing about the other.
TEST_F(ConnectionReuse, AnotherIdentityAtTheSameAddressGetsNothing) {
    world_.know("edge.direct.example", "edge.direct.example", {"203.0.113.5"});
    FakeStream& other = partner("203.0.113.5:40001", "edge.direct.example",
                                "SIP/2.0/TLS edge.direct.example:5061;branch=z9hG4bK-d;alias", "direct.example");
    world_.send(*inside_, message_out());
    ASSERT_EQ(world_.begun(), 2U) << "not on the other's";
    EXPECT_EQ(world_.next(other).start, "");
    EXPECT_EQ(world_.next(world_.begun(1, {"sip.partner.example"})).get("Call-ID"), "call-2");
    // Both offer: each gets its own.
    world_.begun(1, {}).reset();
    FakeStream& theirs = partner("203.0.113.5:40000", "sip.partner.example", kWithAlias);
    world_.send(*inside_, message_out("partner.example", "for-partner"));
    world_.send(*inside_, message_out("direct.example", "for-direct"));
    EXPECT_EQ(world_.next(theirs).get("Call-ID"), "for-partner");
    EXPECT_EQ(world_.next(other).get("Call-ID"), "for-direct");
    EXPECT_EQ(world_.begun(), 2U);
}

// What policy refuses lays no way.
TEST_F(ConnectionReuse, RefusedRequestsOfferNothing) {
    FakeStream& theirs = world_.partner("sip.partner.example", "203.0.113.5:40000");
    SipText refused = message_in().set("Via", kWithAlias);
    refused.start = "MESSAGE sip:bob@elsewhere.example SIP/2.0";
    world_.send(theirs, refused);
    EXPECT_EQ(world_.next(theirs).status(), 404);
    world_.send(*inside_, message_out());
    EXPECT_EQ(world_.begun(), 2U);
}

TEST_F(ConnectionReuse, WeOfferItToPartnersOnWhatWeBegan) {
    world_.send(*inside_, message_out());
    FakeStream& partner = world_.begun(1, {"sip.partner.example"});
    SipText got = world_.next(partner);
    EXPECT_NE(got.get("Via").find(";alias"), std::string::npos) << got.get("Via");
    // What comes back there is judged by what the partner has proved, as anywhere.
    world_.send(partner, message_in("back"));
    SipText back = world_.next_request(*inside_);
    EXPECT_EQ(back.get("Call-ID"), "back");
    EXPECT_EQ(back.get("Via").find(";alias"), std::string::npos) << "front ends connect to us themselves";
    world_.send(partner, message_in("forged").set("From", "<sip:eve@direct.example>;tag=1"));
    EXPECT_EQ(world_.next_request(*inside_).start, "");
    EXPECT_EQ(world_.count(Counter::policy_certificate), 1U);
}

// Responses to a partner whose connection has ended go to who proves the same, and to nobody who proves a part of it.
TEST_F(ConnectionReuse, IdentityIsAllThatWasProved) {
    FakeStream& first = world_.come(PeerKind::partner, "203.0.113.5:40000", {"sip.partner.example", "partner.example"});
    world_.send(first, message_in());
    SipText got = world_.next_request(*inside_);
    first.reset();
    FakeStream& joined = world_.partner("sip.partner.examplepartner.example", "203.0.113.66:40000");
    FakeStream& part = world_.partner("partner.example", "203.0.113.67:40000");
    world_.send(*inside_, response_to(got, 180));
    EXPECT_EQ(world_.count(Counter::sip_flow_gone), 1U);
    FakeStream& same = world_.come(PeerKind::partner, "203.0.113.5:40001", {"sip.partner.example", "partner.example"});
    world_.send(*inside_, response_to(got, 200));
    EXPECT_EQ(world_.next(same).status(), 200);
    EXPECT_EQ(world_.next(joined).start, "");
    EXPECT_EQ(world_.next(part).start, "");
}

}  // namespace
}  // namespace fedge::signal
