// The traces that run, as cores see them: management puts up a new list as a whole, each signalling core takes it
// between two loop iterations and says so, and what no core looks at any more is destroyed by management.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/signal/sip/sip_trace.h"

namespace fedge::core {

// One core's end. Two single-writer pointers; null: no trace runs.
struct TraceSlot {
    alignas(64) std::atomic<const signal::TraceFilters*> offered{nullptr};  // written by management
    alignas(64) std::atomic<const signal::TraceFilters*> adopted{nullptr};  // written by the core
};

class TraceBoard {
  public:
    // `slots` outlive this object.
    explicit TraceBoard(std::vector<TraceSlot*> slots) : slots_(std::move(slots)) {}

    // False: too many traces run.
    bool start(signal::TraceFilter filter) {
        if (running_.size() == signal::kMaxTraces) return false;
        running_.push_back(std::move(filter));
        offer();
        return true;
    }
    void stop(uint32_t id) {
        if (std::erase_if(running_, [&](const auto& filter) { return filter.id == id; })) offer();
    }
    void stop_all() {
        if (running_.empty()) return;
        running_.clear();
        offer();
    }
    bool runs(uint32_t id) const {
        return std::ranges::any_of(running_, [&](const auto& filter) { return filter.id == id; });
    }
    // Frees lists that no core looks at. Whenever there is time.
    void tidy() {
        std::erase_if(lists_, [&](const auto& list) {
            return list.get() != offered_ && std::ranges::none_of(slots_, [&](const TraceSlot* slot) {
                       // A core that has not taken the latest yet may still be about to take this one.
                       return slot->adopted.load(std::memory_order_acquire) != offered_;
                   });
        });
    }

  private:
    void offer() {
        offered_ = nullptr;
        if (!running_.empty()) {
            lists_.push_back(std::make_unique<const signal::TraceFilters>(running_));
            offered_ = lists_.back().get();
        }
        for (TraceSlot* slot : slots_) slot->offered.store(offered_, std::memory_order_release);
    }

    std::vector<TraceSlot*> slots_;
    signal::TraceFilters running_;
    std::vector<std::unique_ptr<const signal::TraceFilters>> lists_;
    const signal::TraceFilters* offered_ = nullptr;
};

}  // namespace fedge::core
