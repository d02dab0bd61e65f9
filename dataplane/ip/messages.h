// Frames of neighbour discovery that we originate. Each returns a whole frame in an mbuf of `pool`, or null without
// mbufs.
#pragma once

#include <rte_mbuf.h>

#include "dataplane/base/address.h"
#include "dataplane/ip/interfaces.h"
#include "dataplane/wire/arp.h"

namespace fedge::ip {

inline constexpr MacAddress kBroadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

// ARP from the interface's MAC address.
rte_mbuf* arp_frame(rte_mempool* pool, const Interface& interface, const MacAddress& destination, const wire::Arp& arp);

// Neighbour solicitation for `target`, to its solicited-node group, or to `unicast` where a known neighbour is probed.
rte_mbuf* solicitation_frame(rte_mempool* pool, const Interface& interface, const IpAddress& source,
                             const IpAddress& target, const MacAddress* unicast);

// Neighbour advertisement of our address `target`. Unsolicited ones go to all nodes.
rte_mbuf* advertisement_frame(rte_mempool* pool, const Interface& interface, const IpAddress& target,
                              const IpAddress& destination, const MacAddress& destination_mac, bool solicited);

}  // namespace fedge::ip
