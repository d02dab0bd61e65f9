// Frames: whatever the parser accepts lies inside the frame, agrees with the bytes, and can be written again.
#include "dataplane/wire/packet.h"

#include <algorithm>
#include <array>

#include "dataplane/wire/headers.h"
#include "tests/fuzz/expect.h"

using namespace fedge;
using fuzz::expect;

namespace {

void check_places(Bytes frame, const wire::Packet& p) {
    expect(p.l3_offset == (p.has_vlan ? 18 : 14), "L3 behind Ethernet and tag");
    expect(p.vlan <= 0x0fff && (p.has_vlan || p.vlan == 0), "VLAN id");
    expect(size_t{p.payload_offset} + p.payload_length <= frame.size(), "payload inside the frame");
    expect(p.payload_offset >= p.l3_offset, "payload behind L3");
}

void check_ip(const wire::Packet& p) {
    expect(p.l4_offset >= p.l3_offset + wire::ip_header_length(p.source.family()), "L4 behind the IP header");
    expect(p.source.is_v4() == (p.l3 == wire::L3::ipv4), "family of the source");
    expect(p.destination.is_v4() == (p.l3 == wire::L3::ipv4), "family of the destination");
    expect(p.payload_offset == p.l4_offset + (p.is_udp() ? wire::kUdpHeader : 0), "payload behind UDP");
}

// Headers written from what was parsed, around the same payload, parse to the same packet.
void write_again(Bytes frame, const wire::Packet& p) {
    std::array<uint8_t, 18 + 40 + 8> out;
    size_t at = wire::write_ethernet(out.data(), {}, {}, p.vlan, wire::ether_type(p.source.family()));
    auto udp_length = static_cast<uint16_t>(wire::kUdpHeader + p.payload_length);
    wire::IpFields fields{.protocol = p.protocol, .ttl = p.ttl, .dscp_ecn = p.dscp_ecn, .payload_length = udp_length};
    at += wire::write_ip(out.data() + at, p.source, p.destination, fields);
    at += wire::write_udp(out.data() + at, p.source_port, p.destination_port, p.payload_length, p.udp_checksum);
    static std::array<uint8_t, 70000> again;
    std::copy_n(out.begin(), at, again.begin());
    std::copy_n(frame.begin() + p.payload_offset, p.payload_length, again.begin() + static_cast<ptrdiff_t>(at));
    wire::Packet q{};
    expect(!wire::parse(Bytes{again}.first(at + p.payload_length), false, q), "written again it parses");
    expect(q.source == p.source && q.destination == p.destination && q.source_port == p.source_port &&
               q.destination_port == p.destination_port && q.udp_checksum == p.udp_checksum && q.vlan == p.vlan &&
               q.ttl == p.ttl && q.dscp_ecn == p.dscp_ecn && q.payload_length == p.payload_length && q.is_udp(),
           "written again it is the same packet");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Bytes frame{data, size};
    wire::Packet p{};
    auto strict = wire::parse(frame, false, p);
    auto lenient = wire::parse(frame, true, p);
    expect(strict == lenient || strict == contract::Drop::ipv4_checksum, "the NIC's verdict spares only the checksum");
    if (lenient) return 0;
    check_places(frame, p);
    if (p.l3 == wire::L3::arp) return 0;
    check_ip(p);
    if (p.is_udp() && p.payload_length <= 65535 - 28) write_again(frame, p);
    return 0;
}
