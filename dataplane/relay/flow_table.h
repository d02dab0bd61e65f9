// Client flow to allocation: rte_hash under a secret hash, so that nobody can choose client addresses that collide.
#pragma once

#include <rte_hash.h>

#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/base/hash.h"
#include "dataplane/relay/turn.h"

namespace fedge::relay {

class FlowTable {
  public:
    // Throws std::runtime_error.
    FlowTable(uint32_t entries, int socket, Random& random);
    ~FlowTable() { rte_hash_free(table_); }
    FlowTable(const FlowTable&) = delete;
    FlowTable& operator=(const FlowTable&) = delete;

    // False: no room left in the key's buckets.
    bool add(const FlowKey& key, Handle handle);
    void remove(const FlowKey& key);
    Handle find(const FlowKey& key) const;
    void find(std::span<const FlowKey> keys, Handle* handles) const;  // at most Turn::kBurst

    uint32_t count() const { return static_cast<uint32_t>(rte_hash_count(table_)); }
    size_t bytes() const { return bytes_; }

  private:
    uint32_t hash(const FlowKey& key) const {
        uint64_t high;
        uint64_t low;
        uint64_t rest;
        std::memcpy(&high, key.address.data(), 8);
        std::memcpy(&low, key.address.data() + 8, 8);
        std::memcpy(&rest, &key.port, 8);
        return keyed_hash(secret_, high, low, rest);
    }

    HashKey secret_;
    rte_hash* table_;
    size_t bytes_;
};

}  // namespace fedge::relay
