// Data from one client to the relay port of another: it does not leave the machine. The core that has the sender hands
// it, as the datagram that the network would have brought back, to the core that owns the port.
//
// It cannot go round: what a relay port receives goes to a client's 5-tuple, and a listener, whose answer could start
// anew, is no legal peer (TurnState::peer_mark). So one datagram of a client is handed over at most once for being a
// hairpin, besides the once of hand_over for its client's flow.
#include <cstring>
#include <type_traits>

#include "dataplane/core/core.h"
#include "dataplane/core/relayed_checksum.h"

namespace fedge::core {

void Core::to_peer(Work& work) {
    return forward_.hairpin ? hairpin(work) : forward(work, forward_);
}

void Core::hairpin(Work& work) {
    const relay::Forward& f = forward_;
    wire::Packet& packet = work.packet;
    packet.udp_checksum = relayed_checksum(packet, payload(work), f);
    packet.source = f.source.address;
    packet.source_port = f.source.port;
    packet.destination = f.destination.address;
    packet.destination_port = f.destination.port;
    packet.payload_offset = static_cast<uint16_t>(packet.payload_offset + f.data_offset);
    packet.payload_length = f.data_length;
    uint16_t owner = turn_.owner_of_port(packet.destination_port);
    if (owner == setup_.index) return from_relay(work);

    rte_mbuf* mbuf = work.mbuf;
    Parcel parcel{f.source, f.destination, packet.udp_checksum, packet.dscp_ecn, false};
    static_assert(std::is_trivially_copyable_v<Parcel>);
    mbuf->data_off = static_cast<uint16_t>(mbuf->data_off + packet.payload_offset);
    mbuf->data_len = packet.payload_length;
    mbuf->pkt_len = packet.payload_length;
    char* front = rte_pktmbuf_prepend(mbuf, sizeof(parcel));
    if (!front) return drop(work, Drop::no_mbuf);
    std::memcpy(front, &parcel, sizeof(parcel));
    mbuf->port = RTE_MBUF_PORT_INVALID;
    hand_over(mbuf, owner, Origin::port);
}

uint32_t Core::take_hairpins(std::span<rte_mbuf*> inbox) {
    if (!config_) return static_cast<uint32_t>(inbox.size());
    uint32_t others = 0;
    for (rte_mbuf* mbuf : inbox) {
        if (mbuf->port != RTE_MBUF_PORT_INVALID) {
            inbox[others++] = mbuf;
            continue;
        }
        Parcel parcel;
        std::memcpy(&parcel, rte_pktmbuf_mtod(mbuf, const void*), sizeof(parcel));
        if (parcel.tcp) {
            segment_from_here(mbuf, parcel);
            continue;
        }
        Work& work = work_[0];
        work.mbuf = mbuf;
        work.frame = rte_pktmbuf_mtod(mbuf, const uint8_t*);
        work.packet = {};
        work.packet.l3 = parcel.source.address.is_v4() ? wire::L3::ipv4 : wire::L3::ipv6;
        work.packet.protocol = static_cast<uint8_t>(wire::Protocol::udp);
        work.packet.dscp_ecn = parcel.dscp_ecn;
        work.packet.udp_checksum = parcel.udp_checksum;
        work.packet.source = parcel.source.address;
        work.packet.source_port = parcel.source.port;
        work.packet.destination = parcel.destination.address;
        work.packet.destination_port = parcel.destination.port;
        work.packet.payload_offset = sizeof(parcel);
        work.packet.payload_length = static_cast<uint16_t>(mbuf->data_len - sizeof(parcel));
        from_relay(work);
    }
    return others;
}

// The way of a peer's datagram from here on. Access rules were applied when the sender's client was let in.
void Core::from_relay(Work& work) {
    const wire::Packet& packet = work.packet;
    Endpoint relay{packet.destination, packet.destination_port};
    classify::Target target = target_of(relay);
    // This core may run on another snapshot than the sender's for a moment.
    if (target.kind != classify::Target::Kind::relay) return drop(work, Drop::relay_port_unused);
    relay::Handle handle = relay::Turn::handle_in(turn_.relay_slot(target.id, relay.port));
    if (!turn_.from_relay(now_, handle, {packet.source, packet.source_port}, payload(work), forward_))
        return rte_pktmbuf_free(work.mbuf);
    if (forward_.to_stream) return to_stream(work);
    forward(work, forward_);
}

}  // namespace fedge::core
