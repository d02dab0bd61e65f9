// Settings of federation, providers and policies: values, presets, rules that span keys, and what gets weaker.
#include <gtest/gtest.h>

#include <algorithm>

#include "control/partners/weaker.h"
#include "control/publish/snapshot.h"
#include "control/settings/config.h"
#include "control/settings/domain_name.h"
#include "snapshot_generated.h"
#include "tests/unit/control/setting_rows.h"

namespace fedge::control {

std::vector<SettingRow> federation_rows() {
    std::vector<SettingRow> rows = {
        {"federation.domain", "Example.ORG.", "example.org"},
        {"federation.domain",
         "b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example"},
        {"federation.domain",
         "B\xc3\x9c"
         "CHER.example",
         "xn--bcher-kva.example"},
        {"federation.domain", "fa\xc3\x9f.example", "xn--fa-hia.example"},
        {"federation.domain", "*.example.org", nullptr},
        {"federation.domain", "192.0.2.1", nullptr},
        {"federation.domain", "xn--zz.example", nullptr},
        {"federation.access-name", "access.example.org", "access.example.org"},
        {"federation.access-name", "access_1.example.org", "access_1.example.org"},
        {"federation.access-name", "access..org", nullptr},
        {"federation.default-route", "hub.example.net", "hub.example.net"},
        {"federation.default-route", "hub:5061", nullptr},
        {"federation.default-route-verification", "always-verifiable", "always-verifiable"},
        {"federation.default-route-verification", "verified", nullptr},
        {"federation.connections-per-partner", "1", "1"},
        {"federation.connections-per-partner", "5", nullptr},
        {"federation.discovered-verification", "always-unverifiable", "always-unverifiable"},
        {"federation.discovered-verification", "", nullptr},
        {"federation.discovered-purpose", "sip-domain", "sip-domain"},
        {"federation.discovered-purpose", "server", nullptr},
        {"federation.discovered-rate", "20", "20"},
        {"federation.discovered-rate", "0", nullptr},
        {"federation.suspicious-rate", "1", "1"},
        {"federation.suspicious-rate", "0.5", nullptr},
        {"federation.suspicious-window", "3600", "3600"},
        {"federation.suspicious-window", "3601", nullptr},
        {"federation.suspicious-finals", "20", "20"},
        {"federation.suspicious-finals", "0", nullptr},
        {"federation.suspicious-percent", "100", "100"},
        {"federation.suspicious-percent", "101", nullptr},
        {"federation.discovered-contacts", "0", "0"},
        {"federation.discovered-contacts", "1000001", nullptr},
        {"federation.discovered-report", "60", "60"},
        {"federation.discovered-report", "0", nullptr},
        {"provider.hosted.proxy", "SIPfed.hosting.example", "sipfed.hosting.example"},
        {"provider.hosted.proxy", "sipfed hosting", nullptr},
        {"provider.hosted.kind", "public", "public"},
        {"provider.hosted.kind", "private", nullptr},
        {"provider.hosted.verification", "use-source", "use-source"},
        {"provider.hosted.verification", "never", nullptr},
        {"provider.hosted.purpose", "client-strict", "client-strict"},
        {"provider.hosted.purpose", "client", nullptr},
        {"provider.skype.capabilities", "audio", "audio"},
        {"provider.skype.capabilities", "files", nullptr},
        {"provider.skype.decoration-routing-domain", "msn.com", "msn.com"},
        {"provider.skype.decoration-routing-domain", "user@msn.com", nullptr},
        {"provider.skype.decoration-domain", "msn.com", "msn.com"},
        {"provider.skype.decoration-domain", "", nullptr},
        {"provider.skype.decoration-excluded", "live.com", "live.com"},
        {"provider.skype.decoration-excluded", "live com", nullptr},
        {"policy.site.berlin.domain", "berlin.example.org", "berlin.example.org"},
        {"policy.site.berlin.domain", "/berlin/", nullptr},
    };
    for (const char* key : {"federation.enabled",
                            "federation.discovery",
                            "federation.outside-users",
                            "federation.clearing-house",
                            "federation.archiving-disclaimer",
                            "federation.mark-source-verified",
                            "provider.skype.enabled",
                            "provider.hosted.shared-address-space",
                            "provider.hosted.hosts-users",
                            "provider.skype.wants-client-auth",
                            "policy.global.federation",
                            "policy.global.xmpp",
                            "policy.global.public-im",
                            "policy.global.public-im-av",
                            "policy.global.outside",
                            "policy.site.berlin.federation",
                            "policy.site.berlin.xmpp",
                            "policy.site.berlin.public-im",
                            "policy.site.berlin.public-im-av",
                            "policy.site.berlin.outside"}) {
        rows.push_back({key, "yes", "on"});
        rows.push_back({key, "maybe", nullptr});
    }
    return rows;
}

namespace {

FederationConfig federation(const Settings& settings) {
    Compiled c = compile(settings);
    EXPECT_TRUE(c.errors.empty()) << c.errors.at(0).key << ": " << c.errors.at(0).what;
    return c.config.federation;
}

TEST(DomainName, IsInALabelsOrSaysWhy) {
    const std::string label63(63, 'a'), label64(64, 'a');
    const std::string long253 = label63 + "." + label63 + "." + label63 + "." + std::string(61, 'b');
    const struct {
        std::string given;
        std::optional<std::string> name;  // none: refused
        const char* why;
    } rows[] = {
        {"contoso.com", "contoso.com", ""},
        {"CONTOSO.com.", "contoso.com", ""},
        {"example", "example", ""},
        {label63 + ".example", label63 + ".example", ""},
        {label64 + ".example", std::nullopt, "more than 63 octets"},
        {long253, long253, ""},
        {long253 + "b", std::nullopt, "longer than 253"},
        {std::string(300, 'a'), std::nullopt, "longer than 256 characters"},
        {"", std::nullopt, "is empty"},
        {".", std::nullopt, "is empty"},
        {"a..b", std::nullopt, "empty label"},
        {".a", std::nullopt, "empty label"},
        {"a..", std::nullopt, "empty label"},
        {"-a.example", std::nullopt, "begins or ends with '-'"},
        {"a-.example", std::nullopt, "begins or ends with '-'"},
        {"a b.example", std::nullopt, "characters that no domain has"},
        {std::string("a\0b.example", 11), std::nullopt, "characters that no domain has"},
        {"a\nb.example", std::nullopt, "characters that no domain has"},
        {"192.0.2.1", std::nullopt, "is an address"},
        {"\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", "xn--r8jz45g.xn--zckzah", ""},
        {"b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example", ""},
        {"bu\xcc\x88"
         "cher.example",
         "xn--bcher-kva.example", ""},  // the same, decomposed
        {"xn--bcher-kva.example", "xn--bcher-kva.example", ""},
        {"XN--BCHER-KVA.example", "xn--bcher-kva.example", ""},
        {"xn--zz.example", std::nullopt, "no international name"},
        {"\xff\xfe.example", std::nullopt, "no international name"},
        {"a\xe2\x80\x8b"
         "b.example",
         "ab.example", ""},  // zero width space: UTS 46 leaves it out
        {"\xf0\x9f\x92\xa9.example", std::nullopt, "no international name"},
    };
    for (const auto& row : rows) {
        std::string why;
        auto name = domain_name(row.given, &why);
        EXPECT_EQ(name, row.name) << row.given << ": " << why;
        if (!row.name) EXPECT_NE(why.find(row.why), std::string::npos) << row.given << ": " << why;
    }
}

TEST(Federation, DefaultsAreThoseOfTheOriginalAndAllDoorsAreShut) {
    FederationConfig f = federation({});
    EXPECT_FALSE(f.enabled);
    EXPECT_FALSE(f.discovery);
    EXPECT_FALSE(f.clearing_house);
    EXPECT_FALSE(f.archiving_disclaimer);
    EXPECT_TRUE(f.outside_users);
    EXPECT_TRUE(f.mark_source_verified);
    EXPECT_EQ(f.connections_per_partner, 4);
    EXPECT_EQ(f.discovered_rate, 20U);
    EXPECT_EQ(f.suspicious_rate, 1U);
    EXPECT_EQ(f.suspicious_window_s, 60U);
    EXPECT_EQ(f.suspicious_finals, 20U);
    EXPECT_EQ(f.suspicious_percent, 50U);
    EXPECT_EQ(f.max_contacts, 1000U);
    EXPECT_EQ(f.report_period_min, 60U);
    EXPECT_EQ(f.discovered_verification, Verification::use_source);
    EXPECT_EQ(f.global_access, 0);
}

TEST(Federation, PublicProvidersAreBuiltInAsShipped) {
    const struct {
        const char* name;
        const char* proxy;
        uint8_t capabilities;
        bool client_auth;
    } rows[] = {{"aol", "sip.oscar.aol.com", 1 | 2, true},
                {"messenger", "federation.messenger.msn.com", 1 | 2 | 4 | 8, false},
                {"skype", "federation.messenger.msn.com", 1 | 2 | 4, false},
                {"yahoo", "lcsap.msg.yahoo.com", 1 | 2, false}};
    FederationConfig f = federation({});
    ASSERT_EQ(f.providers.size(), std::size(rows));
    for (size_t i = 0; i < std::size(rows); i++) {
        const ProviderConfig& p = f.providers[i];
        EXPECT_EQ(p.name, rows[i].name);
        EXPECT_EQ(p.proxy, rows[i].proxy);
        EXPECT_EQ(p.capabilities, rows[i].capabilities) << p.name;
        EXPECT_EQ(p.wants_client_auth, rows[i].client_auth) << p.name;
        EXPECT_TRUE(p.public_im && p.built_in) << p.name;
        EXPECT_FALSE(p.enabled || p.configured) << p.name;
        EXPECT_EQ(p.verification, Verification::always_unverifiable) << p.name;
    }
    FederationConfig enabled = federation({{"provider.skype.enabled", {"on"}}});
    const ProviderConfig* skype = find_provider(enabled, "skype");
    ASSERT_TRUE(skype && skype->enabled && skype->configured);
    EXPECT_EQ(skype->decoration_routing_domain, "msn.com");
    EXPECT_EQ(skype->decoration_excluded,
              (std::vector<std::string>{"msn.com", "outlook.com", "live.com", "hotmail.com"}));
    FederationConfig changed =
        federation({{"provider.yahoo.verification", {"use-source"}}, {"provider.yahoo.capabilities", {"im"}}});
    EXPECT_EQ(find_provider(changed, "yahoo")->verification, Verification::use_source);
    EXPECT_EQ(find_provider(changed, "yahoo")->capabilities, 1);
    EXPECT_EQ(find_provider(changed, "yahoo")->proxy, "lcsap.msg.yahoo.com");
}

TEST(Federation, OwnProvidersTakeWhatIsSet) {
    FederationConfig f = federation({{"provider.p.proxy", {"sip.p.example"}}, {"provider.p.kind", {"public"}}});
    const ProviderConfig* p = find_provider(f, "p");
    EXPECT_EQ(p->capabilities, 1 | 2);
    EXPECT_EQ(p->verification, Verification::always_verifiable);
    EXPECT_FALSE(p->enabled);
    EXPECT_FALSE(p->built_in);
}

TEST(Federation, RulesThatSpanKeys) {
    const struct {
        const char* what;
        Settings settings;
        const char* key;  // nullptr: valid
    } rows[] = {
        {"plain federation", {{"provider.p.proxy", {"a.example"}}}, nullptr},
        {"split domain with hosted users",
         {{"provider.p.proxy", {"a.example"}},
          {"provider.p.shared-address-space", {"on"}},
          {"provider.p.hosts-users", {"on"}}},
         nullptr},
        {"split domain for another service",
         {{"provider.p.proxy", {"a.example"}}, {"provider.p.shared-address-space", {"on"}}},
         nullptr},
        {"hosts users outside of the address space",
         {{"provider.p.proxy", {"a.example"}}, {"provider.p.hosts-users", {"on"}}},
         "provider.p.hosts-users"},
        {"no proxy", {{"provider.p.enabled", {"on"}}}, "provider.p.proxy"},
        {"two with one proxy",
         {{"provider.p.proxy", {"a.example"}}, {"provider.q.proxy", {"a.example"}}},
         "provider.q.proxy"},
        {"a hosting one with the proxy of a public one",
         {{"provider.q.proxy", {"sip.oscar.aol.com"}}, {"provider.aol.enabled", {"on"}}},
         "provider.q.proxy"},
        {"... which is only a preset", {{"provider.q.proxy", {"sip.oscar.aol.com"}}}, nullptr},
        {"skype and messenger are one server",
         {{"provider.skype.enabled", {"on"}}, {"provider.messenger.enabled", {"on"}}},
         "provider.skype.proxy"},
        {"public in a shared address space",
         {{"provider.skype.shared-address-space", {"on"}}},
         "provider.skype.shared-address-space"},
        {"capabilities of a hosting one",
         {{"provider.p.proxy", {"a.example"}}, {"provider.p.capabilities", {"im"}}},
         "provider.p.capabilities"},
        {"decoration without a route",
         {{"provider.yahoo.decoration-excluded", {"a.example"}}},
         "provider.yahoo.decoration-routing-domain"},
        {"decoration of a hosting one",
         {{"provider.p.proxy", {"a.example"}}, {"provider.p.decoration-routing-domain", {"a.example"}}},
         "provider.p.decoration-routing-domain"},
        {"proxy is the edge itself",
         {{"provider.p.proxy", {"a.example"}}, {"federation.access-name", {"a.example"}}},
         "provider.p.proxy"},
        {"default route alone", {{"federation.default-route", {"hub.example"}}}, nullptr},
        {"default route and discovery",
         {{"federation.default-route", {"hub.example"}}, {"federation.discovery", {"on"}}},
         "federation.discovery"},
        {"default route and a provider, even a disabled one",
         {{"federation.default-route", {"hub.example"}}, {"provider.p.proxy", {"a.example"}}},
         "federation.default-route"},
        {"default route to the edge itself",
         {{"federation.default-route", {"a.example"}}, {"federation.access-name", {"a.example"}}},
         "federation.default-route"},
        {"suspicious ones may send more", {{"federation.suspicious-rate", {"30"}}}, "federation.suspicious-rate"},
        {"site of our domain",
         {{"federation.domain", {"b.example"}}, {"policy.site.s.domain", {"b.example"}}},
         nullptr},
        {"site of a domain that is not ours", {{"policy.site.s.domain", {"b.example"}}}, "policy.site.s.domain"},
        {"site without domain", {{"policy.site.s.federation", {"on"}}}, "policy.site.s.domain"},
        {"domain of two sites",
         {{"federation.domain", {"b.example"}},
          {"policy.site.s.domain", {"b.example"}},
          {"policy.site.t.domain", {"b.example"}}},
         "policy.site.t.domain"},
    };
    for (const auto& row : rows) {
        Compiled c = compile(row.settings);
        std::vector<std::string> keys;
        for (const auto& error : c.errors) {
            keys.push_back(error.key);
            EXPECT_FALSE(error.what.empty() || error.fix.empty()) << row.what;
        }
        EXPECT_EQ(keys, row.key ? std::vector<std::string>{row.key} : std::vector<std::string>{}) << row.what;
    }
}

TEST(Federation, WarnsOfWhatDoesNothing) {
    const struct {
        const char* what;
        Settings settings;
        const char* key;
    } rows[] = {
        {"no domain", {{"federation.enabled", {"on"}}}, "federation.domain"},
        {"no name", {{"federation.enabled", {"on"}}}, "federation.access-name"},
        {"xmpp alone", {{"federation.enabled", {"on"}}, {"policy.global.xmpp", {"on"}}}, "policy.global.federation"},
        {"audio alone",
         {{"federation.enabled", {"on"}}, {"policy.global.public-im-av", {"on"}}},
         "policy.global.public-im"},
        {"public provider for nobody",
         {{"federation.enabled", {"on"}}, {"provider.skype.enabled", {"on"}}},
         "policy.global.public-im"},
    };
    for (const auto& row : rows) {
        Compiled c = compile(row.settings);
        auto blames = [&](const Problem& p) { return p.key == row.key; };
        EXPECT_TRUE(std::any_of(c.warnings.begin(), c.warnings.end(), blames)) << row.what;
    }
}

Config config(const Settings& settings) {
    return compile(settings).config;
}

TEST(Weaker, NamesEachSettingThatLetsMoreThrough) {
    const struct {
        Settings before, after;
        const char* sentence;  // nullptr: nothing gets weaker
    } rows[] = {
        {{}, {{"federation.enabled", {"on"}}}, "federation is on"},
        {{{"federation.enabled", {"on"}}}, {}, nullptr},
        {{}, {{"federation.discovery", {"on"}}}, "discovery"},
        {{{"federation.outside-users", {"off"}}}, {}, "from outside"},
        {{}, {{"federation.clearing-house", {"on"}}}, "between partners"},
        {{{"federation.discovered-verification", {"always-unverifiable"}}}, {}, "discovered partners say"},
        {{}, {{"federation.discovered-verification", {"always-unverifiable"}}}, nullptr},
        {{{"federation.default-route-verification", {"use-source"}}},
         {{"federation.default-route-verification", {"always-verifiable"}}},
         "by the default route"},
        {{{"federation.discovered-purpose", {"sip-domain"}}}, {}, "certificates of discovered partners"},
        {{}, {{"federation.discovered-rate", {"21"}}}, "limits"},
        {{}, {{"federation.discovered-rate", {"19"}}}, nullptr},
        {{}, {{"federation.discovered-contacts", {"0"}}}, "limits"},
        {{{"federation.discovered-contacts", {"0"}}}, {}, nullptr},
        {{}, {{"federation.suspicious-percent", {"90"}}}, "limits"},
        {{{"federation.domain", {"a.example"}}}, {}, "a.example is no domain of ours"},
        {{{"federation.domain", {"a.example"}}},
         {{"federation.domain", {"a.example"}}, {"policy.global.federation", {"on"}}},
         "users of a.example are allowed federation"},
        {{}, {{"policy.global.outside", {"on"}}}, "global policy allows outside"},
        {{{"federation.domain", {"a.example"}},
          {"policy.site.s.domain", {"a.example"}},
          {"policy.global.xmpp", {"on"}}},
         {{"federation.domain", {"a.example"}}, {"policy.global.xmpp", {"on"}}},
         "users of a.example are allowed xmpp"},
        {{},
         {{"provider.p.proxy", {"p.example"}}, {"provider.p.enabled", {"on"}}},
         "provider p (p.example) is enabled"},
        {{}, {{"provider.p.proxy", {"p.example"}}}, nullptr},
        {{{"provider.skype.enabled", {"on"}}},
         {{"provider.skype.enabled", {"on"}}, {"provider.skype.verification", {"use-source"}}},
         "provider skype says"},
        {{{"tls.min-version", {"1.3"}}}, {}, "TLS 1.2"},
        {{{"tls.peer-purpose", {"client-strict"}}}, {}, "tls.peer-purpose"},
        {{{"tls.trust", {"own"}}}, {}, "tls.trust"},
        {{{"icmp.rate", {"5"}}}, {}, nullptr},
    };
    for (const auto& row : rows) {
        auto sentences = weaker_settings(config(row.before), config(row.after));
        std::string shown = row.after.empty() ? row.before.begin()->first : row.after.begin()->first;
        if (!row.sentence) {
            EXPECT_TRUE(sentences.empty()) << shown << ": " << sentences.front();
            continue;
        }
        ASSERT_FALSE(sentences.empty()) << shown;
        auto says = [&](const std::string& s) { return s.find(row.sentence) != std::string::npos; };
        EXPECT_TRUE(std::any_of(sentences.begin(), sentences.end(), says)) << shown << ": " << sentences.front();
    }
}

TEST(Weaker, CountsEntriesByWhatBecomesOfThem) {
    Entry allowed{.name = "a.example"}, blocked{.name = "a.example", .blocked = true};
    Entry believed = allowed, strict = allowed, user{.kind = EntryKind::user, .name = "bob@x.example"}, wide = user;
    believed.verification = Verification::always_verifiable;
    strict.purpose = Purpose::client_strict;
    wide.access = 1;
    const struct {
        EntryChange change;
        std::vector<std::string> sentences;
    } rows[] = {
        {{blocked, std::nullopt}, {"a.example is blocked no longer"}},
        {{blocked, allowed}, {"a.example is blocked no longer", "a.example is allowed"}},
        {{std::nullopt, allowed}, {"a.example is allowed"}},
        {{std::nullopt, blocked}, {}},
        {{allowed, std::nullopt}, {}},
        {{allowed, blocked}, {}},
        {{allowed, believed}, {"a.example is believed more, or with more certificates"}},
        {{believed, allowed}, {}},
        {{strict, allowed}, {"a.example is believed more, or with more certificates"}},
        {{allowed, strict}, {}},
        {{std::nullopt, wide}, {"bob@x.example may do more by policy"}},
        {{wide, user}, {}},
    };
    for (const auto& row : rows) {
        WeakerEntries weaker;
        weaker.count(row.change);
        EXPECT_EQ(weaker.sentences(), row.sentences) << (row.sentences.empty() ? "nothing" : row.sentences[0]);
    }
    WeakerEntries many;
    for (int i = 0; i < 1000; i++) many.count({std::nullopt, Entry{.name = "d" + std::to_string(i) + ".example"}});
    EXPECT_EQ(many.sentences(),
              std::vector<std::string>{"1000 names are allowed: d0.example, d1.example, d2.example, ..."});
}

TEST(FederationSnapshot, HasWhatTheSettingsSay) {
    Settings settings{{"federation.enabled", {"on"}},
                      {"federation.domain", {"b.example", "a.example"}},
                      {"federation.access-name", {"access.a.example"}},
                      {"federation.connections-per-partner", {"2"}},
                      {"federation.discovered-contacts", {"7"}},
                      {"policy.global.outside", {"on"}},
                      {"policy.site.s.domain", {"b.example"}},
                      {"policy.site.s.federation", {"on"}},
                      {"policy.site.s.xmpp", {"on"}},
                      {"provider.skype.enabled", {"on"}},
                      {"provider.off.proxy", {"off.example"}}};
    Config config = compile(settings).config;
    SnapshotState state{.revision = 1, .nonce_keys = {{std::vector<uint8_t>(16, 1), 0}}};
    auto bytes = build_snapshot(config, state);
    ASSERT_EQ(verify_snapshot(bytes), "");
    const contract::Federation* f = contract::GetSnapshot(bytes.data())->federation();
    ASSERT_TRUE(f);
    EXPECT_TRUE(f->enabled());
    EXPECT_FALSE(f->discovery());
    EXPECT_EQ(f->connections_per_partner(), 2);
    EXPECT_EQ(f->max_contacts(), 7U);
    EXPECT_EQ(f->access(), contract::Access::outside);
    EXPECT_EQ(f->default_route(), nullptr);
    ASSERT_EQ(f->domains()->size(), 2U);
    EXPECT_EQ(f->domains()->Get(0)->name()->str(), "a.example");
    EXPECT_EQ(f->domains()->Get(0)->access(), contract::Access::outside);
    EXPECT_EQ(f->domains()->Get(0)->site(), nullptr);
    EXPECT_EQ(f->domains()->Get(1)->site()->str(), "s");
    EXPECT_EQ(f->domains()->Get(1)->access(), contract::Access::federation | contract::Access::xmpp);
    ASSERT_EQ(f->providers()->size(), 1U) << "those that are disabled are left out";
    const auto* skype = f->providers()->Get(0);
    EXPECT_TRUE(skype->public_im());
    EXPECT_EQ(skype->capabilities(),
              contract::Capability::im | contract::Capability::presence | contract::Capability::audio);
    EXPECT_EQ(skype->verification(), contract::Verification::always_unverifiable);
    EXPECT_EQ(skype->decoration_excluded()->size(), 4U);
}

}  // namespace
}  // namespace fedge::control
