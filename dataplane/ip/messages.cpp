#include "dataplane/ip/messages.h"

#include "dataplane/wire/headers.h"
#include "dataplane/wire/ndp.h"

namespace fedge::ip {
namespace {

using NdpBytes = std::span<uint8_t, wire::kNdpLength>;

size_t ethernet_length(const Interface& interface) {
    return wire::kEthernetHeader + (interface.vlan ? wire::kVlanTag : 0);
}

// An mbuf with `length` bytes to fill in.
uint8_t* frame(rte_mempool* pool, size_t length, rte_mbuf*& out) {
    out = rte_pktmbuf_alloc(pool);
    if (!out) return nullptr;
    auto* bytes = reinterpret_cast<uint8_t*>(rte_pktmbuf_append(out, static_cast<uint16_t>(length)));
    if (!bytes) {
        rte_pktmbuf_free(out);
        out = nullptr;
    }
    return bytes;
}

// Ethernet and IPv6 header of a neighbour discovery message; returns where the message goes.
uint8_t* ndp_frame(rte_mempool* pool, const Interface& interface, const MacAddress& destination_mac,
                   const IpAddress& source, const IpAddress& destination, rte_mbuf*& out) {
    uint8_t* at = frame(pool, ethernet_length(interface) + wire::kIpv6Header + wire::kNdpLength, out);
    if (!at) return nullptr;
    at += wire::write_ethernet(at, destination_mac, interface.mac, interface.vlan, wire::kEtherTypeIpv6);
    wire::IpFields fields;
    fields.protocol = static_cast<uint8_t>(wire::Protocol::icmpv6);
    fields.ttl = wire::kNdpHopLimit;
    fields.payload_length = wire::kNdpLength;
    return at + wire::write_ipv6(at, source, destination, fields);
}

}  // namespace

rte_mbuf* arp_frame(rte_mempool* pool, const Interface& interface, const MacAddress& destination,
                    const wire::Arp& arp) {
    rte_mbuf* out = nullptr;
    uint8_t* at = frame(pool, ethernet_length(interface) + wire::kArpLength, out);
    if (!at) return nullptr;
    at += wire::write_ethernet(at, destination, interface.mac, interface.vlan, wire::kEtherTypeArp);
    arp.write(std::span<uint8_t, wire::kArpLength>(at, wire::kArpLength));
    return out;
}

rte_mbuf* solicitation_frame(rte_mempool* pool, const Interface& interface, const IpAddress& source,
                             const IpAddress& target, const MacAddress* unicast) {
    rte_mbuf* out = nullptr;
    IpAddress destination = unicast ? target : wire::solicited_node_multicast(target);
    MacAddress mac = unicast ? *unicast : wire::multicast_mac(destination);
    uint8_t* at = ndp_frame(pool, interface, mac, source, destination, out);
    if (at)
        wire::write_neighbor_solicitation(NdpBytes(at, wire::kNdpLength), source, destination, target, interface.mac);
    return out;
}

rte_mbuf* advertisement_frame(rte_mempool* pool, const Interface& interface, const IpAddress& target,
                              const IpAddress& destination, const MacAddress& destination_mac, bool solicited) {
    rte_mbuf* out = nullptr;
    uint8_t* at = ndp_frame(pool, interface, destination_mac, target, destination, out);
    if (at)
        wire::write_neighbor_advertisement(NdpBytes(at, wire::kNdpLength), target, destination, target, interface.mac,
                                           solicited);
    return out;
}

}  // namespace fedge::ip
