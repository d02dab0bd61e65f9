// Anti-reflection: how many bytes a source that has proved nothing may make us send.
//
// A fixed table of credit per source prefix (IPv4 address, IPv6 /64), kept by one core. A source may be sent what it
// sent itself, plus `burst` bytes, plus `rate` bytes per second. Sources that fall into the same cell share it, so a
// flood of forged sources can neither grow the table nor raise the bound; which sources share is secret. To be asked
// for every response to an unauthenticated request: Binding success, 400, 401, 420, 438.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/hash.h"
#include "dataplane/base/random.h"
#include "dataplane/base/time.h"

namespace fedge::relay {

class SourceBudget {
  public:
    static constexpr size_t kDefaultCells = 65536;  // 1 MiB

    // cells: a power of two, else std::invalid_argument. Starts with nothing allowed beyond what is received.
    explicit SourceBudget(Random& random, size_t cells = kDefaultCells);

    // From contract::Turn: bytes per second and bytes. Takes effect at once; what a source has used up stays used.
    void configure(uint32_t rate_bytes_per_second, uint32_t burst_bytes);

    // True: send it, the credit is taken. False: stay silent (Drop::stun_source_budget); `received` is credited all the
    // same. `now` never runs backwards.
    bool may_send(Instant now, const IpAddress& source, size_t received_bytes, size_t response_bytes);

    // The cell that a source falls into.
    size_t cell_of(const IpAddress& source) const;

  private:
    // Counts what is used instead of what is left, so that zeroed memory is a table of unused budgets.
    struct Cell {
        int64_t used = 0;  // bytes, 0 to burst_
        Instant since{};   // up to here the rate has been credited
    };
    void credit_elapsed(Cell& cell, Instant now) const;

    HashKey hash_key_;
    std::vector<Cell> cells_;
    int64_t rate_ = 0;
    int64_t burst_ = 0;
};

}  // namespace fedge::relay
