// The dataplane's counters, mapped read-only (dataplane/contract/counters.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/contract/channel.h"
#include "dataplane/contract/counters.h"

namespace fedge::control {

class CounterView {
  public:
    // Maps the memory behind `memory`; on failure `why` says what is wrong with it.
    static std::optional<CounterView> map(const contract::Descriptor& memory, std::string& why);
    CounterView(CounterView&& other) noexcept;
    CounterView& operator=(CounterView&&) = delete;
    ~CounterView();

    uint32_t cores() const { return cores_; }
    uint64_t counter(uint32_t core, size_t index) const;
    uint64_t drop(uint32_t core, size_t index) const;

  private:
    CounterView(void* memory, size_t bytes, uint32_t cores) : memory_(memory), bytes_(bytes), cores_(cores) {}
    const contract::CounterBlock& block(uint32_t core) const;

    void* memory_;
    size_t bytes_;
    uint32_t cores_;
};

}  // namespace fedge::control
