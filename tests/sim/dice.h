// The choices of a simulation, all from one seed.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "dataplane/base/random.h"
#include "dataplane/base/time.h"

namespace fedge::sim {

class Dice {
  public:
    explicit Dice(uint64_t seed) : random_(seed) {}

    // True in `ppm` of a million throws.
    bool chance(uint32_t ppm) { return ppm != 0 && random_.below(1'000'000) < ppm; }
    bool one_in(uint32_t n) { return random_.below(n) == 0; }
    // Both ends included.
    uint32_t between(uint32_t low, uint32_t high) { return low + random_.below(high - low + 1); }
    Duration between(Duration low, Duration high) {
        if (high <= low) return low;
        return low + Duration{static_cast<int64_t>(random_.u64() % static_cast<uint64_t>((high - low).count() + 1))};
    }
    template <typename T>
    T pick(std::initializer_list<T> from) {
        return from.begin()[random_.below(static_cast<uint32_t>(from.size()))];
    }
    uint32_t u32() { return random_.u32(); }
    uint64_t u64() { return random_.u64(); }

  private:
    SeededRandom random_;
};

}  // namespace fedge::sim
