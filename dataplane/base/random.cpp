#include "dataplane/base/random.h"

#include <openssl/rand.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace fedge {

uint32_t Random::below(uint32_t bound) {
    uint64_t product = uint64_t{u32()} * bound;
    if (static_cast<uint32_t>(product) < bound) {
        uint32_t threshold = -bound % bound;
        while (static_cast<uint32_t>(product) < threshold) product = uint64_t{u32()} * bound;
    }
    return static_cast<uint32_t>(product >> 32);
}

void Random::fill(MutableBytes out) {
    while (!out.empty()) {
        if (used_ == pool_.size()) {
            refill(pool_);
            used_ = 0;
        }
        size_t n = std::min(out.size(), pool_.size() - used_);
        std::memcpy(out.data(), pool_.data() + used_, n);
        std::memset(pool_.data() + used_, 0, n);  // what was handed out must not be readable here later
        used_ += n;
        out = out.subspan(n);
    }
}

void SystemRandom::refill(MutableBytes pool) {
    if (RAND_bytes(pool.data(), static_cast<int>(pool.size())) != 1) {
        std::fputs("fedge: the system's random source failed\n", stderr);
        std::abort();
    }
}

void SeededRandom::refill(MutableBytes pool) {
    for (size_t i = 0; i + 8 <= pool.size(); i += 8) {  // splitmix64
        uint64_t z = (state_ += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        store_be64(pool.data() + i, z ^ (z >> 31));
    }
}

}  // namespace fedge
