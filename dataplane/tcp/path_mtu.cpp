#include "dataplane/tcp/path_mtu.h"

#include <algorithm>
#include <chrono>

namespace fedge::tcp {
namespace {

uint64_t seconds(Instant t) {
    return static_cast<uint64_t>(t.time_since_epoch() / 1s);
}

}  // namespace

uint16_t PathMtu::find(const IpAddress& destination, uint16_t interface_mtu, Instant now) {
    uint64_t known = table_.find(key(destination));
    if (!known) return interface_mtu;
    if (known >> 16 < seconds(now)) {
        table_.remove(key(destination));
        return interface_mtu;
    }
    return std::min(static_cast<uint16_t>(known), interface_mtu);
}

void PathMtu::learn(const IpAddress& destination, uint16_t mtu, Instant now) {
    if (!table_.find(key(destination)) && table_.count() >= limit_) return;
    table_.set(key(destination), seconds(now + kLifetime) << 16 | mtu);
}

}  // namespace fedge::tcp
