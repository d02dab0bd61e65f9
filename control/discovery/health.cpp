#include "control/discovery/health.h"

#include <algorithm>

namespace fedge::control::discovery {

void Health::failed(const Endpoint& endpoint, const Failure& failure, Time now) {
    auto [found, added] = entries_.try_emplace(endpoint);
    Entry& entry = found->second;
    if (added) {
        ages_.push_back(endpoint);
        entry.age = std::prev(ages_.end());
    } else {
        ages_.splice(ages_.end(), ages_, entry.age);
    }
    entry.state.failure = failure;
    // A burst of failures is one: connections that were begun together fail together.
    if (now < entry.state.until) return;
    constexpr uint32_t kEnoughDoublings = 7;
    auto penalty = kFirstPenalty * (1U << std::min(entry.state.failures, kEnoughDoublings));
    entry.state.failures++;
    entry.state.until = now + std::min<Time::duration>(penalty, kMaxPenalty);
    if (entries_.size() <= kMaxEntries) return;
    entries_.erase(ages_.front());
    ages_.pop_front();
}

void Health::succeeded(const Endpoint& endpoint) {
    auto found = entries_.find(endpoint);
    if (found == entries_.end()) return;
    ages_.erase(found->second.age);
    entries_.erase(found);
}

Health::State Health::of(const Endpoint& endpoint) const {
    auto found = entries_.find(endpoint);
    return found == entries_.end() ? State{} : found->second.state;
}

bool Health::all_failed(const std::vector<Target>& targets, Time now) const {
    return !targets.empty() && std::ranges::all_of(targets, [&](const Target& target) {
        return std::ranges::all_of(target.addresses, [&](const IpAddress& a) {
            return penalty({a, target.port}, now) != Time{};
        });
    });
}

Time Health::penalty(const Endpoint& endpoint, Time now) const {
    Time until = of(endpoint).until;
    return until > now ? until : Time{};
}

void Health::sort(std::vector<Target>& targets, Time now) const {
    if (entries_.empty()) return;
    for (auto& target : targets) {
        std::ranges::stable_sort(target.addresses, {}, [&](const IpAddress& a) {
            return penalty({a, target.port}, now);
        });
    }
    // The first address of a target is its best one now.
    std::ranges::stable_sort(targets, {}, [&](const Target& target) {
        return target.addresses.empty() ? Time{} : penalty({target.addresses.front(), target.port}, now);
    });
}

}  // namespace fedge::control::discovery
