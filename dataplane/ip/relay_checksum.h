// The UDP checksum of relayed data without reading the data: what the received checksum proved about the data is
// carried over to the datagram that leaves, so that the checksum stays end to end: data damaged before it reached us
// stays visibly damaged.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/base/address.h"
#include "dataplane/base/bytes.h"

namespace fedge::ip {

// Sum of addresses and ports of one direction of a flow: constant per flow, so that flows may keep it. Order-free.
uint64_t endpoint_sum(const Endpoint& source, const Endpoint& destination);

// One UDP datagram around the relayed data.
struct DatagramFrame {
    uint64_t endpoints = 0;  // endpoint_sum()
    Bytes before;            // payload in front of the data: ChannelData header, Data indication head
    Bytes after;             // payload behind the data: padding
};

// The checksum field of the outgoing datagram, 0xffff in place of 0 (RFC 768). Nothing if `received` is 0, that is, if
// there is no proof to carry over: then send UdpChecksum::none (IPv4) or UdpChecksum::compute (IPv6 to come, RFC 8200
// section 8.1).
std::optional<uint16_t> relayed_udp_checksum(uint16_t received, const DatagramFrame& in, const DatagramFrame& out,
                                             uint16_t data_length);

}  // namespace fedge::ip
