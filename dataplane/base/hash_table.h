// rte_hash with keys of whole 64-bit words, unsigned values and a secret hash, so that nobody can choose keys that
// collide. One writer, who is also the only reader.
#pragma once

#include <rte_errno.h>
#include <rte_hash.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "dataplane/base/hash.h"

namespace fedge {

template <typename Key, typename Value = uint64_t>
class HashTable {
    static_assert(std::is_trivially_copyable_v<Key> && sizeof(Key) % 8 == 0);
    static_assert(std::is_unsigned_v<Value>);
    static_assert(std::has_unique_object_representations_v<Key>, "padding would be compared");

  public:
    static constexpr uint32_t kBurst = RTE_HASH_LOOKUP_BULK_MAX;

    // `name` is for messages. Throws std::runtime_error when there is not enough memory.
    HashTable(const char* name, uint32_t entries, int socket, Random& random) : secret_(HashKey::random(random)) {
        static std::atomic<uint32_t> tables{0};  // rte_hash wants a name of its own for each table
        char unique[RTE_HASH_NAMESIZE];
        std::snprintf(unique, sizeof(unique), "%.16s-%u", name, tables.fetch_add(1));
        // A cuckoo table takes about 95 % of its entries for certain; the margin makes a refusal below the limit
        // unlikely.
        slots_ = std::bit_ceil(entries + entries / 8 + 64);
        rte_hash_parameters parameters{};
        parameters.name = unique;
        parameters.entries = slots_;
        parameters.key_len = sizeof(Key);
        parameters.socket_id = socket;
        table_ = rte_hash_create(&parameters);
        if (!table_) throw std::runtime_error(std::string(name) + ": " + rte_strerror(rte_errno));
        rte_hash_set_cmp_func(table_, [](const void* a, const void* b, size_t) {
            uint64_t x[sizeof(Key) / 8];
            uint64_t y[sizeof(Key) / 8];
            std::memcpy(x, a, sizeof(x));
            std::memcpy(y, b, sizeof(y));
            uint64_t different = 0;
            for (size_t i = 0; i < sizeof(Key) / 8; i++) different |= x[i] ^ y[i];
            return static_cast<int>(different != 0);
        });
    }
    ~HashTable() { rte_hash_free(table_); }
    HashTable(const HashTable&) = delete;
    HashTable& operator=(const HashTable&) = delete;

    // Adds, or replaces the value. False: no room left in the key's buckets.
    bool set(const Key& key, Value value) {
        return rte_hash_add_key_with_hash_data(table_, &key, hash(key), reinterpret_cast<void*>(uintptr_t{value})) == 0;
    }
    void remove(const Key& key) { rte_hash_del_key_with_hash(table_, &key, hash(key)); }
    // What the table goes by, for other tables of the same keys.
    uint32_t hash(const Key& key) const {
        uint64_t words[sizeof(Key) / 8];
        std::memcpy(words, &key, sizeof(words));
        uint64_t h = secret_.c;
        for (size_t i = 0; i < sizeof(Key) / 8; i += 2) {
            uint64_t second = i + 1 < sizeof(Key) / 8 ? words[i + 1] : 0;
            h = fold_multiply(words[i] ^ secret_.a ^ h, second ^ secret_.b);
        }
        return static_cast<uint32_t>(h ^ (h >> 32));
    }
    // 0 if it is not there: do not store 0.
    Value find(const Key& key) const {
        void* data = nullptr;
        return rte_hash_lookup_with_hash_data(table_, &key, hash(key), &data) < 0 ? 0 : to_value(data);
    }
    // At most kBurst keys.
    void find(std::span<const Key> keys, Value* values) const {
        std::array<const void*, kBurst> pointers;
        std::array<hash_sig_t, kBurst> hashes;
        std::array<void*, kBurst> data;
        for (size_t i = 0; i < keys.size(); i++) {
            pointers[i] = &keys[i];
            hashes[i] = hash(keys[i]);
        }
        uint64_t hits = 0;
        rte_hash_lookup_with_hash_bulk_data(table_, pointers.data(), hashes.data(), static_cast<uint32_t>(keys.size()),
                                            &hits, data.data());
        for (size_t i = 0; i < keys.size(); i++) values[i] = hits >> i & 1 ? to_value(data[i]) : 0;
    }

    uint32_t count() const { return static_cast<uint32_t>(rte_hash_count(table_)); }
    // Key store with data, free slots, buckets of eight.
    size_t bytes() const { return size_t{slots_} * (sizeof(Key) + 8 + 4) + size_t{slots_} / 8 * 64; }

  private:
    static Value to_value(void* data) { return static_cast<Value>(reinterpret_cast<uintptr_t>(data)); }

    HashKey secret_;
    rte_hash* table_;
    uint32_t slots_;
};

}  // namespace fedge
