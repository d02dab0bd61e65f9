// Time as the data plane sees it: a value that is passed in, never read. core/ reads the TSC once per loop iteration
// and hands the result down; tests hand down whatever they like.
#pragma once

#include <chrono>
#include <cstdint>

namespace fedge {

using Duration = std::chrono::nanoseconds;

// A clock only in name: it has no now(), so nothing below core/ can read it.
struct DataplaneClock {
    using rep = int64_t;
    using period = std::nano;
    using duration = Duration;
    using time_point = std::chrono::time_point<DataplaneClock, Duration>;
    static constexpr bool is_steady = true;
};

// Nanoseconds since an epoch of the process; monotonic.
using Instant = DataplaneClock::time_point;

inline constexpr Instant kNever = Instant::max();

using std::chrono::duration_cast;
using namespace std::chrono_literals;  // NOLINT(google-global-names-in-headers): 200ms reads better everywhere

}  // namespace fedge
