// The header with which the edge tells the internal side what it made of a message from outside. What arrives outside
// under this name is removed before ours is written.
//
// No published text defines the values: they stand in one table so that they can be put right by one line.
#pragma once

#include <span>
#include <string_view>

#include "dataplane/policy/peer.h"

namespace fedge::policy {

inline constexpr std::string_view kTrustHeader = "ms-edge-proxy-message-trust";

struct TrustValues {
    PartnerType type;
    std::string_view source_type;  // ms-source-type
    std::string_view network;      // ms-source-network
};
std::span<const TrustValues> trust_values();

// The header's value; empty if the type has none or `out` is too short (256 bytes and the name are enough). `edge` is
// our access FQDN.
std::string_view write_trust(PartnerType type, bool verified, std::string_view edge, std::span<char> out);

}  // namespace fedge::policy
