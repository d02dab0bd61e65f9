#include "control/publish/federation.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "dataplane/policy/patterns.h"

namespace fedge::control {
namespace {

using Builder = flatbuffers::FlatBufferBuilder;
template <typename T>
using Offset = flatbuffers::Offset<T>;

Offset<flatbuffers::String> text_if_any(Builder& builder, const std::string& text) {
    return text.empty() ? Offset<flatbuffers::String>() : builder.CreateString(text);
}

Offset<contract::Provider> add(Builder& builder, const ProviderConfig& provider) {
    auto name = builder.CreateString(provider.name), proxy = builder.CreateString(provider.proxy);
    auto domain = text_if_any(builder, provider.decoration_domain);
    auto routing = text_if_any(builder, provider.decoration_routing_domain);
    auto excluded = builder.CreateVectorOfStrings(provider.decoration_excluded);
    contract::ProviderBuilder out(builder);
    out.add_name(name);
    out.add_proxy(proxy);
    out.add_public_im(provider.public_im);
    out.add_verification(to_contract(provider.verification));
    out.add_purpose(to_contract(provider.purpose));
    out.add_shared_address_space(provider.shared_address_space);
    out.add_hosts_users(provider.hosts_users);
    out.add_capabilities(static_cast<contract::Capability>(provider.capabilities));
    out.add_decoration_domain(domain);
    out.add_decoration_routing_domain(routing);
    out.add_decoration_excluded(excluded);
    return out.Finish();
}

Offset<contract::InternalDomain> add_domain(Builder& builder, const FederationConfig& federation,
                                            const std::string& domain) {
    const SiteConfig* of = nullptr;
    for (const auto& site : federation.sites) {
        if (std::find(site.domains.begin(), site.domains.end(), domain) != site.domains.end()) of = &site;
    }
    auto name = builder.CreateString(domain);
    auto site = text_if_any(builder, of ? of->name : "");
    return contract::CreateInternalDomain(builder, name, site,
                                          access_to_contract(of ? of->access : federation.global_access));
}

Offset<contract::DomainPattern> add_pattern(Builder& builder, const Entry& pattern) {
    auto text = builder.CreateString(pattern.name);
    auto expression = builder.CreateString(policy::expression_of(pattern.name));
    auto via = text_if_any(builder, pattern.via);
    return contract::CreateDomainPattern(builder, text, expression, pattern.blocked, to_contract(pattern.verification),
                                         to_contract(pattern.purpose), to_contract(pattern.srv_mode), via);
}

}  // namespace

contract::Purpose to_contract(Purpose purpose) {
    switch (purpose) {
        case Purpose::server_or_client: return contract::Purpose::server_or_client;
        case Purpose::client_strict: return contract::Purpose::client_strict;
        case Purpose::sip_domain: return contract::Purpose::sip_domain;
    }
    return contract::Purpose::client_strict;
}

contract::Verification to_contract(Verification verification) {
    switch (verification) {
        case Verification::always_verifiable: return contract::Verification::always_verifiable;
        case Verification::always_unverifiable: return contract::Verification::always_unverifiable;
        case Verification::use_source: return contract::Verification::use_source;
    }
    return contract::Verification::always_unverifiable;
}

contract::SrvMode to_contract(SrvMode mode) {
    switch (mode) {
        case SrvMode::microsoft_then_sips: return contract::SrvMode::microsoft_then_sips;
        case SrvMode::microsoft: return contract::SrvMode::microsoft;
        case SrvMode::sips: return contract::SrvMode::sips;
    }
    return contract::SrvMode::microsoft_then_sips;
}

Offset<contract::Federation> add_federation(Builder& builder, const FederationConfig& federation,
                                            const std::vector<Entry>& patterns) {
    std::vector<Offset<contract::Provider>> provider_list;
    for (const auto& provider : federation.providers) {
        if (provider.enabled) provider_list.push_back(add(builder, provider));
    }
    std::vector<Offset<contract::InternalDomain>> domain_list;
    for (const auto& domain : federation.domains) domain_list.push_back(add_domain(builder, federation, domain));
    std::vector<Offset<contract::DomainPattern>> pattern_list;
    for (const auto& pattern : patterns) pattern_list.push_back(add_pattern(builder, pattern));
    auto default_route = text_if_any(builder, federation.default_route);
    auto access_names = builder.CreateVectorOfStrings(federation.access_names);
    auto domains = builder.CreateVector(domain_list);
    auto providers = builder.CreateVector(provider_list);
    auto pattern_vector = builder.CreateVector(pattern_list);
    contract::FederationBuilder out(builder);
    out.add_enabled(federation.enabled);
    out.add_discovery(federation.discovery);
    out.add_outside_users(federation.outside_users);
    out.add_clearing_house(federation.clearing_house);
    out.add_archiving_disclaimer(federation.archiving_disclaimer);
    out.add_mark_source_verified(federation.mark_source_verified);
    out.add_default_route(default_route);
    out.add_default_route_verification(to_contract(federation.default_route_verification));
    out.add_access_names(access_names);
    out.add_domains(domains);
    out.add_access(access_to_contract(federation.global_access));
    out.add_providers(providers);
    out.add_patterns(pattern_vector);
    out.add_discovered_verification(to_contract(federation.discovered_verification));
    out.add_discovered_purpose(to_contract(federation.discovered_purpose));
    out.add_discovered_srv_mode(to_contract(federation.discovered_srv_mode));
    out.add_discovered_rate(federation.discovered_rate);
    out.add_suspicious_rate(federation.suspicious_rate);
    out.add_suspicious_window_s(federation.suspicious_window_s);
    out.add_suspicious_finals(federation.suspicious_finals);
    out.add_suspicious_percent(federation.suspicious_percent);
    out.add_max_contacts(federation.max_contacts);
    out.add_connections_per_partner(federation.connections_per_partner);
    return out.Finish();
}

std::string check_federation_part(const contract::Federation* federation) {
    if (!federation) return {};
    if (federation->domains()) {
        std::string_view previous;
        for (const auto* domain : *federation->domains()) {
            std::string_view name = domain->name()->string_view();
            if (name <= previous) return "the domains of ours are not sorted";
            previous = name;
        }
    }
    if (!federation->providers()) return {};
    std::set<std::string_view> proxies;
    for (const auto* provider : *federation->providers()) {
        if (provider->proxy()->size() == 0) return "a provider has no proxy";
        if (!proxies.insert(provider->proxy()->string_view()).second) return "two providers have one proxy";
    }
    if (federation->default_route() && !proxies.empty()) return "there are providers besides a default route";
    return {};
}

}  // namespace fedge::control
