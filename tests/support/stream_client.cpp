#include "tests/support/stream_client.h"

#include <rte_cycles.h>

#include <chrono>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/headers.h"

namespace fedge::test {
namespace {

Instant clock_now() {
    return Instant{std::chrono::steady_clock::now().time_since_epoch()};
}

tcp::Settings settings() {
    tcp::Settings s;
    s.limits.connections = 256;
    s.limits.buffer_blocks = 4096;
    return s;
}

}  // namespace

Frame tcp_frame(const MacAddress& edge, const SentSegment& segment, uint16_t vlan) {
    Family family = segment.source.family();
    Frame frame(wire::kEthernetHeader + (vlan ? wire::kVlanTag : 0) + wire::ip_header_length(family) +
                segment.bytes.size());
    size_t at = wire::write_ethernet(frame.data(), edge, EdgeBox::kGatewayMac, vlan, wire::ether_type(family));
    wire::IpFields fields;
    fields.protocol = static_cast<uint8_t>(wire::Protocol::tcp);
    fields.payload_length = static_cast<uint16_t>(segment.bytes.size());
    at += wire::write_ip(frame.data() + at, segment.source, segment.destination, fields);
    std::copy(segment.bytes.begin(), segment.bytes.end(), frame.begin() + static_cast<ptrdiff_t>(at));
    uint16_t sum =
        wire::transport_checksum(segment.source, segment.destination, fields.protocol, Bytes{frame}.subspan(at));
    store_be16(frame.data() + at + 16, sum);
    return frame;
}

StreamHost::StreamHost(EdgeBox& box) : box_(box), tcp_(settings(), Counters{block_}, random_, output_, clock_now()) {}

bool StreamHost::connect(StreamUser& user, const IpAddress& from, const Endpoint& to) {
    user.stream = tcp_.connect({from, 0}, to, {}, user);
    return user.stream && until([&] { return user.open || user.closed; }) && user.open;
}

void StreamHost::turn() {
    Instant now = clock_now();
    for (const Frame& frame : box_.receive()) {
        wire::Packet packet;
        bool tcp = !wire::parse(frame, false, packet) && packet.l3 != wire::L3::arp &&
                   packet.protocol == static_cast<uint8_t>(wire::Protocol::tcp);
        if (!tcp) {
            box_.answer_arp(frame);
            other_.push_back(frame);
            continue;
        }
        if (loses && loses(frame)) continue;
        tcp::Arrival arrival{packet.source, packet.destination,
                             Bytes{frame}.subspan(packet.l4_offset, packet.payload_length)};
        tcp_.receive({&arrival, 1}, now);
    }
    tcp_.advance(now);
    tcp_.flush(now);
    for (const SentSegment& segment : output_.take()) {
        uint16_t vlan = vlan_of ? vlan_of(segment.destination) : 0;
        box_.send(tcp_frame(box_.mac(), segment, vlan), queue_);
    }
    uint64_t begin = rte_rdtsc();
    box_.turn();
    box_cycles_ += rte_rdtsc() - begin;
}

bool StreamHost::until(const std::function<bool()>& done, Duration limit) {
    for (Instant end = clock_now() + limit; !done(); turn())
        if (clock_now() > end) return false;
    return true;
}

}  // namespace fedge::test
