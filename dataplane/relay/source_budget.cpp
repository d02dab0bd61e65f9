#include "dataplane/relay/source_budget.h"

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace fedge::relay {

SourceBudget::SourceBudget(Random& random, size_t cells) : hash_key_(HashKey::random(random)), cells_(cells) {
    if (!std::has_single_bit(cells))
        throw std::invalid_argument("source budget: the number of cells must be a power of two");
}

void SourceBudget::configure(uint32_t rate_bytes_per_second, uint32_t burst_bytes) {
    rate_ = rate_bytes_per_second;
    burst_ = burst_bytes;
}

size_t SourceBudget::cell_of(const IpAddress& source) const {
    bool v4 = source.is_v4();
    return keyed_hash(hash_key_, v4 ? source.low() : source.high(), v4, 0) & (cells_.size() - 1);
}

void SourceBudget::credit_elapsed(Cell& cell, Instant now) const {
    constexpr int64_t kSecond = 1'000'000'000;
    int64_t elapsed = std::max<int64_t>((now - cell.since).count(), 0);
    // More than it takes to clear any debt; also keeps the products below from overflowing.
    if (rate_ > 0 && elapsed / kSecond > cell.used / rate_) {
        cell.used = 0;
        cell.since = now;
        return;
    }
    if (rate_ == 0) {
        cell.since = now;
        return;
    }
    int64_t earned = elapsed / kSecond * rate_ + elapsed % kSecond * rate_ / kSecond;
    if (earned >= cell.used) {
        cell.used = 0;
        cell.since = now;
        return;
    }
    if (earned == 0) return;
    cell.used -= earned;
    // Only the time that whole bytes were given for is used up: frequent questions must not lose the fractions. Rounded
    // up, so that they cannot gain either.
    cell.since += Duration{earned / rate_ * kSecond + (earned % rate_ * kSecond + rate_ - 1) / rate_};
}

bool SourceBudget::may_send(Instant now, const IpAddress& source, size_t received_bytes, size_t response_bytes) {
    Cell& cell = cells_[cell_of(source)];
    cell.used = std::min(cell.used, burst_);
    credit_elapsed(cell, now);
    int64_t available = burst_ - cell.used + static_cast<int64_t>(received_bytes);
    bool send = static_cast<int64_t>(response_bytes) <= available;
    if (send) available -= static_cast<int64_t>(response_bytes);
    cell.used = burst_ - std::min(available, burst_);
    return send;
}

}  // namespace fedge::relay
