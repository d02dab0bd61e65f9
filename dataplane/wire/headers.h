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
    auto total = static_cast<uint16_t>(kIpv4Header + fields.payload_length);
    uint32_t length = 0x45000000 | uint32_t{fields.dscp_ecn} << 16 | total;
    uint32_t fragment = uint32_t{fields.identification} << 16 | (fields.dont_fragment ? 0x4000U : 0U);
    uint32_t life = uint32_t{fields.ttl} << 24 | uint32_t{fields.protocol} << 16;
    uint64_t addresses = uint64_t{source.v4_wire_order()} + destination.v4_wire_order();
    if (!fields.checksum_by_device)
        life |= static_cast<uint16_t>(~fold(uint64_t{length} + fragment + life + sum_of_loaded(addresses)));
    store_be32(out, length);
    store_be32(out + 4, fragment);
    store_be32(out + 8, life);
    store_native32(out + 12, source.v4_wire_order());
    store_native32(out + 16, destination.v4_wire_order());
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
