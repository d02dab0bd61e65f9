// Neighbour solicitations and advertisements over Ethernet (RFC 4861 sections 4.3, 4.4 and 7.1).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/base/address.h"
#include "dataplane/wire/icmp.h"

namespace fedge::wire {

// A solicitation or advertisement as written here: 24 bytes and one link-layer address option.
inline constexpr size_t kNdpLength = 32;

// Neighbour discovery is spoken on the link only; a router would have made this smaller (RFC 4861 section 3.1).
inline constexpr uint8_t kNdpHopLimit = 255;

struct NeighborSolicitation {
    IpAddress target;
    std::optional<MacAddress> source_mac;  // source link-layer address option

    // All checks of section 7.1.1 that Icmp::parse_v6 has not made. `source` and `destination` are those of the IP
    // header.
    static std::optional<NeighborSolicitation> parse(const IpAddress& source, const IpAddress& destination,
                                                     uint8_t hop_limit, const Icmp& message);
};

struct NeighborAdvertisement {
    IpAddress target;
    std::optional<MacAddress> target_mac;  // target link-layer address option
    bool router = false;
    bool solicited = false;
    bool override_cached = false;

    // All checks of section 7.1.2 that Icmp::parse_v6 has not made.
    static std::optional<NeighborAdvertisement> parse(const IpAddress& destination, uint8_t hop_limit,
                                                      const Icmp& message);
};

// ff02::1:ffXX:XXXX (RFC 4291 section 2.7.1).
IpAddress solicited_node_multicast(const IpAddress& target);
IpAddress all_nodes_multicast();  // ff02::1

// Write the ICMPv6 message with its checksum; `source` and `destination` go into the IP header around it, whose hop
// limit must be kNdpHopLimit. Both carry `mac` as the sender's link-layer address.
void write_neighbor_solicitation(std::span<uint8_t, kNdpLength> out, const IpAddress& source,
                                 const IpAddress& destination, const IpAddress& target, const MacAddress& mac);
void write_neighbor_advertisement(std::span<uint8_t, kNdpLength> out, const IpAddress& source,
                                  const IpAddress& destination, const IpAddress& target, const MacAddress& mac,
                                  bool solicited);

}  // namespace fedge::wire
