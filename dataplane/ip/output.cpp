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
    HopTarget* way = neighbors_.target(hop);
    bool ipv6 = !source.address.is_v4();
    size_t headers = (ipv6 ? wire::kIpv6Header : wire::kIpv4Header) + wire::kUdpHeader;
    if (!way || way->ipv6 != ipv6 || headers + rte_pktmbuf_data_len(data) > way->mtu) [[unlikely]]
        return send_slowly(data, source, destination, hop, now, options);
    if (rte_pktmbuf_headroom(data) < way->l2_length + headers) [[unlikely]]
        return drop(data, Drop::no_mbuf);
    uint16_t payload = rte_pktmbuf_data_len(data);
    if (ipv6) {
        emit<Family::ipv6>(*way, data, data->data_off, payload, source, destination, now, options);
    } else {
        emit<Family::ipv4>(*way, data, data->data_off, payload, source, destination, now, options);
    }
    return true;
}

uint64_t Output::compute_checksum(const HopTarget& target, const IpAddress& source, const IpAddress& destination,
                                  MutableBytes datagram) {
    uint8_t* checksum = datagram.data() + 6;
    if (target.tx_udp_checksum) {
        // The device wants the sum of the pseudo header, not complemented, where the checksum goes.
        auto length = static_cast<uint32_t>(datagram.size());
        store_be16(checksum, wire::fold(wire::pseudo_header(source, destination, kUdp, length)));
        return RTE_MBUF_F_TX_UDP_CKSUM;
    }
    store_be16(checksum, never_zero(wire::transport_checksum(source, destination, kUdp, datagram)));
    return 0;
}

bool Output::send_slowly(rte_mbuf* data, const Endpoint& source, const Endpoint& destination, Hop& hop, Instant now,
                         const UdpOptions& options) {
    size_t datagram = wire::kUdpHeader + rte_pktmbuf_pkt_len(data);
    Family family = source.address.family();
    size_t ip_header = wire::ip_header_length(family);
    if (destination.address.family() != family) return drop(data, Drop::no_route);
    if (ip_header + datagram > 0xffff) return drop(data, Drop::too_big);
    char* packet = rte_pktmbuf_prepend(data, static_cast<uint16_t>(ip_header + size_t{wire::kUdpHeader}));
    if (!packet) return drop(data, Drop::no_mbuf);
    auto* at = reinterpret_cast<uint8_t*>(packet);
    at += wire::write_ip(at, source.address, destination.address, ip_fields(options, datagram));
    wire::write_udp(at, source.port, destination.port, static_cast<uint16_t>(datagram - wire::kUdpHeader),
                    options.checksum);
    data->ol_flags &= kMemoryFlags;
    if (options.computes(family == Family::ipv6))
        compute_checksum(HopTarget{}, source.address, destination.address, {at, datagram});
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
