#include "dataplane/relay/reservations.h"

namespace fedge::relay {

uint64_t Reservations::add(Instant now, const RelayPort& port, const std::array<uint64_t, 2>& user, uint32_t user_slot,
                           Random& random) {
    uint32_t place = static_cast<uint32_t>((oldest_ + held_) % ring_.size());
    held_++;
    uint64_t token = uint64_t{core_} << 56 | uint64_t{place} << 40 | (random.u64() >> 24);
    if (token == 0) token = 1;
    ring_[place] = {token, now + kLifetime, user, port, user_slot};
    return token;
}

const Reservation* Reservations::find(uint64_t token, const std::array<uint64_t, 2>& user, Instant now) const {
    uint32_t place = place_of(token);
    if (token == 0 || place >= ring_.size()) return nullptr;
    const Reservation& r = ring_[place];
    return r.token == token && r.until > now && r.user == user ? &r : nullptr;
}

}  // namespace fedge::relay
