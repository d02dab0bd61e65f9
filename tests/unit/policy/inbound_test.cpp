// Inbound evaluation, step by step.
#include "dataplane/policy/inbound.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/policy/world.h"

namespace fedge::policy {
namespace {

using namespace test;

struct Case {
    const char* title;
    std::function<void(World&)> arrange;
    tls::PeerNames names;
    Request request;
    Reason reason;
    PartnerType type = PartnerType::none;
    TrustClass fixed = TrustClass::none;
    Usages usages = {};
};

void PrintTo(const Case& one, std::ostream* out) {
    *out << one.title;
}

class InboundStep : public testing::TestWithParam<Case> {};

TEST_P(InboundStep, DecidesAsTheSpecificationSays) {
    const Case& one = GetParam();
    World world;
    if (one.arrange) one.arrange(world);
    Decision decision = world.in(one.names, one.request, one.fixed, one.usages);
    EXPECT_EQ(facts(decision.reason).name, facts(one.reason).name);
    EXPECT_EQ(decision.outcome, facts(one.reason).outcome);
    if (decision.accepted() || one.type != PartnerType::none) {
        EXPECT_EQ(name(decision.type), name(one.type));
    }
}

void partner(World& world) {
    world.allow("partner.example");
    world.found("partner.example", {"sip.partner.example"});
}
void direct(World& world) {
    world.allow("direct.example", "edge.hoster.example");
}
void discovery(World& world) {
    world.federation.discovery = true;
    world.found("stranger.example", {"sip.stranger.example"});
}
contract::ProviderT& hoster(World& world) {
    contract::ProviderT& provider = world.add_provider("Hoster", "sipfed.hoster.example");
    provider.verification = Verification::always_verifiable;
    world.found("customer.example", {"sipfed.hoster.example"});
    return provider;
}
contract::ProviderT& messenger(World& world) {
    contract::ProviderT& provider = world.add_provider("Messenger", "federation.messenger.example");
    provider.public_im = true;
    provider.verification = Verification::always_unverifiable;
    provider.capabilities = Capability::im | Capability::presence | Capability::audio;
    world.found("msn.example", {"federation.messenger.example"});
    return provider;
}
Usages only_client() {
    return {true, false, true, false, false};
}
Usages only_server() {
    return {true, true, false, false, false};
}

const tls::PeerNames kPartner = dns({"sip.partner.example"});
const tls::PeerNames kStranger = dns({"sip.stranger.example"});
const tls::PeerNames kHoster = dns({"sipfed.hoster.example"});
const tls::PeerNames kMessenger = dns({"federation.messenger.example"});
const tls::PeerNames kDirect = dns({"edge.hoster.example"});

const Case kEarly[] = {
    {"1: no name proved", partner, {}, message("partner.example", "local.example"), Reason::no_certificate},
    {"3: From is an address", partner, kPartner, message("192.0.2.1", "local.example"), Reason::malformed_source},
    {"3: From in U-labels", partner, kPartner,
     message("b\xc3\xbc"
             "cher.example",
             "local.example"),
     Reason::malformed_source},
    {"3: no target", partner, kPartner, message("partner.example", ""), Reason::malformed_target},
    {"3: SERVICE from outside", partner, kPartner, message("partner.example", "local.example", Content::internal),
     Reason::request_type},
    {"3: capitals and a final dot are the same name", partner, kPartner, message("PARTNER.example.", "LOCAL.Example"),
     Reason::delivered, PartnerType::allowed},
    {"4: federation is off",
     [](World& w) {
         partner(w);
         w.federation.enabled = false;
     },
     kPartner, message("partner.example", "local.example"), Reason::federation_off},
    {"5: target not ours", partner, kPartner, message("partner.example", "elsewhere.example"), Reason::foreign_target},
    {"5: below a domain of ours is not ours", partner, kPartner, message("partner.example", "sub.local.example"),
     Reason::foreign_target},
    {"5: target not ours, clearing house",
     [](World& w) {
         partner(w);
         w.federation.clearing_house = true;
     },
     kPartner, message("partner.example", "elsewhere.example"), Reason::forwarded, PartnerType::allowed},
    {"6: from our own domain", partner, kPartner, message("local.example", "local.example"), Reason::own_source},
    {"6: from our own domain by a provider that shares nothing", [](World& w) { hoster(w); }, kHoster,
     message("local.example", "local.example"), Reason::own_source},
    {"6: from our own domain by the provider that shares it", [](World& w) { hoster(w).shared_address_space = true; },
     kHoster, message("local.example", "local.example"), Reason::delivered, PartnerType::hosting_provider},
    {"6: from our own domain by a partner beside that provider",
     [](World& w) {
         partner(w);
         hoster(w).shared_address_space = true;
     },
     kPartner, message("local.example", "local.example"), Reason::own_source},
    {"7: blocked", [](World& w) { w.block("partner.example"); }, kPartner, message("partner.example", "local.example"),
     Reason::blocked_source},
    {"7: below a blocked domain", [](World& w) { w.block("partner.example"); }, dns({"sip.it.partner.example"}),
     message("it.partner.example", "local.example"), Reason::blocked_source},
    {"7: the blocked name is only the end of a label",
     [](World& w) {
         w.block("partner.example");
         w.allow("notpartner.example");
         w.found("notpartner.example", {"sip.notpartner.example"});
     },
     dns({"sip.notpartner.example"}), message("notpartner.example", "local.example"), Reason::delivered,
     PartnerType::allowed},
    {"7: blocked below an allowed domain",
     [](World& w) {
         partner(w);
         w.block("it.partner.example");
     },
     kPartner, message("it.partner.example", "local.example"), Reason::blocked_source},
    {"7: allowed below a blocked domain",
     [](World& w) {
         w.block("example");
         partner(w);
     },
     kPartner, message("partner.example", "local.example"), Reason::delivered, PartnerType::allowed},
    {"7: blocked beats a provider",
     [](World& w) {
         hoster(w);
         w.block("customer.example");
     },
     kHoster, message("customer.example", "local.example"), Reason::blocked_source},
    {"7: blocked by a pattern",
     [](World& w) {
         discovery(w);
         w.add_pattern("stranger*.example", true);
     },
     kStranger, message("stranger.example", "local.example"), Reason::blocked_source},
    {"7: an entry by name beats a pattern",
     [](World& w) {
         partner(w);
         w.add_pattern("partner*.example", true);
     },
     kPartner, message("partner.example", "local.example"), Reason::delivered, PartnerType::allowed},
};

const Case kProof[] = {
    {"8: provider, SRV names it", [](World& w) { hoster(w); }, kHoster, message("customer.example", "local.example"),
     Reason::delivered, PartnerType::hosting_provider},
    {"8: provider, SRV names another",
     [](World& w) {
         hoster(w);
         w.found("other.example", {"sip.other.example"});
     },
     kHoster, message("other.example", "local.example"), Reason::provider_domain},
    {"8: provider, no SRV", [](World& w) { hoster(w); }, kHoster, message("nowhere.example", "local.example"),
     Reason::provider_domain},
    {"8: provider, server typed in for the domain",
     [](World& w) {
         hoster(w);
         w.allow("typed.example", "sipfed.hoster.example");
     },
     kHoster, message("typed.example", "local.example"), Reason::delivered, PartnerType::hosting_provider},
    {"8: provider speaks for a direct partner",
     [](World& w) {
         hoster(w);
         direct(w);
         w.found("direct.example", {"sipfed.hoster.example"});
     },
     kHoster, message("direct.example", "local.example"), Reason::direct_unproved},
    {"8: provider by wildcard certificate", [](World& w) { hoster(w); }, dns({"*.hoster.example"}),
     message("customer.example", "local.example"), Reason::unknown_domain},
    {"8: direct partner", direct, kDirect, message("direct.example", "local.example"), Reason::delivered,
     PartnerType::direct},
    {"8: direct partner, by the common name where there is nothing else",
     direct,
     {{NameKind::common_name, "edge.hoster.example"}},
     message("direct.example", "local.example"),
     Reason::delivered,
     PartnerType::direct},
    {"8: direct partner, another's certificate", direct, kPartner, message("direct.example", "local.example"),
     Reason::direct_unproved},
    {"8: direct partner, wildcard certificate", direct, dns({"*.hoster.example"}),
     message("direct.example", "local.example"), Reason::direct_unproved},
    {"8: direct partner uses a second domain",
     [](World& w) {
         direct(w);
         discovery(w);
     },
     kDirect, message("stranger.example", "local.example"), Reason::source_unproved},
    {"8: direct partner uses a second domain that nobody knows", direct, kDirect,
     message("second.example", "local.example"), Reason::unknown_domain},
    {"8: below a direct partner's domain", direct, kDirect, message("it.direct.example", "local.example"),
     Reason::delivered, PartnerType::direct},
    {"8: allowed, SRV target proved", partner, kPartner, message("partner.example", "local.example"), Reason::delivered,
     PartnerType::allowed},
    {"8: allowed, one of several targets proved",
     [](World& w) {
         partner(w);
         w.found("partner.example", {"a.partner.example", "sip.partner.example"});
     },
     kPartner, message("partner.example", "local.example"), Reason::delivered, PartnerType::allowed},
    {"8: allowed, domain itself proved (RFC 5922)",
     partner,
     {{NameKind::uri_sip, "partner.example"}},
     message("partner.example", "local.example"),
     Reason::delivered,
     PartnerType::allowed},
    {"8: allowed, certificate of a third party", partner, kStranger, message("partner.example", "local.example"),
     Reason::source_unproved},
    {"8: allowed, wildcard certificate", partner, dns({"*.partner.example"}),
     message("partner.example", "local.example"), Reason::source_unproved},
    {"8: allowed, no SRV", [](World& w) { w.allow("partner.example"); }, kPartner,
     message("partner.example", "local.example"), Reason::source_not_found},
    {"8: allowed, SRV points out of the namespace",
     [](World& w) {
         partner(w);
         w.found("partner.example", {"sip.stranger.example"});
     },
     kStranger, message("partner.example", "local.example"), Reason::source_namespace},
    {"8: allowed, SRV two labels down",
     [](World& w) {
         partner(w);
         w.found("partner.example", {"a.b.partner.example"});
     },
     dns({"a.b.partner.example"}), message("partner.example", "local.example"), Reason::source_namespace},
    {"8: proved only by the target outside",
     [](World& w) {
         partner(w);
         w.found("partner.example", {"sip.partner.example", "sip.stranger.example"});
     },
     kStranger, message("partner.example", "local.example"), Reason::source_unproved},
    {"8: discovery found only targets outside",
     [](World& w) {
         partner(w);
         w.dns["partner.example"] = {Finding::refused, {}, 1009};
     },
     kPartner, message("partner.example", "local.example"), Reason::source_namespace},
    {"8: discovery found only internal addresses",
     [](World& w) {
         partner(w);
         w.dns["partner.example"] = {Finding::refused, {}, 0};
     },
     kPartner, message("partner.example", "local.example"), Reason::source_target_refused},
    {"8: DNS fails",
     [](World& w) {
         partner(w);
         w.dns["partner.example"] = {Finding::failed, {}, 0};
     },
     kPartner, message("partner.example", "local.example"), Reason::source_dns_failed},
    {"8: allowed by pattern",
     [](World& w) {
         w.add_pattern("*.partners.example", false);
         w.found("a.partners.example", {"a.partners.example"});
     },
     dns({"a.partners.example"}), message("a.partners.example", "local.example"), Reason::delivered,
     PartnerType::allowed},
    {"8: direct by pattern", [](World& w) { w.add_pattern("*.partners.example", false, "edge.hoster.example"); },
     kDirect, message("a.partners.example", "local.example"), Reason::delivered, PartnerType::direct},
    {"8: purpose, new public certificate", partner, kPartner, message("partner.example", "local.example"),
     Reason::delivered, PartnerType::allowed, TrustClass::none, only_server()},
    {"8: purpose, client demanded and there",
     [](World& w) {
         w.allow("partner.example", "", Verification::always_verifiable, Purpose::client_strict);
         w.found("partner.example", {"sip.partner.example"});
     },
     kPartner, message("partner.example", "local.example"), Reason::delivered, PartnerType::allowed, TrustClass::none,
     only_client()},
    {"8: purpose, client demanded, server only",
     [](World& w) {
         w.allow("partner.example", "", Verification::always_verifiable, Purpose::client_strict);
         w.found("partner.example", {"sip.partner.example"});
     },
     kPartner, message("partner.example", "local.example"), Reason::purpose, PartnerType::allowed, TrustClass::none,
     only_server()},
    {"8: purpose, sipDomain demanded",
     [](World& w) {
         w.allow("partner.example", "", Verification::always_verifiable, Purpose::sip_domain);
         w.found("partner.example", {"sip.partner.example"});
     },
     kPartner, message("partner.example", "local.example"), Reason::purpose, PartnerType::allowed, TrustClass::none,
     only_server()},
    {"8: purpose of a provider", [](World& w) { hoster(w).purpose = Purpose::client_strict; }, kHoster,
     message("customer.example", "local.example"), Reason::purpose, PartnerType::hosting_provider, TrustClass::none,
     only_server()},
};

const Case kTypesAndDiscovery[] = {
    {"9: same type again", partner, kPartner, message("partner.example", "local.example"), Reason::delivered,
     PartnerType::allowed, TrustClass::auto_federation},
    {"9: provider's connection, then a discovered domain", [](World& w) { discovery(w); }, kStranger,
     message("stranger.example", "local.example"), Reason::type_change, PartnerType::discovered,
     TrustClass::authorized_server},
    {"9: discovered, then direct", direct, kDirect, message("direct.example", "local.example"), Reason::type_change,
     PartnerType::direct, TrustClass::auto_federation},
    {"9: a discovered partner who was put on the allowed list", partner, kPartner,
     message("partner.example", "local.example"), Reason::delivered, PartnerType::allowed, TrustClass::auto_federation},
    {"10: stranger, discovery off",
     [](World& w) {
         discovery(w);
         w.federation.discovery = false;
     },
     kStranger, message("stranger.example", "local.example"), Reason::unknown_domain},
    {"10: stranger, discovery on", discovery, kStranger, message("stranger.example", "local.example"),
     Reason::delivered_to_contacts, PartnerType::discovered},
    {"10: too many messages",
     [](World& w) {
         discovery(w);
         w.admission = Admission::rate;
     },
     kStranger, message("stranger.example", "local.example"), Reason::rate_limited},
    {"10: too many contacts",
     [](World& w) {
         discovery(w);
         w.admission = Admission::contacts;
     },
     kStranger, message("stranger.example", "local.example"), Reason::contacts_limited},
    {"10: too many partners",
     [](World& w) {
         discovery(w);
         w.admission = Admission::full;
     },
     kStranger, message("stranger.example", "local.example"), Reason::partners_full},
    {"10: limits are not for allowed partners",
     [](World& w) {
         partner(w);
         w.admission = Admission::rate;
     },
     kPartner, message("partner.example", "local.example"), Reason::delivered, PartnerType::allowed},
    {"10: limits are not for providers",
     [](World& w) {
         hoster(w);
         w.admission = Admission::rate;
     },
     kHoster, message("customer.example", "local.example"), Reason::delivered, PartnerType::hosting_provider},
    {"10: a provider's domain, discovery off", [](World& w) { hoster(w); }, kHoster,
     message("customer.example", "local.example"), Reason::delivered, PartnerType::hosting_provider},
    {"default route speaks for anybody", [](World& w) { w.federation.default_route = "clearing.example"; },
     dns({"clearing.example"}), message("anybody.example", "local.example", Content::im, SourceMark::verified),
     Reason::delivered, PartnerType::default_route},
    {"default route, blocked domain",
     [](World& w) {
         w.federation.default_route = "clearing.example";
         w.block("anybody.example");
     },
     dns({"clearing.example"}), message("anybody.example", "local.example"), Reason::blocked_source},
    {"default route, direct partner through it",
     [](World& w) {
         w.federation.default_route = "clearing.example";
         direct(w);
     },
     dns({"clearing.example"}), message("direct.example", "local.example"), Reason::direct_unproved},
    {"default route, stranger beside it",
     [](World& w) {
         w.federation.default_route = "clearing.example";
         w.found("stranger.example", {"sip.stranger.example"});
     },
     kStranger, message("stranger.example", "local.example"), Reason::unknown_domain},
};

const Case kAccess[] = {
    {"12: the site's policy", partner, kPartner, message("partner.example", "site.example"), Reason::no_access},
    {"12: the user's policy beats the site's",
     [](World& w) {
         partner(w);
         w.user("bob@site.example", Access::federation);
     },
     kPartner, message("partner.example", "site.example"), Reason::delivered, PartnerType::allowed},
    {"12: the user's policy beats the global one",
     [](World& w) {
         partner(w);
         w.user("bob@local.example", Access::NONE);
     },
     kPartner, message("partner.example", "local.example"), Reason::no_access},
    {"12: the user in capitals",
     [](World& w) {
         partner(w);
         w.user("bob@site.example", Access::federation);
     },
     kPartner,
     {Protocol::sip, {"alice", "partner.example"}, {"BOB", "Site.Example"}, Content::im, SourceMark::missing},
     Reason::delivered,
     PartnerType::allowed},
    {"12: XMPP needs both flags",
     [](World& w) {
         partner(w);
         w.user("bob@local.example", Access::federation);
     },
     kPartner, message("partner.example", "local.example", Content::im, SourceMark::missing, Protocol::xmpp),
     Reason::no_xmpp_access},
    {"12: XMPP without federation",
     [](World& w) {
         partner(w);
         w.user("bob@local.example", Access::xmpp);
     },
     kPartner, message("partner.example", "local.example", Content::im, SourceMark::missing, Protocol::xmpp),
     Reason::no_access},
    {"12: XMPP with both", partner, kPartner,
     message("partner.example", "local.example", Content::im, SourceMark::missing, Protocol::xmpp), Reason::delivered,
     PartnerType::allowed},
    {"12: public IM needs its own flag",
     [](World& w) {
         messenger(w);
         w.user("bob@local.example", Access::federation);
     },
     kMessenger, message("msn.example", "local.example"), Reason::no_public_access},
    {"12: public IM without federation",
     [](World& w) {
         messenger(w);
         w.user("bob@local.example", Access::public_im);
     },
     kMessenger, message("msn.example", "local.example"), Reason::delivered_to_contacts, PartnerType::public_provider},
    {"12: public audio needs one more", [](World& w) { messenger(w); }, kMessenger,
     message("msn.example", "local.example", Content::audio), Reason::no_public_av_access},
    {"12: public audio with it",
     [](World& w) {
         messenger(w);
         w.user("bob@local.example", Access::public_im | Access::public_im_av);
     },
     kMessenger, message("msn.example", "local.example", Content::audio), Reason::delivered_to_contacts,
     PartnerType::public_provider},
    {"12: public video where there is none",
     [](World& w) {
         messenger(w);
         w.user("bob@local.example", Access::public_im | Access::public_im_av);
     },
     kMessenger, message("msn.example", "local.example", Content::video), Reason::capability},
    {"12: audio of partners needs no flag", partner, kPartner,
     message("partner.example", "local.example", Content::audio), Reason::delivered, PartnerType::allowed},
    {"12: users of ours in a provider's house need no policy", [](World& w) { hoster(w).shared_address_space = true; },
     kHoster, message("local.example", "site.example"), Reason::delivered, PartnerType::hosting_provider},
    {"12: no user of ours in a clearing house",
     [](World& w) {
         partner(w);
         w.federation.clearing_house = true;
         w.federation.access = Access::NONE;
     },
     kPartner, message("partner.example", "elsewhere.example"), Reason::forwarded, PartnerType::allowed},
};

INSTANTIATE_TEST_SUITE_P(UpToTheBlockedList, InboundStep, testing::ValuesIn(kEarly));
INSTANTIATE_TEST_SUITE_P(Proof, InboundStep, testing::ValuesIn(kProof));
INSTANTIATE_TEST_SUITE_P(TypesAndDiscovery, InboundStep, testing::ValuesIn(kTypesAndDiscovery));
INSTANTIATE_TEST_SUITE_P(UserAccess, InboundStep, testing::ValuesIn(kAccess));

// Two locks: the switch of the edge and the policy of the user.
TEST(InboundAccess, NeitherLockOpensAlone) {
    for (bool edge : {false, true})
        for (bool user : {false, true}) {
            World world;
            partner(world);
            world.federation.enabled = edge;
            world.user("bob@local.example", user ? Access::federation : Access::NONE);
            EXPECT_EQ(world.in(kPartner, message("partner.example", "local.example")).accepted(), edge && user);
        }
}

TEST(Inbound, AsksForWhatItNeedsAndNoMore) {
    World world;
    discovery(world);
    hoster(world);
    direct(world);
    const View& view = world.view();
    auto first = [&](const tls::PeerNames& names, const char* from) {
        return inbound(view, Peer(view.config, names, {}), message(from, "local.example"));
    };
    Decision stranger = first(kStranger, "stranger.example");
    EXPECT_EQ(stranger.ask.what, Question::route);
    EXPECT_TRUE(stranger.ask.namespace_rule);
    EXPECT_EQ(stranger.source.view(), "stranger.example");
    Decision customer = first(kHoster, "customer.example");
    EXPECT_EQ(customer.ask.what, Question::route);
    EXPECT_FALSE(customer.ask.namespace_rule);
    EXPECT_EQ(first(kDirect, "direct.example").ask.what, Question::none);

    std::string_view host = "sip.stranger.example";
    RouteFacts found{Finding::found, 0, true, {&host, 1}};
    Decision second =
        inbound(view, Peer(view.config, kStranger, {}), message("stranger.example", "local.example"), &found);
    EXPECT_EQ(second.outcome, Outcome::ask);
    EXPECT_EQ(second.ask.what, Question::admission);
}

// Nobody can make us ask DNS for domains that are refused in any case.
TEST(Inbound, DoesNotAskAboutWhatIsRefusedAnyway) {
    World world;
    world.block("blocked.example");
    world.in(kPartner, message("blocked.example", "local.example"));
    world.in(kPartner, message("stranger.example", "local.example"));
    world.in(kPartner, message("local.example", "local.example"));
    world.in(kPartner, message("stranger.example", "elsewhere.example"));
    EXPECT_TRUE(world.asked.empty());
}

TEST(Inbound, SrvModeIsThatOfTheEntryOrOfDiscovery) {
    World world;
    world.federation.discovery = true;
    world.federation.discovered_srv_mode = SrvMode::sips;
    world.allow("partner.example");
    world.entries.back().srv_mode = SrvMode::microsoft;
    const View& view = world.view();
    Peer peer(view.config, kPartner, {});
    EXPECT_EQ(inbound(view, peer, message("partner.example", "local.example")).ask.srv_mode, SrvMode::microsoft);
    EXPECT_EQ(inbound(view, peer, message("stranger.example", "local.example")).ask.srv_mode, SrvMode::sips);
}

TEST(Inbound, APeerOfAnEarlierConfigurationIsJudgedAnew) {
    World world;
    hoster(world);
    Config before;
    Peer peer(before, kHoster, {});
    const View& view = world.view();
    std::string_view host = "sipfed.hoster.example";
    RouteFacts found{Finding::found, 0, false, {&host, 1}};
    EXPECT_FALSE(peer.is_provider());
    EXPECT_EQ(inbound(view, peer, message("customer.example", "local.example"), &found).reason, Reason::delivered);
}

TEST(Inbound, SaysByWhichRule) {
    World world;
    partner(world);
    world.block("blocked.example");
    world.add_pattern("/bad[0-9]+\\.example/", true);
    world.add_pattern("*.partners.example", false);
    world.found("a.partners.example", {"a.partners.example"});
    messenger(world);
    auto rule = [&](const tls::PeerNames& names, const char* from, const char* to = "local.example") {
        return words(world.in(names, message(from, to)).rule);
    };
    EXPECT_EQ(rule(kPartner, "partner.example"), "allow domain partner.example");
    EXPECT_EQ(rule(kPartner, "it.blocked.example"), "block domain blocked.example");
    EXPECT_EQ(rule(kPartner, "bad7.example"), "pattern /bad[0-9]+\\.example/");
    EXPECT_EQ(rule(dns({"a.partners.example"}), "a.partners.example"), "pattern *.partners.example");
    EXPECT_EQ(rule(kMessenger, "msn.example"), "provider Messenger");
    EXPECT_EQ(rule(kPartner, "stranger.example"), "setting federation.discovery");
    EXPECT_EQ(rule(kPartner, "partner.example", "site.example"), "the policy of site sea");
    world.user("bob@site.example", Access::NONE);
    EXPECT_EQ(rule(kPartner, "partner.example", "site.example"), "the policy of the user");
    world.users.clear();
    world.federation.domains.back()->site = "";
    EXPECT_EQ(rule(kPartner, "partner.example", "site.example"), "the global policy");
}

TEST(Inbound, MarksMonitoringAndArchiving) {
    World world;
    partner(world);
    Decision plain = world.in(kPartner, message("partner.example", "local.example"));
    EXPECT_FALSE(plain.monitored);
    EXPECT_FALSE(plain.archiving_notice);
    world.entries.back().monitored = true;
    world.federation.archiving_disclaimer = true;
    Decision marked = world.in(kPartner, message("partner.example", "local.example"));
    EXPECT_TRUE(marked.monitored);
    EXPECT_TRUE(marked.archiving_notice);
}

TEST(Inbound, TellsEveryStepInOrder) {
    World world;
    partner(world);
    Listener listener;
    world.in(kPartner, message("partner.example", "local.example"), TrustClass::none, {}, &listener);
    std::vector<unsigned> steps;
    for (const auto& line : listener.steps) {
        steps.push_back(number(line.step));
        EXPECT_FALSE(line.words.empty());
    }
    EXPECT_EQ(steps, (std::vector<unsigned>{2, 3, 4, 5, 6, 7, 8, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}));
    EXPECT_EQ(listener.steps[6].mark, Trace::Mark::asks);
    EXPECT_EQ(listener.steps.back().mark, Trace::Mark::ended);
    EXPECT_EQ(listener.steps[12].words, "partner.example is covered by allow domain partner.example");
}

}  // namespace
}  // namespace fedge::policy
