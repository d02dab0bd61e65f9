#include "dataplane/tcp/stack.h"

#include <algorithm>
#include <cstring>

#include "dataplane/wire/icmp.h"

namespace fedge::tcp {
namespace {

constexpr uint16_t kDefaultMtu = 1500;  // while there is no route: the segment will be dropped and counted

IcmpError::Kind kind_of(const ip::QuotedFlow& flow) {
    using Kind = IcmpError::Kind;
    if (flow.mtu != 0 || (flow.ipv6 && flow.type == wire::icmpv6::kTooBig)) return Kind::too_big;
    if (flow.ipv6) {
        // RFC 4443 section 3.1: administratively prohibited, port unreachable.
        bool hard = flow.type == wire::icmpv6::kUnreachable && (flow.code == 1 || flow.code == 4);
        return hard ? Kind::unreachable_hard : Kind::unreachable_soft;
    }
    if (flow.type != wire::icmp::kUnreachable) return Kind::unreachable_soft;
    if (flow.code == wire::icmp::kFragmentationNeeded) return Kind::too_big;
    // RFC 1122 section 4.2.3.9: protocol and port unreachable; RFC 1812: administratively prohibited.
    return flow.code == 2 || flow.code == 3 || flow.code == 13 ? Kind::unreachable_hard : Kind::unreachable_soft;
}

}  // namespace

Stack::Stack(const Settings& settings, Counters counters, Random& random, ip::Host& host, rte_mempool* pool,
             Instant now, LocalDelivery* local)
    : counters_(counters), host_(host), pool_(pool), local_(local), tcp_(settings, counters, random, *this, now) {}

Stack::~Stack() {
    rte_pktmbuf_free_bulk(frames_.data(), count_);
}

void Stack::receive(rte_mbuf* frame, const wire::Packet& packet, Instant now) {
    Bytes bytes{rte_pktmbuf_mtod_offset(frame, const uint8_t*, packet.l4_offset), packet.payload_length};
    bool known_good = (frame->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    if (packet.destination.is_multicast() || packet.multicast_mac) {  // RFC 9293 section 3.9.2.3
        counters_.drop(Drop::tcp_no_connection);
        return rte_pktmbuf_free(frame);
    }
    receive_local(frame, {packet.source, packet.destination, bytes, known_good}, now);
}

void Stack::receive_local(rte_mbuf* mbuf, const Arrival& arrival, Instant now) {
    frames_[count_] = mbuf;
    arrivals_[count_++] = arrival;
    if (count_ == Tcp::kBurst) process(now);
}

uint32_t Stack::process(Instant now) {
    uint32_t count = count_;
    count_ = 0;
    if (count == 0) return 0;
    tcp_.receive({arrivals_.data(), count}, now);
    rte_pktmbuf_free_bulk(frames_.data(), count);
    return count;
}

void Stack::receive(const ip::QuotedFlow& flow, Instant now) {
    tcp_.receive(IcmpError{kind_of(flow), flow.local, flow.remote, flow.sequence, flow.mtu}, now);
}

uint32_t Stack::turn(Instant now) {
    uint32_t work = process(now);
    work += tcp_.advance(now);
    tcp_.flush(now);
    return work;
}

void Stack::send(const Segment& segment, ip::Hop& hop, Instant now) {
    if (local_ && local_->take(segment)) return;
    size_t length = segment.header.size();
    for (Bytes piece : segment.payload) length += piece.size();
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
    char* room = mbuf ? rte_pktmbuf_append(mbuf, static_cast<uint16_t>(length)) : nullptr;
    if (!room) {
        rte_pktmbuf_free(mbuf);
        return counters_.drop(Drop::no_mbuf);
    }
    std::memcpy(room, segment.header.data(), segment.header.size());
    room += segment.header.size();
    for (Bytes piece : segment.payload) {
        std::memcpy(room, piece.data(), piece.size());
        room += piece.size();
    }
    host_.output().send_tcp(mbuf, segment.source, segment.destination, hop, now);
}

uint16_t Stack::mtu(const IpAddress& source, const IpAddress& destination) {
    uint16_t mtu = host_.output().mtu(source, destination);
    auto room = static_cast<uint16_t>(rte_pktmbuf_data_room_size(pool_) - RTE_PKTMBUF_HEADROOM);
    return std::min(mtu ? mtu : kDefaultMtu, room);
}

}  // namespace fedge::tcp
