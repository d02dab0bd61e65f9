#include "dataplane/core/verdict_shelf.h"

#include <algorithm>

#include "dataplane/core/run_config.h"

namespace fedge::core {

void VerdictShelf::put(uint64_t id, const contract::Descriptor& memory) {
    Table table;
    table.memory = contract::VerdictMemory::map(memory, table.error);
    tables_[id] = std::move(table);
    // What a configuration uses stays mapped with the configuration.
    while (tables_.size() > kMost) tables_.erase(tables_.begin());
}

std::shared_ptr<const contract::VerdictMemory> VerdictShelf::find(uint64_t id) const {
    if (id == 0) return nullptr;
    auto found = tables_.find(id);
    if (found == tables_.end()) throw SnapshotError("verdict table " + std::to_string(id) + " did not arrive");
    if (!found->second.memory) throw SnapshotError("verdict table " + std::to_string(id) + ": " + found->second.error);
    return found->second.memory;
}

VerdictTables VerdictShelf::take(uint64_t base, uint64_t delta) {
    VerdictTables out{base, delta, find(base), find(delta)};
    if (out.base && out.delta && out.base->table().key() != out.delta->table().key())
        throw SnapshotError("verdict table " + std::to_string(delta) + " is not of base " + std::to_string(base));
    // Numbers grow: what is above has come for the next configuration.
    std::erase_if(tables_, [newest = std::max(base, delta), base, delta](const auto& entry) {
        return entry.first != base && entry.first != delta && entry.first < newest;
    });
    return out;
}

}  // namespace fedge::core
