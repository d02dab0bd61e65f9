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
    uint16_t checksum = 0;  // unless `given`, 0

    bool computes(bool ipv6) const { return mode == UdpChecksum::compute || (mode == UdpChecksum::none && ipv6); }
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

    // For the packets that come by the million, the two halves of send_udp() in the plain case: IPv4, a known way, no
    // fragmentation. The way to send a datagram (UDP header and payload) on whose header begins at `datagram_offset` in
    // the mbuf's buffer; null if it is no such case.
    HopTarget* plain_way(const Hop& hop, size_t datagram, size_t datagram_offset) {
        HopTarget* way = neighbors_.target(hop);
        bool plain = way && !way->ipv6 && wire::kIpv4Header + datagram <= way->mtu &&
                     datagram_offset >= way->l2_length + wire::kIpv4Header;
        return plain ? way : nullptr;
    }
    // Puts the headers in front of `payload` bytes at `offset` of the mbuf's buffer, and sends that.
    template <Family family>
    [[gnu::always_inline]] void emit(HopTarget& way, rte_mbuf* frame, size_t offset, uint16_t payload,
                                     const Endpoint& source, const Endpoint& destination, Instant now,
                                     const UdpOptions& options) {
        constexpr bool ipv6 = family == Family::ipv6;
        constexpr size_t ip_header = ipv6 ? wire::kIpv6Header : wire::kIpv4Header;
        size_t front = way.l2_length + ip_header + wire::kUdpHeader;
        frame->data_off = static_cast<uint16_t>(offset - front);
        frame->data_len = static_cast<uint16_t>(payload + front);
        frame->pkt_len = static_cast<uint32_t>(payload + front);
        frame->ol_flags = (frame->ol_flags & kMemoryFlags) | way.tx_flags;
        frame->tx_offload = way.tx_offload;

        wire::IpFields fields = ip_fields(options, wire::kUdpHeader + payload);
        fields.checksum_by_device = way.tx_ipv4_checksum;
        uint8_t* at = static_cast<uint8_t*>(frame->buf_addr) + offset - front;
        // All 18 bytes, whatever the length: the IP header then overwrites what is too much.
        static_assert(sizeof(way.l2) == 18);
        std::memcpy(at, way.l2.data(), sizeof(way.l2));
        at += way.l2_length;
        at += ipv6 ? wire::write_ipv6(at, source.address, destination.address, fields)
                   : wire::write_ipv4(at, source.address, destination.address, fields);
        wire::write_udp(at, source.port, destination.port, payload, options.checksum);
        if (options.computes(ipv6)) [[unlikely]]
            frame->ol_flags |=
                compute_checksum(way, source.address, destination.address, {at, size_t{wire::kUdpHeader} + payload});
        way.last_used = now;
        tx_.send(way.port, frame);
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
    // What becomes of the mbuf's flags: those that say how its memory is held stay, those of reception go.
    static constexpr uint64_t kMemoryFlags = RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;

    wire::IpFields ip_fields(const UdpOptions& options, size_t datagram) {
        wire::IpFields fields;
        fields.ttl = options.ttl;
        fields.dscp_ecn = options.dscp_ecn;
        fields.dont_fragment = options.dont_fragment;
        fields.identification = options.dont_fragment ? uint16_t{0} : static_cast<uint16_t>(identification_++);
        fields.payload_length = static_cast<uint16_t>(datagram);
        return fields;
    }
    // Fills in the checksum of the datagram, or leaves that to the device. Returns the flags that the device needs.
    static uint64_t compute_checksum(const HopTarget& target, const IpAddress& source, const IpAddress& destination,
                                     MutableBytes datagram);
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
