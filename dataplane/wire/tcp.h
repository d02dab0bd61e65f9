// TCP segments (RFC 9293 section 3.1) and the options that fedge knows: MSS, window scale and timestamps (RFC 7323),
// SACK (RFC 2018).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "dataplane/base/bytes.h"

namespace fedge::wire {

inline constexpr size_t kTcpHeader = 20;
inline constexpr size_t kMaxTcpHeader = 60;
inline constexpr size_t kMaxSackRanges = 4;  // what fits into 40 bytes of options

// Flag bits of the header. CWR and ECE are read and ignored; no ECN is negotiated.
inline constexpr uint8_t kFin = 0x01;
inline constexpr uint8_t kSyn = 0x02;
inline constexpr uint8_t kRst = 0x04;
inline constexpr uint8_t kPsh = 0x08;
inline constexpr uint8_t kAck = 0x10;
inline constexpr uint8_t kUrg = 0x20;

// A SYN without ACK, seen without looking at the rest. False for what is too short to be a segment.
inline bool opens_tcp(Bytes segment) {
    return segment.size() >= kTcpHeader && (segment[13] & (kSyn | kAck)) == kSyn;
}

// Sequence numbers left <= s < right.
struct SackRange {
    uint32_t left;
    uint32_t right;
    friend bool operator==(const SackRange&, const SackRange&) = default;
};

struct TcpTimestamps {
    uint32_t value;
    uint32_t echo;
};

struct TcpOptions {
    uint16_t mss = 0;  // 0 = not there
    bool has_window_scale = false;
    uint8_t window_scale = 0;  // as sent; above 14 counts as 14 (RFC 7323 section 2.3)
    bool sack_permitted = false;
    bool has_timestamps = false;
    TcpTimestamps timestamps{};
    uint8_t sack_count = 0;
    std::array<SackRange, kMaxSackRanges> sacks;  // the first sack_count are set
};

// One segment, as received or to be sent. `payload` is a view of the bytes given to parse(); writers do not use it.
struct TcpSegment {
    uint16_t source_port = 0;
    uint16_t destination_port = 0;
    uint32_t seq = 0;
    uint32_t ack = 0;
    uint8_t flags = 0;
    uint16_t window = 0;  // not scaled
    TcpOptions options;
    Bytes payload;

    bool has(uint8_t flag) const { return (flags & flag) != 0; }
    // Sequence space that the segment takes: payload, SYN and FIN (SEG.LEN).
    uint32_t length() const {
        return static_cast<uint32_t>(payload.size()) + (has(kSyn) ? 1U : 0U) + (has(kFin) ? 1U : 0U);
    }
};

// `bytes` start at the TCP header and end with the IP payload. False: header or an option has a length that cannot be.
// Unknown options are skipped, of duplicates the first counts. MSS, window scale and SACK-permitted count in SYNs only.
// The checksum is not looked at.
bool parse_tcp(Bytes bytes, TcpSegment& out);

// Header and options into `out` (room for kMaxTcpHeader); checksum zero. Returns the length, a multiple of 4. With
// timestamps there is room for three SACK ranges; what does not fit is left out.
size_t write_tcp(uint8_t* out, const TcpSegment& segment);

}  // namespace fedge::wire
