// The Internet checksum (RFC 1071), in full and by difference (RFC 1624).
//
// Sums are ones' complement sums of 16-bit words folded to 16 bits or kept wider; "checksum" is the complement of one.
#pragma once

#include <bit>
#include <cstdint>

#include "dataplane/base/address.h"
#include "dataplane/base/bytes.h"

namespace fedge::wire {

// Unfolded ones' complement sum of the bytes, as if at an even offset. Add sums freely, fold at the end.
uint64_t sum(Bytes bytes);

// Zero only for a sum of zero. Adding the swapped halves leaves their sum, end-around carry included, in the upper
// half.
inline uint16_t fold(uint64_t s) {
    s += std::rotl(s, 32);
    auto half = static_cast<uint32_t>(s >> 32);
    half += std::rotl(half, 16);
    return static_cast<uint16_t>(half >> 16);
}

inline uint16_t checksum(Bytes bytes) {
    return static_cast<uint16_t>(~fold(sum(bytes)));
}

// The sum of words loaded as the machine does it, for a sum of words in network order. To swap the bytes of 16-bit
// words is to multiply by 2^8, modulo 2^16-1.
inline uint64_t sum_of_loaded(uint64_t s) {
    return std::endian::native == std::endian::little ? s << 8 : s;
}

// Of a header without options. Whether a sum is a multiple of 0xffff does not depend on the byte order of its words,
// nor on their width; and the sum of a header is not zero.
inline bool ipv4_checksum_ok(const uint8_t* header) {
    uint64_t words = uint64_t{load_native32(header)} + load_native32(header + 4) + load_native32(header + 8) +
                     load_native32(header + 12) + load_native32(header + 16);
    return words % 0xffff == 0;
}

// Sum of the words of an address. 2^16 is 1 modulo 2^16-1, so words of 32 bits may stand for their halves; and 0xffff
// is 0, so the mapped prefix of IPv4 adds nothing and no family needs to be asked for.
inline uint64_t sum(const IpAddress& address) {
    uint64_t high = address.high();
    uint64_t low = address.low();
    return (high >> 32) + (high & 0xffffffff) + (low >> 32) + (low & 0xffffffff);
}

// Sum of the pseudo header (RFC 768, RFC 8200 section 8.1).
inline uint64_t pseudo_header(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                              uint32_t length) {
    return sum(source) + sum(destination) + protocol + (length & 0xffff) + (length >> 16);
}

// UDP/TCP/ICMPv6 checksum over pseudo header and segment; the checksum field in `segment` must be zero. UDP: a result
// of 0 is sent as 0xffff (the caller does that).
uint16_t transport_checksum(const IpAddress& source, const IpAddress& destination, uint8_t protocol, Bytes segment);

// True if the checksum inside `segment` is right.
bool transport_checksum_ok(const IpAddress& source, const IpAddress& destination, uint8_t protocol, Bytes segment);

// The checksum after words summing to `removed` were replaced by words summing to `added` (RFC 1624 equation 3): this
// is how relayed payload keeps its end-to-end checksum without being read.
inline uint16_t adjust(uint16_t checksum, uint64_t removed, uint64_t added) {
    return static_cast<uint16_t>(~fold(uint64_t{static_cast<uint16_t>(~checksum)} + added + uint16_t(~fold(removed))));
}

}  // namespace fedge::wire
