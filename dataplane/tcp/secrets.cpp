#include "dataplane/tcp/secrets.h"

#include <sodium.h>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace fedge::tcp {
namespace {

constexpr auto kPeriod = 64s;
constexpr uint32_t kPeriodBits = 5;
constexpr uint32_t kPeriodsPerKey = 16;
constexpr uint32_t kMacMask = 0xffffff;
// The values that peers offer most; what lies between is rounded down.
constexpr std::array<uint16_t, 8> kMss{256, 536, 1220, 1360, 1440, 1452, 1460, 8940};

uint64_t hash(const std::array<uint8_t, 16>& key, Bytes message) {
    std::array<uint8_t, crypto_shorthash_BYTES> out;
    crypto_shorthash(out.data(), message.data(), message.size(), key.data());
    uint64_t value;
    std::memcpy(&value, out.data(), sizeof(value));
    return value;
}

template <typename T>
Bytes raw(const T& value) {
    static_assert(std::has_unique_object_representations_v<T>);
    return {reinterpret_cast<const uint8_t*>(&value), sizeof(value)};
}

uint32_t period_of(Instant now) {
    return static_cast<uint32_t>(now.time_since_epoch() / kPeriod);
}

}  // namespace

Secrets::Secrets(Random& random) : random_(random), cookie_epochs_{~0U, ~0U} {
    for (Key* key : {&sequence_, &timestamp_, &port_}) random.fill(*key);
}

uint32_t Secrets::initial_sequence(const FlowKey& flow, Instant now) const {
    auto clock = static_cast<uint32_t>(now.time_since_epoch() / 4us);
    return clock + static_cast<uint32_t>(hash(sequence_, raw(flow)));
}

uint32_t Secrets::timestamp_offset(const FlowKey& flow) const {
    return static_cast<uint32_t>(hash(timestamp_, raw(flow)));
}

uint32_t Secrets::port_offset(const IpAddress& local, const Endpoint& remote) const {
    return static_cast<uint32_t>(hash(port_, raw(FlowKey::of({local, 0}, remote))));
}

const Secrets::Key& Secrets::cookie_key(uint32_t period) {
    uint32_t epoch = period / kPeriodsPerKey;
    size_t place = epoch & 1;
    if (cookie_epochs_[place] != epoch) {
        random_.fill(cookies_[place]);
        cookie_epochs_[place] = epoch;
    }
    return cookies_[place];
}

uint32_t Secrets::mac(const FlowKey& flow, uint32_t irs, uint32_t period, uint32_t mss_index) {
    struct {
        FlowKey flow;
        uint32_t irs;
        uint32_t period;
        uint64_t mss_index;
    } message{flow, irs, period, mss_index};
    return static_cast<uint32_t>(hash(cookie_key(period), raw(message))) & kMacMask;
}

uint32_t Secrets::cookie(const FlowKey& flow, uint32_t irs, uint16_t mss, Instant now) {
    auto above = std::upper_bound(kMss.begin() + 1, kMss.end(), mss);
    auto index = static_cast<uint32_t>(above - kMss.begin() - 1);
    uint32_t period = period_of(now);
    return (period & ((1U << kPeriodBits) - 1)) << 27 | index << 24 | mac(flow, irs, period, index);
}

std::optional<uint16_t> Secrets::check_cookie(const FlowKey& flow, uint32_t irs, uint32_t iss, Instant now) {
    uint32_t current = period_of(now);
    uint32_t age = (current - (iss >> 27)) & ((1U << kPeriodBits) - 1);
    if (age > 1 || age > current) return std::nullopt;
    uint32_t period = current - age;
    // A key that was never made signed nothing.
    if (cookie_epochs_[period / kPeriodsPerKey & 1] != period / kPeriodsPerKey) return std::nullopt;
    uint32_t index = iss >> 24 & 7;
    if (mac(flow, irs, period, index) != (iss & kMacMask)) return std::nullopt;
    return kMss[index];
}

}  // namespace fedge::tcp
