// Deadlines in 32 bits, for structures of which there are a million: units of 2^26 ns (67 ms), good for nine years of
// uptime. A deadline is rounded up and the present is rounded down: nothing ends early, it may end one unit late.
#pragma once

#include <cstdint>

#include "dataplane/base/time.h"

namespace fedge::relay {

using Tick = uint32_t;

inline constexpr int kTickShift = 26;
inline constexpr Duration kTick{int64_t{1} << kTickShift};

inline Tick tick_of(Instant now) {
    return static_cast<Tick>(now.time_since_epoch().count() >> kTickShift);
}
inline Tick deadline_tick(Instant deadline) {
    return tick_of(deadline + kTick - Duration{1});
}
inline Instant instant_of(Tick tick) {
    return Instant{Duration{int64_t{tick} << kTickShift}};
}

}  // namespace fedge::relay
