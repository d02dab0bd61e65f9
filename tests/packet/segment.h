// One segment as it stands in a packet script, and its two uses: to be made into bytes, or to be compared with bytes
// that were sent. The notation is packetdrill's; README.md says where it differs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/bytes.h"
#include "tests/packet/value.h"

namespace fedge::packet {

struct SegmentOption {
    enum class Kind : uint8_t { nop, end, mss, sack_permitted, timestamps, window_scale, sack, raw };
    struct Range {
        int64_t left;
        int64_t right;
    };
    Kind kind = Kind::nop;
    Number value;                // mss, window_scale; of timestamps the first
    Number echo;                 // of timestamps the second
    std::vector<Range> ranges;   // sack
    std::vector<uint8_t> bytes;  // raw: the whole option
};

struct SegmentText {
    uint8_t flags = 0;  // wire::kSyn ...
    Number seq;         // relative to the sender's initial sequence number
    uint32_t length = 0;
    bool any_range = false;  // "*" in place of seq:end(length)
    std::optional<Number> ack;
    std::optional<Number> window;  // as in the header, not scaled
    std::optional<uint16_t> urgent;
    std::optional<uint8_t> data_offset;  // to send a header whose length is a lie
    bool evil = false;                   // payload that is not what the peer's application says
    uint32_t each = 0;                   // not 0: as many segments of this size as it takes
    bool any_options = false;            // "<...>"
    bool options_given = false;          // a list stands there, if only "<>"
    std::vector<SegmentOption> options;

    // One segment after the other when `each` says so, otherwise itself.
    std::vector<SegmentText> pieces() const;
};

// `text` is what follows "<" or ">". Throws ScriptError.
SegmentText parse_segment(std::string_view text);

// How the relative numbers of a script become absolute. Of what is not known yet the number itself counts.
struct Numbering {
    uint32_t peer_isn = 0;
    std::optional<uint32_t> our_isn;
    std::optional<uint32_t> our_timestamp;  // that of our SYN

    uint32_t our_base() const { return our_isn.value_or(0); }
};

// What both applications say: byte `offset` of the direction's stream.
uint8_t payload_byte(bool from_peer, uint64_t offset);

// Bytes from the TCP header on, for a segment that the peer sends. Throws ScriptError when a number is not exact.
std::vector<uint8_t> build_segment(const SegmentText& text, const Numbering& numbering, uint16_t source_port,
                                   uint16_t destination_port);

// What is wrong with a segment of ours, measured by the script; nothing when it fits.
std::optional<std::string> mismatch(const SegmentText& text, const Numbering& numbering, Bytes sent);

// A segment of ours in the notation of scripts.
std::string describe(Bytes sent, const Numbering& numbering);

}  // namespace fedge::packet
