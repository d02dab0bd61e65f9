#include "control/settings/federation.h"
#include "control/settings/table.h"

namespace fedge::control {
namespace {

template <size_t N>
std::vector<std::string> names(const std::array<const char*, N>& list) {
    return {list.begin(), list.end()};
}

Definition flag(const char* key, bool initially, const char* help) {
    return {key, ValueType::boolean, false, initially ? "on" : "off", help, std::string(key) + " on"};
}

Definition number(const char* key, const char* initially, const char* help, int64_t minimum, int64_t maximum) {
    return {key, ValueType::integer, false, initially, help, std::string(key) + " " + initially, minimum, maximum};
}

Definition one_of(const char* key, const char* initially, const char* help, std::vector<std::string> choices) {
    std::string example = std::string(key) + " " + (*initially ? initially : choices.back().c_str());
    return {key, ValueType::choice, false, initially, help, example, 0, 0, std::move(choices)};
}

// The same key as it is written for an object called `name`.
Definition named(Definition definition, const char* name) {
    size_t at = definition.example.find("NAME");
    definition.example.replace(at, 4, name);
    return definition;
}

void add_federation(std::vector<Definition>& out) {
    constexpr ValueType domain = ValueType::domain;
    out.push_back(flag("federation.enabled", false,
                       "Route messages to and from partners. It permits routing only: who may use it is for policies "
                       "(policy.global.federation, policy.site.NAME.federation, `fedge policy`)."));
    out.push_back(flag("federation.discovery", false,
                       "Take partners that nobody configured, when DNS says where they are; they are limited by "
                       "federation.discovered-rate and federation.discovered-contacts."));
    out.push_back({"federation.domain", domain, true, "",
                   "Domains of ours. A partner that claims to be one of them is refused as a spoof.",
                   "federation.domain example.org"});
    out.push_back({"federation.access-name", domain, true, "",
                   "FQDNs of this edge, as partners find them in DNS and in its certificate.",
                   "federation.access-name access.example.org"});
    out.push_back(
        flag("federation.outside-users", true, "Let users of ours in from outside, where policies allow it."));
    out.push_back(flag("federation.clearing-house", false, "Route between partners, for domains that are not ours."));
    out.push_back({"federation.default-route", domain, false, "",
                   "FQDN of the server that gets everything that leaves, in place of DNS. Excludes discovery and "
                   "providers.",
                   "federation.default-route hub.example.net"});
    out.push_back(one_of("federation.default-route-verification", "use-source",
                         "Whether what comes by the default route is believed: always-verifiable, "
                         "always-unverifiable (delivered only to users who have the sender as a contact), or what the "
                         "header inside of each message says (use-source).",
                         names(kVerifications)));
    out.push_back(flag("federation.archiving-disclaimer", false, "Tell partners that messages are archived."));
    out.push_back(flag("federation.mark-source-verified", true, "Tell partners that our users are verified."));
    out.push_back(
        number("federation.connections-per-partner", "4", "Connections to one partner's server at most.", 1, 4));
    out.push_back(one_of("federation.discovered-verification", "use-source",
                         "Whether what discovered partners say of their users is believed.", names(kVerifications)));
    out.push_back(one_of("federation.discovered-purpose", "server-or-client",
                         "Extended key usage that the certificates of discovered partners must have, as in "
                         "tls.peer-purpose.",
                         names(kPurposes)));
    out.push_back(number("federation.discovered-rate", "20",
                         "Messages per second that one discovered partner may send. To lift this limit for a partner, "
                         "allow it: `fedge allow domain`.",
                         1, 100000));
    out.push_back(number("federation.suspicious-rate", "1",
                         "Messages per second that a discovered partner may send that is suspicious.", 1, 100000));
    out.push_back(number("federation.suspicious-window", "60",
                         "Seconds over which failures of a discovered partner are counted; after two windows without "
                         "too many it is suspicious no longer.",
                         1, 3600));
    out.push_back(number("federation.suspicious-finals", "20",
                         "Final responses within a window below which nothing is concluded.", 1, 1000000));
    out.push_back(number("federation.suspicious-percent", "50",
                         "Share of 403, 404 and 480 among them above which a partner is suspicious.", 1, 100));
    out.push_back(number("federation.discovered-contacts", "1000",
                         "Distinct addresses of ours, valid or not, that one discovered partner may write to; 0 means "
                         "no limit.",
                         0, 1000000));
    out.push_back(number("federation.discovered-report", "60",
                         "Minutes between reports on discovered partners in the log.", 1, 10080));
}

void add_providers(std::vector<Definition>& out) {
    constexpr ValueType domain = ValueType::domain;
    auto add = [&](Definition d) { out.push_back(named(std::move(d), "skype")); };
    auto add_hosted = [&](Definition d) { out.push_back(named(std::move(d), "hosted")); };
    out.push_back({"provider.NAME.proxy", domain, false, "",
                   "FQDN that the provider's certificate proves and that SRV records of its domains name. Required, "
                   "and fixed once committed. skype, messenger, yahoo and aol are built in.",
                   "provider.hosted.proxy sipfed.hosting.example"});
    add_hosted(
        one_of("provider.NAME.kind", "hosting",
               "Whether it hosts other organisations (hosting) or is a public instant messaging service (public).",
               {"hosting", "public"}));
    add(flag("provider.NAME.enabled", false, "Exchange messages with the provider."));
    add_hosted(
        one_of("provider.NAME.verification", "always-verifiable",
               "Whether what the provider says of its users is believed. Built-in providers: always-unverifiable.",
               names(kVerifications)));
    add_hosted(one_of("provider.NAME.purpose", "server-or-client",
                      "Extended key usage that the provider's certificate must have, as in tls.peer-purpose.",
                      names(kPurposes)));
    add_hosted(flag("provider.NAME.shared-address-space", false, "The provider hosts users of our own domains."));
    add_hosted(flag("provider.NAME.hosts-users", false,
                    "... with SIP accounts; off: another service of the shared address space."));
    std::vector<std::string> capabilities;
    for (const auto& capability : kCapabilities) capabilities.emplace_back(capability.name);
    out.push_back(
        {"provider.NAME.capabilities", ValueType::choice, true, "",
         "What works with a public provider. Default: im and presence; for built-in providers what they could "
         "do.",
         "provider.skype.capabilities im presence audio", 0, 0, capabilities});
    add(flag("provider.NAME.wants-client-auth", false,
             "The provider takes only certificates with clientAuth from us. Built-in aol: on."));
    out.push_back({"provider.NAME.decoration-routing-domain", domain, false, "",
                   "Domain of a public provider that accounts elsewhere are written in: user@contoso.com is "
                   "user(contoso.com)@msn.com.",
                   "provider.skype.decoration-routing-domain msn.com"});
    out.push_back({"provider.NAME.decoration-domain", domain, false, "",
                   "Domain that addresses so written carry, if it is not the one that they are routed by.",
                   "provider.skype.decoration-domain msn.com"});
    out.push_back({"provider.NAME.decoration-excluded", domain, true, "",
                   "Domains of the provider that are written as they are.",
                   "provider.skype.decoration-excluded msn.com outlook.com live.com hotmail.com"});
}

void add_policies(std::vector<Definition>& out) {
    const struct {
        const char* name;
        const char* help;
    } flags[] = {{"federation", "talk to users of federated partners"},
                 {"xmpp", "talk to users of XMPP partners; needs federation too"},
                 {"public-im", "talk to users of public instant messaging providers"},
                 {"public-im-av", "have audio and video with them; needs public-im too"},
                 {"outside", "connect from outside"}};
    for (const auto& f : flags) {
        std::string key = "policy.global.";
        out.push_back(
            flag((key + f.name).c_str(), false,
                 (std::string("Users without a policy of their own or of their site may ") + f.help + ".").c_str()));
    }
    out.push_back({"policy.site.NAME.domain", ValueType::domain, true, "",
                   "Domains of ours whose users the policy is for. Required.",
                   "policy.site.berlin.domain berlin.example.org"});
    for (const auto& f : flags) {
        std::string key = "policy.site.NAME.";
        out.push_back(
            named(flag((key + f.name).c_str(), false,
                       (std::string("Users of the site without a policy of their own may ") + f.help + ".").c_str()),
                  "berlin"));
    }
}

}  // namespace

std::vector<Definition> federation_definitions() {
    std::vector<Definition> out;
    add_federation(out);
    add_providers(out);
    add_policies(out);
    return out;
}

}  // namespace fedge::control
