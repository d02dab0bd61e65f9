// Receive side scaling as we ask the NIC for it and as we compute it ourselves: the Toeplitz hash over addresses and
// ports of a packet that arrives.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/base/address.h"

namespace fedge::port {

// The key that the first RSS specification published and drivers use by default. Not a secret: it spreads, it does not
// protect.
inline constexpr std::array<uint8_t, 40> kRssKey = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
                                                    0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
                                                    0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
                                                    0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

// Of a packet from `source` to `destination`, as it arrives.
uint32_t rss_hash(const Endpoint& source, const Endpoint& destination);

}  // namespace fedge::port
