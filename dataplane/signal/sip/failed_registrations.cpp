#include "dataplane/signal/sip/failed_registrations.h"

#include <algorithm>

#include "dataplane/tcp/source_network.h"

namespace fedge::signal {
namespace {

uint32_t minute_of(Instant now) {
    return static_cast<uint32_t>(duration_cast<std::chrono::minutes>(now.time_since_epoch()).count());
}

}  // namespace

FailedRegistrations::FailedRegistrations(Random& random) : slots_(kRows * kSlots) {
    for (HashKey& key : keys_) key = HashKey::random(random);
}

size_t FailedRegistrations::slot(size_t row, const IpAddress& source) const {
    IpAddress network = tcp::source_network(source);
    return row * kSlots + keyed_hash(keys_[row], network.high(), network.low(), 0) % kSlots;
}

uint32_t FailedRegistrations::count(const IpAddress& source, Instant now) const {
    uint32_t least = UINT32_MAX;
    for (size_t row = 0; row < kRows; row++) {
        const Slot& one = slots_[slot(row, source)];
        least = std::min(least, one.minute == minute_of(now) ? one.failures : 0);
    }
    return least;
}

void FailedRegistrations::add(const IpAddress& source, Instant now) {
    for (size_t row = 0; row < kRows; row++) {
        Slot& one = slots_[slot(row, source)];
        if (one.minute != minute_of(now)) one = {minute_of(now), 0};
        one.failures++;
    }
}

void FailedRegistrations::forgive(const IpAddress& source, uint32_t failures, Instant now) {
    for (size_t row = 0; row < kRows; row++) {
        Slot& one = slots_[slot(row, source)];
        if (one.minute == minute_of(now)) one.failures -= std::min(one.failures, failures);
    }
}

}  // namespace fedge::signal
