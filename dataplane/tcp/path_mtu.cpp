#include "dataplane/tcp/path_mtu.h"

#include <algorithm>
#include <chrono>

namespace fedge::tcp {
namespace {

uint64_t seconds(Instant t) {
    return static_cast<uint64_t>(t.time_since_epoch() / 1s);
}

bool expired(uint64_t known, Instant now) {
    return known >> 16 < seconds(now);
}

}  // namespace

uint16_t PathMtu::find(const IpAddress& destination, uint16_t interface_mtu, Instant now) {
    uint64_t known = table_.find(key(destination));
    if (!known) return interface_mtu;
    if (expired(known, now)) return interface_mtu;
    return std::min(static_cast<uint16_t>(known), interface_mtu);
}

void PathMtu::learn(const IpAddress& destination, uint16_t mtu, Instant now) {
    Key k = key(destination);
    uint64_t value = seconds(now + kLifetime) << 16 | mtu;
    if (table_.find(k)) {
        table_.set(k, value);
        return;
    }
    Key* place = count_ < keys_.size() ? &keys_[count_] : expired_place(now);
    if (!place || !table_.set(k, value)) return;
    if (count_ < keys_.size()) count_++;
    *place = k;
}

// Where an expired entry was, which is gone now; nullptr if there is none among the next few.
PathMtu::Key* PathMtu::expired_place(Instant now) {
    for (uint32_t looks = std::min<uint32_t>(kLooks, count_); looks > 0; looks--) {
        Key& k = keys_[hand_];
        hand_ = (hand_ + 1) % count_;
        if (!expired(table_.find(k), now)) continue;
        table_.remove(k);
        return &k;
    }
    return nullptr;
}

}  // namespace fedge::tcp
