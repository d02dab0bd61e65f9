// Virtual time: what is to happen, in the order in which it happens. Events of one instant keep the order in which they
// were scheduled, so a run depends on nothing but its seed.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "dataplane/base/time.h"

namespace fedge::sim {

class Scheduler {
  public:
    explicit Scheduler(Instant start) : now_(start) {}

    Instant now() const { return now_; }
    Instant next() const { return queue_.empty() ? kNever : queue_.top().when; }
    bool empty() const { return queue_.empty(); }

    // Times in the past count as now.
    void at(Instant when, std::function<void()> what) {
        queue_.push({when < now_ ? now_ : when, order_++, std::move(what)});
    }
    void after(Duration delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

    // Moves the clock to `now` and runs what is due; time does not move between events that were due before `now`, so
    // call it at next().
    void advance(Instant now) {
        now_ = now;
        while (!queue_.empty() && queue_.top().when <= now_) {
            // top() is const, and the queue never looks at `what`.
            auto what = std::move(const_cast<Event&>(queue_.top()).what);
            queue_.pop();
            what();
        }
    }

  private:
    struct Event {
        Instant when;
        uint64_t order;
        std::function<void()> what;
        bool operator<(const Event& other) const {
            return when != other.when ? when > other.when : order > other.order;
        }
    };
    Instant now_;
    uint64_t order_ = 0;
    std::priority_queue<Event> queue_;
};

}  // namespace fedge::sim
