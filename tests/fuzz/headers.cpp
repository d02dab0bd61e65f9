// Writers of headers: what they write is read back as it was meant, with all fields at any value, and not a byte beyond
// the length that they return is touched.
#include "dataplane/wire/headers.h"

#include <algorithm>
#include <array>

#include "tests/fuzz/expect.h"

using namespace fedge;
using fuzz::expect;

namespace {

constexpr uint8_t kUntouched = 0xa5;
constexpr size_t kFields = 10;  // bytes of input before the addresses
constexpr size_t kMostPayload = 64;

struct Frame {
    std::array<uint8_t, 18 + 40 + 8 + kMostPayload> bytes;
    size_t size = 0;

    uint8_t* end() { return bytes.data() + size; }
    void wrote(size_t n) {
        size += n;
        expect(std::all_of(end(), bytes.data() + bytes.size(), [](uint8_t b) { return b == kUntouched; }),
               "nothing behind what was written");
    }
};

IpAddress address(Bytes octets, bool v4) {
    if (v4) return IpAddress::v4_bytes(octets.data());
    std::array<uint8_t, 16> own;
    std::copy_n(octets.begin(), own.size(), own.begin());
    own[0] |= 1;  // no mapped IPv4
    return IpAddress::v6_bytes(own.data());
}

void check_ipv4(const uint8_t* header, const wire::IpFields& fields) {
    expect(fields.checksum_by_device ? load_be16(header + 10) == 0 : wire::ipv4_checksum_ok(header),
           "checksum of IPv4, or room for it");
    expect(load_be16(header + 4) == fields.identification, "identification");
    expect(load_be16(header + 6) == (fields.dont_fragment ? 0x4000 : 0), "do not fragment");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < kFields + 32) return 0;
    Bytes input{data, size};
    bool v4 = input[0] & 1;
    bool by_device = v4 && input[0] & 2;
    uint16_t vlan = input[0] & 4 ? load_be16(data + 1) : 0;
    auto payload = static_cast<uint16_t>(input[0] >> 3);
    uint16_t from = load_be16(data + 5), to = load_be16(data + 7);
    wire::IpFields fields{.ttl = input[3],
                          .dscp_ecn = input[4],
                          .dont_fragment = (input[9] & 1) != 0,
                          .identification = load_be16(data + 6),
                          .checksum_by_device = by_device,
                          .payload_length = static_cast<uint16_t>(wire::kUdpHeader + payload)};
    IpAddress source = address(input.subspan(kFields), v4), destination = address(input.subspan(kFields + 16), v4);

    Frame frame;
    frame.bytes.fill(kUntouched);
    auto type = wire::ether_type(source.family());
    frame.wrote(wire::write_ethernet(frame.end(), wire::multicast_mac(destination), {}, vlan, type));
    const uint8_t* header = frame.end();
    frame.wrote(wire::write_ip(frame.end(), source, destination, fields));
    expect(frame.end() - header == static_cast<ptrdiff_t>(wire::ip_header_length(source.family())), "length of IP");
    frame.wrote(wire::write_udp(frame.end(), from, to, payload, 0x1234));
    if (v4) check_ipv4(header, fields);

    wire::Packet p{};
    auto drop = wire::parse(Bytes{frame.bytes}.first(frame.size + payload), by_device, p);
    expect(!drop, "it parses");
    expect(p.source == source && p.destination == destination, "addresses");
    expect(p.source_port == from && p.destination_port == to && p.udp_checksum == 0x1234, "UDP");
    expect(p.payload_length == payload && p.payload_offset == frame.size, "payload");
    expect(p.ttl == fields.ttl && p.dscp_ecn == fields.dscp_ecn && !p.fragment && p.is_udp(), "fields of IP");
    expect(p.has_vlan == (vlan != 0) && p.vlan == (vlan & 0x0fff), "VLAN");
    expect(p.multicast_mac, "a group's address is one");
    return 0;
}
