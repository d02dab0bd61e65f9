// How a compiled snapshot reaches the cores and how the one before is freed: management offers a pointer, each core
// takes it between two loop iterations, and says so; what no core uses any more is destroyed by management.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/core/run_config.h"

namespace fedge::core {

// One core's end. Two single-writer pointers; no locks.
struct ConfigSlot {
    alignas(64) std::atomic<const RunConfig*> offered{nullptr};  // written by management
    alignas(64) std::atomic<const RunConfig*> adopted{
        nullptr};  // written by the core, after it let go of the one before
};

class Adoption {
  public:
    explicit Adoption(size_t cores) : slots_(cores) {}

    ConfigSlot& slot(size_t core) { return slots_[core]; }

    void offer(std::unique_ptr<const RunConfig> config) {
        const RunConfig* latest = config.get();
        configs_.push_back(std::move(config));
        for (ConfigSlot& slot : slots_) slot.offered.store(latest, std::memory_order_release);
    }

    // True once every core runs on the latest; frees all others then.
    bool complete() {
        if (configs_.empty()) return true;
        const RunConfig* latest = configs_.back().get();
        for (const ConfigSlot& slot : slots_)
            if (slot.adopted.load(std::memory_order_acquire) != latest) return false;
        configs_.erase(configs_.begin(), configs_.end() - 1);
        return true;
    }

    const RunConfig* latest() const { return configs_.empty() ? nullptr : configs_.back().get(); }

  private:
    std::vector<ConfigSlot> slots_;
    std::vector<std::unique_ptr<const RunConfig>> configs_;  // oldest first
};

}  // namespace fedge::core
