// One pass over a received frame: Ethernet, VLAN, IPv4 or IPv6, UDP. What comes out needs no further length checks.
//
// Offsets count from the start of the frame. Nothing is copied but addresses. Lengths in headers are trusted only after
// they were compared with the bytes that are there; trailing bytes behind the IP length (Ethernet padding) are ignored.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/base/address.h"
#include "dataplane/base/bytes.h"
#include "dataplane/contract/counters.h"

namespace fedge::wire {

inline constexpr uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr uint16_t kEtherTypeArp = 0x0806;
inline constexpr uint16_t kEtherTypeVlan = 0x8100;
inline constexpr uint16_t kEtherTypeIpv6 = 0x86dd;
inline constexpr size_t kEthernetHeader = 14;
inline constexpr size_t kVlanTag = 4;
inline constexpr size_t kIpv4Header = 20;
inline constexpr size_t kIpv6Header = 40;
inline constexpr size_t kUdpHeader = 8;

enum class L3 : uint8_t { arp, ipv4, ipv6 };
enum class Protocol : uint8_t { icmp = 1, tcp = 6, udp = 17, icmpv6 = 58 };

// A frame whose layers up to IP (and UDP, where it is UDP) have been checked.
struct Packet {
    L3 l3;
    uint8_t protocol = 0;  // IP protocol behind any IPv6 extension headers; 0 for ARP
    bool has_vlan = false;
    bool fragment = false;       // any fragment, the first one included; `payload_*` then cover the fragment's bytes
    uint16_t vlan = 0;           // VLAN id
    bool multicast_mac = false;  // destination MAC is a group address
    uint8_t ttl = 0;             // TTL or hop limit
    uint8_t dscp_ecn = 0;        // IPv4 TOS byte or IPv6 traffic class
    uint16_t l3_offset = 0;
    uint16_t l4_offset = 0;       // 0 for ARP
    uint16_t payload_offset = 0;  // UDP: behind the UDP header; else = l4_offset
    uint16_t payload_length = 0;
    uint16_t source_port = 0;  // UDP only
    uint16_t destination_port = 0;
    uint16_t udp_checksum = 0;  // as received; 0 = none (IPv4 only)
    IpAddress source;
    IpAddress destination;

    bool is_udp() const { return protocol == static_cast<uint8_t>(Protocol::udp) && l3 != L3::arp && !fragment; }
};

// Parses into `out`. Returns nothing when the frame is good, else the reason to drop it. IPv4 header checksums are
// verified here unless `ipv4_checksum_known_good` (the NIC did it). UDP checksums are not: relayed payload is not
// touched, see checksum.h. IPv4 source routing and IPv6 routing headers are refused (Drop::ip_options).
inline std::optional<contract::Drop> parse(Bytes frame, bool ipv4_checksum_known_good, Packet& out);

// What is behind parse(): 0 when the frame is good, else 1 + the reason. A plain number comes back in a register; an
// optional would go through memory in two parts and stall the caller.
uint32_t parse_code(Bytes frame, bool ipv4_checksum_known_good, Packet& out);

inline std::optional<contract::Drop> parse(Bytes frame, bool ipv4_checksum_known_good, Packet& out) {
    uint32_t code = parse_code(frame, ipv4_checksum_known_good, out);
    if (code == 0) [[likely]]
        return std::nullopt;
    return static_cast<contract::Drop>(code - 1);
}

}  // namespace fedge::wire
