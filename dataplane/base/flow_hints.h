// Where the state of a flow (a connection, an allocation) probably is: one cache line to read, which can be fetched
// long before, where a hash table takes four, one after the other. The hash table remains what decides for flows that
// are not found here, and for those that are here and turn out to be another's.
#pragma once

#include <emmintrin.h>

#include <array>
#include <bit>
#include <cstdint>

#include "dataplane/base/table.h"

namespace fedge {

class FlowHints {
  public:
    static constexpr uint32_t kNone = ~0U;

    // Sets are half full at most on average, so few flows find their set full.
    FlowHints(uint32_t flows, int socket)
        : sets_("flow hints", std::bit_ceil(flows / (kWays / 2) + 1), socket), mask_(sets_.size() - 1) {}

    void prefetch(uint32_t hash) const { __builtin_prefetch(&sets_[hash & mask_]); }
    // The place of a flow that has this hash, or kNone.
    uint32_t find(uint32_t hash) const {
        // All ways are compared: where a search would end cannot be predicted. SSE2 is part of every x86-64.
        const Set& set = sets_[hash & mask_];
        const auto* four = reinterpret_cast<const __m128i*>(set.hash.data());
        __m128i wanted = _mm_set1_epi32(static_cast<int>(hash));
        __m128i same = _mm_packs_epi32(_mm_cmpeq_epi32(_mm_load_si128(four), wanted),
                                       _mm_cmpeq_epi32(_mm_load_si128(four + 1), wanted));
        auto ways = static_cast<unsigned>(_mm_movemask_epi8(same));  // two bits for each
        return ways ? set.place[static_cast<unsigned>(std::countr_zero(ways)) / 2] - 1 : kNone;
    }
    void add(uint32_t hash, uint32_t place) {
        Set& set = sets_[hash & mask_];
        for (uint32_t i = 0; i < kWays; i++) {
            if (set.place[i]) continue;
            set.hash[i] = hash;
            set.place[i] = place + 1;
            return;
        }
    }
    void remove(uint32_t hash, uint32_t place) {
        Set& set = sets_[hash & mask_];
        for (uint32_t i = 0; i < kWays; i++)
            if (set.place[i] == place + 1) set.hash[i] = set.place[i] = 0;
    }
    size_t bytes() const { return sets_.bytes(); }

  private:
    static constexpr uint32_t kWays = 8;
    struct alignas(64) Set {
        std::array<uint32_t, kWays> hash;
        std::array<uint32_t, kWays> place;  // + 1; 0 is free, which find() takes for kNone
    };
    static_assert(sizeof(Set) == 64);

    Table<Set> sets_;
    size_t mask_;
};

}  // namespace fedge
