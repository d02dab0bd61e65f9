// Checksums: the fast sums are those of RFC 1071 as it is written, word by word, and a difference (RFC 1624) comes to
// the same as the sum of the changed bytes. Two addresses, then the bytes.
#include "dataplane/wire/checksum.h"

#include <algorithm>
#include <array>
#include <vector>

#include "tests/fuzz/expect.h"

using namespace fedge;
using fuzz::expect;

namespace {

constexpr uint8_t kUdp = 17;

uint16_t folded(uint64_t sum) {
    while (sum > 0xffff) sum = (sum >> 16) + (sum & 0xffff);
    return static_cast<uint16_t>(sum);
}

uint64_t plain_sum(Bytes bytes) {
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes.size(); i++) sum += i % 2 ? bytes[i] : uint64_t{bytes[i]} << 8;
    return sum;
}

// As a receiver sees it: zero and 0xffff are the same number.
bool same(uint16_t a, uint16_t b) {
    return a == b || (a % 0xffff == 0 && b % 0xffff == 0);
}

void check_header(Bytes bytes) {
    std::array<uint8_t, 20> header;
    std::copy_n(bytes.begin(), header.size(), header.begin());
    header[0] = 0x45;  // its sum is not zero
    expect(wire::ipv4_checksum_ok(header.data()) == (folded(plain_sum(header)) == 0xffff), "the sum of a header");
    store_be16(header.data() + 10, 0);
    store_be16(header.data() + 10, wire::checksum(header));
    expect(wire::ipv4_checksum_ok(header.data()), "a header with the checksum made for it");
}

void check_transport(const IpAddress& source, const IpAddress& destination, Bytes bytes) {
    std::vector<uint8_t> segment(bytes.begin(), bytes.end());
    store_be16(segment.data() + 6, 0);
    uint64_t all = plain_sum(source.octets()) + plain_sum(destination.octets()) + kUdp + plain_sum(segment);
    all += segment.size() >> 16;
    all += segment.size() & 0xffff;
    // The mapped prefix of IPv4 is in the octets, and 0xffff counts as nothing.
    uint16_t made = wire::transport_checksum(source, destination, kUdp, segment);
    expect(same(made, static_cast<uint16_t>(~folded(all))), "with the pseudo header");
    store_be16(segment.data() + 6, made == 0 ? 0xffff : made);
    expect(wire::transport_checksum_ok(source, destination, kUdp, segment), "a segment with the checksum made for it");

    // Its ports are written anew, as by the relay.
    std::vector<uint8_t> changed = segment;
    std::reverse(changed.begin(), changed.begin() + 4);
    uint16_t before = load_be16(segment.data() + 6);
    uint16_t after = wire::adjust(before, wire::sum(Bytes{segment}.first(4)), wire::sum(Bytes{changed}.first(4)));
    store_be16(changed.data() + 6, after);
    expect(wire::transport_checksum_ok(source, destination, kUdp, changed), "adjusted by the difference");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 32) return 0;
    IpAddress source = IpAddress::v6_bytes(data);
    IpAddress destination = IpAddress::v6_bytes(data + 16);
    Bytes bytes = Bytes{data, size}.subspan(32);
    expect(same(wire::fold(wire::sum(source)), folded(plain_sum(source.octets()))), "the sum of an address");
    // At each alignment.
    for (size_t skip = 0; skip < std::min<size_t>(bytes.size(), 8); skip++) {
        Bytes rest = bytes.subspan(skip);
        expect(wire::fold(wire::sum(rest)) == folded(plain_sum(rest)), "a sum is that of the words");
    }
    if (bytes.size() >= 20) check_header(bytes);
    if (bytes.size() >= 8) check_transport(source, destination, bytes);
    return 0;
}
