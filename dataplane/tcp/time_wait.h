// Connections in TIME-WAIT (RFC 9293 section 3.6): what is left of them is one small entry. Bounded; the oldest goes
// first.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/base/table.h"
#include "dataplane/base/time.h"
#include "dataplane/ip/hop.h"
#include "dataplane/tcp/flow.h"
#include "dataplane/tcp/seq.h"

namespace fedge::tcp {

struct TimeWait {
    FlowKey key;
    ip::Hop hop;
    Seq snd_nxt;
    Seq rcv_nxt;
    uint32_t ts_recent;
    uint32_t ts_offset;
    uint16_t window;  // as the last segment said it
    bool timestamps_on;
    Instant expires;
    Instant answered;  // the last acknowledgement that was repeated
    uint32_t newer;    // list by age; table index
    uint32_t older;
};

class TimeWaitTable {
  public:
    static constexpr uint32_t kNone = ~0U;

    TimeWaitTable(uint32_t entries, int socket);

    bool full() const { return free_ == kNone; }
    uint32_t oldest() const { return oldest_; }
    uint32_t count() const { return count_; }
    TimeWait& operator[](uint32_t i) { return entries_[i]; }

    uint32_t add();  // there must be room
    void remove(uint32_t i);
    void make_newest(uint32_t i);

  private:
    void link(uint32_t i);
    void unlink(uint32_t i);

    Table<TimeWait> entries_;
    uint32_t free_ = kNone;  // chained through `newer`
    uint32_t oldest_ = kNone;
    uint32_t newest_ = kNone;
    uint32_t count_ = 0;
};

}  // namespace fedge::tcp
