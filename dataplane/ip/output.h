// Sending: from application data in an mbuf to a frame in the transmit buffer of the right port.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>

#include "dataplane/base/address.h"
#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/base/time.h"
#include "dataplane/ip/hop.h"
#include "dataplane/ip/interfaces.h"
#include "dataplane/ip/neighbors.h"
#include "dataplane/ip/tx.h"

namespace fedge::ip {

enum class UdpChecksum : uint8_t {
    compute,  // by the device if it can, else here
    given,    // UdpOptions::checksum is final (see relay_checksum.h)
    none,     // 0: IPv4 only; over IPv6 it is computed
};

struct UdpOptions {
    bool dont_fragment = false;
    uint8_t ttl = 64;
    uint8_t dscp_ecn = 0;
    UdpChecksum mode = UdpChecksum::compute;
    uint16_t checksum = 0;
};

class Output {
  public:
    Output(Counters counters, Random& random, TxBuffers& tx, Neighbors& neighbors, rte_mempool* pool);

    // The interfaces of the core (must live until the next adopt returns).
    void adopt(const Interfaces* interfaces) { interfaces_ = interfaces; }

    // Sends the mbuf's data as one UDP datagram. Both endpoints must be of one family. Takes the mbuf (one segment,
    // headroom for 66 bytes of headers) in every case; what cannot be sent is dropped and counted. `hop` is the flow's
    // memory of the way: give the same one again with the next packet of the flow, it is refreshed here. Returns false
    // if dropped at once.
    bool send_udp(rte_mbuf* data, const Endpoint& source, const Endpoint& destination, Hop& hop, Instant now,
                  const UdpOptions& options);

    // Sends a whole IP packet, checksums done, that starts at its IP header. Takes the mbuf. Longer than the MTU:
    // fragments (IPv4: unless DF is set).
    bool send_ip(rte_mbuf* packet, const IpAddress& source, const IpAddress& destination, bool dont_fragment, Hop& hop,
                 Instant now);

  private:
    bool send_slowly(rte_mbuf* data, const Endpoint& source, const Endpoint& destination, Hop& hop, Instant now,
                     const UdpOptions& options);
    bool send_on(const NextHop& next, rte_mbuf* ip_packet, Hop& hop, Instant now);
    bool fragment(const NextHop& next, uint16_t mtu, rte_mbuf* ip_packet, Hop& hop, Instant now);
    bool drop(rte_mbuf* packet, Drop reason);

    Counters counters_;
    TxBuffers& tx_;
    Neighbors& neighbors_;
    rte_mempool* pool_;
    const Interfaces* interfaces_ = nullptr;
    uint32_t identification_;  // of packets that may be fragmented
};

}  // namespace fedge::ip
