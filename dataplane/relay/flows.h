// Which allocation a client's flow belongs to: a hash table, and hints in front of it. The packets of a burst are
// looked up in steps, so that each step finds in the caches what the one before asked for.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>

#include "dataplane/base/flow_hints.h"
#include "dataplane/base/hash_table.h"
#include "dataplane/base/table.h"
#include "dataplane/relay/allocation.h"
#include "dataplane/relay/turn.h"

namespace fedge::relay {

// Marks the handle of a flow whose allocation is another core's; what is left is the slot in the pool.
inline constexpr Handle kForeign = Handle{1} << 30;

class Flows {
  public:
    // `pool`: the allocations that handles name. Who has a flow here has its FlowKey in Allocation::key().
    Flows(uint32_t max_allocations, int socket, Random& random, const Table<Allocation>& pool)
        : table_("turn-flows", max_allocations, socket, random), hints_(max_allocations, socket), pool_(pool) {}

    // Adds, or replaces the handle. False: no room left in the key's buckets.
    bool set(const FlowKey& key, Handle handle) {
        Handle before = table_.find(key);
        if (!table_.set(key, handle)) return false;
        uint32_t hash = table_.hash(key);
        if (before) hints_.remove(hash, before);
        hints_.add(hash, handle);
        return true;
    }
    void remove(const FlowKey& key) {
        Handle handle = table_.find(key);
        if (handle == 0) return;
        hints_.remove(table_.hash(key), handle);
        table_.remove(key);
    }
    // 0 if it is not there.
    Handle find(const FlowKey& key) const { return table_.find(key); }
    // At most Turn::kBurst keys. Brings the lines of the allocations that data to a peer touches.
    void find(std::span<const FlowKey> keys, Handle* handles) const {
        std::array<uint32_t, Turn::kBurst> hashes;
        for (size_t i = 0; i < keys.size(); i++) {
            hashes[i] = table_.hash(keys[i]);
            hints_.prefetch(hashes[i]);
        }
        for (size_t i = 0; i < keys.size(); i++) {
            handles[i] = hints_.find(hashes[i]);
            if (handles[i] == FlowHints::kNone) [[unlikely]]
                continue;
            const Allocation& a = pool_[handles[i] & ~kForeign];
            __builtin_prefetch(&a);
            __builtin_prefetch(&a.to_peer);
        }
        for (size_t i = 0; i < keys.size(); i++)
            if (handles[i] == FlowHints::kNone || pool_[handles[i] & ~kForeign].key() != keys[i]) [[unlikely]]
                handles[i] = table_.find(keys[i]);
    }

    size_t bytes() const { return table_.bytes() + hints_.bytes(); }

  private:
    HashTable<FlowKey, Handle> table_;
    FlowHints hints_;
    const Table<Allocation>& pool_;
};

}  // namespace fedge::relay
