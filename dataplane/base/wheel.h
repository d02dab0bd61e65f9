// A hierarchical timing wheel over items that are indices into a pool of the owner (Varghese and Lauck 1987).
//
// O(1) to arm, re-arm and cancel; no allocation after construction. An item has at most one deadline: the owner keeps
// the earliest of whatever it waits for, and re-arms when the entry fires. Deadlines are rounded up to the tick, so an
// item never fires early; it may fire up to one tick late.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "dataplane/base/time.h"

namespace fedge {

class TimingWheel {
  public:
    // Memory: 16 bytes per item. `tick` is the resolution.
    TimingWheel(uint32_t items, Duration tick, Instant start)
        : tick_(tick), now_(ticks(start)), nodes_(std::make_unique<Node[]>(items + kHeads)), items_(items) {
        for (uint32_t i = 0; i < items; i++) nodes_[i] = {kNone, kNone, 0};
        for (uint32_t i = items; i < items + kHeads; i++) nodes_[i] = {i, i, 0};
    }

    void arm(uint32_t item, Instant deadline) {
        cancel(item);
        Duration since = deadline.time_since_epoch();
        uint64_t at = ticks(deadline) + (since % tick_ > Duration{0});  // adding a tick would overflow kNever
        nodes_[item].at = at <= now_ ? now_ + 1 : at;
        armed_++;
        file(item);
    }

    void cancel(uint32_t item) {
        if (nodes_[item].next == kNone) return;
        unlink(item);
        armed_--;
    }

    bool armed(uint32_t item) const { return nodes_[item].next != kNone; }
    uint32_t count() const { return armed_; }

    // Fires every item due at or before `now`, at most `budget` of them; what is left fires on the next call.
    // fire(item) may arm or cancel any item. Returns how many fired.
    template <typename Fire>
    uint32_t advance(Instant now, uint32_t budget, Fire&& fire) {
        uint32_t fired = drain(budget, fire);
        uint64_t target = ticks(now);
        if (armed_ == 0 && target > now_) {  // nothing to walk past
            now_ = target;
            return fired;
        }
        while (now_ < target && fired < budget) {
            now_++;
            for (uint32_t level = 1; level < kLevels && (now_ & mask(level)) == 0; level++) cascade(level);
            fired += drain(budget - fired, fire);
        }
        return fired;
    }

  private:
    static constexpr uint32_t kNone = ~0U;
    static constexpr uint32_t kBits = 8;
    static constexpr uint32_t kSlots = 1U << kBits;
    static constexpr uint32_t kLevels = 4;
    static constexpr uint32_t kHeads = kLevels * kSlots;

    struct Node {
        uint32_t next;
        uint32_t prev;
        uint64_t at;  // tick
    };

    uint64_t ticks(Instant t) const { return static_cast<uint64_t>(t.time_since_epoch() / tick_); }
    static uint64_t mask(uint32_t level) { return (uint64_t{1} << (kBits * level)) - 1; }
    uint32_t head(uint32_t level, uint64_t at) const {
        return items_ + level * kSlots + static_cast<uint32_t>((at >> (kBits * level)) & (kSlots - 1));
    }

    void file(uint32_t item) {
        uint64_t at = nodes_[item].at;
        uint64_t distance = at - now_;
        uint32_t level = 0;
        while (level < kLevels - 1 && distance >> (kBits * (level + 1))) level++;
        // Beyond the horizon of the last level: park in its furthest slot and file again when that comes round.
        uint64_t horizon = uint64_t{1} << (kBits * kLevels);
        link(item, head(level, distance < horizon ? at : now_ + horizon - 1));
    }

    void link(uint32_t item, uint32_t at_head) {
        uint32_t last = nodes_[at_head].prev;
        nodes_[item].prev = last;
        nodes_[item].next = at_head;
        nodes_[last].next = item;
        nodes_[at_head].prev = item;
    }

    void unlink(uint32_t item) {
        Node& node = nodes_[item];
        nodes_[node.prev].next = node.next;
        nodes_[node.next].prev = node.prev;
        node.next = node.prev = kNone;
    }

    void cascade(uint32_t level) {
        uint32_t list = head(level, now_);
        // Take the whole list off first: filing again may put an item back on the same slot.
        uint32_t first = nodes_[list].next;
        if (first == list) return;
        nodes_[nodes_[list].prev].next = kNone;
        nodes_[list].next = nodes_[list].prev = list;
        while (first != kNone) {
            uint32_t item = first;
            first = nodes_[item].next;
            file(item);
        }
    }

    template <typename Fire>
    uint32_t drain(uint32_t budget, Fire&& fire) {
        uint32_t list = head(0, now_);
        uint32_t fired = 0;
        while (fired < budget) {
            uint32_t item = nodes_[list].next;
            if (item == list) break;
            unlink(item);
            armed_--;
            fired++;
            fire(item);
        }
        return fired;
    }

    Duration tick_;
    uint64_t now_;
    std::unique_ptr<Node[]> nodes_;
    uint32_t items_;
    uint32_t armed_ = 0;
};

}  // namespace fedge
