// Quotas that hold across cores: allocations per user and in total, and the bandwidth of a user.
//
// The one exception to "every object belongs to one core". It is touched when an allocation is made or ended, and once
// per lease of bytes (see lease), never for each packet. Lock-free: atomics only, bounded work, no waiting.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "dataplane/base/time.h"
#include "dataplane/classify/streams.h"

namespace fedge::relay {

using classify::Direction;

class SharedQuota {
  public:
    // Room for as many users as there are allocations on all cores. Memory: 64 to 128 bytes per allocation. Heap, at
    // start.
    explicit SharedQuota(uint32_t max_allocations_of_all_cores);
    ~SharedQuota();

    enum class Admission : uint8_t { admitted, user_quota, total_quota, table_full };
    struct Admitted {
        Admission admission;
        uint32_t user_slot;  // to give back by release; valid if admitted
    };
    // `user`: keyed hash of the user part, the same on all cores. Limits of 0 mean none.
    Admitted admit(uint64_t user, uint32_t user_limit, uint32_t total_limit);
    void release(uint32_t user_slot);
    // The same for an allocation whose relay port nobody can have until its quarantine is over. `share`: the quarantine
    // divided by the number of such ports that the user may cause.
    void release_to_quarantine(uint32_t user_slot, Instant now, Duration share);
    // The shares that have not passed yet: as long as the quarantine or longer when the user has caused its number.
    // Without it a user within its quota could drain the ports by allocating and deleting in a loop.
    Duration in_quarantine(uint64_t user, Instant now) const;

    // Takes `cost` (the time that the bytes take at the user's rate) from the user's bucket, which holds at most
    // `depth`. False: the user is over its rate now.
    bool lease(uint32_t user_slot, Direction direction, Instant now, Duration cost, Duration depth);

    uint32_t total() const { return total_.load(std::memory_order_relaxed); }
    uint32_t of_user(uint64_t user) const;

  private:
    struct User;
    // A user is found in one of two buckets, and enters the emptier one: with half of the slots in use, a bucket that
    // is full is as good as never met.
    static constexpr uint32_t kBucket = 16;
    static constexpr uint32_t kWindow = 2 * kBucket;
    struct Places {
        std::array<uint32_t, 2> bucket;  // first slot of each
        uint32_t operator[](uint32_t i) const { return bucket[i / kBucket] + i % kBucket; }
    };
    Places places(uint64_t user) const;
    bool enter(User& slot, uint64_t tag, uint32_t limit, bool& over);

    uint32_t mask_;
    std::unique_ptr<User[]> users_;
    std::atomic<uint32_t> total_{0};
};

}  // namespace fedge::relay
