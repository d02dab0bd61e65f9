// A core near its limits: new work is refused with 503 and Retry-After, and what is in progress goes on.
#include <gtest/gtest.h>

#include "tests/support/sip_world.h"

namespace fedge::test {
namespace {

class Overload : public ::testing::Test {
  protected:
    void begin(const SipPlan& plan) {
        world_.emplace(plan);
        world_->know("partner.example", "sip.partner.example", {"203.0.113.5"});
        world_->know("edge.direct.example", "edge.direct.example", {"203.0.113.9"});
        inside_ = &world_->inside();
        partner_ = &world_->partner();
        establish();
    }
    // A call of alice at the partner, which bob has taken.
    void establish() {
        SipText invite = with_method(message_in("call"), "INVITE");
        invite.set("Contact", "<sip:alice@10.9.9.9:5060>");
        world_->send(*partner_, invite);
        SipText got = world_->next_request(*inside_);
        ASSERT_EQ(got.method(), "INVITE");
        waiting_ = response_to(got, 200, "b").add("Contact", "<sip:bob@10.0.0.99>");
        world_->send(*inside_, waiting_);
        SipText taken = world_->next(*partner_);
        ASSERT_EQ(taken.status(), 200);
        routes_ = taken.all("Record-Route");
        ASSERT_FALSE(routes_.empty());
    }
    SipText within(const std::string& method, int number) const {
        SipText out = with_method(message_in("call"), method);
        out.start = method + " sip:bob@10.0.0.99 SIP/2.0";
        out.set("Via", "SIP/2.0/TLS sip.partner.example:5061;branch=z9hG4bK-" + method + std::to_string(number));
        out.set("To", "<sip:bob@contoso.com>;tag=b").set("CSeq", std::to_string(number) + " " + method);
        for (auto route = routes_.rbegin(); route != routes_.rend(); ++route) out.add("Route", *route);
        return out;
    }
    void expect_new_work_refused(uint64_t& refused) {
        for (const char* method : {"INVITE", "MESSAGE", "SUBSCRIBE", "OPTIONS", "NOTIFY"}) {
            SipText request = with_method(message_in(std::string("new-") + method), method);
            world_->send(*partner_, request);
            SipText answer = world_->next(*partner_);
            EXPECT_EQ(answer.status(), 503) << method;
            EXPECT_EQ(answer.get("Retry-After"), "5") << method;
            EXPECT_TRUE(answer.get("ms-diagnostics-public").starts_with("1007;")) << method;
            EXPECT_EQ(world_->next_request(*inside_).start, "") << method;
            EXPECT_EQ(world_->count(Counter::sip_overload), ++refused) << method;
        }
    }
    void expect_dialog_goes_on() {
        int number = 2;
        for (const char* method : {"ACK", "INFO", "INVITE", "UPDATE", "BYE"}) {
            world_->send(*partner_, within(method, number++));
            SipText got = world_->next_request(*inside_);
            ASSERT_EQ(got.method(), method);
            if (got.method() == "ACK") continue;
            world_->send(*inside_, response_to(got, 200));
            EXPECT_EQ(world_->next(*partner_).status(), 200) << method;
        }
        // Of a transaction that was in progress: what ends it.
        world_->send(*partner_, with_method(message_in("call"), "CANCEL"));
        EXPECT_EQ(world_->next_request(*inside_).method(), "CANCEL");
    }

