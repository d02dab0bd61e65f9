// ICMP and ICMPv6 of the IP host.
#include <algorithm>
#include <cstring>

#include "dataplane/ip/host.h"
#include "dataplane/ip/messages.h"
#include "dataplane/wire/headers.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ndp.h"

namespace fedge::ip {
namespace {

constexpr uint8_t kTtl = 64;
constexpr size_t kMaxError = 1280;  // the longest ICMP error, IP header included (RFC 4443 section 2.4 (c))

MacAddress source_mac(Bytes frame) {
    MacAddress mac;
    std::memcpy(mac.octets.data(), frame.data() + 6, mac.octets.size());
    return mac;
}

wire::IpFields icmp_fields(Family family, uint8_t dscp_ecn, size_t length) {
    wire::IpFields fields;
    fields.protocol = static_cast<uint8_t>(family == Family::ipv4 ? wire::Protocol::icmp : wire::Protocol::icmpv6);
    fields.ttl = kTtl;
    fields.dscp_ecn = dscp_ecn;
    fields.dont_fragment = true;
    fields.payload_length = static_cast<uint16_t>(length);
    return fields;
}

}  // namespace

std::optional<Drop> Host::on_icmp(rte_mbuf*& frame, Bytes bytes, const wire::Packet& packet, uint16_t interface,
                                  Instant now, std::optional<QuotedFlow>& flow) {
    auto message = wire::Icmp::parse_v4(bytes.subspan(packet.l4_offset, packet.payload_length));
    if (!message) return Drop::icmp_malformed;
    if (message->kind() == wire::Icmp::Kind::echo_request) return echo_reply(frame, packet, interface, now);
    return quoted(*message, flow);
}

std::optional<Drop> Host::on_icmpv6(rte_mbuf*& frame, Bytes bytes, const wire::Packet& packet, uint16_t interface,
                                    Instant now, bool may_reply, std::optional<QuotedFlow>& flow) {
    auto message =
        wire::Icmp::parse_v6(packet.source, packet.destination, bytes.subspan(packet.l4_offset, packet.payload_length));
    if (!message) return Drop::icmp_malformed;
    if (message->type() == wire::icmpv6::kNeighborSolicitation)
        return on_solicitation(bytes, packet, *message, interface, now, may_reply);
    if (message->type() == wire::icmpv6::kNeighborAdvertisement)
        return on_advertisement(packet, *message, interface, now);
    // Other group traffic (router advertisements, MLD queries) is for hosts that configure themselves.
    if (packet.destination.is_multicast()) return Drop::not_for_us;
    if (message->kind() == wire::Icmp::Kind::echo_request) return echo_reply(frame, packet, interface, now);
    return quoted(*message, flow);
}

std::optional<Drop> Host::quoted(const wire::Icmp& message, std::optional<QuotedFlow>& flow) {
    if (message.kind() != wire::Icmp::Kind::error) return Drop::icmp_unmatched;
    auto packet = message.quoted();
    if (!packet) return Drop::icmp_malformed;
    bool tcp = packet->protocol == static_cast<uint8_t>(wire::Protocol::tcp);
    bool ours =
        packet->has_ports && (!tcp || packet->has_sequence) && interfaces_->owner(packet->source) != kNoInterface;
    if (!ours) return Drop::icmp_unmatched;
    counters_.add(Counter::icmp_errors_received);
    flow = QuotedFlow{.local = {packet->source, packet->source_port},
                      .remote = {packet->destination, packet->destination_port},
                      .type = message.type(),
                      .code = message.code(),
                      .ipv6 = message.family() == Family::ipv6,
                      .mtu = message.mtu(),
                      .tcp = tcp,
                      .sequence = packet->sequence};
    return std::nullopt;
}

// In the frame that asked, back to where it came from: needs no memory and no state.
std::optional<Drop> Host::echo_reply(rte_mbuf*& frame, const wire::Packet& packet, uint16_t interface, Instant now) {
    Family family = packet.source.family();
    if (!policy_.echo) return Drop::access_denied;
    if (packet.l4_offset != packet.l3_offset + wire::ip_header_length(family)) return Drop::ip_options;
    if (!icmp_.allow(now)) return Drop::icmp_rate;
    const Interface& in = (*interfaces_)[interface];
    rte_pktmbuf_trim(frame,
                     static_cast<uint16_t>(rte_pktmbuf_data_len(frame) - packet.l4_offset - packet.payload_length));
    auto* bytes = rte_pktmbuf_mtod(frame, uint8_t*);
    wire::turn_into_echo_reply(family, {bytes + packet.l4_offset, packet.payload_length});
    wire::write_ip(bytes + packet.l3_offset, packet.destination, packet.source,
                   icmp_fields(family, packet.dscp_ecn, packet.payload_length));
    std::memcpy(bytes, bytes + 6, 6);
    std::memcpy(bytes + 6, in.mac.octets.data(), 6);
    frame->ol_flags = 0;
    counters_.add(Counter::echo_replies_sent);
    tx_.send(in.port, frame);
    frame = nullptr;
    return std::nullopt;
}

std::optional<Drop> Host::on_solicitation(Bytes frame, const wire::Packet& packet, const wire::Icmp& message,
                                          uint16_t interface, Instant now, bool may_reply) {
    auto solicitation = wire::NeighborSolicitation::parse(packet.source, packet.destination, packet.ttl, message);
    if (!solicitation) return Drop::icmp_malformed;
    const IpAddress& target = solicitation->target;
    if (target.is_v4() || !interfaces_->has(interface, target)) return Drop::not_for_us;
    bool tries_out = packet.source.is_unspecified();
    if (!tries_out && !interfaces_->on_link(interface, packet.source)) return Drop::martian_source;
    if (!tries_out && solicitation->source_mac)
        neighbors_.on_solicitation(interface, packet.source, *solicitation->source_mac, now);
    if (!may_reply) return std::nullopt;
    // To one who tries out our address the answer goes to all nodes (RFC 4861 section 7.2.4): it has no address yet.
    IpAddress destination = tries_out ? wire::all_nodes_multicast() : packet.source;
    MacAddress mac =
        tries_out ? wire::multicast_mac(destination) : solicitation->source_mac.value_or(source_mac(frame));
    const Interface& in = (*interfaces_)[interface];
    rte_mbuf* reply = advertisement_frame(pool_, in, target, destination, mac, !tries_out);
    if (!reply) return Drop::no_mbuf;
    counters_.add(Counter::arp_replies_sent);
    tx_.send(in.port, reply);
    return std::nullopt;
}

std::optional<Drop> Host::on_advertisement(const wire::Packet& packet, const wire::Icmp& message, uint16_t interface,
                                           Instant now) {
    auto advertisement = wire::NeighborAdvertisement::parse(packet.destination, packet.ttl, message);
    if (!advertisement || advertisement->target.is_v4()) return Drop::icmp_malformed;
    if (interfaces_->has(interface, advertisement->target)) return Drop::spoofed_own_source;
    neighbors_.on_advertisement({.interface = interface,
                                 .address = advertisement->target,
                                 .mac = advertisement->target_mac,
                                 .solicited = advertisement->solicited,
                                 .override_cached = advertisement->override_cached},
                                now);
    return std::nullopt;
}

void Host::port_unreachable(rte_mbuf* frame, const wire::Packet& packet, uint16_t interface, Instant now) {
    // RFC 1122 section 3.2.2: never about a group, a fragment, or a source that is not one host. admit() saw to the
    // source.
    if (packet.multicast_mac || packet.destination.is_multicast() || !packet.is_udp()) {
        rte_pktmbuf_free(frame);
        return;
    }
    if (!icmp_.allow(now)) return drop(frame, Drop::icmp_rate);
    rte_mbuf* out = rte_pktmbuf_alloc(pool_);
    if (!out) return drop(frame, Drop::no_mbuf);
    const Interface& in = (*interfaces_)[interface];
    Family family = packet.source.family();
    Bytes bytes(rte_pktmbuf_mtod(frame, const uint8_t*), rte_pktmbuf_data_len(frame));
    Bytes offending =
        bytes.subspan(packet.l3_offset, packet.payload_offset - packet.l3_offset + size_t{packet.payload_length});

    size_t header = wire::ip_header_length(family);
    auto* at = rte_pktmbuf_mtod(out, uint8_t*);
    size_t l2 = wire::write_ethernet(at, source_mac(bytes), in.mac, in.vlan, wire::ether_type(family));
    bool ipv4 = family == Family::ipv4;
    size_t length =
        wire::write_icmp_error({at + l2 + header, kMaxError - header}, packet.destination, packet.source,
                               ipv4 ? wire::icmp::kUnreachable : wire::icmpv6::kUnreachable,
                               ipv4 ? wire::icmp::kPortUnreachable : wire::icmpv6::kPortUnreachable, 0, offending);
    wire::write_ip(at + l2, packet.destination, packet.source, icmp_fields(family, 0, length));
    rte_pktmbuf_append(out, static_cast<uint16_t>(l2 + header + length));
    counters_.add(Counter::icmp_errors_sent);
    tx_.send(in.port, out);
    rte_pktmbuf_free(frame);
}

}  // namespace fedge::ip
