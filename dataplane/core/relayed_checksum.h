// The checksum of what relay/ decided about a received datagram.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/ip/relay_checksum.h"
#include "dataplane/relay/forward.h"
#include "dataplane/wire/packet.h"

namespace fedge::core {

// Of the datagram that `forward` makes of `packet`, whose UDP payload is `received`. 0 if that had none.
inline uint16_t relayed_checksum(const wire::Packet& packet, Bytes received, const relay::Forward& forward) {
    static constexpr std::array<uint8_t, 4> kZeros{};
    size_t behind = size_t{forward.data_offset} + forward.data_length;
    return ip::relayed_udp_checksum(
        packet.udp_checksum,
        {ip::endpoint_sum({packet.source, packet.source_port}, {packet.destination, packet.destination_port}),
         received.first(forward.data_offset), received.subspan(behind)},
        {ip::endpoint_sum(forward.source, forward.destination), Bytes{forward.prepend}.first(forward.prepend_length),
         Bytes{kZeros}.first(forward.append_zeros)},
        forward.data_length);
}

}  // namespace fedge::core
