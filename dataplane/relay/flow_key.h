// Identifies a client on a listener: the 5-tuple, the listener standing for the transport. Fits rte_hash; padding is
// always zero.
#pragma once

#include <array>
#include <cstdint>

namespace fedge::relay {

struct FlowKey {
    std::array<uint8_t, 16> address;
    uint16_t port;
    uint16_t listener;  // Turn's own number of the listener, stable over snapshots
    uint32_t zero;

    friend bool operator==(const FlowKey&, const FlowKey&) = default;
};
static_assert(sizeof(FlowKey) == 24);

}  // namespace fedge::relay
