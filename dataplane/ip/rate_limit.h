// So many events per second, with a burst of one second's worth. For the answers and questions of the IP host; the
// buckets of user traffic live in classify/.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dataplane/base/time.h"

namespace fedge::ip {

class RateLimit {
  public:
    explicit RateLimit(uint32_t per_second) { set(per_second); }

    // Zero refuses everything.
    void set(uint32_t per_second) {
        per_second_ = per_second;
        cost_ = per_second ? Duration{1s} / per_second : Duration{0};
    }

    bool allow(Instant now) {
        if (per_second_ == 0) return false;
        // The virtual scheduling form (GCRA): `next_` is when the next event would be due at the nominal rate.
        Instant due = std::max(next_, now);
        if (due - now > Duration{1s} - cost_) return false;
        next_ = due + cost_;
        return true;
    }

  private:
    uint32_t per_second_ = 0;
    Duration cost_{};
    Instant next_{};
};

}  // namespace fedge::ip
