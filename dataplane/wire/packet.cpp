#include "dataplane/wire/packet.h"

#include "dataplane/wire/checksum.h"

namespace fedge::wire {
namespace {

using contract::Drop;
using Result = uint32_t;  // as parse_code() returns it

constexpr Result kGood = 0;
constexpr Result because(Drop reason) {
    return 1 + static_cast<uint32_t>(reason);
}

// IPv6 next header values (RFC 8200 section 4, IANA protocol numbers).
constexpr uint8_t kHopByHop = 0;
constexpr uint8_t kRouting = 43;
constexpr uint8_t kFragment = 44;
constexpr uint8_t kDestinationOptions = 60;
constexpr int kMaxExtensionHeaders = 8;

// IPv4 option types (RFC 791 section 3.1).
constexpr uint8_t kEndOfOptions = 0;
constexpr uint8_t kNoOperation = 1;
constexpr uint8_t kLooseSourceRoute = 131;
constexpr uint8_t kStrictSourceRoute = 137;

constexpr uint8_t kPad1 = 0;  // the only IPv6 option without a length

// What follows the IP header: `length` bytes at `frame[offset]`, which are there.
inline Result parse_transport(Bytes frame, size_t offset, size_t length, Packet& out) {
    out.l4_offset = static_cast<uint16_t>(offset);
    if (out.protocol != static_cast<uint8_t>(Protocol::udp) || out.fragment) {
        out.payload_offset = static_cast<uint16_t>(offset);
        out.payload_length = static_cast<uint16_t>(length);
        out.source_port = out.destination_port = out.udp_checksum = 0;
        return kGood;
    }
    if (length < kUdpHeader) return because(Drop::udp_malformed);
    const uint8_t* udp = frame.data() + offset;
    size_t udp_length = load_be16(udp + 4);
    if (udp_length < kUdpHeader || udp_length > length) return because(Drop::udp_malformed);
    out.source_port = load_be16(udp);
    out.destination_port = load_be16(udp + 2);
    out.udp_checksum = load_be16(udp + 6);
    out.payload_offset = static_cast<uint16_t>(offset + kUdpHeader);
    out.payload_length = static_cast<uint16_t>(udp_length - kUdpHeader);
    return kGood;
}

// Source routes are refused, every other option is skipped; what cannot be walked is malformed.
Result check_ipv4_options(Bytes options) {
    while (!options.empty()) {
        uint8_t type = options[0];
        if (type == kEndOfOptions) return kGood;
        if (type == kNoOperation) {
            options = options.subspan(1);
            continue;
        }
        if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) return because(Drop::ipv4_malformed);
        if (type == kLooseSourceRoute || type == kStrictSourceRoute) return because(Drop::ip_options);
        options = options.subspan(options[1]);
    }
    return kGood;
}

inline Result parse_ipv4(Bytes frame, size_t at, bool checksum_known_good, Packet& out) {
    const uint8_t* ip = frame.data() + at;
    size_t available = frame.size() - at;
    if (available < kIpv4Header) return because(Drop::ipv4_malformed);
    size_t header = (ip[0] & 0x0fU) * 4;
    size_t total = load_be16(ip + 2);
    if (ip[0] >> 4 != 4 || header < kIpv4Header || total < header || total > available)
        return because(Drop::ipv4_malformed);
    if (!checksum_known_good) {
        bool good = header == kIpv4Header ? ipv4_checksum_ok(ip) : checksum({ip, header}) == 0;
        if (!good) return because(Drop::ipv4_checksum);
    }
    if (header > kIpv4Header) [[unlikely]] {
        if (auto drop = check_ipv4_options({ip + kIpv4Header, header - kIpv4Header})) return drop;
    }
    out.l3 = L3::ipv4;
    out.protocol = ip[9];
    out.ttl = ip[8];
    out.dscp_ecn = ip[1];
    out.fragment = (load_be16(ip + 6) & 0x3fff) != 0;  // more fragments, or an offset
    out.source = IpAddress::v4_bytes(ip + 12);
    out.destination = IpAddress::v4_bytes(ip + 16);
    return parse_transport(frame, at + header, total - header, out);
}

// An option whose two high bits are not zero wants the packet discarded where it is not understood (RFC 8200
// section 4.2), and none such is understood here.
Result check_ipv6_options(Bytes options) {
    while (!options.empty()) {
        if (options[0] == kPad1) {
            options = options.subspan(1);
            continue;
        }
        if (options.size() < 2 || options[1] > options.size() - 2) return because(Drop::ipv6_malformed);
        if (options[0] & 0xc0) return because(Drop::ip_options);
        options = options.subspan(2U + options[1]);
    }
    return kGood;
}

bool is_extension(uint8_t next) {
    return next == kHopByHop || next == kRouting || next == kFragment || next == kDestinationOptions;
}

// Walks the extension headers in `rest`, which starts behind the fixed header and ends with the IP payload. Leaves
// `next` at the upper-layer protocol and `rest` at its bytes.
Result walk_extensions(uint8_t& next, Bytes& rest, bool& fragment) {
    for (int count = 0; is_extension(next); count++) {
        if (count == kMaxExtensionHeaders || rest.size() < 8) return because(Drop::ipv6_malformed);
        size_t length = next == kFragment ? 8 : (rest[1] + size_t{1}) * 8;
        if (length > rest.size()) return because(Drop::ipv6_malformed);
        switch (next) {
            case kHopByHop:
                if (count != 0)
                    return because(Drop::ipv6_malformed);  // only directly behind the IPv6 header (section 4.1)
                [[fallthrough]];
            case kDestinationOptions:
                if (auto drop = check_ipv6_options(rest.subspan(2, length - 2))) return drop;
                break;
            case kRouting: {
                // Type 0 is deprecated (RFC 5095); 2, 3 and 4 (mobility, RPL, segments) are not for this host. Any
                // other is skipped when no segments are left, as section 4.4 asks.
                uint8_t type = rest[2];
                uint8_t segments_left = rest[3];
                if (type == 0 || (type >= 2 && type <= 4) || segments_left != 0) return because(Drop::ip_options);
                break;
            }
            case kFragment:
                // Offset zero and no more to come: a whole packet, processed as such (section 4.5, RFC 6946).
                fragment = (load_be16(rest.data() + 2) & 0xfff9) != 0;
                break;
            default: break;
        }
        next = rest[0];
        rest = rest.subspan(length);
        if (fragment) return kGood;
    }
    return kGood;
}

Result parse_ipv6(Bytes frame, size_t at, Packet& out) {
    const uint8_t* ip = frame.data() + at;
    if (frame.size() - at < kIpv6Header || ip[0] >> 4 != 6) return because(Drop::ipv6_malformed);
    size_t length = load_be16(ip + 4);
    if (length > frame.size() - at - kIpv6Header) return because(Drop::ipv6_malformed);
    out.l3 = L3::ipv6;
    out.ttl = ip[7];
    out.dscp_ecn = static_cast<uint8_t>(load_be16(ip) >> 4);
    out.source = IpAddress::v6_bytes(ip + 8);
    out.destination = IpAddress::v6_bytes(ip + 24);
    // IPv4-mapped addresses never belong on the wire (RFC 4291 section 2.5.5.2), and here they would pass for IPv4
    // ones.
    if (out.source.is_v4()) return because(Drop::martian_source);
    if (out.destination.is_v4()) return because(Drop::not_for_us);
    out.fragment = false;
    uint8_t next = ip[6];
    Bytes rest{ip + kIpv6Header, length};
    if (is_extension(next)) [[unlikely]] {
        if (auto drop = walk_extensions(next, rest, out.fragment)) return drop;
    }
    out.protocol = next;
    auto offset = static_cast<size_t>(rest.data() - frame.data());
    if (auto drop = parse_transport(frame, offset, rest.size(), out)) return drop;
    if (out.is_udp() && out.udp_checksum == 0) return because(Drop::udp_checksum);  // RFC 8200 section 8.1
    return kGood;
}

void become_arp(size_t at, size_t size, Packet& out) {
    out.l3 = L3::arp;
    out.protocol = out.ttl = out.dscp_ecn = 0;
    out.fragment = false;
    out.l4_offset = 0;
    out.payload_offset = static_cast<uint16_t>(at);
    out.payload_length = static_cast<uint16_t>(size - at);
    out.source_port = out.destination_port = out.udp_checksum = 0;
    out.source = out.destination = IpAddress{};
}

}  // namespace

uint32_t parse_code(Bytes frame, bool ipv4_checksum_known_good, Packet& out) {
    if (frame.size() < kEthernetHeader) return because(Drop::ether_short);
    const uint8_t* ether = frame.data();
    uint16_t type = load_be16(ether + 12);
    size_t at = kEthernetHeader;
    out.multicast_mac = ether[0] & 1;
    out.has_vlan = false;
    out.vlan = 0;
    if (type == kEtherTypeVlan) {
        if (frame.size() < kEthernetHeader + kVlanTag) return because(Drop::ether_short);
        out.has_vlan = true;
        out.vlan = load_be16(ether + 14) & 0x0fff;
        type = load_be16(ether + 16);
        at += kVlanTag;
    }
    out.l3_offset = static_cast<uint16_t>(at);
    if (type == kEtherTypeIpv4) [[likely]]
        return parse_ipv4(frame, at, ipv4_checksum_known_good, out);
    if (type == kEtherTypeIpv6) return parse_ipv6(frame, at, out);
    if (type != kEtherTypeArp) return because(Drop::ether_type);
    become_arp(at, frame.size(), out);
    return kGood;
}

}  // namespace fedge::wire
