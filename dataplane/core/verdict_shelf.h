// The verdict tables that control sent: kept until a configuration names others. Belongs to the management thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "dataplane/contract/channel.h"
#include "dataplane/core/verdict_tables.h"

namespace fedge::core {

class VerdictShelf {
  public:
    static constexpr size_t kMost = 4;  // a base and a delta in force, and those that follow them

    // Maps and verifies a table. What does not verify is refused when it is asked for.
    void put(uint64_t id, const contract::Descriptor& memory);

    // The tables of a configuration; 0 means none. Older ones are given up. Throws SnapshotError if one is not there,
    // did not verify, or does not go with the other.
    VerdictTables take(uint64_t base, uint64_t delta);

    // Another control numbers anew.
    void clear() { tables_.clear(); }

    size_t size() const { return tables_.size(); }

  private:
    struct Table {
        std::shared_ptr<const contract::VerdictMemory> memory;
        std::string error;  // why there is none
    };
    std::shared_ptr<const contract::VerdictMemory> find(uint64_t id) const;

    std::map<uint64_t, Table> tables_;
};

}  // namespace fedge::core
