// Keyed hash for tables whose keys a stranger chooses. A multiply-fold over secret words, far cheaper than SipHash and,
// unlike a CRC, not linear: without the secret nobody can build colliding keys. Not for authentication: nonces use
// SipHash.
#pragma once

#include <cstdint>

#include "dataplane/base/random.h"

namespace fedge {

struct HashKey {
    uint64_t a = 0x9e3779b97f4a7c15;
    uint64_t b = 0xbf58476d1ce4e5b9;
    uint64_t c = 0x94d049bb133111eb;

    static HashKey random(Random& random) { return {random.u64() | 1, random.u64() | 1, random.u64()}; }
};

inline uint64_t fold_multiply(uint64_t x, uint64_t y) {
    __extension__ using Wide = unsigned __int128;
    Wide product = Wide{x} * y;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint32_t keyed_hash(const HashKey& key, uint64_t x, uint64_t y, uint64_t z) {
    uint64_t h = fold_multiply(x ^ key.a, y ^ key.b);
    h = fold_multiply(h ^ key.c, z ^ key.a);
    return static_cast<uint32_t>(h ^ (h >> 32));
}

}  // namespace fedge
