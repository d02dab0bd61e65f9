// How many registrations from one IPv4 address or one IPv6 /64 have failed within the minute: so that who guesses
// passwords gains nothing by new connections.
//
// Counted in two rows of slots under a secret hash, the lower one counts (Cormode and Muthukrishnan 2005): whatever
// number of sources there is, memory stays the same, and nothing has to be cleared away.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/hash.h"
#include "dataplane/base/random.h"
#include "dataplane/base/time.h"

namespace fedge::signal {

class FailedRegistrations {
  public:
    explicit FailedRegistrations(Random& random);

    uint32_t count(const IpAddress& source, Instant now) const;
    void add(const IpAddress& source, Instant now);
    // They were steps towards one that has succeeded.
    void forgive(const IpAddress& source, uint32_t failures, Instant now);

  private:
    static constexpr size_t kRows = 2;
    static constexpr size_t kSlots = 8192;  // of a row
    struct Slot {
        uint32_t minute = 0;
        uint32_t failures = 0;
    };
    size_t slot(size_t row, const IpAddress& source) const;

    std::array<HashKey, kRows> keys_;
    std::vector<Slot> slots_;
};

}  // namespace fedge::signal
