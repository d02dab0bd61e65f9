// The only reader of the TSC: turns cycles into Instants and anchors them to wall-clock time. Used by core/ and perf/
// alone.
#pragma once

#include <cstdint>

#include "dataplane/base/time.h"

namespace fedge {

class TscClock {
  public:
    // Calibrated by the EAL (rte_get_tsc_hz); the epoch is the moment of construction.
    TscClock();

    Instant now() const;

    // Seconds since 1970 for credentials and nonces. The offset is taken at construction and by resync().
    uint64_t unix_seconds(Instant at) const;

    // Follow steps of the system clock. A system call: call it from the management thread or an idle core.
    void resync();

  private:
    uint64_t start_tsc_;
    uint64_t nanoseconds_per_tick_fixed_;  // 32.32 fixed point
    int64_t unix_offset_ns_;
};

}  // namespace fedge
