// Relay ports held for a later Allocate with RESERVATION-TOKEN (RFC 8656 section 7.2): bounded, each for 30 seconds.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/base/random.h"
#include "dataplane/base/table.h"
#include "dataplane/base/time.h"
#include "dataplane/relay/allocation.h"

namespace fedge::relay {

struct Reservation {
    uint64_t token;  // 0: not in use
    Instant until;
    std::array<uint64_t, 2> user;  // only the same user may redeem it: guessing tokens gains nothing
    RelayPort port;
    uint32_t user_slot;  // of SharedQuota: a reserved port counts like an allocation
};

class Reservations {
  public:
    static constexpr Duration kLifetime = std::chrono::seconds{30};

    // At most 65,536.
    Reservations(uint32_t count, uint16_t core, int socket) : ring_("turn reservations", count, socket), core_(core) {}

    bool full() const { return held_ == ring_.size(); }
    // Must not be full. The token is core (8 bits), place (16), random (40).
    uint64_t add(Instant now, const RelayPort& port, const std::array<uint64_t, 2>& user, uint32_t user_slot,
                 Random& random);
    // The core whose reservation a token is, whether or not there is such a reservation.
    static uint16_t core_of(uint64_t token) { return static_cast<uint16_t>(token >> 56); }
    // A reservation in force, or nullptr.
    const Reservation* find(uint64_t token, const std::array<uint64_t, 2>& user, Instant now) const;
    // After its port was put to use.
    void redeem(uint64_t token) { ring_[place_of(token)].token = 0; }

    // Calls give_back(const Reservation&) for each one that ran out or, if `all`, for each one. They all live equally
    // long, so the oldest is the next to go.
    template <typename GiveBack>
    void expire(Instant now, GiveBack&& give_back) {
        while (held_ && (ring_[oldest_].token == 0 || ring_[oldest_].until <= now)) {
            Reservation ended = ring_[oldest_];
            ring_[oldest_].token = 0;
            oldest_ = oldest_ + 1 == ring_.size() ? 0 : oldest_ + 1;
            held_--;
            if (ended.token) give_back(ended);
        }
    }
    template <typename Match, typename GiveBack>
    void end_if(Match&& match, GiveBack&& give_back) {
        for (Reservation& r : ring_.span()) {
            if (r.token == 0 || !match(r)) continue;
            r.token = 0;
            give_back(r);
        }
    }

    uint32_t held() const { return held_; }
    size_t bytes() const { return ring_.bytes(); }

  private:
    static uint32_t place_of(uint64_t token) { return static_cast<uint32_t>(token >> 40 & 0xffff); }

    Table<Reservation> ring_;
    uint16_t core_;
    uint32_t oldest_ = 0;
    uint32_t held_ = 0;
};

}  // namespace fedge::relay
