#include "dataplane/relay/flow_table.h"

#include <rte_errno.h>
#include <rte_hash.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstdio>
#include <stdexcept>
#include <string>

namespace fedge::relay {
namespace {

int compare_keys(const void* a, const void* b, size_t) {
    uint64_t x[3];
    uint64_t y[3];
    std::memcpy(x, a, sizeof(x));
    std::memcpy(y, b, sizeof(y));
    return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2])) != 0;
}

void* as_data(Handle handle) {
    return reinterpret_cast<void*>(uintptr_t{handle});
}
Handle as_handle(void* data) {
    return static_cast<Handle>(reinterpret_cast<uintptr_t>(data));
}

}  // namespace

FlowTable::FlowTable(uint32_t entries, int socket, Random& random) : secret_(HashKey::random(random)) {
    static std::atomic<uint32_t> tables{0};  // rte_hash wants a name of its own for each table
    char name[RTE_HASH_NAMESIZE];
    std::snprintf(name, sizeof(name), "turn-flows-%u", tables.fetch_add(1));
    // A cuckoo table takes about 95 % of its entries for certain; the margin makes a refusal below the limit unlikely.
    uint32_t slots = std::bit_ceil(entries + entries / 8 + 64);
    rte_hash_parameters parameters{};
    parameters.name = name;
    parameters.entries = slots;
    parameters.key_len = sizeof(FlowKey);
    parameters.socket_id = socket;
    table_ = rte_hash_create(&parameters);
    if (!table_) throw std::runtime_error(std::string("flow table: ") + rte_strerror(rte_errno));
    rte_hash_set_cmp_func(table_, compare_keys);
    bytes_ = size_t{slots} * (32 + 4) + size_t{slots} / 8 * 64;  // key store with data, free slots, buckets of eight
}

bool FlowTable::add(const FlowKey& key, Handle handle) {
    return rte_hash_add_key_with_hash_data(table_, &key, hash(key), as_data(handle)) == 0;
}

void FlowTable::remove(const FlowKey& key) {
    rte_hash_del_key_with_hash(table_, &key, hash(key));
}

Handle FlowTable::find(const FlowKey& key) const {
    void* data = nullptr;
    return rte_hash_lookup_with_hash_data(table_, &key, hash(key), &data) < 0 ? 0 : as_handle(data);
}

void FlowTable::find(std::span<const FlowKey> keys, Handle* handles) const {
    std::array<const void*, Turn::kBurst> pointers;
    std::array<hash_sig_t, Turn::kBurst> hashes;
    std::array<void*, Turn::kBurst> data;
    for (size_t i = 0; i < keys.size(); i++) {
        pointers[i] = &keys[i];
        hashes[i] = hash(keys[i]);
    }
    uint64_t hits = 0;
    rte_hash_lookup_with_hash_bulk_data(table_, pointers.data(), hashes.data(), static_cast<uint32_t>(keys.size()),
                                        &hits, data.data());
    for (size_t i = 0; i < keys.size(); i++) handles[i] = hits >> i & 1 ? as_handle(data[i]) : 0;
}

}  // namespace fedge::relay
