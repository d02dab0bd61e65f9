// The plain case of reception, for the packets that come by the million: an untagged IPv4 UDP datagram without options,
// whole, to an address of ours on its own interface.
#pragma once

#include <cstdint>
#include <cstring>

#include "dataplane/ip/interfaces.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/packet.h"

namespace fedge::ip {

// True: wire::parse() and Host::admit() would let the frame pass with just this `out` and `interface`. False says
// nothing: ask those two, which also know the reason to drop. One pass, no call, no branch that a plain packet does not
// need.
inline bool admit_plain_udp(const Interfaces& interfaces, uint16_t port, Bytes frame, bool ipv4_checksum_known_good,
                            wire::Packet& out, uint16_t& interface) {
    constexpr size_t kHeaders = wire::kEthernetHeader + wire::kIpv4Header + wire::kUdpHeader;
    constexpr uint64_t kMacBits = ~uint64_t{0} << 16;
    if (frame.size() < kHeaders) return false;
    const uint8_t* ether = frame.data();
    const uint8_t* ip = ether + wire::kEthernetHeader;
    const uint8_t* udp = ip + wire::kIpv4Header;
    uint64_t first = load_be64(ip);       // version and length, TOS, total length, identification, flags and offset
    uint64_t second = load_be64(ip + 8);  // TTL, protocol, checksum, source
    uint32_t to = load_be32(ip + 16);
    uint64_t ports = load_be64(udp);  // source, destination, length, checksum
    size_t total = first >> 32 & 0xffff;
    size_t udp_length = ports >> 16 & 0xffff;
    constexpr uint64_t kUdp = static_cast<uint64_t>(wire::Protocol::udp);
    bool plain = load_be16(ether + 12) == wire::kEtherTypeIpv4 && first >> 56 == 0x45 && (first & 0x3fff) == 0 &&
                 (second >> 48 & 0xff) == kUdp && total <= frame.size() - wire::kEthernetHeader &&
                 total >= wire::kIpv4Header + wire::kUdpHeader && udp_length >= wire::kUdpHeader &&
                 udp_length <= total - wire::kIpv4Header;
    if (!plain) return false;
    if (!ipv4_checksum_known_good) {
        uint64_t words = (first >> 32) + (first & 0xffffffff) + (second >> 32) + (second & 0xffffffff) + to;
        if (wire::fold(words) != 0xffff) return false;
    }
    interface = interfaces.find(port, 0);
    if (interface == kNoInterface) return false;
    const Interface& in = interfaces[interface];
    if (((load_be64(ether) ^ in.mac_bits) & kMacBits) != 0 || !in.foreign.empty()) return false;

    out.destination = IpAddress::v4(to);
    out.source = IpAddress::v4(static_cast<uint32_t>(second));
    uint32_t source_net = static_cast<uint32_t>(second) >> 24;
    if (source_net == 0 || source_net == 127 || source_net >= 224) return false;
    if (interfaces.owner(out.destination) != interface || interfaces.owner(out.source) != kNoInterface) return false;

    out.l3 = wire::L3::ipv4;
    out.protocol = static_cast<uint8_t>(kUdp);
    out.ttl = static_cast<uint8_t>(second >> 56);
    out.dscp_ecn = static_cast<uint8_t>(first >> 48);
    out.has_vlan = false;
    out.fragment = false;
    out.multicast_mac = false;
    out.vlan = 0;
    out.l3_offset = wire::kEthernetHeader;
    out.l4_offset = wire::kEthernetHeader + wire::kIpv4Header;
    out.payload_offset = kHeaders;
    out.payload_length = static_cast<uint16_t>(udp_length - wire::kUdpHeader);
    out.source_port = static_cast<uint16_t>(ports >> 48);
    out.destination_port = static_cast<uint16_t>(ports >> 32);
    out.udp_checksum = static_cast<uint16_t>(ports);
    return true;
}

}  // namespace fedge::ip
