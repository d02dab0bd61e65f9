// Which bytes beyond the next expected one have arrived: disjoint ranges of sequence numbers, and what SACK tells of
// them (RFC 2018 section 4, RFC 2883). Knows no packets and no bytes.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/tcp/seq.h"
#include "dataplane/wire/tcp.h"

namespace fedge::tcp {

// Lives in one block of the pool while there is anything out of order.
class Assembler {
  public:
    static constexpr uint32_t kMaxRanges = 64;

    enum class Added : uint8_t { fresh, partly, known, full };

    void reset() { count_ = recent_count_ = 0; }
    // [left, right) has arrived. `known`: nothing of it is new; `partly`: some is; `full`: no range left, nothing was
    // noted.
    Added add(Seq left, Seq right);
    // Whether add() could note it.
    bool has_room(Seq left, Seq right) const;
    // The end of what is contiguous from `next`; takes away the ranges up to it.
    Seq advance(Seq next);
    // Ranges in the order of RFC 2018: first the one that the last segment fell into.
    size_t report(std::span<wire::SackRange> out) const;

    bool empty() const { return count_ == 0; }
    uint32_t count() const { return count_; }
    // The range that `seq` lies in; nullptr if none.
    const wire::SackRange* find(Seq seq) const;

  private:
    void note_recent(Seq seq);

    uint32_t count_;
    uint32_t recent_count_;
    std::array<wire::SackRange, kMaxRanges> ranges_;  // ascending, disjoint, not touching
    std::array<uint32_t, 8> recent_;                  // a sequence number in each range of late, newest first
};

}  // namespace fedge::tcp
