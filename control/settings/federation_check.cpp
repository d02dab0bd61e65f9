#include "control/settings/federation_check.h"

#include <algorithm>
#include <map>

namespace fedge::control {
namespace {

constexpr uint8_t kPublicIm = 4, kPublicImAv = 8, kFederation = 1, kXmpp = 2;

bool contains(const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
}

std::string key(const ProviderConfig& provider, const char* field) {
    return "provider." + provider.name + "." + field;
}

void check_provider(const FederationConfig& federation, const ProviderConfig& p, std::vector<Problem>& errors) {
    if (p.proxy.empty()) {
        errors.push_back({key(p, "proxy"), "provider " + p.name + " has no proxy",
                          "set " + key(p, "proxy") + " to the FQDN of its server, or unset provider." + p.name});
    }
    if (p.hosts_users && !p.shared_address_space) {
        errors.push_back({key(p, "hosts-users"),
                          "provider " + p.name + " hosts users of ours outside of our address space",
                          "set " + key(p, "shared-address-space") + " on, or " + key(p, "hosts-users") + " off"});
    }
    if (p.public_im && p.shared_address_space) {
        errors.push_back({key(p, "shared-address-space"),
                          "public provider " + p.name + " cannot share our address space",
                          "unset " + key(p, "shared-address-space") + ", or set " + key(p, "kind") + " hosting"});
    }
    if (!p.public_im && p.capabilities) {
        errors.push_back({key(p, "capabilities"),
                          "only public providers have capabilities, and " + p.name + " is a hosting one",
                          "unset " + key(p, "capabilities") + ", or set " + key(p, "kind") + " public"});
    }
    bool decorates =
        !p.decoration_domain.empty() || !p.decoration_routing_domain.empty() || !p.decoration_excluded.empty();
    if (decorates && (!p.public_im || p.decoration_routing_domain.empty())) {
        errors.push_back({key(p, "decoration-routing-domain"),
                          p.public_im ? "provider " + p.name + " has decoration, but no domain to route it by"
                                      : "addresses of hosting provider " + p.name + " are not decorated",
                          p.public_im
                              ? "set " + key(p, "decoration-routing-domain")
                              : "unset provider." + p.name + ".decoration-..., or set " + key(p, "kind") + " public"});
    }
    if (!federation.default_route.empty()) {
        errors.push_back({"federation.default-route",
                          "provider " + p.name + " is configured, and with a default route there are no providers",
                          "fedge provider remove " + p.name + ", or unset federation.default-route"});
    }
    if (contains(federation.access_names, p.proxy)) {
        errors.push_back({key(p, "proxy"), p.proxy + " is a name of this edge (federation.access-name)",
                          "give the FQDN of the provider's server"});
    }
}

void check_proxies(const FederationConfig& federation, std::vector<Problem>& errors) {
    std::map<std::string, std::string> by_proxy;
    for (const auto& p : federation.providers) {
        if (!p.configured || p.proxy.empty()) continue;
        auto [other, added] = by_proxy.emplace(p.proxy, p.name);
        if (added) continue;
        errors.push_back({key(p, "proxy"),
                          "providers " + other->second + " and " + p.name + " have the same proxy " + p.proxy,
                          "a server is one provider: remove one of them with `fedge provider remove`"});
    }
}

void check_sites(const FederationConfig& federation, std::vector<Problem>& errors) {
    std::map<std::string, std::string> site_of;
    for (const auto& site : federation.sites) {
        std::string name = "policy.site." + site.name + ".domain";
        if (site.domains.empty()) {
            errors.push_back(
                {name, "site " + site.name + " has no domain", "set " + name + ", or unset policy.site." + site.name});
        }
        for (const auto& domain : site.domains) {
            if (!contains(federation.domains, domain)) {
                errors.push_back({name, domain + " of site " + site.name + " is no domain of ours",
                                  "add it to federation.domain, or take it out of " + name});
            }
            if (auto [other, added] = site_of.emplace(domain, site.name); !added) {
                errors.push_back({name, domain + " is in site " + other->second + " too",
                                  "a domain has one site: take it out of one of them"});
            }
        }
    }
}

}  // namespace

void check_federation(const FederationConfig& federation, std::vector<Problem>& errors) {
    for (const auto& provider : federation.providers) {
        if (provider.configured) check_provider(federation, provider, errors);
    }
    check_proxies(federation, errors);
    check_sites(federation, errors);
    if (!federation.default_route.empty() && federation.discovery) {
        errors.push_back({"federation.discovery", "discovery and a default route exclude each other",
                          "set federation.discovery off, or unset federation.default-route"});
    }
    for (const auto& name : federation.access_names) {
        if (name != federation.default_route) continue;
        errors.push_back({"federation.default-route", name + " is this edge itself (federation.access-name)",
                          "give the FQDN of another server"});
    }
    if (federation.suspicious_rate > federation.discovered_rate) {
        errors.push_back({"federation.suspicious-rate", "suspicious partners may send more than others",
                          "lower federation.suspicious-rate, or raise federation.discovered-rate"});
    }
}

void collect_federation_warnings(const FederationConfig& federation, std::vector<Problem>& warnings) {
    if (!federation.enabled) return;
    if (federation.domains.empty()) {
        warnings.push_back({"federation.domain", "federation is on, but no domain is ours, so nothing can come in",
                            "set federation.domain"});
    }
    if (federation.access_names.empty()) {
        warnings.push_back({"federation.access-name", "federation is on, but the edge has no name for partners",
                            "set federation.access-name to the FQDN in its certificate"});
    }
    auto check = [&](const std::string& scope, uint8_t access) {
        auto warn = [&](uint8_t what, uint8_t needs, const char* text, const char* fix) {
            if ((access & what) && !(access & needs))
                warnings.push_back({scope + fix, scope + text, "set " + scope + fix + " on"});
        };
        warn(kXmpp, kFederation, "xmpp does nothing without federation", "federation");
        warn(kPublicImAv, kPublicIm, "public-im-av does nothing without public-im", "public-im");
    };
    check("policy.global.", federation.global_access);
    for (const auto& site : federation.sites) check("policy.site." + site.name + ".", site.access);
    for (const auto& provider : federation.providers) {
        if (!provider.enabled || provider.configured == false) continue;
        auto allows = [](uint8_t access) { return (access & kPublicIm) != 0; };
        bool any = allows(federation.global_access) || std::any_of(federation.sites.begin(), federation.sites.end(),
                                                                   [&](const auto& s) { return allows(s.access); });
        if (!provider.public_im || any) continue;
        warnings.push_back(
            {"policy.global.public-im",
             "public provider " + provider.name + " is enabled, but no policy but those of users allows public IM",
             "fedge policy global set ..., or give users a policy"});
    }
}

}  // namespace fedge::control
