#include "dataplane/tcp/time_wait.h"

namespace fedge::tcp {

TimeWaitTable::TimeWaitTable(uint32_t entries, int socket) : entries_("TIME-WAIT table", entries, socket) {
    for (uint32_t i = entries; i-- > 0;) {
        entries_[i].newer = free_;
        free_ = i;
    }
}

uint32_t TimeWaitTable::add() {
    uint32_t i = free_;
    free_ = entries_[i].newer;
    link(i);
    count_++;
    return i;
}

void TimeWaitTable::remove(uint32_t i) {
    unlink(i);
    entries_[i].newer = free_;
    free_ = i;
    count_--;
}

void TimeWaitTable::make_newest(uint32_t i) {
    unlink(i);
    link(i);
}

void TimeWaitTable::link(uint32_t i) {
    entries_[i].older = newest_;
    entries_[i].newer = kNone;
    if (newest_ != kNone) entries_[newest_].newer = i;
    newest_ = i;
    if (oldest_ == kNone) oldest_ = i;
}

void TimeWaitTable::unlink(uint32_t i) {
    TimeWait& entry = entries_[i];
    (entry.newer == kNone ? newest_ : entries_[entry.newer].older) = entry.older;
    (entry.older == kNone ? oldest_ : entries_[entry.older].newer) = entry.newer;
}

}  // namespace fedge::tcp
