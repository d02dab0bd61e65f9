// Whom limits per source count as one: an IPv4 address, or an IPv6 /64, within which a host may choose its addresses.
#pragma once

#include "dataplane/base/address.h"

namespace fedge::tcp {

inline IpAddress source_network(const IpAddress& address) {
    return address.is_v4() ? address : IpAddress::words(address.high(), 0);
}

}  // namespace fedge::tcp
