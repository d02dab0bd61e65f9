// The hostile half of federation policy, row by row.
#include <gtest/gtest.h>

#include "tests/unit/policy/world.h"

namespace fedge::policy {
namespace {

using namespace test;

TEST(PolicyThreats, FromOurOwnDomainArrivingOutside) {
    World world;
    world.federation.discovery = true;
    world.found("local.example", {"sip.local.example"});
    Decision decision = world.in(dns({"sip.local.example"}), message("local.example", "local.example"));
    EXPECT_EQ(decision.reason, Reason::own_source);
    EXPECT_EQ(facts(decision.reason).status, 403);
    EXPECT_TRUE(world.asked.empty());
}

TEST(PolicyThreats, FromBlockedDomainsAndTheirLookAlikes) {
    World world;
    world.federation.discovery = true;
    world.block("blocked.com");
    for (const char* name : {"blocked.com", "it.blocked.com", "notblocked.com"}) world.found(name, {name});
    EXPECT_EQ(world.in(dns({"blocked.com"}), message("blocked.com", "local.example")).outcome, Outcome::drop);
    EXPECT_EQ(world.in(dns({"it.blocked.com"}), message("it.blocked.com", "local.example")).outcome, Outcome::drop);
    EXPECT_TRUE(world.in(dns({"notblocked.com"}), message("notblocked.com", "local.example")).accepted());
}

TEST(PolicyThreats, ValidCertificateOfOneDomainMessageFromAnother) {
    World world;
    world.allow("a.com");
    world.allow("b.com");
    world.found("a.com", {"sip.a.com"});
    world.found("b.com", {"sip.b.com"});
    Decision decision = world.in(dns({"sip.a.com", "a.com"}), message("b.com", "local.example"));
    EXPECT_EQ(decision.outcome, Outcome::drop);
    EXPECT_EQ(counter_of(decision.reason), contract::Counter::policy_certificate);
}

TEST(PolicyThreats, DirectPartnerUsingASecondDomain) {
    World world;
    world.federation.discovery = true;
    world.allow("a.com", "edge.hoster.com");
    world.found("second.com", {"sip.second.com"});
    world.found("stolen.com", {"edge.hoster.com"});  // whoever owns a zone can point anywhere
    for (const char* from : {"second.com", "stolen.com"})
        EXPECT_FALSE(world.in(dns({"edge.hoster.com"}), message(from, "local.example")).accepted()) << from;
}

TEST(PolicyThreats, ProviderConnectionWithADomainWhoseSrvPointsElsewhere) {
    World world;
    world.federation.discovery = true;
    world.add_provider("Hoster", "sipfed.hoster.com");
    world.found("victim.com", {"sip.victim.com"});
    Decision decision = world.in(dns({"sipfed.hoster.com"}), message("victim.com", "local.example"));
    EXPECT_EQ(decision.outcome, Outcome::drop);
    EXPECT_EQ(counter_of(decision.reason), contract::Counter::policy_provider_domain);
}

TEST(PolicyThreats, SrvTargetInAnotherNamespace) {
    World world;
    world.federation.discovery = true;
    world.found("victim.com", {"sip.attacker.com"});
    Decision in = world.in(dns({"sip.attacker.com"}), message("victim.com", "local.example"));
    EXPECT_EQ(facts(in.reason).code, 1009);
    Decision out = world.out(message("local.example", "victim.com"));
    EXPECT_EQ(facts(out.reason).code, 1009);
    EXPECT_EQ(facts(out.reason).status, 504);
}

TEST(PolicyThreats, TypeChangeOnOneConnection) {
    World world;
    world.federation.discovery = true;
    world.add_provider("Hoster", "sipfed.hoster.com").verification = Verification::always_verifiable;
    world.found("customer.com", {"sipfed.hoster.com"});
    world.found("hoster.com", {"sipfed.hoster.com"});
    world.allow("typed.com", "other.hoster.com");
    tls::PeerNames names = dns({"sipfed.hoster.com", "other.hoster.com"});
    Decision first = world.in(names, message("customer.com", "local.example"));
    ASSERT_TRUE(first.accepted());
    Decision second = world.in(names, message("typed.com", "local.example"), first.trust());
    EXPECT_EQ(second.outcome, Outcome::drop);
    EXPECT_EQ(counter_of(second.reason), contract::Counter::policy_type_changed);
}

TEST(PolicyThreats, CertificatesThatProveTooMuchOrTheWrongThing) {
    World world;
    world.allow("a.com");
    world.found("a.com", {"sip.a.com"});
    struct Case {
        const char* title;
        tls::PeerNames names;
        bool accepted;
    };
    const Case cases[] = {
        {"the target", dns({"sip.a.com"}), true},
        {"wildcard", dns({"*.a.com"}), false},
        {"wildcard above", dns({"*.com"}), false},
        {"common name only", {{NameKind::common_name, "sip.a.com"}}, true},  // where there is no SAN at all
        {"the domain as sip URI", {{NameKind::uri_sip, "a.com"}}, true},
        {"a sip URI beside which the DNS name of the domain does not count",
         {{NameKind::uri_sip, "c.com"}, {NameKind::dns, "a.com"}},
         false},
        {"another host of the domain", dns({"www.a.com"}), false},
        {"the domain above", dns({"com"}), false},
        {"XMPP names", {{NameKind::srv_id, "_xmpp-server.a.com"}, {NameKind::xmpp_addr, "a.com"}}, false},
        {"IDN look-alike", dns({"sip.xn--a-0fa.com"}), false},
    };
    for (const Case& one : cases)
        EXPECT_EQ(world.in(one.names, message("a.com", "local.example")).accepted(), one.accepted) << one.title;
}

// 10000 names are refused by the handshake; the most that reach policy cost a bounded time.
TEST(PolicyThreats, ManyNamesInACertificate) {
    World world;
    world.allow("a.com");
    world.found("a.com", {"sip.a.com"});
    tls::PeerNames names;
    for (size_t i = 0; i + 1 < tls::kMaxNames; i++)
        names.push_back({NameKind::dns, "n" + std::to_string(i) + ".example"});
    names.push_back({NameKind::dns, "sip.a.com"});
    EXPECT_TRUE(world.in(names, message("a.com", "local.example")).accepted());
}

TEST(PolicyThreats, MoreProvidersInOneCertificateThanAreLookedAt) {
    World world;
    tls::PeerNames names;
    for (int i = 0; i < 6; i++) {
        std::string proxy = "p" + std::to_string(i) + ".example";
        world.add_provider(proxy.c_str(), proxy.c_str());
        names.push_back({NameKind::dns, proxy});
        names.push_back({NameKind::dns, proxy});
    }
    Peer peer(world.view().config, names, {});
    EXPECT_EQ(peer.provider_count, Peer::kMaxProviders);
}

}  // namespace
}  // namespace fedge::policy
