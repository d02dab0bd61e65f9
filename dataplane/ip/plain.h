// The plain case of reception, for the packets that come by the million: an untagged IPv4 UDP datagram without options,
// whole, to an address of ours on its own interface.
#pragma once

#include <cstdint>
#include <cstring>

#include "dataplane/ip/interfaces.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/packet.h"

namespace fedge::ip {

// True: wire::parse() and Host::admit() would let the frame pass with just this `out` and the interface of `local`,
// which is the place of the destination among Interfaces::ipv4_locals(). False says nothing: ask those two, which also
// know the reason to drop. One pass, no call, no branch that a plain packet does not need.
[[gnu::always_inline]] inline bool admit_plain_udp(const Interfaces& interfaces, uint16_t port, Bytes frame,
                                                   bool ipv4_checksum_known_good, wire::Packet& out, uint32_t& local) {
    constexpr size_t kHeaders = wire::kEthernetHeader + wire::kIpv4Header + wire::kUdpHeader;
    constexpr auto kUdp = static_cast<uint8_t>(wire::Protocol::udp);
    if (frame.size() < kHeaders || port >= kMaxPorts) return false;
    const uint8_t* ether = frame.data();
    const uint8_t* ip = ether + wire::kEthernetHeader;
    const uint8_t* udp = ip + wire::kIpv4Header;
    const PlainPort& here = interfaces.plain_port(port);
    // In words of eight bytes, with what may be anything masked out: our MAC address; EtherType, version and header
    // length; fragments and protocol.
    uint64_t differs = (load_be64(ether) ^ here.mac_bits) >> 16;
    differs |= (load_be64(ether + 12) ^ (uint64_t{wire::kEtherTypeIpv4} << 48 | uint64_t{0x45} << 40)) >> 40;
    differs |= (load_be64(ip + 6) ^ uint64_t{kUdp} << 32) & 0x3fff00ff00000000;
    if (differs || here.interface == kNoInterface) return false;
    size_t total = load_be16(ip + 2);
    size_t udp_length = load_be16(udp + 4);
    bool fits = total <= frame.size() - wire::kEthernetHeader && udp_length >= wire::kUdpHeader &&
                udp_length + wire::kIpv4Header <= total;
    if (!fits) return false;
    if (!ipv4_checksum_known_good && !wire::ipv4_checksum_ok(ip)) return false;

    uint8_t source_net = ip[12];
    if (source_net == 0 || source_net == 127 || source_net >= 224) return false;
    // What is found for 0.0.0.0 is a free place, which has no interface.
    local = interfaces.find_ipv4(load_native32(ip + 16));
    if (local == Interfaces::kNoLocal || interfaces.ipv4_locals()[local].interface != here.interface) return false;
    if (interfaces.find_ipv4(load_native32(ip + 12)) != Interfaces::kNoLocal) return false;

    out.source = IpAddress::v4_bytes(ip + 12);
    out.destination = IpAddress::v4_bytes(ip + 16);
    out.l3 = wire::L3::ipv4;
    out.protocol = kUdp;
    out.has_vlan = false;
    out.fragment = false;
    out.multicast_mac = false;
    out.ttl = ip[8];
    out.dscp_ecn = ip[1];
    out.vlan = 0;
    out.l3_offset = wire::kEthernetHeader;
    out.l4_offset = wire::kEthernetHeader + wire::kIpv4Header;
    out.payload_offset = kHeaders;
    out.payload_length = static_cast<uint16_t>(udp_length - wire::kUdpHeader);
    out.source_port = load_be16(udp);
    out.destination_port = load_be16(udp + 2);
    out.udp_checksum = load_be16(udp + 6);
    return true;
}

}  // namespace fedge::ip
