#include "control/discovery/cache.h"

#include <algorithm>

namespace fedge::control::discovery {

void Cache::resize(size_t size) {
    limit_ = std::max<size_t>(size, 2);
    shrink();
}

Entry* Cache::find(const Query& query) {
    auto found = entries_.find(query);
    if (found == entries_.end()) return nullptr;
    Ages& list = ages(found->second);
    list.splice(list.end(), list, found->second.age);
    return &found->second.entry;
}

const Entry* Cache::peek(const Query& query) const {
    auto found = entries_.find(query);
    return found == entries_.end() ? nullptr : &found->second.entry;
}

Entry& Cache::put(const Query& query) {
    auto [found, added] = entries_.try_emplace(query);
    if (added) {
        others_.push_back(&found->first);
        found->second.age = std::prev(others_.end());
        shrink();
    }
    return found->second.entry;
}

void Cache::settle(const Query& query) {
    auto found = entries_.find(query);
    if (found == entries_.end()) return;
    Slot& slot = found->second;
    bool of_found = slot.entry.known && slot.entry.route.outcome == Outcome::found;
    if (of_found == slot.of_found) return;
    Ages& from = ages(slot);
    slot.of_found = of_found;
    Ages& to = ages(slot);
    to.splice(to.end(), from, slot.age);
    shrink();
}

void Cache::refresh_at(const Query& query, Time at) {
    auto found = entries_.find(query);
    if (found == entries_.end()) return;
    Slot& slot = found->second;
    if (slot.plan) plans_.erase(*slot.plan);
    slot.plan = plans_.emplace(at, &found->first);
}

std::optional<Query> Cache::take_due(Time now) {
    if (plans_.empty() || plans_.begin()->first > now) return std::nullopt;
    const Query query = *plans_.begin()->second;
    plans_.erase(plans_.begin());
    entries_.find(query)->second.plan.reset();
    return query;
}

void Cache::clear() {
    plans_.clear();
    entries_.clear();
    found_.clear();
    others_.clear();
}

// Whoever was just put or settled is last in its list and no list is emptied, so it stays.
void Cache::shrink() {
    while (others_.size() > limit_ / 2) evict(others_);
    while (entries_.size() > limit_) evict(others_.size() > 1 ? others_ : found_);
}

void Cache::evict(Ages& ages) {
    auto victim = entries_.find(*ages.front());
    if (victim->second.plan) plans_.erase(*victim->second.plan);
    ages.pop_front();
    entries_.erase(victim);
    evicted_++;
}

}  // namespace fedge::control::discovery
