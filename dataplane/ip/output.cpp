#include "dataplane/ip/output.h"

#include <rte_ip_frag.h>

#include <array>
#include <cstring>

#include "dataplane/wire/headers.h"

namespace fedge::ip {
namespace {

// A jumbo frame over the smallest IPv4 MTU: 9000 / 552.
constexpr size_t kMaxFragments = 32;
constexpr auto kUdp = static_cast<uint8_t>(wire::Protocol::udp);

// What becomes of the mbuf's flags: those that say how its memory is held stay, those of reception go.
constexpr uint64_t kMemoryFlags = RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;

uint16_t never_zero(uint16_t checksum) {
    return checksum ? checksum : uint16_t{0xffff};
}  // RFC 768

}  // namespace

Output::Output(Counters counters, Random& random, TxBuffers& tx, Neighbors& neighbors, rte_mempool* pool)
    : counters_(counters), tx_(tx), neighbors_(neighbors), pool_(pool), identification_(random.u32()) {}

bool Output::drop(rte_mbuf* packet, Drop reason) {
    rte_pktmbuf_free(packet);
    counters_.drop(reason);
    return false;
}

bool Output::send_udp(rte_mbuf* data, const Endpoint& source, const Endpoint& destination, Hop& hop, Instant now,
                      const UdpOptions& options) {
    HopTarget* target = neighbors_.target(hop);
    bool ipv6 = !source.address.is_v4();
    size_t ip_header = ipv6 ? wire::kIpv6Header : wire::kIpv4Header;
    size_t payload = rte_pktmbuf_pkt_len(data);
    if (!target || ip_header + wire::kUdpHeader + payload > target->mtu || target->ipv6 != ipv6) [[unlikely]]
        return send_slowly(data, source, destination, hop, now, options);

    size_t l2 = target->l2_length;
    char* frame = rte_pktmbuf_prepend(data, static_cast<uint16_t>(l2 + ip_header + wire::kUdpHeader));
    if (!frame) [[unlikely]]
        return drop(data, Drop::no_mbuf);
    auto* at = reinterpret_cast<uint8_t*>(frame);
    // All 18 bytes, whatever the length: the IP header then overwrites what is too much.
    static_assert(sizeof(target->l2) == 18);
    std::memcpy(at, target->l2.data(), sizeof(target->l2));

    wire::IpFields fields;
    fields.ttl = options.ttl;
    fields.dscp_ecn = options.dscp_ecn;
    fields.dont_fragment = options.dont_fragment;
    fields.identification = options.dont_fragment ? uint16_t{0} : static_cast<uint16_t>(identification_++);
    fields.checksum_by_device = target->tx_ipv4_checksum;
    fields.payload_length = static_cast<uint16_t>(wire::kUdpHeader + payload);
    uint64_t flags = data->ol_flags & kMemoryFlags;
    flags |= ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4;
    if (!ipv6 && target->tx_ipv4_checksum) flags |= RTE_MBUF_F_TX_IP_CKSUM;
    if (ipv6) {
        wire::write_ipv6(at + l2, source.address, destination.address, fields);
    } else {
        wire::write_ipv4(at + l2, source.address, destination.address, fields);
    }

    uint8_t* udp = at + l2 + ip_header;
    bool compute = options.mode == UdpChecksum::compute || (options.mode == UdpChecksum::none && ipv6);
    uint16_t checksum = options.mode == UdpChecksum::given ? options.checksum : uint16_t{0};
    if (compute && target->tx_udp_checksum) {
        // The device wants the sum of the pseudo header, not complemented, where the checksum goes.
        checksum = wire::fold(wire::pseudo_header(source.address, destination.address, kUdp, fields.payload_length));
        flags |= RTE_MBUF_F_TX_UDP_CKSUM;
    }
    wire::write_udp(udp, source.port, destination.port, static_cast<uint16_t>(payload), checksum);
    if (compute && !target->tx_udp_checksum)
        store_be16(udp + 6, never_zero(wire::transport_checksum(source.address, destination.address, kUdp,
                                                                {udp, wire::kUdpHeader + payload})));
    data->ol_flags = flags;
    data->l2_len = l2;
    data->l3_len = ip_header;
    target->last_used = now;
    tx_.send(target->port, data);
    return true;
}

bool Output::send_slowly(rte_mbuf* data, const Endpoint& source, const Endpoint& destination, Hop& hop, Instant now,
                         const UdpOptions& options) {
    size_t payload = rte_pktmbuf_pkt_len(data);
    Family family = source.address.family();
    size_t ip_header = wire::ip_header_length(family);
    if (destination.address.family() != family) return drop(data, Drop::no_route);
    if (ip_header + wire::kUdpHeader + payload > 0xffff) return drop(data, Drop::too_big);
    char* packet = rte_pktmbuf_prepend(data, static_cast<uint16_t>(ip_header + wire::kUdpHeader));
    if (!packet) return drop(data, Drop::no_mbuf);
    auto* at = reinterpret_cast<uint8_t*>(packet);
    wire::IpFields fields;
    fields.ttl = options.ttl;
    fields.dscp_ecn = options.dscp_ecn;
    fields.dont_fragment = options.dont_fragment;
    fields.identification = options.dont_fragment ? uint16_t{0} : static_cast<uint16_t>(identification_++);
    fields.payload_length = static_cast<uint16_t>(wire::kUdpHeader + payload);
    wire::write_ip(at, source.address, destination.address, fields);
    uint8_t* udp = at + ip_header;
    wire::write_udp(udp, source.port, destination.port, static_cast<uint16_t>(payload),
                    options.mode == UdpChecksum::given ? options.checksum : uint16_t{0});
    if (options.mode == UdpChecksum::compute || (options.mode == UdpChecksum::none && family == Family::ipv6))
        store_be16(udp + 6, never_zero(wire::transport_checksum(source.address, destination.address, kUdp,
                                                                {udp, wire::kUdpHeader + payload})));
    data->ol_flags &= kMemoryFlags;
    return send_ip(data, source.address, destination.address, options.dont_fragment, hop, now);
}

bool Output::send_ip(rte_mbuf* packet, const IpAddress& source, const IpAddress& destination, bool dont_fragment,
                     Hop& hop, Instant now) {
    // To one of our own addresses: nothing here loops back.
    if (!interfaces_ || interfaces_->owner(destination) != kNoInterface) return drop(packet, Drop::no_route);
    auto next = interfaces_->route(destination, interfaces_->owner(source));
    if (!next) return drop(packet, Drop::no_route);
    uint16_t mtu = (*interfaces_)[next->interface].mtu;
    if (rte_pktmbuf_pkt_len(packet) <= mtu) return send_on(*next, packet, hop, now);
    if (dont_fragment) return drop(packet, Drop::too_big);
    return fragment(*next, mtu, packet, hop, now);
}

bool Output::send_on(const NextHop& next, rte_mbuf* ip_packet, Hop& hop, Instant now) {
    if (!neighbors_.resolve(next, ip_packet, hop, now)) return false;
    const HopTarget* target = neighbors_.target(hop);
    char* l2 = rte_pktmbuf_prepend(ip_packet, target->l2_length);
    if (!l2) return drop(ip_packet, Drop::no_mbuf);
    std::memcpy(l2, target->l2.data(), target->l2_length);
    tx_.send(target->port, ip_packet);
    return true;
}

bool Output::fragment(const NextHop& next, uint16_t mtu, rte_mbuf* ip_packet, Hop& hop, Instant now) {
    std::array<rte_mbuf*, kMaxFragments> fragments;
    bool ipv6 = !next.address.is_v4();
    int32_t count = ipv6 ? rte_ipv6_fragment_packet(ip_packet, fragments.data(), kMaxFragments, mtu, pool_, pool_)
                         : rte_ipv4_fragment_packet(ip_packet, fragments.data(), kMaxFragments, mtu, pool_, pool_);
    if (count < 0) return drop(ip_packet, count == -ENOMEM ? Drop::no_mbuf : Drop::too_big);
    uint32_t identification = identification_++;
    bool sent = true;
    for (int32_t i = 0; i < count; i++) {
        rte_mbuf* m = fragments[static_cast<size_t>(i)];
        // Ports need not take chains of mbufs: the fragment's bytes move behind its header.
        if (rte_pktmbuf_linearize(m) != 0) {
            sent = drop(m, Drop::no_mbuf);
            continue;
        }
        auto* header = rte_pktmbuf_mtod(m, uint8_t*);
        if (ipv6) {
            store_be32(header + wire::kIpv6Header + 4, identification);  // the library leaves it zero
        } else {
            store_be16(header + 10, 0);
            store_be16(header + 10, wire::checksum({header, wire::kIpv4Header}));
        }
        m->ol_flags &= kMemoryFlags;
        sent = send_on(next, m, hop, now) && sent;
    }
    rte_pktmbuf_free(ip_packet);  // the fragments held on to its bytes only until they were linearized
    return sent;
}

}  // namespace fedge::ip
