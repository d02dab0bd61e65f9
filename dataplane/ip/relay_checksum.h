// The UDP checksum of relayed data without reading the data: what the received checksum proved about the data is
// carried over to the datagram that leaves, so that the checksum stays end to end: data damaged before it reached us
// stays visibly damaged.
#pragma once

#include <cstdint>

#include "dataplane/base/address.h"
#include "dataplane/base/bytes.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/packet.h"

namespace fedge::ip {

// Sum of addresses and ports of one direction of a flow. Order-free.
inline uint64_t ipv4_endpoint_sum(const IpAddress& source, uint16_t source_port, const IpAddress& destination,
                                  uint16_t destination_port) {
    uint64_t addresses = uint64_t{source.v4_wire_order()} + destination.v4_wire_order();
    return wire::sum_of_loaded(addresses) + source_port + destination_port;
}
inline uint64_t endpoint_sum(const Endpoint& source, const Endpoint& destination) {
    return wire::sum(source.address) + wire::sum(destination.address) + source.port + destination.port;
}

// One UDP datagram around the relayed data.
struct DatagramFrame {
    uint64_t endpoints = 0;  // endpoint_sum()
    Bytes before{};          // payload in front of the data: ChannelData header, Data indication head
    Bytes after{};           // payload behind the data: padding

    // All that the checksum covers but the data and the checksum field. What nearly every packet has around its data,
    // nothing or a ChannelData header, costs no loop.
    [[gnu::always_inline]] uint64_t sum_around(uint16_t data_length) const {
        uint64_t udp_length = wire::kUdpHeader + before.size() + data_length + after.size();
        // Pseudo header and UDP header have the length each.
        uint64_t sum = endpoints + static_cast<uint8_t>(wire::Protocol::udp) + 2 * udp_length;
        if (before.size() == 4) {
            sum += load_be32(before.data());
        } else if (!before.empty()) [[unlikely]] {
            sum += wire::sum(before);
        }
        if (!after.empty()) [[unlikely]] {
            // At an odd offset each byte weighs what its neighbour would (RFC 1071 section 2 (B)).
            uint16_t s = wire::fold(wire::sum(after));
            sum += (before.size() + data_length) & 1 ? __builtin_bswap16(s) : s;
        }
        return sum;
    }
};

// The checksum field of the outgoing datagram, 0xffff in place of 0 (RFC 768). 0 if `received` is 0, that is, if there
// is no proof to carry over: then send UdpChecksum::none (IPv4) or UdpChecksum::compute (IPv6 to come, RFC 8200
// section 8.1).
[[gnu::always_inline]] inline uint16_t relayed_udp_checksum(uint16_t received, const DatagramFrame& in,
                                                            const DatagramFrame& out, uint16_t data_length) {
    if (received == 0) [[unlikely]]
        return 0;
    // Multiples of 2^16-1 are zero to the checksum: this one keeps the difference of the sums positive.
    constexpr uint64_t kZero = uint64_t{0xffff} << 44;
    uint64_t data = static_cast<uint16_t>(~received) + kZero - in.sum_around(data_length);
    if ((in.before.size() ^ out.before.size()) & 1) [[unlikely]]
        data = __builtin_bswap16(wire::fold(data));
    auto checksum = static_cast<uint16_t>(~wire::fold(data + out.sum_around(data_length)));
    return checksum ? checksum : uint16_t{0xffff};
}

}  // namespace fedge::ip
