// Where a TURN message ends on a byte stream: STUN messages say so in their header (RFC 8489 section 6.2.2),
// ChannelData likewise, and is padded to a multiple of 4 there (RFC 8656 section 12.5).
#pragma once

#include <cstdint>

#include "dataplane/base/bytes.h"
#include "dataplane/wire/channel_data.h"
#include "dataplane/wire/stun.h"

namespace fedge::wire {

struct TurnFrame {
    enum class Kind : uint8_t {
        incomplete,  // `size` bytes are needed to tell, and belong to the message
        stun,
        channel_data,
        broken,  // neither: where the next message begins cannot be known
    };
    Kind kind;
    uint32_t size;  // of the whole message, header and padding included
};

// `first`: what has come of the message, from its first byte on; more than that does no harm.
inline TurnFrame turn_frame(Bytes first) {
    using Kind = TurnFrame::Kind;
    if (first.empty()) return {Kind::incomplete, 1};
    if (is_channel_data(first)) {
        if (first.size() < kChannelHeader) return {Kind::incomplete, kChannelHeader};
        uint32_t length = load_be16(first.data() + 2);
        return {Kind::channel_data, (uint32_t{kChannelHeader} + length + 3) & ~uint32_t{3}};
    }
    constexpr uint32_t kTold = 8;  // type, length, cookie
    if ((first[0] & 0xc0) != 0) return {Kind::broken, 0};
    if (first.size() < kTold) return {Kind::incomplete, kTold};
    uint32_t length = load_be16(first.data() + 2);
    if (length % 4 != 0 || load_be32(first.data() + 4) != kStunCookie) return {Kind::broken, 0};
    return {Kind::stun, static_cast<uint32_t>(kStunHeader) + length};
}

}  // namespace fedge::wire
