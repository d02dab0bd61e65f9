#include "dataplane/wire/ndp.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/packet.h"

namespace fedge::wire {
namespace {

constexpr size_t kFixedPart = 24;  // type, code, checksum, flags, target
constexpr uint8_t kSourceLinkLayer = 1;
constexpr uint8_t kTargetLinkLayer = 2;
constexpr uint8_t kRouter = 0x80;
constexpr uint8_t kSolicited = 0x40;
constexpr uint8_t kOverride = 0x20;

// The first link-layer address option of this type goes into `mac`. False if the options cannot be walked, an option
// has length zero (RFC 4861 section 4.6), or the address is not that of one Ethernet station.
bool read_link_layer(Bytes options, uint8_t wanted, std::optional<MacAddress>& mac) {
    while (!options.empty()) {
        if (options.size() < 2) return false;
        size_t length = size_t{8} * options[1];
        if (length == 0 || length > options.size()) return false;
        if (options[0] == wanted && !mac) {
            if (length != 8) return false;
            std::copy_n(options.data() + 2, 6, mac.emplace().octets.data());
            if (mac->is_multicast() || *mac == MacAddress{}) return false;
        }
        options = options.subspan(length);
    }
    return true;
}

// What sections 7.1.1 and 7.1.2 have in common. Empty if the message is to be discarded, else its target.
std::optional<IpAddress> checked_target(uint8_t type, uint8_t hop_limit, const Icmp& message) {
    Bytes raw = message.raw();
    if (message.family() != Family::ipv6 || message.type() != type || message.code() != 0) return std::nullopt;
    if (hop_limit != kNdpHopLimit || raw.size() < kFixedPart) return std::nullopt;
    IpAddress target = IpAddress::v6_bytes(raw.data() + 8);
    if (target.is_multicast() || target.is_unspecified() || target.is_v4()) return std::nullopt;
    return target;
}

bool is_solicited_node(const IpAddress& a) {
    return a == solicited_node_multicast(a);
}

void write_message(std::span<uint8_t, kNdpLength> out, uint8_t type, uint8_t flags, const IpAddress& source,
                   const IpAddress& destination, const IpAddress& target, uint8_t option, const MacAddress& mac) {
    uint8_t* p = out.data();
    std::memset(p, 0, kNdpLength);
    p[0] = type;
    p[4] = flags;
    std::memcpy(p + 8, target.octets().data(), 16);
    p[24] = option;
    p[25] = 1;  // in units of 8 bytes
    std::memcpy(p + 26, mac.octets.data(), 6);
    store_be16(p + 2, transport_checksum(source, destination, static_cast<uint8_t>(Protocol::icmpv6), out));
}

}  // namespace

std::optional<NeighborSolicitation> NeighborSolicitation::parse(const IpAddress& source, const IpAddress& destination,
                                                                uint8_t hop_limit, const Icmp& message) {
    auto target = checked_target(icmpv6::kNeighborSolicitation, hop_limit, message);
    if (!target) return std::nullopt;
    NeighborSolicitation solicitation{*target, std::nullopt};
    if (!read_link_layer(message.raw().subspan(kFixedPart), kSourceLinkLayer, solicitation.source_mac))
        return std::nullopt;
    // Duplicate address detection: to the solicited-node group, and without a link-layer address to remember.
    if (source.is_unspecified() && (solicitation.source_mac || !is_solicited_node(destination))) return std::nullopt;
    return solicitation;
}

std::optional<NeighborAdvertisement> NeighborAdvertisement::parse(const IpAddress& destination, uint8_t hop_limit,
                                                                  const Icmp& message) {
    auto target = checked_target(icmpv6::kNeighborAdvertisement, hop_limit, message);
    if (!target) return std::nullopt;
    uint8_t flags = message.raw()[4];
    NeighborAdvertisement advertisement{*target, std::nullopt, (flags & kRouter) != 0, (flags & kSolicited) != 0,
                                        (flags & kOverride) != 0};
    if (advertisement.solicited && destination.is_multicast()) return std::nullopt;
    if (!read_link_layer(message.raw().subspan(kFixedPart), kTargetLinkLayer, advertisement.target_mac))
        return std::nullopt;
    return advertisement;
}

IpAddress solicited_node_multicast(const IpAddress& target) {
    std::array<uint8_t, 16> group{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff};
    std::copy_n(target.octets().begin() + 13, 3, group.begin() + 13);
    return IpAddress::v6_bytes(group.data());
}

IpAddress all_nodes_multicast() {
    std::array<uint8_t, 16> group{0xff, 0x02};
    group[15] = 1;
    return IpAddress::v6_bytes(group.data());
}

void write_neighbor_solicitation(std::span<uint8_t, kNdpLength> out, const IpAddress& source,
                                 const IpAddress& destination, const IpAddress& target, const MacAddress& mac) {
    write_message(out, icmpv6::kNeighborSolicitation, 0, source, destination, target, kSourceLinkLayer, mac);
}

void write_neighbor_advertisement(std::span<uint8_t, kNdpLength> out, const IpAddress& source,
                                  const IpAddress& destination, const IpAddress& target, const MacAddress& mac,
                                  bool solicited) {
    uint8_t flags = kOverride | (solicited ? kSolicited : 0);
    write_message(out, icmpv6::kNeighborAdvertisement, flags, source, destination, target, kTargetLinkLayer, mac);
}

}  // namespace fedge::wire
