// The verdict tables that are in force with a configuration, mapped as long as one of them uses them.
#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/contract/verdict_memory.h"

namespace fedge::core {

struct VerdictTables {
    // As control numbers them; 0: none.
    uint64_t base_id = 0;
    uint64_t delta_id = 0;
    std::shared_ptr<const contract::VerdictMemory> base;
    std::shared_ptr<const contract::VerdictMemory> delta;

    contract::Verdicts view() const { return {base ? &base->table() : nullptr, delta ? &delta->table() : nullptr}; }
};

}  // namespace fedge::core
