// What discovery knows, by query. Bounded: answers that find somebody are put out only by each other, so that a
// stranger who makes the edge look up names that do not exist does not put out the partners that do.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>

#include "control/discovery/route.h"

namespace fedge::control::discovery {

struct Entry {
    Route route;         // what DNS said last
    bool known = false;  // route is set: DNS has answered once
    Time resolved{};
    Time expires{};
    Time stale_until{};  // of found ones
    Time last_used{};

    uint32_t failures = 0;  // in a row, since DNS answered last
    Time next_try{};        // not before, after failures
    Route failure;          // the last one

    bool fresh(Time now) const { return known && now < expires; }
    bool usable_stale(Time now) const { return known && route.outcome == Outcome::found && now < stale_until; }
};

class Cache {
  public:
    // More than `size` entries: the least recently used go. Half of it at most is for what is not found.
    void resize(size_t size);
    Entry* find(const Query& query);
    const Entry* peek(const Query& query) const;  // does not count as use
    // The entry, new if it was not there. References live until the next put(), settle(), resize() or clear().
    Entry& put(const Query& query);
    // To be called when the outcome of an entry has been set.
    void settle(const Query& query);
    // Plans a refresh, in place of the one that was planned before.
    void refresh_at(const Query& query, Time at);
    // One whose refresh is due, if there is any; its plan is then over.
    std::optional<Query> take_due(Time now);
    void clear();
    size_t size() const { return entries_.size(); }
    uint64_t evicted() const { return evicted_; }

    // In the order of queries, those behind `after` (nullptr: from the first); stops when `visit` says false.
    template <typename Visit>
    void walk(const Query* after, Visit visit) const {
        for (auto it = after ? entries_.upper_bound(*after) : entries_.begin(); it != entries_.end(); ++it) {
            if (!visit(it->first, it->second.entry)) return;
        }
    }

  private:
    using Ages = std::list<const Query*>;  // least recently used first
    using Plans = std::multimap<Time, const Query*>;
    struct Slot {
        Entry entry;
        bool of_found = false;
        Ages::iterator age;
        std::optional<Plans::iterator> plan;
    };
    Ages& ages(const Slot& slot) { return slot.of_found ? found_ : others_; }
    void shrink();
    void evict(Ages& ages);

    size_t limit_ = 2;
    uint64_t evicted_ = 0;
    std::map<Query, Slot> entries_;
    Ages found_;
    Ages others_;
    Plans plans_;
};

}  // namespace fedge::control::discovery
