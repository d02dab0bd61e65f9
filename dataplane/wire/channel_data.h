// ChannelData (RFC 8656 section 12.4): 4 bytes in front of application data on a TURN 5-tuple.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/base/bytes.h"

namespace fedge::wire {

inline constexpr size_t kChannelHeader = 4;
inline constexpr uint16_t kChannelFirst = 0x4000;
// RFC 8656 section 12 ends the range at 0x4fff; RFC 5766 section 11 ended it at 0x7fff, and clients of that time
// (coturn's own among them) pick numbers up to there. Nothing else on a TURN port starts with the bits 01, so they are
// served too.
inline constexpr uint16_t kChannelLast = 0x7fff;

// First byte 64-127; everything else on a TURN port is STUN (0-3) or nothing of ours.
inline bool is_channel_data(Bytes datagram) {
    return !datagram.empty() && (datagram[0] & 0xc0) == 0x40;
}

struct ChannelData {
    uint16_t channel;
    uint16_t length;  // of the application data; over UDP there may be padding behind it

    // Empty if the datagram is shorter than header and length say.
    static std::optional<ChannelData> parse(Bytes datagram) {
        if (datagram.size() < kChannelHeader) return std::nullopt;
        ChannelData c{load_be16(datagram.data()), load_be16(datagram.data() + 2)};
        if (c.channel < kChannelFirst || c.channel > kChannelLast || c.length > datagram.size() - kChannelHeader)
            return std::nullopt;
        return c;
    }
};

}  // namespace fedge::wire
