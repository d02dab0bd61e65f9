#include "control/partners/weaker.h"

#include <algorithm>
#include <limits>

namespace fedge::control {
namespace {

constexpr size_t kNamed = 3;

// The larger, the more is believed or taken.
int trust(Verification verification) {
    switch (verification) {
        case Verification::always_verifiable: return 2;
        case Verification::use_source: return 1;
        case Verification::always_unverifiable: return 0;
    }
    return 0;
}

bool looser(Verification before, Verification after) {
    return trust(after) > trust(before);
}

bool looser(Purpose before, Purpose after) {
    return before != Purpose::server_or_client && after == Purpose::server_or_client;
}

// 0 means no limit.
uint64_t limit(uint32_t value) {
    return value == 0 ? std::numeric_limits<uint64_t>::max() : value;
}

uint8_t access_of(const FederationConfig& federation, const std::string& domain) {
    for (const auto& site : federation.sites) {
        if (std::find(site.domains.begin(), site.domains.end(), domain) != site.domains.end()) return site.access;
    }
    return federation.global_access;
}

std::string names_of(uint8_t access) {
    std::string out;
    for (const auto& flag : kAccess) {
        if (access & flag.bit) out += (out.empty() ? "" : ", ") + std::string(flag.name);
    }
    return out;
}

void compare_providers(const FederationConfig& before, const FederationConfig& after, std::vector<std::string>& out) {
    for (const auto& p : after.providers) {
        if (!p.enabled) continue;
        const ProviderConfig* old = find_provider(before, p.name);
        if (!old || !old->enabled || old->proxy != p.proxy) {
            out.push_back("provider " + p.name + " (" + p.proxy + ") is enabled");
            continue;
        }
        if (looser(old->verification, p.verification))
            out.push_back("more that provider " + p.name + " says is believed");
        if (looser(old->purpose, p.purpose)) out.push_back("more certificates of provider " + p.name + " are taken");
        if (p.shared_address_space && !old->shared_address_space)
            out.push_back("provider " + p.name + " may send as users of ours");
    }
}

void compare_federation(const FederationConfig& before, const FederationConfig& after, std::vector<std::string>& out) {
    auto add = [&](bool weaker, const std::string& text) {
        if (weaker) out.push_back(text);
    };
    add(!before.enabled && after.enabled, "federation is on");
    add(!before.discovery && after.discovery, "discovery of partners is on");
    add(!before.outside_users && after.outside_users, "users are let in from outside");
    add(!before.clearing_house && after.clearing_house, "the edge routes between partners");
    add(looser(before.default_route_verification, after.default_route_verification),
        "more that comes by the default route is believed");
    add(looser(before.discovered_verification, after.discovered_verification),
        "more that discovered partners say is believed");
    add(looser(before.discovered_purpose, after.discovered_purpose),
        "more certificates of discovered partners are taken");
    add(after.discovered_rate > before.discovered_rate || after.suspicious_rate > before.suspicious_rate ||
            limit(after.max_contacts) > limit(before.max_contacts) ||
            after.suspicious_percent > before.suspicious_percent || after.suspicious_finals > before.suspicious_finals,
        "limits of discovered partners are higher");
    for (const auto& domain : before.domains) {
        bool kept = std::binary_search(after.domains.begin(), after.domains.end(), domain);
        add(!kept, domain + " is no domain of ours, and partners may claim it");
    }
    for (const auto& domain : after.domains) {
        auto gained = static_cast<uint8_t>(access_of(after, domain) & ~access_of(before, domain));
        add(gained != 0, "users of " + domain + " are allowed " + names_of(gained));
    }
    auto gained = static_cast<uint8_t>(after.global_access & ~before.global_access);
    add(gained != 0, "the global policy allows " + names_of(gained));
    compare_providers(before, after, out);
}

}  // namespace

void WeakerEntries::Tally::add(const std::string& name) {
    count++;
    if (first.size() < kNamed) first.push_back(name);
}

void WeakerEntries::count(const EntryChange& change) {
    const auto& [before, after] = change;
    const std::string& name = change.either().name;
    if (change.either().kind == EntryKind::user) {
        // Without a policy of its own the user gets that of the site, which may be the stricter one: it is named as
        // well.
        if (before && (!after || (after->access & ~before->access))) users_.add(name);
        if (!before && after->access) users_.add(name);
        return;
    }
    if (before && before->blocked && !(after && after->blocked)) unblocked_.add(name);
    if (!(before && !before->blocked) && after && !after->blocked) allowed_.add(name);
    if (before && after && !before->blocked && !after->blocked &&
        (looser(before->verification, after->verification) || looser(before->purpose, after->purpose)))
        believed_.add(name);
}

std::string WeakerEntries::sentence(const Tally& tally, const std::string& one, const std::string& many) {
    std::string names;
    for (const auto& name : tally.first) names += (names.empty() ? "" : ", ") + name;
    if (tally.count == 1) return names + " " + one;
    if (tally.count > static_cast<int64_t>(tally.first.size())) names += ", ...";
    return std::to_string(tally.count) + " " + many + ": " + names;
}

std::vector<std::string> WeakerEntries::sentences() const {
    std::vector<std::string> out;
    if (unblocked_.count) out.push_back(sentence(unblocked_, "is blocked no longer", "names are blocked no longer"));
    if (allowed_.count) out.push_back(sentence(allowed_, "is allowed", "names are allowed"));
    if (believed_.count)
        out.push_back(sentence(believed_, "is believed more, or with more certificates",
                               "partners are believed more, or with more certificates"));
    if (users_.count) out.push_back(sentence(users_, "may do more by policy", "users may do more by policy"));
    return out;
}

std::vector<std::string> weaker_settings(const Config& before, const Config& after) {
    std::vector<std::string> out;
    compare_federation(before.federation, after.federation, out);
    if (looser(before.tls.purpose, after.tls.purpose))
        out.emplace_back("more certificates of partners are taken (tls.peer-purpose)");
    if (before.tls.min_version == TlsVersion::tls_1_3 && after.tls.min_version == TlsVersion::tls_1_2)
        out.emplace_back("TLS 1.2 is spoken (tls.min-version)");
    if (!before.tls.system_trust && after.tls.system_trust)
        out.emplace_back("partners' certificates of all authorities of the system are taken (tls.trust)");
    return out;
}

}  // namespace fedge::control
