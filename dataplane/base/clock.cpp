#include "dataplane/base/clock.h"

#include <rte_cycles.h>

namespace fedge {

TscClock::TscClock() : start_tsc_(rte_rdtsc()), unix_offset_ns_(0) {
    uint64_t hz = rte_get_tsc_hz();
    nanoseconds_per_tick_fixed_ = (uint64_t{1'000'000'000} << 32) / hz;
    resync();
}

Instant TscClock::now() const {
    __extension__ using Wide = unsigned __int128;
    uint64_t ticks = rte_rdtsc() - start_tsc_;
    return Instant{Duration{static_cast<int64_t>((Wide{ticks} * nanoseconds_per_tick_fixed_) >> 32)}};
}

uint64_t TscClock::unix_seconds(Instant at) const {
    return static_cast<uint64_t>((at.time_since_epoch().count() + unix_offset_ns_) / 1'000'000'000);
}

void TscClock::resync() {
    auto wall = std::chrono::system_clock::now().time_since_epoch();
    unix_offset_ns_ = duration_cast<Duration>(wall).count() - now().time_since_epoch().count();
}

}  // namespace fedge
