// Between the clients of TURN on streams and the packets of their peers.
#include <cstring>

#include "dataplane/core/core.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/headers.h"

namespace fedge::core {

// The data of a client on a stream, on its way to a peer.
void Core::send(const relay::Forward& f, Bytes data, Instant now) {
    size_t head = f.hairpin ? wire::kUdpHeader : 0;
    rte_mbuf* mbuf = rte_pktmbuf_alloc(setup_.pool->get());
    if (!mbuf) return counters_.drop(Drop::no_mbuf);
    char* room =
        head + data.size() > UINT16_MAX ? nullptr : rte_pktmbuf_append(mbuf, static_cast<uint16_t>(head + data.size()));
    if (!room) {
        rte_pktmbuf_free(mbuf);
        return counters_.drop(Drop::too_big);
    }
    std::memcpy(room + head, data.data(), data.size());
    if (!f.hairpin) {
        ip::UdpOptions options;
        options.dont_fragment = f.dont_fragment;
        host_.output().send_udp(mbuf, f.source, f.destination, *f.hop, now, options);
        return;
    }
    // To another client of this edge: as the datagram that would have come back from the network, checksum included.
    auto* datagram = reinterpret_cast<uint8_t*>(room);
    auto length = static_cast<uint16_t>(data.size());
    wire::write_udp(datagram, f.source.port, f.destination.port, length, 0);
    uint16_t sum = wire::transport_checksum(f.source.address, f.destination.address,
                                            static_cast<uint8_t>(wire::Protocol::udp), {datagram, head + length});
    Work work{};
    work.mbuf = mbuf;
    work.frame = datagram;
    work.packet.l3 = f.source.address.is_v4() ? wire::L3::ipv4 : wire::L3::ipv6;
    work.packet.protocol = static_cast<uint8_t>(wire::Protocol::udp);
    work.packet.udp_checksum = sum ? sum : uint16_t{0xffff};
    work.packet.source = f.source.address;
    work.packet.source_port = f.source.port;
    work.packet.destination = f.destination.address;
    work.packet.destination_port = f.destination.port;
    work.packet.payload_offset = static_cast<uint16_t>(head);
    work.packet.payload_length = length;
    forward_ = f;
    forward_.data_offset = 0;
    forward_.prepend_length = forward_.append_zeros = 0;
    hairpin(work);
}

// What `forward_` says about data for a client on a stream.
void Core::to_stream(Work& work) {
    signalling_->turn_clients().to_client(forward_, payload(work).subspan(forward_.data_offset, forward_.data_length),
                                          now_);
    rte_pktmbuf_free(work.mbuf);
}

// RFC 6062 between two clients of this edge: a segment from one relay port to another.
bool Core::take(const tcp::SegmentOutput::Segment& segment) {
    Endpoint source{segment.source, load_be16(segment.header.data())};
    Endpoint destination{segment.destination, load_be16(segment.header.data() + 2)};
    if (target_of(destination).kind != classify::Target::Kind::relay) return false;
    size_t length = sizeof(Parcel) + segment.header.size();
    for (Bytes piece : segment.payload) length += piece.size();
    rte_mbuf* mbuf = rte_pktmbuf_alloc(setup_.pool->get());
    char* room = mbuf ? rte_pktmbuf_append(mbuf, static_cast<uint16_t>(length)) : nullptr;
    if (!room) {
        rte_pktmbuf_free(mbuf);
        counters_.drop(Drop::no_mbuf);
        return true;
    }
    Parcel parcel{source, destination, 0, 0, true};
    auto put = [&](const void* bytes, size_t size) {
        std::memcpy(room, bytes, size);
        room += size;
    };
    put(&parcel, sizeof(parcel));
    put(segment.header.data(), segment.header.size());
    for (Bytes piece : segment.payload) put(piece.data(), piece.size());
    mbuf->port = RTE_MBUF_PORT_INVALID;
    hand_over(mbuf, tcp_owner(destination, source).core, Origin::port);
    return true;
}

void Core::segment_from_here(rte_mbuf* mbuf, const Parcel& parcel) {
    if (!signalling_) {
        counters_.drop(Drop::tcp_no_connection);
        return rte_pktmbuf_free(mbuf);
    }
    rte_pktmbuf_adj(mbuf, sizeof(parcel));
    signalling_->receive_local(mbuf, {parcel.source.address, parcel.destination.address, frame(mbuf), true}, now_);
}

bool Core::send(uint16_t core, std::unique_ptr<signal::SipParcel> parcel) {
    if (core >= post_.size() || !post_[core] || !post_[core]->send(parcel.get())) return false;
    parcel.release();  // it is the other core's now
    return true;
}

uint32_t Core::take_post() {
    std::array<signal::SipParcel*, kBurst> parcels;
    if (post_box_->empty()) return 0;
    uint32_t n = post_box_->receive(parcels);
    for (uint32_t i = 0; i < n; i++) {
        std::unique_ptr<signal::SipParcel> parcel(parcels[i]);
        signalling_->sip().deliver(*parcel);
    }
    return n;
}

}  // namespace fedge::core
