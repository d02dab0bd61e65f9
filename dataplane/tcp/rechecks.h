// Connections that are looked at again a fixed time after they were put here, in that order.
//
// The deadline of a request is its retransmission, and nearly always the acknowledgement comes first. A timing wheel
// costs a cache miss to arm and two to fire, for nothing. A connection whose deadline is far waits here instead, where
// both ends of the queue are at hand and the one after next is known in time to be fetched; what is still to come when
// its turn comes goes into the wheel.
#pragma once

#include <bit>
#include <cstdint>

#include "dataplane/base/table.h"
#include "dataplane/base/time.h"

namespace fedge::tcp {

class Rechecks {
  public:
    // Deadlines that are further away than this can wait. The least retransmission timeout.
    static constexpr Duration kDelay = 200ms;

    Rechecks(uint32_t connections, int socket)
        : queue_("TCP deadlines", std::bit_ceil(connections + 1), socket),
          mask_(static_cast<uint32_t>(queue_.size()) - 1) {}

    // Each connection at most once at a time.
    void push(uint32_t connection) { queue_[tail_++ & mask_] = connection; }
    uint32_t pop() { return queue_[head_++ & mask_]; }
    uint32_t count() const { return tail_ - head_; }
    // The n-th that will be popped, from 0 on; n below count().
    uint32_t peek(uint32_t n) const { return queue_[(head_ + n) & mask_]; }
    size_t bytes() const { return queue_.bytes(); }

  private:
    Table<uint32_t> queue_;
    uint32_t mask_;
    uint32_t head_ = 0;
    uint32_t tail_ = 0;
};

}  // namespace fedge::tcp
