// A verdict table as it came over the channel, mapped as long as this object lives.
#pragma once

#include <memory>
#include <string>

#include "dataplane/contract/channel.h"
#include "dataplane/contract/verdicts.h"

namespace fedge::contract {

class VerdictMemory {
  public:
    // Maps the table behind `memory` after checking that nobody can change it any more (F_SEAL_WRITE, F_SEAL_SHRINK,
    // F_SEAL_GROW), and verifies it. nullptr: `error` says in words what is wrong.
    static std::shared_ptr<const VerdictMemory> map(const Descriptor& memory, std::string& error);
    ~VerdictMemory();
    VerdictMemory(const VerdictMemory&) = delete;
    VerdictMemory& operator=(const VerdictMemory&) = delete;

    const VerdictTable& table() const { return *table_; }
    const void* memory() const { return memory_; }

  private:
    VerdictMemory(void* memory, size_t bytes) : memory_(memory), bytes_(bytes) {}

    void* memory_;
    size_t bytes_;
    std::optional<VerdictTable> table_;
};

}  // namespace fedge::contract
