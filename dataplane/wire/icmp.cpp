#include "dataplane/wire/icmp.h"

#include <algorithm>
#include <cstring>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/packet.h"

namespace fedge::wire {
namespace {

constexpr size_t kLargestIpv4Error = 576;
constexpr size_t kLargestIpv6Error = 1280;

bool has_ports(uint8_t protocol) {
    return protocol == static_cast<uint8_t>(Protocol::udp) || protocol == static_cast<uint8_t>(Protocol::tcp);
}

void read_ports(Bytes transport, QuotedPacket& quoted) {
    if (!has_ports(quoted.protocol) || transport.size() < 4) return;
    quoted.has_ports = true;
    quoted.source_port = load_be16(transport.data());
    quoted.destination_port = load_be16(transport.data() + 2);
    if (quoted.protocol != static_cast<uint8_t>(Protocol::tcp) || transport.size() < 8) return;
    quoted.has_sequence = true;
    quoted.sequence = load_be32(transport.data() + 4);
}

std::optional<QuotedPacket> quoted_v4(Bytes packet) {
    if (packet.size() < kIpv4Header || packet[0] >> 4 != 4) return std::nullopt;
    size_t header = (packet[0] & 0x0fU) * 4;
    if (header < kIpv4Header || header > packet.size()) return std::nullopt;
    QuotedPacket quoted;
    quoted.source = IpAddress::v4_bytes(packet.data() + 12);
    quoted.destination = IpAddress::v4_bytes(packet.data() + 16);
    quoted.protocol = packet[9];
    bool first_fragment = (load_be16(packet.data() + 6) & 0x1fff) == 0;
    if (first_fragment) read_ports(packet.subspan(header), quoted);
    return quoted;
}

std::optional<QuotedPacket> quoted_v6(Bytes packet) {
    if (packet.size() < kIpv6Header || packet[0] >> 4 != 6) return std::nullopt;
    QuotedPacket quoted;
    quoted.source = IpAddress::v6_bytes(packet.data() + 8);
    quoted.destination = IpAddress::v6_bytes(packet.data() + 24);
    quoted.protocol = packet[6];
    // IPv4-mapped addresses would pass for IPv4 ones inside; none was sent from here.
    if (quoted.source.is_v4() || quoted.destination.is_v4()) return std::nullopt;
    read_ports(packet.subspan(kIpv6Header), quoted);
    return quoted;
}

}  // namespace

std::optional<Icmp> Icmp::parse_v4(Bytes message) {
    if (message.size() < kIcmpHeader || checksum(message) != 0) return std::nullopt;
    return Icmp{Family::ipv4, message};
}

std::optional<Icmp> Icmp::parse_v6(const IpAddress& source, const IpAddress& destination, Bytes message) {
    if (message.size() < kIcmpHeader) return std::nullopt;
    if (!transport_checksum_ok(source, destination, static_cast<uint8_t>(Protocol::icmpv6), message))
        return std::nullopt;
    return Icmp{Family::ipv6, message};
}

Icmp::Kind Icmp::kind() const {
    if (family_ == Family::ipv6) {
        if (type() == icmpv6::kEchoRequest) return Kind::echo_request;
        if (type() == icmpv6::kEchoReply) return Kind::echo_reply;
        return type() < 128 ? Kind::error : Kind::other;  // RFC 4443 section 2.1: the high bit tells errors
    }
    switch (type()) {
        case icmp::kEchoRequest: return Kind::echo_request;
        case icmp::kEchoReply: return Kind::echo_reply;
        case icmp::kUnreachable:
        case icmp::kTimeExceeded:
        case icmp::kParameterProblem: return Kind::error;
        default: return Kind::other;
    }
}

uint32_t Icmp::mtu() const {
    if (family_ == Family::ipv6) return type() == icmpv6::kTooBig ? load_be32(message_.data() + 4) : 0;
    bool too_big = type() == icmp::kUnreachable && code() == icmp::kFragmentationNeeded;
    return too_big ? load_be16(message_.data() + 6) : 0;
}

std::optional<QuotedPacket> Icmp::quoted() const {
    if (kind() != Kind::error) return std::nullopt;
    Bytes packet = message_.subspan(kIcmpHeader);
    return family_ == Family::ipv4 ? quoted_v4(packet) : quoted_v6(packet);
}

void turn_into_echo_reply(Family family, MutableBytes message) {
    uint16_t before = load_be16(message.data());
    message[0] = family == Family::ipv4 ? icmp::kEchoReply : icmpv6::kEchoReply;
    uint16_t after = load_be16(message.data());
    uint16_t updated = adjust(load_be16(message.data() + 2), before, after);
    // By difference, a message of zeros and one whose words sum to zero look the same. 0xffff is right for both.
    store_be16(message.data() + 2, updated ? updated : uint16_t{0xffff});
}

size_t write_icmp_error(MutableBytes out, const IpAddress& source, const IpAddress& destination, uint8_t type,
                        uint8_t code, uint32_t mtu, Bytes offending) {
    if (out.size() < kIcmpHeader) return 0;
    bool v4 = source.is_v4();
    size_t largest = v4 ? kLargestIpv4Error - kIpv4Header : kLargestIpv6Error - kIpv6Header;
    size_t quote = std::min({offending.size(), out.size() - kIcmpHeader, largest - kIcmpHeader});
    uint8_t* p = out.data();
    p[0] = type;
    p[1] = code;
    store_be16(p + 2, 0);
    store_be32(p + 4, mtu);
    if (quote) std::memcpy(p + kIcmpHeader, offending.data(), quote);
    Bytes message = out.first(kIcmpHeader + quote);
    store_be16(p + 2, v4 ? checksum(message)
                         : transport_checksum(source, destination, static_cast<uint8_t>(Protocol::icmpv6), message));
    return message.size();
}

}  // namespace fedge::wire