    std::optional<SipWorld> world_;
    FakeStream* inside_ = nullptr;
    FakeStream* partner_ = nullptr;
    SipText waiting_;  // the 200 that took the call
    std::vector<std::string> routes_;
};

TEST_F(Overload, OfBuffersShedsNewWorkFirst) {
    SipPlan plan;
    plan.queue_kb = 1024;
    plan.queues_kb = 1024;
    begin(plan);
    // A partner who does not read.
    world_->send(*inside_, message_out("direct.example", "first"));
    FakeStream& slow = world_->begun(1, {"edge.direct.example"});
    slow.room = 0;
    int sent = 0;
    while (world_->proxy().connections().blocks().used() <= world_->proxy().connections().blocks().most() / 8 * 7) {
        SipText large = message_out("direct.example", "large" + std::to_string(sent));
        large.body = std::string(8000, 'x');
        world_->send(*inside_, large);
        ASSERT_LT(++sent, 200);
    }
    EXPECT_EQ(world_->count(Counter::sip_overload), 0U);
    uint64_t refused = 0;
    expect_new_work_refused(refused);
    expect_dialog_goes_on();
    slow.room = 1 << 20;
    slow.drain();
    world_->turn();
    world_->send(*partner_, message_in("afterwards"));
    EXPECT_EQ(world_->next_request(*inside_).get("Call-ID"), "afterwards");
}

// One that is slow is no reason to refuse what goes to others.
TEST_F(Overload, OfOneReceiverShedsWhatIsNewForIt) {
    SipPlan plan;
    plan.queue_kb = 64;
    begin(plan);
    inside_->room = 0;
    uint64_t refused = 0;
    for (int i = 0; refused == 0; i++) {
        ASSERT_LT(i, 100);
        SipText large = message_in("large" + std::to_string(i));
        large.body = std::string(2000, 'x');
        world_->send(*partner_, large);
        refused = world_->count(Counter::sip_overload);
    }
    EXPECT_EQ(world_->next(*partner_).status(), 503);
    EXPECT_EQ(world_->count(Counter::sip_queue_full), 0U);
    world_->send(*partner_, within("BYE", 2));
    EXPECT_EQ(world_->next(*partner_).start, "") << "it waits with the others";
    inside_->room = 1 << 20;
    inside_->drain();
    std::string last;
    for (SipText got = world_->next_request(*inside_); !got.start.empty(); got = world_->next_request(*inside_))
        last = got.method();
    EXPECT_EQ(last, "BYE");
}

TEST_F(Overload, OfWhatWaitsKeepsRoomForDialogs) {
    SipPlan plan;
    plan.hold_messages = 64;
    plan.discovery = true;
    begin(plan);
    // The front end is lost, and what comes waits until it is back.
    inside_->reset();
    world_->turn();
    for (int i = 0; i < 200 && world_->count(Counter::sip_held_full) == 0; i++) {
        const std::string address = "198.51.100." + std::to_string(i + 1) + ":50000";
        SipText registration = with_method(message_in("register" + std::to_string(i)), "REGISTER");
        registration.start = "REGISTER sip:contoso.com SIP/2.0";
        registration.set("From", "<sip:bob@contoso.com>;tag=r").set("To", "<sip:bob@contoso.com>");
        if (i < 40) {
            FakeStream& client = world_->client(address.c_str());
            world_->send(client, registration);
        } else {
            world_->dns_silent = true;
            FakeStream& other = world_->front_end("fe1.contoso.com");
            world_->send(other, message_out("slow" + std::to_string(i) + ".example"));
            other.reset();
        }
    }
    ASSERT_GT(world_->count(Counter::sip_held_full) + world_->count(Counter::sip_held_share), 0U);
    world_->dns_silent = false;
    uint32_t before = world_->proxy().held();
    world_->send(*partner_, message_in("new"));
    EXPECT_EQ(world_->next(*partner_).status(), 503);
    EXPECT_EQ(world_->proxy().held(), before);
    world_->send(*partner_, within("BYE", 2));
    EXPECT_EQ(world_->next(*partner_).start, "");
    EXPECT_EQ(world_->proxy().held(), before + 1);
    world_->pass(1s);
    FakeStream& back = world_->begun(world_->begun() - 1, {"fe1.contoso.com"});
    bool ended = false;
    for (SipText got = world_->next_request(back); !got.start.empty(); got = world_->next_request(back))
        ended |= got.method() == "BYE";
    EXPECT_TRUE(ended);
}

TEST_F(Overload, OfConnectionsLeavesThoseThatAreThere) {
    SipPlan plan;
    plan.connections = 64;
    begin(plan);
    int came = 0;
    for (int i = 0; i < 80; i++)
        came += world_->client(("198.51.100." + std::to_string(i + 1) + ":50000").c_str()).handler != nullptr;
    EXPECT_EQ(came, 64 - 2 - 1) << "one place is for servers";
    EXPECT_GT(world_->count(Counter::sip_connections_full), 0U);
    expect_dialog_goes_on();
    EXPECT_NE(world_->front_end().handler, nullptr);
    ASSERT_TRUE(world_->proxy().connections().full());
    // New work that needs a connection more is refused, what has one is not.
    world_->send(*inside_, message_out("direct.example", "elsewhere"));
    SipText answer = world_->next_request(*inside_);
    EXPECT_EQ(answer.status(), 503);
    EXPECT_EQ(answer.get("Retry-After"), "5");
    EXPECT_EQ(world_->count(Counter::sip_overload), 1U);
    world_->send(*partner_, message_in("here"));
    EXPECT_EQ(world_->next_request(*inside_).get("Call-ID"), "here");
}

}  // namespace
}  // namespace fedge::test
