// What the firewalls around this edge must let through, from its own configuration: as the port tables of the planning
// documents have it, with our addresses and without their errors (an internal address for port 5269, media on the
// access interface).
#pragma once

#include <string>
#include <vector>

#include "control/settings/config.h"

namespace fedge::control {

enum class PortRole : uint8_t {
    access_federation,  // SIP over mutual TLS with partners and public IM providers
    access_clients,     // SIP over TLS of remote users
    media_udp,          // STUN and TURN over UDP
    media_tcp,          // STUN and TURN over TCP, in TLS or not
    relayed_udp,        // RTP at relay ports
    relayed_tcp,        // RTP at relay ports over TCP (RFC 6062)
    names,              // DNS
    front_end,          // SIP over mutual TLS with front ends
};
const char* name_of(PortRole role);  // "access-federation"

enum class Far : uint8_t {
    any,       // the internet
    partners,  // federated partners and public IM providers, wherever they are
    clients,   // remote users
    dns,       // the servers that the edge asks
    front_ends,
    inside,  // clients of the internal network
};
const char* name_of(Far far);

// One row: what one firewall lets through in one direction.
struct PortRow {
    PortRole role;
    Side side;  // the firewall towards the internet, or that towards the internal network
    bool udp = false;
    uint16_t first = 0;  // destination port
    uint16_t last = 0;
    bool to_edge = true;  // from the far side to us; else from us to the far side
    Far far = Far::any;
    std::vector<IpAddress> addresses;  // ours; empty: the host that fedge-control runs on
    bool source_ports = false;         // first and last are those of the source: what relay ports send, to any port
};

// In the order of the documents: federation, clients, media, DNS, internal side.
std::vector<PortRow> port_rows(const Config& config);

}  // namespace fedge::control
