#include "dataplane/ip/relay_checksum.h"

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/packet.h"

namespace fedge::ip {
namespace {

uint16_t swap(uint16_t sum) {
    return static_cast<uint16_t>(sum << 8 | sum >> 8);
}

// Sum of bytes that start at an even or an odd offset: at an odd one each byte weighs what its neighbour would (RFC
// 1071 section 2 (B)).
uint16_t sum_at(Bytes bytes, size_t offset) {
    uint16_t s = wire::fold(wire::sum(bytes));
    return offset & 1 ? swap(s) : s;
}

// All that the checksum covers but the data and the checksum field.
uint64_t sum_around(const DatagramFrame& frame, uint16_t data_length) {
    uint64_t udp_length = wire::kUdpHeader + frame.before.size() + data_length + frame.after.size();
    // Pseudo header and UDP header have the length each.
    return frame.endpoints + static_cast<uint8_t>(wire::Protocol::udp) + 2 * udp_length + sum_at(frame.before, 0) +
           sum_at(frame.after, frame.before.size() + data_length);
}

}  // namespace

uint64_t endpoint_sum(const Endpoint& source, const Endpoint& destination) {
    return wire::sum(source.address) + wire::sum(destination.address) + source.port + destination.port;
}

std::optional<uint16_t> relayed_udp_checksum(uint16_t received, const DatagramFrame& in, const DatagramFrame& out,
                                             uint16_t data_length) {
    if (received == 0) return std::nullopt;
    uint16_t total = static_cast<uint16_t>(~received);
    uint16_t data = wire::fold(uint64_t{total} + static_cast<uint16_t>(~wire::fold(sum_around(in, data_length))));
    if ((in.before.size() ^ out.before.size()) & 1) data = swap(data);
    auto checksum = static_cast<uint16_t>(~wire::fold(uint64_t{data} + sum_around(out, data_length)));
    return checksum ? checksum : uint16_t{0xffff};
}

}  // namespace fedge::ip
