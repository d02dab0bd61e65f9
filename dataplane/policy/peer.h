// The other side of a connection, as its certificate makes it known.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "dataplane/policy/config.h"
#include "dataplane/tls/names.h"
#include "dataplane/tls/usages.h"

namespace fedge::policy {

// The types of federation; those of later servers, with the oldest names in brackets.
enum class PartnerType : uint8_t {
    none,
    direct,            // allowed partner server [direct federation]: the operator named domain and server
    allowed,           // allowed partner domain [enhanced]: the operator named the domain
    discovered,        // discovered partner [open enhanced]
    hosting_provider,  // [server allow list]
    public_provider,   // likewise, of public IM
    default_route,     // the one server that everything goes to
};
std::string_view name(PartnerType type);

// What the internal side is told of the source, and what one connection carries only one of.
enum class TrustClass : uint8_t { none, direct_partner, auto_federation, authorized_server, clearing_house };
std::string_view name(TrustClass trust);  // "AutoFed"
TrustClass trust_of(PartnerType type);

using tls::Usages;
// Whether a certificate serves this partner's purpose. `peer_connects`: it came to us.
bool fits(const Usages& usages, contract::Purpose purpose, bool peer_connects);

// One connection from outside. The names outlive it.
struct Peer {
    static constexpr size_t kMaxProviders = 4;

    // Inbound step 2.
    Peer(const Config& config, const tls::PeerNames& names, Usages usages);

    bool proves_host(std::string_view host) const;
    bool proves_domain(std::string_view domain) const;  // as RFC 5922 does
    bool is_provider() const { return provider_count > 0; }

    const tls::PeerNames* names;
    Usages usages;
    uint64_t config;  // number of the Config that the rest is from; make a new Peer when it is another
    bool default_route = false;
    uint8_t provider_count = 0;
    std::array<const Provider*, kMaxProviders> providers{};
    TrustClass fixed = TrustClass::none;  // of the first message that was accepted; kept by the caller
};

}  // namespace fedge::policy
