#include "dataplane/wire/tcp.h"

#include <algorithm>

namespace fedge::wire {
namespace {

// Option kinds (IANA "TCP Option Kind Numbers").
constexpr uint8_t kEndOfList = 0;
constexpr uint8_t kNoOperation = 1;
constexpr uint8_t kMss = 2;
constexpr uint8_t kWindowScale = 3;
constexpr uint8_t kSackPermitted = 4;
constexpr uint8_t kSack = 5;
constexpr uint8_t kTimestamps = 8;
constexpr uint8_t kTimestampsLength = 10;
constexpr uint8_t kMaxShift = 14;

// The layout that nearly every segment with timestamps has (RFC 7323 appendix A).
constexpr uint32_t kAlignedTimestamps =
    uint32_t{kNoOperation} << 24 | uint32_t{kNoOperation} << 16 | uint32_t{kTimestamps} << 8 | kTimestampsLength;
constexpr size_t kAlignedTimestampsLength = 12;

bool read_option(uint8_t kind, Bytes value, bool syn, TcpOptions& out) {
    const uint8_t* p = value.data();
    switch (kind) {
        case kMss:
            if (value.size() != 2) return false;
            if (syn && out.mss == 0) out.mss = load_be16(p);
            return true;
        case kWindowScale:
            if (value.size() != 1) return false;
            if (syn && !out.has_window_scale) {
                out.has_window_scale = true;
                out.window_scale = std::min(p[0], kMaxShift);
            }
            return true;
        case kSackPermitted:
            if (!value.empty()) return false;
            out.sack_permitted |= syn;
            return true;
        case kTimestamps:
            if (value.size() != 8) return false;
            if (!out.has_timestamps) {
                out.has_timestamps = true;
                out.timestamps = {load_be32(p), load_be32(p + 4)};
            }
            return true;
        case kSack:
            if (value.empty() || value.size() % 8 != 0) return false;
            if (out.sack_count != 0) return true;
            for (size_t i = 0; i < value.size() && out.sack_count < kMaxSackRanges; i += 8)
                out.sacks[out.sack_count++] = {load_be32(p + i), load_be32(p + i + 4)};
            return true;
        default: return true;
    }
}

// All but the ranges, which are many bytes and count only as far as sack_count says.
void clear(TcpOptions& out) {
    out.mss = 0;
    out.has_window_scale = out.sack_permitted = out.has_timestamps = false;
    out.window_scale = out.sack_count = 0;
    out.timestamps = {};
}

bool read_options(Bytes options, bool syn, TcpOptions& out) {
    while (!options.empty()) {
        uint8_t kind = options[0];
        if (kind == kEndOfList) return true;
        if (kind == kNoOperation) {
            options = options.subspan(1);
            continue;
        }
        if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) return false;
        size_t length = options[1];
        if (!read_option(kind, options.subspan(2, length - 2), syn, out)) return false;
        options = options.subspan(length);
    }
    return true;
}

}  // namespace

bool parse_tcp(Bytes bytes, TcpSegment& out) {
    if (bytes.size() < kTcpHeader) return false;
    const uint8_t* p = bytes.data();
    size_t header = (p[12] >> 4) * size_t{4};
    if (header < kTcpHeader || header > bytes.size()) return false;
    out.source_port = load_be16(p);
    out.destination_port = load_be16(p + 2);
    out.seq = load_be32(p + 4);
    out.ack = load_be32(p + 8);
    out.flags = p[13];
    out.window = load_be16(p + 14);
    out.payload = bytes.subspan(header);
    clear(out.options);
    Bytes options = bytes.subspan(kTcpHeader, header - kTcpHeader);
    if (options.empty()) return true;
    if (options.size() == kAlignedTimestampsLength && load_be32(options.data()) == kAlignedTimestamps) {
        out.options.has_timestamps = true;
        out.options.timestamps = {load_be32(options.data() + 4), load_be32(options.data() + 8)};
        return true;
    }
    return read_options(options, out.has(kSyn), out.options);
}

size_t write_tcp(uint8_t* out, const TcpSegment& segment) {
    store_be16(out, segment.source_port);
    store_be16(out + 2, segment.destination_port);
    store_be32(out + 4, segment.seq);
    store_be32(out + 8, segment.ack);
    store_be16(out + 14, segment.window);
    store_be32(out + 16, 0);  // checksum, urgent pointer
    const TcpOptions& options = segment.options;
    uint8_t* at = out + kTcpHeader;
    if (options.mss) {
        store_be32(at, uint32_t{kMss} << 24 | 4U << 16 | options.mss);
        at += 4;
    }
    if (options.has_timestamps) {
        // SACK-permitted takes the place of the two NOPs in front, as everybody's SYN has it.
        store_be32(at, options.sack_permitted
                           ? uint32_t{kSackPermitted} << 24 | 2U << 16 | uint32_t{kTimestamps} << 8 | kTimestampsLength
                           : kAlignedTimestamps);
        store_be32(at + 4, options.timestamps.value);
        store_be32(at + 8, options.timestamps.echo);
        at += kAlignedTimestampsLength;
    } else if (options.sack_permitted) {
        store_be32(at, uint32_t{kNoOperation} << 24 | uint32_t{kNoOperation} << 16 | uint32_t{kSackPermitted} << 8 | 2);
        at += 4;
    }
    if (options.has_window_scale) {
        store_be32(at, uint32_t{kNoOperation} << 24 | uint32_t{kWindowScale} << 16 | 3U << 8 | options.window_scale);
        at += 4;
    }
    size_t room = (static_cast<size_t>(out + kMaxTcpHeader - at) - 4) / 8;
    if (size_t count = std::min<size_t>(options.sack_count, room)) {
        store_be32(at, uint32_t{kNoOperation} << 24 | uint32_t{kNoOperation} << 16 | uint32_t{kSack} << 8 |
                           static_cast<uint32_t>(2 + 8 * count));
        at += 4;
        for (size_t i = 0; i < count; i++, at += 8) {
            store_be32(at, options.sacks[i].left);
            store_be32(at + 4, options.sacks[i].right);
        }
    }
    auto length = static_cast<size_t>(at - out);
    out[12] = static_cast<uint8_t>(length / 4 << 4);
    out[13] = segment.flags;
    return length;
}

}  // namespace fedge::wire
