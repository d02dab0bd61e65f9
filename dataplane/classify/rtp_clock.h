// RTP clock rates: what payload types say (RFC 3551 table 4 and 5), and what timestamps give away when they say
// nothing.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/base/time.h"

namespace fedge::classify {

// One byte per stream instead of a rate in Hz. These are all the rates in use by registered payload formats.
enum class RtpClock : uint8_t {
    unknown,
    hz_8000,
    hz_11025,
    hz_16000,
    hz_22050,
    hz_24000,
    hz_32000,
    hz_44100,
    hz_48000,
    hz_90000,
};

inline constexpr std::array<uint32_t, 10> kRtpClockHz = {0,     8000,  11025, 16000, 22050,
                                                         24000, 32000, 44100, 48000, 90000};

inline constexpr uint32_t hertz(RtpClock clock) {
    return kRtpClockHz[static_cast<size_t>(clock)];
}

// The rate of a statically assigned payload type. Unknown for dynamic and unassigned ones, and for comfort noise (13),
// which is sent within streams of other types and rates.
RtpClock static_clock(uint8_t payload_type);

// The rate at which timestamps ran: the nearest of the known ones, or unknown if none is within 4 % (they lie 8 %
// apart).
RtpClock nearest_clock(uint32_t timestamp_units, Duration elapsed);

namespace detail {
// Nanoseconds per timestamp unit, fixed point with 14 fraction bits: 2^31 units at 8 kHz still fit into 63 bits.
inline constexpr std::array<int64_t, 10> kTick = [] {
    std::array<int64_t, 10> tick{};
    for (size_t i = 1; i < tick.size(); i++)
        tick[i] = ((int64_t{1'000'000'000} << 14) + kRtpClockHz[i] / 2) / kRtpClockHz[i];
    return tick;
}();
}  // namespace detail

// Time that passed on the sender's clock. The clock must be known.
inline int64_t nanoseconds(RtpClock clock, int32_t timestamp_units) {
    return (timestamp_units * detail::kTick[static_cast<size_t>(clock)]) >> 14;
}

}  // namespace fedge::classify
