// The rules that decide which targets are used and in which order. Pure functions: time, randomness and DNS are
// elsewhere.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "control/discovery/route.h"
#include "dataplane/classify/peer_policy.h"

namespace fedge::control::discovery {

// A number from 0 to `most`, both included, all as likely.
using Random = std::function<uint32_t(uint32_t most)>;

// Why a port of an SRV record is not used, or nothing. Whoever publishes an SRV record chooses where we connect: 0 is
// no port, 5060 is SIP without TLS, and below 1024 other services live, save for 443.
std::optional<std::string> port_refusal(uint16_t port);

// Which addresses may be connected to.
class AddressRules {
  public:
    // `own`: addresses of this edge. `allow` beats the built-in list, `deny` adds to it; see classify::PeerPolicy.
    AddressRules(std::span<const Prefix> allow, std::span<const Prefix> deny, std::span<const IpAddress> own, bool ipv4,
                 bool ipv6)
        : policy_(allow, deny, own), ipv4_(ipv4), ipv6_(ipv6) {}

    bool has(Family family) const { return family == Family::ipv4 ? ipv4_ : ipv6_; }
    std::optional<std::string> refusal(const IpAddress& address) const;

  private:
    classify::PeerPolicy policy_;
    bool ipv4_;
    bool ipv6_;
};

// RFC 2782: lowest priority first, and by weighted chance among those of one priority.
void order_by_weight(std::vector<Target>& targets, const Random& random);

}  // namespace fedge::control::discovery
