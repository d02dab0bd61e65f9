// The way of a burst of packets through one media core, top to bottom:
//   classify: parse, ingress filter, what answers on the destination
//   refuse_by_access_rules
//   look_up:  flow table for the whole burst
//   fetch:    allocation and stream record, a group of packets ahead of
//   act:      relay, answer, or hand over, in order of arrival
#include <rte_prefetch.h>

#include <algorithm>
#include <new>

#include "dataplane/core/core.h"
#include "dataplane/core/relayed_checksum.h"
#include "dataplane/ip/plain.h"
#include "dataplane/wire/channel_data.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/stun.h"
#include "dataplane/wire/tcp.h"

namespace fedge::core {

using classify::Direction;

namespace {

bool is_tcp(const wire::Packet& packet) {
    return packet.protocol == static_cast<uint8_t>(wire::Protocol::tcp) && packet.l3 != wire::L3::arp &&
           !packet.fragment;
}

bool ip_checksum_known_good(const rte_mbuf* mbuf) {
    return (mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD;
}

// A fetch waits for the translation of its address, and the CPU does several of those at a time: hence groups.
constexpr size_t kGroup = 8;

// Empty where there is none, before the first one too (`first` has wrapped around then).
template <typename T>
std::span<T> group(std::span<T> burst, size_t first) {
    return first < burst.size() ? burst.subspan(first, std::min(kGroup, burst.size() - first)) : std::span<T>{};
}

}  // namespace

void Core::process(std::span<rte_mbuf*> burst, Origin origin) {
    uint64_t bytes = 0;
    for (const rte_mbuf* mbuf : burst) {
        rte_prefetch0(rte_pktmbuf_mtod(mbuf, void*));
        bytes += mbuf->pkt_len;
    }
    if (origin == Origin::port) {
        counters_.add(Counter::rx_packets, burst.size());
        counters_.add(Counter::rx_bytes, bytes);
    }
    if (!config_) {
        counters_.drop(Drop::no_snapshot, burst.size());
        rte_pktmbuf_free_bulk(burst.data(), static_cast<unsigned>(burst.size()));
        return;
    }
    std::span<Work> work(work_.data(), burst.size());
    for (size_t i = 0; i < burst.size(); i++) {
        work[i].mbuf = burst[i];
        classify(work[i], origin);
    }
    refuse_by_access_rules(work);
    look_up(work);
    // Two groups ahead of act: far enough for what was asked for to arrive, near enough for it to be there still.
    for (size_t i = 0; i < work.size() + 2 * kGroup; i += kGroup) {
        for (Work& one : group(work, i)) fetch_allocation(one);
        for (const Work& one : group(work, i - kGroup)) fetch_stream(one);
        for (Work& one : group(work, i - 2 * kGroup)) act(one, origin);
    }
}

void Core::classify(Work& work, Origin origin) {
    work.handle = 0;
    work.slot = nullptr;
    work.kind = Work::Kind::host;
    work.frame = rte_pktmbuf_mtod(work.mbuf, const uint8_t*);
    std::optional<classify::Target> target = find_plain_target(work);
    if (!target) [[unlikely]] {
        target = find_target(work);
        if (!target) return;
    }
    work.id = target->id;
    switch (target->kind) {
        case classify::Target::Kind::listener:
            if (!setup_.media) [[unlikely]]
                return to_media_core(work, origin);
            work.kind = wire::is_channel_data(payload(work)) ? Work::Kind::channel : Work::Kind::stun;
            return;
        case classify::Target::Kind::relay: {
            work.kind = Work::Kind::peer;
            work.slot = turn_.relay_slot(work.id, work.packet.destination_port);
            if (work.slot) [[likely]]
                return;
            uint16_t owner = turn_.owner_of_port(work.packet.destination_port);
            if (owner == setup_.index) return;
            hand_over(work.mbuf, owner, origin);
            work.kind = Work::Kind::gone;
            return;
        }
        case classify::Target::Kind::not_ours: return drop(work, Drop::not_for_us);
        case classify::Target::Kind::closed: return;  // act_host answers with an ICMP error where that is allowed
    }
}

// What find_target() would say about a packet of the plain case. Nothing: that has to be asked.
[[gnu::always_inline]] inline std::optional<classify::Target> Core::find_plain_target(Work& work) const {
    const rte_mbuf* mbuf = work.mbuf;
    const ip::Interfaces& interfaces = *config_->interfaces;
    uint32_t local;
    if (mbuf->nb_segs != 1 || !ip::admit_plain_udp(interfaces, mbuf->port, {work.frame, mbuf->data_len},
                                                   ip_checksum_known_good(mbuf), work.packet, local))
        return std::nullopt;
    work.interface = interfaces.ipv4_locals()[local].interface;
    classify::Target target;
    if (config_->ipv4_answers[local].decide(work.packet.destination_port, target)) [[likely]]
        return target;
    return targets_of(work).classify(work.packet.destination, work.packet.destination_port);
}

// What a UDP packet is for. Nothing: it is no such packet, and work.kind says what is to be done with it.
std::optional<classify::Target> Core::find_target(Work& work) {
    rte_mbuf* mbuf = work.mbuf;
    wire::Packet& packet = work.packet;
    auto refuse = [&](Drop reason) {
        drop(work, reason);
        return std::nullopt;
    };
    if (mbuf->nb_segs != 1) return refuse(Drop::too_big);
    if (auto reason = wire::parse(frame(mbuf), ip_checksum_known_good(mbuf), packet)) return refuse(*reason);
    if (auto reason = host_.admit(mbuf->port, frame(mbuf), packet, work.interface)) return refuse(*reason);
    if (packet.multicast_mac) return std::nullopt;
    if (is_tcp(packet)) {
        // An internal service is never reached from outside by its address.
        if (!targets_of(work).is_ours(packet.destination)) return refuse(Drop::not_for_us);
        work.kind = Work::Kind::tcp;
    }
    if (!packet.is_udp()) return std::nullopt;
    return targets_of(work).classify(packet.destination, packet.destination_port);
}

void Core::to_media_core(Work& work, Origin origin) {
    const wire::Packet& packet = work.packet;
    Endpoint local{packet.destination, packet.destination_port};
    hand_over(work.mbuf, setup_.steering->media_core(local, {packet.source, packet.source_port}), origin);
    work.kind = Work::Kind::gone;
}

void Core::refuse_by_access_rules(std::span<Work> burst) {
    for (auto role : {contract::Role::external, contract::Role::internal}) {
        const classify::AccessList& access = config_->role(role).access;
        if (access.empty()) continue;
        std::array<const IpAddress*, kBurst> sources;
        std::array<Work*, kBurst> owners;
        size_t n = 0;
        for (Work& work : burst) {
            if (work.kind == Work::Kind::gone || work.packet.l3 == wire::L3::arp || role_of(work.interface) != role)
                continue;
            sources[n] = &work.packet.source;
            owners[n++] = &work;
        }
        uint64_t refused = n ? access.refused({sources.data(), n}) : 0;
        for (; refused; refused &= refused - 1)
            drop(*owners[static_cast<size_t>(__builtin_ctzll(refused))], Drop::access_denied);
    }
}

void Core::look_up(std::span<Work> burst) {
    for (const Work& work : burst)
        if (work.slot) rte_prefetch0(work.slot);
    std::array<relay::FlowKey, kBurst> keys;
    std::array<relay::Handle, kBurst> handles;
    std::array<Work*, kBurst> owners;
    size_t n = 0;
    for (Work& work : burst) {
        if (work.kind == Work::Kind::channel) {
            // Made where it stays: a copy would read in one piece what has just been written in several, and wait.
            new (&keys[n]) relay::FlowKey(turn_.make_key({work.packet.source, work.packet.source_port}, work.id));
            owners[n++] = &work;
        }
    }
    if (n) turn_.lookup_clients({keys.data(), n}, handles.data());
    for (size_t i = 0; i < n; i++) owners[i]->handle = handles[i];
}

// Those of clients came with the look-up.
void Core::fetch_allocation(Work& work) const {
    if (work.kind != Work::Kind::peer) return;
    work.handle = relay::Turn::handle_in(work.slot);
    turn_.prefetch(work.handle, Direction::to_client);
}

void Core::fetch_stream(const Work& work) const {
    turn_.prefetch_stream(work.handle, direction(work));
}

// The plain case of forward(): IPv4 on both sides, and of the payload just `kRemoved` bytes in front of the data go and
// `kAdded` bytes come. False: nothing was done.
template <size_t kRemoved, size_t kAdded>
inline bool Core::forward_plain(Work& work, const relay::Forward& f) {
    const wire::Packet& in = work.packet;
    rte_mbuf* mbuf = work.mbuf;
    if (f.prepend_length != kAdded || in.l3 != wire::L3::ipv4 || in.udp_checksum == 0 || f.append_zeros ||
        in.payload_length != kRemoved + f.data_length || f.dont_fragment)
        return false;
    size_t front = mbuf->data_off + in.payload_offset + kRemoved - kAdded;
    ip::Output& output = host_.output();
    ip::HopTarget* way = output.plain_way(*f.hop, wire::kUdpHeader + kAdded + f.data_length, front - wire::kUdpHeader);
    if (!way) return false;

    ip::UdpOptions options;
    options.dscp_ecn = in.dscp_ecn;
    options.mode = ip::UdpChecksum::given;
    options.checksum = ip::relayed_udp_checksum(
        in.udp_checksum,
        {ip::ipv4_endpoint_sum(in.source, in.source_port, in.destination, in.destination_port),
         payload(work).first(kRemoved)},
        {ip::ipv4_endpoint_sum(f.source.address, f.source.port, f.destination.address, f.destination.port),
         Bytes{f.prepend}.first(kAdded)},
        f.data_length);
    std::memcpy(static_cast<uint8_t*>(mbuf->buf_addr) + front, f.prepend.data(), kAdded);
    output.emit<Family::ipv4>(*way, mbuf, front, static_cast<uint16_t>(kAdded + f.data_length), f.source, f.destination,
                              now_, options);
    return true;
}

void Core::act(Work& work, Origin origin) {
    switch (work.kind) {
        case Work::Kind::gone: return;
        case Work::Kind::host: return act_host(work, origin);
        case Work::Kind::stun: return act_stun(work, origin);
        case Work::Kind::tcp: return act_tcp(work, origin);
        case Work::Kind::channel:
            if (relay::Turn::is_foreign(work.handle)) [[unlikely]]
                return hand_over(work.mbuf, turn_.foreign_core(now_, work.handle), origin);
            if (!turn_.from_client_channel(now_, work.handle, payload(work), forward_)) [[unlikely]]
                return rte_pktmbuf_free(work.mbuf);
            if (forward_.hairpin || !forward_plain<wire::kChannelHeader, 0>(work, forward_)) [[unlikely]]
                to_peer(work);
            return;
        case Work::Kind::peer:
            if (!turn_.from_peer(now_, work.handle, {work.packet.source, work.packet.source_port}, payload(work),
                                 forward_)) [[unlikely]]
                return rte_pktmbuf_free(work.mbuf);
            if (forward_.to_stream) [[unlikely]]
                return to_stream(work);
            if (!forward_plain<0, wire::kChannelHeader>(work, forward_)) [[unlikely]]
                forward(work, forward_);
            return;
    }
}

void Core::act_stun(Work& work, Origin origin) {
    if (!udp_checksum_ok(work)) return drop(work, Drop::udp_checksum);
    relay::ClientDatagram datagram{
        {work.packet.source, work.packet.source_port}, work.id, payload(work), origin != Origin::port};
    relay::Outcome outcome = turn_.on_stun(now_, unix_now_, datagram, reply_buffer_, forward_);
    switch (outcome.kind) {
        case relay::Outcome::Kind::nothing: return rte_pktmbuf_free(work.mbuf);
        case relay::Outcome::Kind::reply: return reply(work, outcome.reply);
        case relay::Outcome::Kind::forward: return to_peer(work);
        case relay::Outcome::Kind::handover: return hand_over(work.mbuf, outcome.core, origin);
    }
}

void Core::act_tcp(Work& work, Origin origin) {
    if (!setup_.steering->has_signalling()) return drop(work, Drop::tcp_not_served);
    const wire::Packet& packet = work.packet;
    if (packet.payload_length < wire::kTcpHeader) return drop(work, Drop::tcp_malformed);
    const auto* ports = rte_pktmbuf_mtod_offset(work.mbuf, const uint8_t*, packet.l4_offset);
    Endpoint local{packet.destination, load_be16(ports + 2)}, remote{packet.source, load_be16(ports)};
    TcpOwner owner = tcp_owner(local, remote);
    if (owner.core != setup_.index) return hand_over(work.mbuf, owner.core, origin);
    if (!signalling_) return drop(work, Drop::tcp_no_connection);  // a relay port of a core without streams
    if (!signalling_->is_kernels(local.port, remote.port) || owner.relay) [[likely]]
        return signalling_->receive(work.mbuf, packet, now_);
    signalling_->to_kernel(work.mbuf, packet);
    rte_pktmbuf_free(work.mbuf);
}

// Relay ports belong to the core that has the allocation, whatever the peer's end hashes to; TURN clients to a core by
// their address.
Core::TcpOwner Core::tcp_owner(const Endpoint& local, const Endpoint& remote) const {
    if (target_of(local).kind == classify::Target::Kind::relay) return {turn_.owner_of_port(local.port), true};
    if (config_->turn_stream_ports[local.port])
        return {setup_.steering->signalling_core_of_client(local.address, remote.address), false};
    return {setup_.steering->signalling_core(local, remote), false};
}

void Core::act_host(Work& work, Origin origin) {
    const wire::Packet& packet = work.packet;
    if (packet.is_udp()) {
        counters_.drop(Drop::port_closed);
        return host_.port_unreachable(work.mbuf, packet, work.interface, now_);
    }
    bool neighbor = ip::Host::is_neighbor_message(frame(work.mbuf), packet);
    if (neighbor && setup_.cores > 1 && origin == Origin::port) copy_to_other_cores(work.mbuf);
    // An ICMP error may be about a flow of another core; host_ takes the packet, so keep it until we know.
    rte_mbuf* kept = nullptr;
    if ((setup_.cores > 1 || signalling_) && !neighbor && packet.l3 != wire::L3::arp) {
        kept = work.mbuf;
        rte_pktmbuf_refcnt_update(kept, 1);
    }
    auto flow = host_.on_packet(work.mbuf, packet, work.interface, now_, origin == Origin::port);
    if (flow) return on_icmp_error(*flow, packet, kept, origin);
    rte_pktmbuf_free(kept);
}

void Core::on_icmp_error(const ip::QuotedFlow& flow, const wire::Packet& packet, rte_mbuf* kept, Origin origin) {
    if (flow.tcp && setup_.steering->has_signalling()) {
        TcpOwner owner = tcp_owner(flow.local, flow.remote);
        if (owner.core != setup_.index) return hand_over(kept, owner.core, origin);
        if (signalling_ && !owner.relay && signalling_->is_kernels(flow.local.port, flow.remote.port)) {
            signalling_->to_kernel(kept, packet);
        } else if (signalling_) {
            signalling_->receive(flow, now_);
        }
        return rte_pktmbuf_free(kept);
    }
    classify::Target target = flow.tcp ? classify::Target{} : target_of(flow.local);
    if (target.kind != classify::Target::Kind::relay) {
        counters_.drop(Drop::icmp_unmatched);
        return rte_pktmbuf_free(kept);
    }
    uint16_t owner = turn_.owner_of_port(flow.local.port);
    if (owner != setup_.index) {
        if (kept) hand_over(kept, owner, origin);
        return;
    }
    rte_pktmbuf_free(kept);
    if (!turn_.on_icmp(now_, target.id, flow.local.port, flow.remote, {flow.type, flow.code, flow.mtu}, forward_))
        return;
    if (forward_.to_stream) return signalling_->turn_clients().to_client(forward_, {}, now_);
    rte_mbuf* mbuf = rte_pktmbuf_alloc(setup_.pool->get());
    if (!mbuf) return counters_.drop(Drop::no_mbuf);
    uint8_t* data = reinterpret_cast<uint8_t*>(rte_pktmbuf_append(mbuf, forward_.prepend_length));
    std::memcpy(data, forward_.prepend.data(), forward_.prepend_length);
    host_.output().send_udp(mbuf, forward_.source, forward_.destination, *forward_.hop, now_, {});
}

classify::Target Core::target_of(const Endpoint& local) const {
    auto interface = config_->interfaces->owner(local.address);
    if (interface == ip::kNoInterface) return {};
    return config_->role(role_of(interface)).targets.classify(local.address, local.port);
}

void Core::forward(Work& work, const relay::Forward& f) {
    ip::UdpOptions options;
    options.dont_fragment = f.dont_fragment;
    options.dscp_ecn = work.packet.dscp_ecn;  // RFC 8656 section 13: what the sender asked of the network is passed on
    options.checksum = relayed_checksum(work.packet, payload(work), f);
    options.mode = options.checksum ? ip::UdpChecksum::given : ip::UdpChecksum::none;
    rte_mbuf* mbuf = work.mbuf;
    mbuf->data_off =
        static_cast<uint16_t>(mbuf->data_off + work.packet.payload_offset + f.data_offset - f.prepend_length);
    mbuf->data_len = static_cast<uint16_t>(f.prepend_length + f.data_length);
    mbuf->pkt_len = mbuf->data_len;
    std::memcpy(rte_pktmbuf_mtod(mbuf, uint8_t*), f.prepend.data(), f.prepend_length);
    if (f.append_zeros) [[unlikely]] {
        char* padding = rte_pktmbuf_append(mbuf, f.append_zeros);
        if (!padding) return drop(work, Drop::too_big);
        std::memset(padding, 0, f.append_zeros);
    }
    host_.output().send_udp(mbuf, f.source, f.destination, *f.hop, now_, options);
}

void Core::reply(Work& work, Bytes message) {
    rte_mbuf* mbuf = work.mbuf;  // the request has been read: its buffer carries the answer
    rte_pktmbuf_reset(mbuf);
    std::memcpy(rte_pktmbuf_append(mbuf, static_cast<uint16_t>(message.size())), message.data(), message.size());
    ip::Hop way;  // answers are too rare to remember the way
    host_.output().send_udp(mbuf, {work.packet.destination, work.packet.destination_port},
                            {work.packet.source, work.packet.source_port}, way, now_, {});
}

bool Core::udp_checksum_ok(const Work& work) const {
    uint64_t known = work.mbuf->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
    if (known == RTE_MBUF_F_RX_L4_CKSUM_GOOD || work.packet.udp_checksum == 0) return true;
    Bytes datagram{rte_pktmbuf_mtod_offset(work.mbuf, const uint8_t*, work.packet.l4_offset),
                   work.packet.payload_length + wire::kUdpHeader};
    return wire::transport_checksum_ok(work.packet.source, work.packet.destination, work.packet.protocol, datagram);
}

void Core::drop(Work& work, Drop reason) {
    counters_.drop(reason);
    rte_pktmbuf_free(work.mbuf);
    work.kind = Work::Kind::gone;
}

void Core::hand_over(rte_mbuf* mbuf, uint16_t core, Origin origin) {
    // Once, never twice: a packet that was handed over and still belongs elsewhere was misdirected by a change under
    // way.
    if (origin == Origin::port && core < inboxes_.size() && inboxes_[core]->send(mbuf)) {
        counters_.add(Counter::handover_sent);
        return;
    }
    counters_.drop(Drop::handover_full);
    rte_pktmbuf_free(mbuf);
}

void Core::copy_to_other_cores(const rte_mbuf* mbuf) {
    for (uint16_t core = 0; core < setup_.cores; core++) {
        if (core == setup_.index) continue;
        if (rte_mbuf* copy = rte_pktmbuf_copy(mbuf, setup_.pool->get(), 0, UINT32_MAX)) {
            hand_over(copy, core, Origin::port);
        } else {
            counters_.drop(Drop::no_mbuf);
        }
    }
}

}  // namespace fedge::core
