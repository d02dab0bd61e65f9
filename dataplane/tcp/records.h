// What was sent and is not acknowledged: the scoreboard of RFC 6675 and RFC 8985.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/base/time.h"
#include "dataplane/tcp/blocks.h"
#include "dataplane/tcp/seq.h"

namespace fedge::tcp {

// One transmitted range of sequence numbers: the scoreboard of RFC 6675 and RFC 8985. The record keeps its place when
// it is retransmitted.
struct SentRecord {
    static constexpr uint8_t kSacked = 1;         // the peer has it
    static constexpr uint8_t kLost = 2;           // found lost
    static constexpr uint8_t kRetransmitted = 4;  // and sent again since
    static constexpr uint8_t kFin = 8;            // the last number is the FIN

    uint32_t seq;
    uint16_t length;  // the FIN included
    uint8_t flags;
    uint8_t transmissions;
    Instant sent_at;

    bool is(uint8_t flag) const { return (flags & flag) != 0; }
    Seq begin() const { return Seq{seq}; }
    Seq end() const { return Seq{seq + length}; }
};
static_assert(sizeof(SentRecord) == 16 && kBlockSize % sizeof(SentRecord) == 0);

// Records by number, counted from 0 modulo 2^28, of which those from `head` on exist. A few need no block: most
// connections have a message or two in flight, and their records are at hand with the control block.
class RecordRing {
  public:
    // Room for the record `number`; those before it exist from `head` on. False: the pool is empty.
    bool reserve(BlockPool& pool, uint32_t head, uint32_t number) {
        if (!paged_) {
            if (number - head < kFew) return true;
            if (!ring_.reserve(pool, position(head), position(head), (number - head) * kSize)) {
                ring_.release(pool, 0, true);
                return false;
            }
            for (uint32_t n = head; n != number; n++) in_ring(pool, n) = few_[n % kFew];
            paged_ = true;
        }
        return ring_.reserve(pool, position(head), position(number), kSize);
    }
    SentRecord& at(BlockPool& pool, uint32_t number) { return paged_ ? in_ring(pool, number) : few_[number % kFew]; }
    // Those before `head` are gone; with `empty`, all are.
    void release(BlockPool& pool, uint32_t head, bool empty) {
        if (!paged_) return;
        ring_.release(pool, position(head), empty);
        if (empty) paged_ = false;
    }
    uint32_t blocks() const { return ring_.blocks(); }

    uint32_t lost_from = 0;  // no record before this number waits for retransmission

  private:
    static constexpr uint32_t kFew = 4;
    static constexpr uint32_t kSize = sizeof(SentRecord);
    static uint32_t position(uint32_t number) { return number * kSize; }
    SentRecord& in_ring(BlockPool& pool, uint32_t number) {
        return *reinterpret_cast<SentRecord*>(ring_.at(pool, position(number)));
    }

    bool paged_ = false;
    std::array<SentRecord, kFew> few_;
    PagedRing ring_;
};

}  // namespace fedge::tcp
