#include <cstring>

#include "dataplane/ip/output.h"
#include "dataplane/wire/headers.h"

namespace fedge::ip {
namespace {

constexpr auto kTcp = static_cast<uint8_t>(wire::Protocol::tcp);
constexpr size_t kChecksumOffset = 16;  // RFC 9293 section 3.1

}  // namespace

bool Output::send_tcp(rte_mbuf* segment, const IpAddress& source, const IpAddress& destination, Hop& hop, Instant now) {
    HopTarget* target = neighbors_.target(hop);
    Family family = source.family();
    size_t ip_header = wire::ip_header_length(family);
    size_t length = rte_pktmbuf_pkt_len(segment);
    if (target && (target->ipv6 != (family == Family::ipv6) || ip_header + length > target->mtu)) target = nullptr;
    size_t l2 = target ? target->l2_length : 0U;
    char* front = rte_pktmbuf_prepend(segment, static_cast<uint16_t>(l2 + ip_header));
    if (!front) return drop(segment, Drop::no_mbuf);
    auto* at = reinterpret_cast<uint8_t*>(front);
    if (target) std::memcpy(at, target->l2.data(), l2);

    wire::IpFields fields;
    fields.protocol = kTcp;
    fields.dont_fragment = true;
    fields.checksum_by_device = target && target->tx_ipv4_checksum;
    fields.payload_length = static_cast<uint16_t>(length);
    wire::write_ip(at + l2, source, destination, fields);
    uint8_t* tcp = at + l2 + ip_header;
    uint64_t flags = segment->ol_flags & (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
    flags |= family == Family::ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4;
    if (fields.checksum_by_device && family == Family::ipv4) flags |= RTE_MBUF_F_TX_IP_CKSUM;
    if (target && target->tx_tcp_checksum) {
        // The device wants the sum of the pseudo header, not complemented, where the checksum goes.
        uint64_t pseudo = wire::pseudo_header(source, destination, kTcp, static_cast<uint32_t>(length));
        store_be16(tcp + kChecksumOffset, wire::fold(pseudo));
        flags |= RTE_MBUF_F_TX_TCP_CKSUM;
    } else {
        store_be16(tcp + kChecksumOffset, wire::transport_checksum(source, destination, kTcp, {tcp, length}));
    }
    segment->ol_flags = flags;
    if (!target) return send_ip(segment, source, destination, true, hop, now);
    segment->l2_len = l2;
    segment->l3_len = ip_header;
    target->last_used = now;
    tx_.send(target->port, segment);
    return true;
}

uint16_t Output::mtu(const IpAddress& source, const IpAddress& destination) const {
    if (!interfaces_) return 0;
    auto next = interfaces_->route(destination, interfaces_->owner(source));
    return next ? (*interfaces_)[next->interface].mtu : uint16_t{0};
}

}  // namespace fedge::ip
