// Outbound evaluation, step by step.
#include "dataplane/policy/outbound.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/policy/world.h"

namespace fedge::policy {
namespace {

using namespace test;

struct Case {
    const char* title;
    std::function<void(World&)> arrange;
    Request request;
    Reason reason;
    PartnerType type = PartnerType::none;
    const char* host = "";  // of the next hop
    std::vector<std::string> asked = {};
    bool transit = false;
};

void PrintTo(const Case& one, std::ostream* out) {
    *out << one.title;
}

class OutboundStep : public testing::TestWithParam<Case> {};

TEST_P(OutboundStep, DecidesAsTheSpecificationSays) {
    const Case& one = GetParam();
    World world;
    if (one.arrange) one.arrange(world);
    Decision decision = world.out(one.request, one.transit);
    EXPECT_EQ(facts(decision.reason).name, facts(one.reason).name);
    EXPECT_EQ(decision.outcome, facts(one.reason).outcome);
    EXPECT_EQ(name(decision.type), name(one.type));
    EXPECT_EQ(decision.hop.host, one.host);
    EXPECT_EQ(world.asked, one.asked);
}

void partner(World& world) {
    world.allow("partner.example");
    world.found("partner.example", {"sip.partner.example"});
}
void direct(World& world) {
    world.allow("direct.example", "edge.hoster.example");
    world.found("edge.hoster.example", {"edge.hoster.example"});
}
contract::ProviderT& hoster(World& world) {
    world.found("customer.example", {"sipfed.hoster.example"});
    world.found("sipfed.hoster.example", {"sipfed.hoster.example"});
    return world.add_provider("Hoster", "sipfed.hoster.example");
}
contract::ProviderT& messenger(World& world) {
    contract::ProviderT& provider = world.add_provider("Messenger", "federation.messenger.example");
    provider.public_im = true;
    provider.capabilities = Capability::im | Capability::presence;
    world.found("msn.example", {"federation.messenger.example"});
    return provider;
}

const Case kCases[] = {
    {"federation is off",
     [](World& w) {
         partner(w);
         w.federation.enabled = false;
     },
     message("local.example", "partner.example"), Reason::out_federation_off},
    {"not a user of ours", partner, message("elsewhere.example", "partner.example"), Reason::out_foreign_source},
    {"no domain", partner, message("local.example", "192.0.2.1"), Reason::out_malformed_target},
    {"no source", partner, message("", "partner.example"), Reason::out_malformed_source},
    {"PUBLISH", partner, message("local.example", "partner.example", Content::internal), Reason::out_request_type},
    {"1: no policy allows anything", partner, message("site.example", "partner.example"), Reason::out_no_access},
    {"1: user beats site",
     [](World& w) {
         partner(w);
         w.user("alice@site.example", Access::federation);
     },
     message("site.example", "partner.example"),
     Reason::out_routed,
     PartnerType::allowed,
     "",
     {"partner.example"}},
    {"1: public IM is not federation",
     [](World& w) {
         partner(w);
         w.user("alice@local.example", Access::public_im);
     },
     message("local.example", "partner.example"),
     Reason::out_no_access,
     PartnerType::allowed,
     "",
     {"partner.example"}},
    {"1: federation is not public IM",
     [](World& w) {
         messenger(w);
         w.user("alice@local.example", Access::federation);
     },
     message("local.example", "msn.example"),
     Reason::out_no_public_access,
     PartnerType::public_provider,
     "",
     {"msn.example"}},
    {"1: XMPP needs both flags",
     [](World& w) {
         partner(w);
         w.user("alice@local.example", Access::federation);
     },
     message("local.example", "partner.example", Content::im, SourceMark::missing, Protocol::xmpp),
     Reason::out_no_xmpp_access,
     PartnerType::allowed,
     "",
     {"partner.example"}},
    {"1: public video where there is none",
     [](World& w) {
         messenger(w);
         w.user("alice@local.example", Access::public_im | Access::public_im_av);
     },
     message("local.example", "msn.example", Content::video),
     Reason::out_capability,
     PartnerType::public_provider,
     "",
     {"msn.example"}},
    {"1: public audio without its flag",
     [](World& w) { messenger(w).capabilities = Capability::audio; },
     message("local.example", "msn.example", Content::audio),
     Reason::out_no_public_av_access,
     PartnerType::public_provider,
     "",
     {"msn.example"}},
    {"2: blocked", [](World& w) { w.block("partner.example"); }, message("local.example", "partner.example"),
     Reason::out_blocked_domain},
    {"2: below a blocked domain",
     [](World& w) {
         w.block("partner.example");
         w.federation.discovery = true;
     },
     message("local.example", "it.partner.example"), Reason::out_blocked_domain},
    {"2: blocked by pattern", [](World& w) { w.add_pattern("*.bad.example", true); },
     message("local.example", "very.bad.example"), Reason::out_blocked_domain},
    {"3: server of the partner",
     direct,
     message("local.example", "direct.example"),
     Reason::out_routed,
     PartnerType::direct,
     "edge.hoster.example",
     {"edge.hoster.example"}},
    {"3: server without an address",
     [](World& w) { w.allow("direct.example", "edge.hoster.example"); },
     message("local.example", "direct.example"),
     Reason::out_server_not_found,
     PartnerType::direct,
     "",
     {"edge.hoster.example"}},
    {"3: server with an internal address",
     [](World& w) {
         direct(w);
         w.dns["edge.hoster.example"] = {Finding::refused, {}, 0};
     },
     message("local.example", "direct.example"),
     Reason::out_server_refused,
     PartnerType::direct,
     "",
     {"edge.hoster.example"}},
    {"3: server, DNS fails",
     [](World& w) {
         direct(w);
         w.dns["edge.hoster.example"] = {Finding::failed, {}, 0};
     },
     message("local.example", "direct.example"),
     Reason::out_server_dns_failed,
     PartnerType::direct,
     "",
     {"edge.hoster.example"}},
    {"3: the named server is a provider's",
     [](World& w) {
         hoster(w);
         w.allow("typed.example", "sipfed.hoster.example");
     },
     message("local.example", "typed.example"),
     Reason::out_routed,
     PartnerType::hosting_provider,
     "sipfed.hoster.example",
     {"sipfed.hoster.example"}},
    {"3: default route for everybody",
     [](World& w) {
         w.federation.default_route = "clearing.example";
         w.found("clearing.example", {"clearing.example"});
     },
     message("local.example", "anybody.example"),
     Reason::out_routed,
     PartnerType::default_route,
     "clearing.example",
     {"clearing.example"}},
    {"3: default route before the named server",
     [](World& w) {
         direct(w);
         w.federation.default_route = "clearing.example";
         w.found("clearing.example", {"clearing.example"});
     },
     message("local.example", "direct.example"),
     Reason::out_routed,
     PartnerType::default_route,
     "clearing.example",
     {"clearing.example"}},
    {"3: default route, blocked domain",
     [](World& w) {
         w.federation.default_route = "clearing.example";
         w.block("anybody.example");
     },
     message("local.example", "anybody.example"), Reason::out_blocked_domain},
    {"4: SRV of an allowed domain",
     partner,
     message("local.example", "partner.example"),
     Reason::out_routed,
     PartnerType::allowed,
     "",
     {"partner.example"}},
    {"4: allowed, no SRV",
     [](World& w) { w.allow("partner.example"); },
     message("local.example", "partner.example"),
     Reason::out_not_found,
     PartnerType::none,
     "",
     {"partner.example"}},
    {"4: allowed, SRV out of the namespace",
     [](World& w) {
         partner(w);
         w.found("partner.example", {"sip.other.example"});
     },
     message("local.example", "partner.example"),
     Reason::out_namespace,
     PartnerType::none,
     "",
     {"partner.example"}},
    {"4: allowed, nothing that may be connected to",
     [](World& w) {
         partner(w);
         w.dns["partner.example"] = {Finding::refused, {}, 0};
     },
     message("local.example", "partner.example"),
     Reason::out_target_refused,
     PartnerType::none,
     "",
     {"partner.example"}},
    {"4: allowed, DNS fails",
     [](World& w) {
         partner(w);
         w.dns["partner.example"] = {Finding::failed, {}, 0};
     },
     message("local.example", "partner.example"),
     Reason::out_dns_failed,
     PartnerType::none,
     "",
     {"partner.example"}},
    {"4: allowed domain at a provider: the provider's rules",
     [](World& w) {
         hoster(w);
         w.allow("customer.example");
     },
     message("local.example", "customer.example"),
     Reason::out_routed,
     PartnerType::hosting_provider,
     "sipfed.hoster.example",
     {"customer.example", "customer.example"}},
    {"5: discovery on",
     [](World& w) {
         partner(w);
         w.entries.clear();
         w.federation.discovery = true;
     },
     message("local.example", "partner.example"),
     Reason::out_routed,
     PartnerType::discovered,
     "",
     {"partner.example"}},
    {"5: discovery on, a provider's domain",
     [](World& w) {
         hoster(w);
         w.federation.discovery = true;
     },
     message("local.example", "customer.example"),
     Reason::out_routed,
     PartnerType::hosting_provider,
     "sipfed.hoster.example",
     {"customer.example", "customer.example"}},
    {"5: discovery on, out of the namespace, and no provider's",
     [](World& w) {
         hoster(w);
         w.federation.discovery = true;
         w.found("odd.example", {"sip.other.example"});
     },
     message("local.example", "odd.example"),
     Reason::out_namespace,
     PartnerType::discovered,
     "",
     {"odd.example", "odd.example"}},
    {"6: discovery off",
     [](World& w) {
         partner(w);
         w.entries.clear();
     },
     message("local.example", "partner.example"), Reason::out_unknown_domain},
    {"6: discovery off, a provider's domain",
     [](World& w) { hoster(w); },
     message("local.example", "customer.example"),
     Reason::out_routed,
     PartnerType::hosting_provider,
     "sipfed.hoster.example",
     {"customer.example"}},
    {"6: discovery off, no provider's domain",
     [](World& w) {
         hoster(w);
         w.found("odd.example", {"sip.odd.example"});
     },
     message("local.example", "odd.example"),
     Reason::out_unknown_domain,
     PartnerType::none,
     "",
     {"odd.example"}},
    {"our own domain, shared with a provider",
     [](World& w) { hoster(w).shared_address_space = true; },
     message("local.example", "local.example"),
     Reason::out_routed,
     PartnerType::hosting_provider,
     "sipfed.hoster.example",
     {"sipfed.hoster.example"}},
    {"our own domain, shared by users without a policy",
     [](World& w) { hoster(w).shared_address_space = true; },
     message("site.example", "site.example"),
     Reason::out_routed,
     PartnerType::hosting_provider,
     "sipfed.hoster.example",
     {"sipfed.hoster.example"}},
    {"our own domain, shared with nobody", [](World& w) { hoster(w); }, message("local.example", "local.example"),
     Reason::out_own_target},
    {"clearing house: a partner's message for another",
     partner,
     message("other.example", "partner.example"),
     Reason::out_routed,
     PartnerType::allowed,
     "",
     {"partner.example"},
     true},
    {"clearing house: for a blocked one",
     [](World& w) { w.block("partner.example"); },
     message("other.example", "partner.example"),
     Reason::out_blocked_domain,
     PartnerType::none,
     "",
     {},
     true},
};

INSTANTIATE_TEST_SUITE_P(All, OutboundStep, testing::ValuesIn(kCases));

TEST(Outbound, SharedDomainsGoToTheProviderThatHostsUsers) {
    World world;
    world.add_provider("Mail", "mail.hoster.example").shared_address_space = true;
    auto& users = world.add_provider("Users", "users.hoster.example");
    users.shared_address_space = users.hosts_users = true;
    world.found("users.hoster.example", {"users.hoster.example"});
    EXPECT_EQ(world.out(message("local.example", "local.example")).hop.host, "users.hoster.example");
}

TEST(Outbound, TargetsOutsideOfTheNamespaceAreNotConnectedTo) {
    World world;
    partner(world);
    world.found("partner.example", {"sip.partner.example", "sip.other.example"});
    Decision decision = world.out(message("local.example", "partner.example"));
    EXPECT_TRUE(decision.hop.accepts("sip.partner.example", decision.target.view()));
    EXPECT_FALSE(decision.hop.accepts("sip.other.example", decision.target.view()));
}

TEST(Outbound, OnlyTheProvidersServerIsConnectedTo) {
    World world;
    hoster(world);
    world.found("customer.example", {"sipfed.hoster.example", "sip.customer.example"});
    Decision decision = world.out(message("local.example", "customer.example"));
    EXPECT_TRUE(decision.hop.accepts("sipfed.hoster.example", decision.target.view()));
    EXPECT_FALSE(decision.hop.accepts("sip.customer.example", decision.target.view()));
}

TEST(Outbound, MarksOurUsersAsVerifiedUnlessToldNotTo) {
    World world;
    partner(world);
    EXPECT_TRUE(world.out(message("local.example", "partner.example")).verified);
    EXPECT_FALSE(world.out(message("other.example", "partner.example"), true).verified);
    world.federation.mark_source_verified = false;
    EXPECT_FALSE(world.out(message("local.example", "partner.example")).verified);
}

// Verification levels never limit whom our users may reach.
TEST(Outbound, VerificationLevelsDoNotMatter) {
    for (Verification level :
         {Verification::always_verifiable, Verification::always_unverifiable, Verification::use_source}) {
        World world;
        world.allow("partner.example", "", level);
        world.found("partner.example", {"sip.partner.example"});
        EXPECT_TRUE(world.out(message("local.example", "partner.example")).accepted());
    }
}

TEST(Outbound, CarriesThePurposeThatTheNextHopMustHave) {
    World world;
    world.allow("partner.example", "", Verification::use_source, Purpose::sip_domain);
    world.found("partner.example", {"sip.partner.example"});
    hoster(world).purpose = Purpose::client_strict;
    EXPECT_EQ(world.out(message("local.example", "partner.example")).purpose, Purpose::sip_domain);
    EXPECT_EQ(world.out(message("local.example", "customer.example")).purpose, Purpose::client_strict);
}

}  // namespace
}  // namespace fedge::policy
