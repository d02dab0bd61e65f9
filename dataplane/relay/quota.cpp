#include "dataplane/relay/quota.h"

#include <algorithm>
#include <bit>

namespace fedge::relay {
namespace {

constexpr uint64_t kCountBits = 24;
constexpr uint64_t kCountMask = (uint64_t{1} << kCountBits) - 1;

uint64_t tag_of(uint64_t user) {
    return user >> kCountBits;
}

}  // namespace

// `word` is the user's tag (40 bits of the hash) above the number of its allocations; a count of 0 makes the slot free.
struct alignas(32) SharedQuota::User {
    std::atomic<uint64_t> word{0};
    // By direction: when the user's bucket will be full again (GCRA), nanoseconds as in Instant.
    std::array<std::atomic<int64_t>, 2> full_at{INT64_MIN, INT64_MIN};
    std::atomic<int64_t> quarantined_until{INT64_MIN};  // by the shares of all ports that it released
};

SharedQuota::SharedQuota(uint32_t max_allocations_of_all_cores)
    : mask_(std::bit_ceil(std::max(max_allocations_of_all_cores, kWindow)) * 2 - 1),
      users_(std::make_unique<User[]>(mask_ + 1)) {}

SharedQuota::~SharedQuota() = default;

SharedQuota::Places SharedQuota::places(uint64_t user) const {
    uint32_t buckets = mask_ & ~(kBucket - 1);
    return {{static_cast<uint32_t>(user * 0x9e3779b97f4a7c15 >> 32) & buckets,
             static_cast<uint32_t>(user * 0xbf58476d1ce4e5b9 >> 32) & buckets}};
}

// Counts one more in a slot that carries `tag`. False if it does not (any more) or the limit is reached.
bool SharedQuota::enter(User& slot, uint64_t tag, uint32_t limit, bool& over) {
    uint64_t word = slot.word.load();
    while (word >> kCountBits == tag && (word & kCountMask) != 0) {
        uint64_t count = word & kCountMask;
        if (count == kCountMask || (limit && count >= limit)) {
            over = true;
            return false;
        }
        if (slot.word.compare_exchange_weak(word, word + 1)) return true;
    }
    return false;
}

SharedQuota::Admitted SharedQuota::admit(uint64_t user, uint32_t user_limit, uint32_t total_limit) {
    uint32_t before = total_.fetch_add(1);
    auto refuse = [&](Admission why) {
        total_.fetch_sub(1);
        return Admitted{why, 0};
    };
    if (total_limit && before >= total_limit) return refuse(Admission::total_quota);
    uint64_t tag = tag_of(user);
    Places slots = places(user);
    // A lost race leads to another look; losing so often in a row means that the window is as good as full.
    for (uint32_t attempt = 0; attempt < 8; attempt++) {
        std::array<uint32_t, 2> free{};                       // slots of each bucket
        std::array<uint32_t, 2> candidate{kWindow, kWindow};  // the first of them
        uint32_t returning = kWindow;                         // the slot that this user had before
        for (uint32_t i = 0; i < kWindow; i++) {
            bool over = false;
            if (enter(users_[slots[i]], tag, user_limit, over)) return {Admission::admitted, slots[i]};
            if (over) return refuse(Admission::user_quota);
            uint64_t word = users_[slots[i]].word.load();
            if ((word & kCountMask) != 0) continue;
            if (word >> kCountBits == tag && returning == kWindow) returning = i;
            if (free[i / kBucket]++ == 0) candidate[i / kBucket] = i;
        }
        uint32_t unused = returning != kWindow ? returning : candidate[free[1] > free[0]];
        if (unused == kWindow) return refuse(Admission::table_full);
        uint32_t at = slots[unused];
        uint64_t word = users_[at].word.load();
        if ((word & kCountMask) != 0 || !users_[at].word.compare_exchange_strong(word, tag << kCountBits | 1)) continue;
        // Who had this slot before keeps its debts: ending allocations must not fill the bucket.
        if (word >> kCountBits != tag) {
            for (auto& full_at : users_[at].full_at) full_at.store(INT64_MIN);
            users_[at].quarantined_until.store(INT64_MIN);
        }
        // Two cores may have claimed different slots for one user at the same time: the one that is looked at first
        // stays.
        for (uint32_t i = 0; i < unused; i++) {
            bool over = false;
            uint32_t nearer = slots[i];
            if (enter(users_[nearer], tag, user_limit, over) || over) {
                users_[at].word.fetch_sub(1);
                return over ? refuse(Admission::user_quota) : Admitted{Admission::admitted, nearer};
            }
        }
        return {Admission::admitted, at};
    }
    return refuse(Admission::table_full);
}

void SharedQuota::release(uint32_t user_slot) {
    users_[user_slot].word.fetch_sub(1);
    total_.fetch_sub(1);
}

void SharedQuota::release_to_quarantine(uint32_t user_slot, Instant now, Duration share) {
    auto& until = users_[user_slot].quarantined_until;
    int64_t at = now.time_since_epoch().count();
    int64_t old = until.load(std::memory_order_relaxed);
    // A share that is lost to so many other cores at once is only missing from a limit.
    for (int attempt = 0; attempt < 8; attempt++)
        if (until.compare_exchange_weak(old, std::max(old, at) + share.count(), std::memory_order_relaxed)) break;
    release(user_slot);
}

Duration SharedQuota::in_quarantine(uint64_t user, Instant now) const {
    int64_t at = now.time_since_epoch().count();
    int64_t until = at;
    Places slots = places(user);
    for (uint32_t i = 0; i < kWindow; i++) {
        const User& slot = users_[slots[i]];
        if (slot.word.load() >> kCountBits == tag_of(user)) until = std::max(until, slot.quarantined_until.load());
    }
    return Duration{until - at};
}

bool SharedQuota::lease(uint32_t user_slot, Direction direction, Instant now, Duration cost, Duration depth) {
    auto& full_at = users_[user_slot].full_at[static_cast<size_t>(direction)];
    int64_t at = now.time_since_epoch().count();
    int64_t old = full_at.load(std::memory_order_relaxed);
    for (int attempt = 0; attempt < 8; attempt++) {
        int64_t next = std::max(old, at) + cost.count();
        if (next - at > depth.count()) return false;
        if (full_at.compare_exchange_weak(old, next, std::memory_order_relaxed)) return true;
    }
    return false;
}

uint32_t SharedQuota::of_user(uint64_t user) const {
    Places slots = places(user);
    for (uint32_t i = 0; i < kWindow; i++) {
        uint64_t word = users_[slots[i]].word.load();
        if (word >> kCountBits == tag_of(user) && (word & kCountMask) != 0)
            return static_cast<uint32_t>(word & kCountMask);
    }
    return 0;
}

}  // namespace fedge::relay
