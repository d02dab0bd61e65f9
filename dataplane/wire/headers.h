// Writers of the headers in front of a UDP payload. They write into the caller's memory and return how many bytes they
// wrote; the caller guarantees room for the sizes named here (packet.h has the constants). Lengths and ports are in
// host order.
#pragma once

#include <cstdint>
#include <cstring>

#include "dataplane/base/address.h"
#include "dataplane/base/bytes.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/packet.h"

namespace fedge::wire {

// 14 bytes, or 18 with a tag (vlan != 0).
inline size_t write_ethernet(uint8_t* out, const MacAddress& destination, const MacAddress& source, uint16_t vlan,
                             uint16_t ether_type) {
    std::memcpy(out, destination.octets.data(), 6);
    std::memcpy(out + 6, source.octets.data(), 6);
    if (vlan == 0) {
        store_be16(out + 12, ether_type);
        return kEthernetHeader;
    }
    store_be16(out + 12, kEtherTypeVlan);
    store_be16(out + 14, vlan & 0x0fff);
    store_be16(out + 16, ether_type);
    return kEthernetHeader + kVlanTag;
}

inline uint16_t ether_type(Family family) {
    return family == Family::ipv4 ? kEtherTypeIpv4 : kEtherTypeIpv6;
}
inline size_t ip_header_length(Family family) {
    return family == Family::ipv4 ? kIpv4Header : kIpv6Header;
}

// What an IP header says beside its addresses.
struct IpFields {
    uint8_t protocol = static_cast<uint8_t>(Protocol::udp);
    uint8_t ttl = 64;  // hop limit
    uint8_t dscp_ecn = 0;
    bool dont_fragment = false;       // IPv4 only; IPv6 routers never fragment
    uint16_t identification = 0;      // IPv4 only; matters only without dont_fragment (RFC 6864)
    bool checksum_by_device = false;  // IPv4 only; leaves the header checksum zero for the NIC to fill in
    uint16_t payload_length = 0;      // bytes behind this header
};

// 20 bytes, no options. Both addresses are IPv4.
// Whole words, made in registers: every relayed packet comes through here.
inline size_t write_ipv4(uint8_t* out, const IpAddress& source, const IpAddress& destination, const IpFields& fields) {
    uint64_t from = source.v4_host_order();
    uint64_t to = destination.v4_host_order();
    uint64_t first = uint64_t{0x45} << 56 | uint64_t{fields.dscp_ecn} << 48 |
                     uint64_t{static_cast<uint16_t>(kIpv4Header + fields.payload_length)} << 32 |
                     uint64_t{fields.identification} << 16 | (fields.dont_fragment ? 0x4000 : 0);
    uint64_t second = uint64_t{fields.ttl} << 56 | uint64_t{fields.protocol} << 48 | from;
    if (!fields.checksum_by_device) {
        uint64_t words = (first >> 32) + (first & 0xffffffff) + (second >> 32) + from + to;
        second |= uint64_t{static_cast<uint16_t>(~fold(words))} << 32;
    }
    store_be64(out, first);
    store_be64(out + 8, second);
    store_be32(out + 16, static_cast<uint32_t>(to));
    return kIpv4Header;
}

// 40 bytes. Both addresses are IPv6. The flow label is zero.
inline size_t write_ipv6(uint8_t* out, const IpAddress& source, const IpAddress& destination, const IpFields& fields) {
    store_be32(out, 6U << 28 | static_cast<uint32_t>(fields.dscp_ecn) << 20);
    store_be16(out + 4, fields.payload_length);
    out[6] = fields.protocol;
    out[7] = fields.ttl;
    std::memcpy(out + 8, source.octets().data(), 16);
    std::memcpy(out + 24, destination.octets().data(), 16);
    return kIpv6Header;
}

// By the family of `source`; `destination` has the same.
inline size_t write_ip(uint8_t* out, const IpAddress& source, const IpAddress& destination, const IpFields& fields) {
    return source.is_v4() ? write_ipv4(out, source, destination, fields) : write_ipv6(out, source, destination, fields);
}

// 8 bytes. `checksum` goes out as it is: the caller turned a computed 0 into 0xffff (RFC 768), or means "none".
inline size_t write_udp(uint8_t* out, uint16_t source_port, uint16_t destination_port, uint16_t payload_length,
                        uint16_t checksum) {
    auto length = static_cast<uint16_t>(kUdpHeader + payload_length);
    store_be64(out, uint64_t{source_port} << 48 | uint64_t{destination_port} << 32 | uint64_t{length} << 16 | checksum);
    return kUdpHeader;
}

// The group MAC addresses of multicast IP addresses (RFC 1112 section 6.4, RFC 2464 section 7).
MacAddress multicast_mac(const IpAddress& group);

}  // namespace fedge::wire
