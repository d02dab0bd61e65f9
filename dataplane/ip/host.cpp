#include "dataplane/ip/host.h"

#include <algorithm>
#include <cstring>

#include "dataplane/ip/messages.h"
#include "dataplane/wire/arp.h"
#include "dataplane/wire/headers.h"
#include "dataplane/wire/ndp.h"

namespace fedge::ip {
namespace {

constexpr uint32_t because(Drop reason) {
    return 1 + static_cast<uint32_t>(reason);
}

constexpr uint32_t kAnnouncementsPerSecond = 500;
constexpr uint32_t kAnnouncementsAtOnce = 8;  // per loop iteration
constexpr uint8_t kAnnouncementRounds =
    3;  // MAX_NEIGHBOR_ADVERTISEMENT (RFC 4861 section 7.2.6); a link may still be coming up
constexpr Duration kAnnouncementInterval = 1s;

// Sources that no host may have: this network, loopback, multicast and the reserved block (RFC 1122 section 3.2.1.3),
// everything below ::/96 (unspecified, loopback, the deprecated IPv4-compatible form) and IPv6 multicast. The parser
// has refused IPv4-mapped addresses in IPv6 packets already.
bool is_icmpv6(const wire::Packet& packet) {
    return packet.l3 == wire::L3::ipv6 && packet.protocol == static_cast<uint8_t>(wire::Protocol::icmpv6);
}

}  // namespace

Host::Host(const HostConfig& config, Counters counters, Random& random, Transmitter& transmitter, Instant now)
    : counters_(counters),
      pool_(config.pool),
      announces_(config.announces),
      tx_(transmitter, counters),
      neighbors_(config.neighbors, counters, random, tx_, config.pool, now),
      output_(counters, random, tx_, neighbors_, config.pool),
      icmp_(policy_.icmp_rate),
      announcement_rate_(kAnnouncementsPerSecond) {}

void Host::adopt(const Interfaces* interfaces, const HostPolicy& policy, Instant now) {
    interfaces_ = interfaces;
    policy_ = policy;
    icmp_.set(policy.icmp_rate);
    neighbors_.adopt(interfaces);
    output_.adopt(interfaces);
    announced_ = 0;
    announcement_round_ = 0;
    next_round_ = now;
}

void Host::drop(rte_mbuf* frame, Drop reason) {
    rte_pktmbuf_free(frame);
    counters_.drop(reason);
}

uint32_t Host::admit_code(uint16_t port, Bytes frame, const wire::Packet& packet, uint16_t& interface) const {
    interface = interfaces_->find(port, packet.has_vlan ? packet.vlan : uint16_t{0});
    if (interface == kNoInterface) return because(Drop::vlan_unknown);
    const Interface& in = (*interfaces_)[interface];
    if (!packet.multicast_mac && std::memcmp(frame.data(), in.mac.octets.data(), 6) != 0)
        return because(Drop::not_for_us);
    if (packet.l3 == wire::L3::arp) return 0;

    if (packet.l3 == wire::L3::ipv4) {
        // IPv4 group addresses are not served, and a unicast packet in a group frame is not answered (RFC 1122 section
        // 3.3.6).
        if (packet.multicast_mac || interfaces_->owner(packet.destination) != interface)
            return because(Drop::not_for_us);
        uint32_t first = packet.source.v4_host_order() >> 24;
        if (first == 0 || first == 127 || first >= 224) return because(Drop::martian_source);
        if (interfaces_->owner(packet.source) != kNoInterface) return because(Drop::spoofed_own_source);
    } else if (uint32_t reason = admit_ipv6(packet, interface)) {
        return reason;
    }
    for (const Prefix& elsewhere : in.foreign)
        if (elsewhere.contains(packet.source)) return because(Drop::martian_source);
    if (packet.fragment) return because(Drop::fragment);
    return 0;
}

uint32_t Host::admit_ipv6(const wire::Packet& packet, uint16_t interface) const {
    // Group addresses are for neighbour discovery; nothing else is served on them.
    bool to_group = packet.multicast_mac || packet.destination.is_multicast();
    bool for_us = to_group ? is_icmpv6(packet) && packet.destination.is_multicast()
                           : interfaces_->has(interface, packet.destination);
    if (!for_us) return because(Drop::not_for_us);
    // The unspecified source is legal where an address is tried out (RFC 4862 section 5.4.2).
    const IpAddress& a = packet.source;
    bool tries_out = to_group && a.is_unspecified();
    bool martian = a.is_multicast() || (a.high() == 0 && a.low() >> 32 == 0);
    if (martian && !tries_out) return because(Drop::martian_source);
    if (interfaces_->owner(a) != kNoInterface || interfaces_->is_own_link_local(interface, a))
        return because(Drop::spoofed_own_source);
    return 0;
}

bool Host::is_neighbor_message(Bytes frame, const wire::Packet& packet) {
    if (packet.l3 == wire::L3::arp) return true;
    if (!is_icmpv6(packet) || packet.fragment || packet.payload_length == 0) return false;
    uint8_t type = frame[packet.l4_offset];
    return type == wire::icmpv6::kNeighborSolicitation || type == wire::icmpv6::kNeighborAdvertisement;
}

std::optional<QuotedFlow> Host::on_packet(rte_mbuf* frame, const wire::Packet& packet, uint16_t interface, Instant now,
                                          bool may_reply) {
    Bytes bytes(rte_pktmbuf_mtod(frame, const uint8_t*), rte_pktmbuf_data_len(frame));
    std::optional<QuotedFlow> flow;
    std::optional<Drop> reason;
    if (packet.l3 == wire::L3::arp) {
        reason = on_arp(bytes, packet, interface, now, may_reply);
    } else if (packet.l3 == wire::L3::ipv4 && packet.protocol == static_cast<uint8_t>(wire::Protocol::icmp)) {
        reason = on_icmp(frame, bytes, packet, interface, now, flow);
    } else if (is_icmpv6(packet)) {
        reason = on_icmpv6(frame, bytes, packet, interface, now, may_reply, flow);
    } else {
        reason = Drop::protocol_closed;
    }
    // A copy for learning is counted by the core that got the original.
    if (reason && may_reply) counters_.drop(*reason);
    if (frame) rte_pktmbuf_free(frame);
    return flow;
}

std::optional<Drop> Host::on_arp(Bytes frame, const wire::Packet& packet, uint16_t interface, Instant now,
                                 bool may_reply) {
    auto arp = wire::Arp::parse(frame.subspan(packet.l3_offset));
    if (!arp) return Drop::arp_malformed;
    const Interface& in = (*interfaces_)[interface];
    bool probe = arp->sender.is_unspecified() || arp->sender.v4_host_order() == 0;
    if (!probe) {
        if (interfaces_->owner(arp->sender) != kNoInterface) return Drop::spoofed_own_source;
        if (!interfaces_->on_link(interface, arp->sender)) return Drop::martian_source;
    }
    bool for_us = interfaces_->owner(arp->target) == interface;
    if (arp->operation == wire::ArpOperation::reply || !for_us) {
        if (probe) return Drop::not_for_us;
        bool solicited = for_us && arp->operation == wire::ArpOperation::reply && arp->target_mac == in.mac;
        neighbors_.on_advertisement({interface, arp->sender, arp->sender_mac, solicited, true}, now);
        return for_us || arp->gratuitous() ? std::nullopt : std::optional(Drop::not_for_us);
    }
    if (!probe) neighbors_.on_solicitation(interface, arp->sender, arp->sender_mac, now);
    if (!may_reply) return std::nullopt;
    rte_mbuf* reply = arp_frame(pool_, in, arp->sender_mac,
                                {.operation = wire::ArpOperation::reply,
                                 .sender_mac = in.mac,
                                 .sender = arp->target,
                                 .target_mac = arp->sender_mac,
                                 .target = arp->sender});
    if (!reply) return Drop::no_mbuf;
    counters_.add(Counter::arp_replies_sent);
    tx_.send(in.port, reply);
    return std::nullopt;
}

void Host::announce(Instant now) {
    auto todo = interfaces_->announcements();
    if (announcement_round_ == kAnnouncementRounds || now < next_round_) return;
    for (uint32_t i = 0; i < kAnnouncementsAtOnce && announced_ < todo.size(); i++) {
        if (!announcement_rate_.allow(now)) return;
        const auto& [address, id] = todo[announced_++];
        const Interface& in = (*interfaces_)[id];
        // An ARP announcement is a request for one's own address (RFC 5227 section 2.3).
        rte_mbuf* frame = address.is_v4()
                              ? arp_frame(pool_, in, kBroadcast,
                                          {.operation = wire::ArpOperation::request,
                                           .sender_mac = in.mac,
                                           .sender = address,
                                           .target = address})
                              : advertisement_frame(pool_, in, address, wire::all_nodes_multicast(),
                                                    wire::multicast_mac(wire::all_nodes_multicast()), false);
        if (!frame) {
            counters_.drop(Drop::no_mbuf);
            return;
        }
        counters_.add(Counter::arp_replies_sent);
        tx_.send(in.port, frame);
    }
    if (announced_ < todo.size()) return;
    announced_ = 0;
    announcement_round_++;
    next_round_ = now + kAnnouncementInterval;
}

void Host::advance(Instant now, uint32_t budget) {
    neighbors_.advance(now, budget);
    if (announces_ && interfaces_) announce(now);
}

}  // namespace fedge::ip
