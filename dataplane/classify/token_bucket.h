// Token bucket on virtual time, for bytes or packets. Kept as the instant at which the bucket would be full again
// ("theoretical arrival time", the virtual scheduling form of the GCRA, ITU-T I.371): no refill step, no division, no
// state that ages.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dataplane/base/time.h"

namespace fedge::classify {

// What a bucket enforces. Immutable and shared by all buckets with the same limit.
class TokenRate {
  public:
    constexpr TokenRate() = default;  // unlimited

    // `per_second` tokens flow in, at most `burst` are kept. per_second = 0: unlimited. A burst below one token is one
    // token. Rates above 2^32 tokens per second are enforced as 2^32.
    static constexpr TokenRate of(uint64_t per_second, uint64_t burst) {
        if (per_second == 0) return {};
        per_second = std::min(per_second, uint64_t{1} << 32);
        TokenRate rate;
        Wide cost = (Wide{1'000'000'000} << 32) / per_second;
        rate.cost_ = static_cast<uint64_t>(cost);
        Wide depth = (cost * std::max<uint64_t>(burst, 1)) >> 32;
        rate.depth_ = static_cast<int64_t>(std::min<Wide>(depth + 1, kMaxDepth));
        return rate;
    }

    // Bandwidth in kbit/s; the bucket holds 100 ms of it, but never less than ten full-size packets.
    static constexpr TokenRate kilobits(uint64_t kbps) {
        uint64_t bytes = kbps * 125;
        return of(bytes, std::max<uint64_t>(bytes / 10, 15'000));
    }

    constexpr bool unlimited() const { return cost_ == 0; }

  private:
    friend class TokenBucket;
    __extension__ using Wide = unsigned __int128;
    static constexpr int64_t kMaxDepth = int64_t{1} << 60;  // some 36 years

    uint64_t cost_ = 0;  // nanoseconds per token, 32.32 fixed point; 0 = unlimited
    int64_t depth_ = 0;  // nanoseconds that a full bucket is worth
};

// 16 bytes; starts full. The same rate must be passed in all the time, a change of rate keeps the debt in time.
class TokenBucket {
  public:
    // Takes `tokens` if they are there. Nothing is taken otherwise.
    bool allow(const TokenRate& rate, Instant now, uint32_t tokens) {
        Charged after = charge(rate, now, tokens);
        if (!after.fits) return false;
        full_at_ = after.full_at;
        fraction_ = after.fraction;
        return true;
    }

    // The answer allow() would give, without taking: for packets that must pass several buckets.
    bool conforms(const TokenRate& rate, Instant now, uint32_t tokens) const { return charge(rate, now, tokens).fits; }

  private:
    struct Charged {
        int64_t full_at;
        uint32_t fraction;
        bool fits;
    };

    Charged charge(const TokenRate& rate, Instant now, uint32_t tokens) const {
        if (rate.unlimited()) return {full_at_, fraction_, true};
        int64_t at = now.time_since_epoch().count();
        bool full = full_at_ < at;
        int64_t base = full ? at : full_at_;
        TokenRate::Wide cost = TokenRate::Wide{rate.cost_} * tokens + (full ? 0 : fraction_);
        uint64_t nanoseconds = static_cast<uint64_t>(cost >> 32);
        // Compared before adding, so that neither a huge cost nor an Instant near the end of time can wrap.
        uint64_t debt = static_cast<uint64_t>(base) - static_cast<uint64_t>(at);
        uint64_t depth = static_cast<uint64_t>(rate.depth_);
        bool fits = debt <= depth && nanoseconds <= depth - debt;
        return {fits ? base + static_cast<int64_t>(nanoseconds) : base, static_cast<uint32_t>(cost), fits};
    }

    int64_t full_at_ = INT64_MIN;  // nanoseconds as in Instant
    uint32_t fraction_ = 0;        // of a nanosecond, in 2^-32
};
static_assert(sizeof(TokenBucket) == 16);

}  // namespace fedge::classify
