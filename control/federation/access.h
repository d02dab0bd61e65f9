// Where SIP is served between servers, for those who plan firewalls and zones.
#pragma once

#include <vector>

#include "control/settings/config.h"

namespace fedge::control {

inline constexpr uint16_t kSipPort = 5061;

Side side_of(const Config& config, const ListenerConfig& listener);

// The listeners of SIP on this side. Without any, where they would be: outside at the addresses that serve TLS
// already, or else at those of the interfaces of this side.
std::vector<Endpoint> sip_endpoints(const Config& config, Side side);

}  // namespace fedge::control
