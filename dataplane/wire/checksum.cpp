#include "dataplane/wire/checksum.h"

#include <bit>
#include <cstring>

namespace fedge::wire {
namespace {

uint64_t load_host64(const uint8_t* p) {
    uint64_t v;
    std::memcpy(&v, p, sizeof(v));
    return v;
}

}  // namespace

uint64_t sum(Bytes bytes) {
    // The sum does not depend on byte order but for one final swap (RFC 1071 section 2 (B)), so words are added as the
    // machine loads them. Halves of 32 bits have 32 bits of room for carries: enough for 32 GiB.
    const uint8_t* p = bytes.data();
    size_t left = bytes.size();
    uint64_t low = 0;
    uint64_t high = 0;
    uint64_t low2 = 0;
    uint64_t high2 = 0;
    for (; left >= 16; left -= 16, p += 16) {
        uint64_t a = load_host64(p);
        uint64_t b = load_host64(p + 8);
        low += a & 0xffffffff;
        high += a >> 32;
        low2 += b & 0xffffffff;
        high2 += b >> 32;
    }
    if (left >= 8) {
        uint64_t a = load_host64(p);
        low += a & 0xffffffff;
        high += a >> 32;
        left -= 8;
        p += 8;
    }
    if (left) {
        uint64_t tail = 0;  // an odd last byte counts as if followed by zero
        std::memcpy(&tail, p, left);
        low2 += tail & 0xffffffff;
        high2 += tail >> 32;
    }
    uint16_t folded = fold(low + high + low2 + high2);
    if constexpr (std::endian::native == std::endian::little) folded = static_cast<uint16_t>(folded << 8 | folded >> 8);
    return folded;
}

uint16_t transport_checksum(const IpAddress& source, const IpAddress& destination, uint8_t protocol, Bytes segment) {
    auto length = static_cast<uint32_t>(segment.size());
    return static_cast<uint16_t>(~fold(pseudo_header(source, destination, protocol, length) + sum(segment)));
}

bool transport_checksum_ok(const IpAddress& source, const IpAddress& destination, uint8_t protocol, Bytes segment) {
    return transport_checksum(source, destination, protocol, segment) == 0;
}

}  // namespace fedge::wire
