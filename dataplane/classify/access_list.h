// Access rules on source addresses: who may talk to us at all, per interface role. First match wins, no match means
// allowed (contract/snapshot.fbs). Matching is rte_acl's; this is its life cycle and its first-match order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/contract/snapshot_generated.h"

struct rte_acl_ctx;

namespace fedge::classify {

struct AccessEntry {
    Prefix source;  // shorter than /96: IPv6 sources only; 0.0.0.0/0 is ::ffff:0:0/96
    bool allow = true;
};

inline constexpr size_t kMaxAccessEntries = 10'000;
inline constexpr size_t kMaxAccessBurst = 64;

// The rules of one role, in order.
std::vector<AccessEntry> access_entries(const contract::Snapshot& snapshot, contract::Role role);

// Immutable once built; read by any core. Building allocates and takes milliseconds (management thread, EAL
// initialised).
class AccessList {
  public:
    AccessList() = default;  // allows everything
    // Throws std::invalid_argument on more than kMaxAccessEntries, std::runtime_error if rte_acl refuses (its memory).
    explicit AccessList(std::span<const AccessEntry> entries);
    ~AccessList();
    AccessList(AccessList&& other) noexcept;
    AccessList& operator=(AccessList&& other) noexcept;

    // No rule at all: callers skip the look-up.
    bool empty() const { return !ipv4_ && !ipv6_; }

    // Bit i of the result is set if sources[i] is refused. At most kMaxAccessBurst sources; they must stay readable.
    uint64_t refused(std::span<const IpAddress* const> sources) const { return empty() ? 0 : match(sources); }
    bool allows(const IpAddress& source) const {
        const IpAddress* one = &source;
        return refused({&one, 1}) == 0;
    }

  private:
    uint64_t match(std::span<const IpAddress* const> sources) const;

    rte_acl_ctx* ipv4_ = nullptr;  // owned
    rte_acl_ctx* ipv6_ = nullptr;  // owned
};

}  // namespace fedge::classify
