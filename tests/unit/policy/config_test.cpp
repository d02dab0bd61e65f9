#include "dataplane/policy/config.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/unit/policy/world.h"

namespace fedge::policy {
namespace {

using namespace test;

std::string refusal(World& world) {
    try {
        world.view();
    } catch (const std::runtime_error& e) {
        return e.what();
    }
    return "accepted";
}

TEST(PolicyConfig, WithoutFederationNothingPasses) {
    Config config;
    View view{config, {}, nullptr};
    tls::PeerNames names = dns({"sip.partner.example"});
    EXPECT_EQ(inbound(view, Peer(config, names, {}), message("partner.example", "local.example")).reason,
              Reason::federation_off);
    EXPECT_EQ(outbound(view, message("local.example", "partner.example")).reason, Reason::out_federation_off);
}

TEST(PolicyConfig, WhatIsRefused) {
    struct Case {
        const char* title;
        void (*arrange)(World&);
        const char* why;
    };
    const Case cases[] = {
        {"good", [](World&) {}, "accepted"},
        {"two providers with one proxy",
         [](World& w) {
             w.add_provider("A", "p.example");
             w.add_provider("B", "p.example");
         },
         "two providers have the proxy p.example"},
        {"proxy in capitals", [](World& w) { w.add_provider("A", "P.example"); },
         "provider's proxy \"P.example\" is no domain name"},
        {"default route and discovery",
         [](World& w) {
             w.federation.default_route = "d.example";
             w.federation.discovery = true;
         },
         "a default route excludes discovery and providers"},
        {"default route and providers",
         [](World& w) {
             w.federation.default_route = "d.example";
             w.add_provider("A", "p.example");
         },
         "a default route excludes discovery and providers"},
        {"a domain of ours twice", [](World& w) { w.add_domain("local.example", "", Access::NONE); },
         "domain of ours local.example is there twice"},
        {"a domain of ours that is none", [](World& w) { w.add_domain("192.0.2.1", "", Access::NONE); },
         "domain of ours \"192.0.2.1\" is no domain name"},
        {"access name", [](World& w) { w.federation.access_names.push_back("*.example"); },
         "access name \"*.example\" is no domain name"},
    };
    for (const Case& one : cases) {
        World world;
        one.arrange(world);
        EXPECT_EQ(refusal(world), one.why) << one.title;
    }
    World world;
    world.add_pattern("*.a.example", false);
    world.federation.patterns.back()->expression = "(";
    EXPECT_NE(refusal(world).find("pattern \"*.a.example\""), std::string::npos) << refusal(world);
}

TEST(PolicyConfig, RemoteUsersNeedBothLocks) {
    for (bool edge : {false, true})
        for (bool user : {false, true}) {
            World world;
            world.federation.outside_users = edge;
            world.user("bob@local.example", user ? Access::outside : Access::federation);
            EXPECT_EQ(may_be_outside(world.view(), "bob", "local.example"), edge && user);
        }
}

TEST(PolicyConfig, UsersOutsideOfEveryDomainHaveTheGlobalPolicy) {
    World world;
    world.federation.access = Access::federation;
    UserAccess access = access_of(world.view(), "bob", "nowhere.example");
    EXPECT_EQ(access.access, Access::federation);
    EXPECT_EQ(access.scope, PolicyScope::global);
    // An address that is too long for the table has no policy of its own, and no crash.
    EXPECT_EQ(access_of(world.view(), std::string(600, 'u'), "local.example").scope, PolicyScope::global);
}

}  // namespace
}  // namespace fedge::policy
