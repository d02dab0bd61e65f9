// Sending: from application data in an mbuf to a frame in the transmit buffer of the right port.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <cstring>

#include "dataplane/base/address.h"
#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/base/time.h"
#include "dataplane/ip/hop.h"
#include "dataplane/ip/interfaces.h"
#include "dataplane/ip/neighbors.h"
#include "dataplane/ip/tx.h"
#include "dataplane/wire/headers.h"

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

    // The plain case of send_udp, for the packets that come by the million: IPv4, the neighbour is known, the datagram
    // fits, its checksum is given, fragmentation is allowed. False: not such a case, nothing was done, call send_udp.
    bool send_plain_udp(rte_mbuf* data, const Endpoint& source, const Endpoint& destination, const Hop& hop,
                        Instant now, const UdpOptions& options) {
        constexpr size_t kHeaders = wire::kIpv4Header + wire::kUdpHeader;
        HopTarget* target = neighbors_.target(hop);
        uint32_t payload = rte_pktmbuf_pkt_len(data);
        if (!target || target->ipv6 || target->tx_ipv4_checksum || kHeaders + payload > target->mtu ||
            options.dont_fragment || data->nb_segs != 1 || data->data_off < target->l2_length + kHeaders)
            return false;
        auto front = static_cast<uint16_t>(target->l2_length + kHeaders);
        data->data_off = static_cast<uint16_t>(data->data_off - front);
        data->data_len = static_cast<uint16_t>(data->data_len + front);
        data->pkt_len += front;
        auto* at = rte_pktmbuf_mtod(data, uint8_t*);
        std::memcpy(at, target->l2.data(), sizeof(target->l2));  // the IP header overwrites what is too much of it
        at += target->l2_length;
        wire::IpFields fields;
        fields.ttl = options.ttl;
        fields.dscp_ecn = options.dscp_ecn;
        fields.identification = static_cast<uint16_t>(identification_++);
        fields.payload_length = static_cast<uint16_t>(wire::kUdpHeader + payload);
        at += wire::write_ipv4(at, source.address, destination.address, fields);
        wire::write_udp(at, source.port, destination.port, static_cast<uint16_t>(payload), options.checksum);
        data->ol_flags = (data->ol_flags & (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL)) | RTE_MBUF_F_TX_IPV4;
        data->l2_len = target->l2_length;
        data->l3_len = wire::kIpv4Header;
        target->last_used = now;
        tx_.send(target->port, data);
        return true;
    }

    // Sends the mbuf's data as one TCP segment: header, options and payload, checksum field zero. The checksum is the
    // device's if it can, else done here; IPv4 with "don't fragment". Takes the mbuf (one segment, headroom for 58
    // bytes of headers). `hop` as in send_udp.
    bool send_tcp(rte_mbuf* segment, const IpAddress& source, const IpAddress& destination, Hop& hop, Instant now);

    // MTU of the interface that packets from `source` to `destination` leave by; 0 without a route.
    uint16_t mtu(const IpAddress& source, const IpAddress& destination) const;

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
