// Remote users who fail to register, however they spread it over connections.
#include "dataplane/signal/sip/failed_registrations.h"

#include "tests/support/sip_world.h"

namespace fedge::signal {
namespace {

using namespace test;

IpAddress address(const std::string& text) {
    return IpAddress::parse(text).value();
}

TEST(FailedRegistrationsTest, AreCountedBySourceAndMinute) {
    SeededRandom random(3);
    FailedRegistrations failed(random);
    Instant now = Instant{} + 600s;
    for (int i = 0; i < 5; i++) failed.add(address("198.51.100.7"), now);
    failed.add(address("2001:db8:1:2::1"), now);
    failed.add(address("2001:db8:1:2:ffff::9"), now);
    EXPECT_EQ(failed.count(address("198.51.100.7"), now), 5U);
    EXPECT_EQ(failed.count(address("198.51.100.8"), now), 0U);
    EXPECT_EQ(failed.count(address("2001:db8:1:2::7"), now), 2U) << "a /64 is one source";
    EXPECT_EQ(failed.count(address("2001:db8:1:3::1"), now), 0U);
    failed.forgive(address("198.51.100.7"), 2, now);
    EXPECT_EQ(failed.count(address("198.51.100.7"), now), 3U);
    failed.forgive(address("198.51.100.7"), 20, now);
    EXPECT_EQ(failed.count(address("198.51.100.7"), now), 0U);
    EXPECT_EQ(failed.count(address("2001:db8:1:2::7"), now + 60s), 0U);
    failed.add(address("2001:db8:1:2::7"), now + 60s);
    EXPECT_EQ(failed.count(address("2001:db8:1:2::7"), now + 60s), 1U);
}

TEST(FailedRegistrationsTest, AFloodFromElsewhereHidesNobodyAndBlamesFew) {
    SeededRandom random(4);
    FailedRegistrations failed(random);
    Instant now = Instant{} + 600s;
    for (uint32_t i = 0; i < 1000; i++)
        failed.add(address("203.0." + std::to_string(i / 250) + "." + std::to_string(i % 250)), now);
    failed.add(address("198.51.100.7"), now);
    EXPECT_GE(failed.count(address("198.51.100.7"), now), 1U);
    uint32_t blamed = 0;
    for (int i = 0; i < 250; i++) blamed += failed.count(address("192.0.2." + std::to_string(i)), now) > 0;
    EXPECT_LT(blamed, 20U);
}

class Registering {
  public:
    // A registration of bob with this result.
    void once(FakeStream& user, int status) {
        SipText registration = with_method(message_in("reg"), "REGISTER");
        registration.set("From", "<sip:bob@contoso.com>;tag=r").set("CSeq", std::to_string(++number_) + " REGISTER");
        world.send(user, registration);
        world.send(inside, response_to(world.next_request(inside), status));
        world.next(user);
    }
    SipWorld world;
    FakeStream& inside = world.inside();

  private:
    int number_ = 0;
};

TEST(RegistrationLimit, NewConnectionsGainNothing) {
    Registering r;
    uint32_t tries = 0;
    for (; tries < 100; tries++) {
        FakeStream& user = r.world.client();
        if (!user.handler) break;
        r.once(user, 403);
        if (!user.over()) user.reset();
    }
    EXPECT_EQ(tries, 11U) << "10 may fail, and then one more";
    EXPECT_GE(r.world.count(Counter::sip_registrations_limited), 1U);
    EXPECT_NE(r.world.client("198.51.100.8:50000").handler, nullptr) << "others are not concerned";
    r.world.pass(60s);
    EXPECT_NE(r.world.client().handler, nullptr) << "a minute later";
}

TEST(RegistrationLimit, AnOfficeThatSignsInAtOnceIsNotLimited) {
    Registering r;
    std::vector<FakeStream*> users;
    for (int i = 0; i < 40; i++) users.push_back(&r.world.client());
    for (int leg = 0; leg < 2; leg++)  // NTLM and Kerberos take two challenges
        for (FakeStream* user : users) r.once(*user, 401);
    for (FakeStream* user : users) r.once(*user, 200);
    for (FakeStream* user : users) EXPECT_FALSE(user->over());
    EXPECT_EQ(r.world.count(Counter::sip_registrations_limited), 0U);
    EXPECT_NE(r.world.client().handler, nullptr);
}

TEST(RegistrationLimit, ConnectionsPerSourceAreLimited) {
    SipPlan plan;
    plan.connections = 512;
    SipWorld world(plan);
    world.inside();
    for (int i = 0; i < 256; i++) ASSERT_NE(world.client().handler, nullptr) << i;
    EXPECT_EQ(world.client().handler, nullptr);
    EXPECT_EQ(world.count(Counter::sip_client_limit), 1U);
    EXPECT_NE(world.client("198.51.100.8:50000").handler, nullptr);
    EXPECT_NE(world.partner("sip.partner.example", "198.51.100.7:50000").handler, nullptr) << "servers have no limit";
}

}  // namespace
}  // namespace fedge::signal
