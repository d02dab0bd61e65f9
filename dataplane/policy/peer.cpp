#include "dataplane/policy/peer.h"

#include <algorithm>
#include <span>

namespace fedge::policy {

std::string_view name(PartnerType type) {
    switch (type) {
        case PartnerType::none: return "none";
        case PartnerType::direct: return "allowed partner server";
        case PartnerType::allowed: return "allowed partner domain";
        case PartnerType::discovered: return "discovered partner";
        case PartnerType::hosting_provider: return "hosting provider";
        case PartnerType::public_provider: return "public IM provider";
        case PartnerType::default_route: return "default route";
    }
    return "";
}

std::string_view name(TrustClass trust) {
    switch (trust) {
        case TrustClass::none: return "None";
        case TrustClass::direct_partner: return "DirectPartner";
        case TrustClass::auto_federation: return "AutoFed";
        case TrustClass::authorized_server: return "AuthorizedServer";
        case TrustClass::clearing_house: return "ClearingHouse";
    }
    return "";
}

TrustClass trust_of(PartnerType type) {
    switch (type) {
        case PartnerType::none: return TrustClass::none;
        case PartnerType::direct: return TrustClass::direct_partner;
        case PartnerType::allowed:
        case PartnerType::discovered: return TrustClass::auto_federation;
        case PartnerType::hosting_provider:
        case PartnerType::public_provider: return TrustClass::authorized_server;
        case PartnerType::default_route: return TrustClass::clearing_house;
    }
    return TrustClass::none;
}

bool fits(const Usages& usages, contract::Purpose purpose, bool peer_connects) {
    switch (purpose) {
        case contract::Purpose::server_or_client: return !usages.named || usages.server || usages.client || usages.any;
        case contract::Purpose::client_strict: return peer_connects ? usages.client : usages.server;
        case contract::Purpose::sip_domain: return usages.sip_domain;
    }
    return false;
}

Peer::Peer(const Config& settings, const tls::PeerNames& proven, Usages usage)
    : names(&proven), usages(usage), config(settings.number()) {
    default_route = !settings.default_route.empty() && proves_host(settings.default_route);
    for (const tls::PeerName& one : proven) {
        if (provider_count == kMaxProviders) break;
        const Provider* provider = settings.provider_at(one.value);
        std::span known(providers.data(), provider_count);
        if (provider && proves_host(provider->proxy) && std::ranges::find(known, provider) == known.end())
            providers[provider_count++] = provider;
    }
}

bool Peer::proves_host(std::string_view host) const {
    return tls::proves(*names, host, tls::Matching::sip_host);
}
bool Peer::proves_domain(std::string_view domain) const {
    return tls::proves(*names, domain, tls::Matching::sip);
}

}  // namespace fedge::policy
