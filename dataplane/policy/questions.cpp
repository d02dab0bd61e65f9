#include "dataplane/policy/questions.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace fedge::policy {
namespace {

bool same(const RouteTarget& a, const RouteTarget& b) {
    return a.host.view() == b.host.view() && a.port == b.port && a.priority == b.priority && a.weight == b.weight &&
           a.direct_tls == b.direct_tls && std::ranges::equal(a.addresses(), b.addresses());
}

bool same(const Route& a, const Route& b) {
    auto targets = [](const RouteTarget& x, const RouteTarget& y) { return same(x, y); };
    return a.finding == b.finding && a.code == b.code && a.validated == b.validated &&
           a.reason.view() == b.reason.view() && std::ranges::equal(a.targets(), b.targets(), targets);
}

}  // namespace

Questions::Questions(const Limits& limits, QuestionCarrier& carrier, Counters counters, const HashKey& hash_key)
    : limits_(limits),
      carrier_(carrier),
      counters_(counters),
      hash_key_(hash_key),
      slots_(std::max(limits.domains, 1U)),
      buckets_(std::bit_ceil(slots_.size()) * 2, kNone) {
    for (auto index = static_cast<Index>(slots_.size()); index-- > 0;) {
        slots_[index].next_of_bucket = free_;
        free_ = index;
    }
}

Questions::Found Questions::find(const RouteQuestion& question, Instant now) {
    using State = Found::State;
    auto full = [this] {
        counters_.add(Counter::policy_questions_full);
        return Found{};
    };
    if (question.domain.empty() || question.domain.size() > kMaxName || question.via.size() > kMaxName) return full();
    uint32_t hash = hash_of(question.domain, question.service);
    Index index = look_up(question, hash);
    if (index == kNone) {
        index = enter(question, hash);
        if (index == kNone) return full();
        if (!ask(index, now)) {
            release(index);
            return full();
        }
        wait(index);
        return {State::pending, nullptr, key_of(index)};
    }
    Slot& slot = slots_[index];
    bool usable = slot.answered && now < slot.expires;
    if (!usable && !slot.asking.list && !ask(index, now)) {
        usable = use_as_stale(slot, now);
        if (!usable) return full();
    }
    if (!usable) {
        wait(index);
        return {State::pending, nullptr, key_of(index)};
    }
    if (slot.place.list == &by_age_) {
        unlink(by_age_, &Slot::place, index);
        append(by_age_, &Slot::place, index);
    }
    if (now >= slot.refresh && !slot.asking.list && !ask(index, now)) slot.refresh = now + limits_.retry;
    return {State::known, &slot.route, key_of(index)};
}

void Questions::answer(uint64_t key, const Route& route, Duration keep, Instant now) {
    counters_.add(Counter::policy_answers);
    auto index = static_cast<Index>(key);
    bool known = index < slots_.size() && slots_[index].generation == key >> 32;
    if (!known || !slots_[index].asking.list) counters_.add(Counter::policy_answers_late);
    if (!known) return;
    Slot& slot = slots_[index];
    if (slot.asking.list) unlink(asking_, &Slot::asking, index);
    bool found = route.finding == contract::Finding::found;
    // What DNS said last is better than that it says nothing.
    if (route.finding != contract::Finding::failed || !use_as_stale(slot, now)) {
        uint64_t version = slot.answered && same(slot.route, route) ? slot.route.version : ++versions_;
        slot.route = route;
        slot.route.version = version;
        slot.answered = true;
        keep = std::clamp(keep, limits_.shortest, limits_.longest);
        slot.expires = now + keep;
        slot.refresh = found ? now + keep / 5 * 4 : slot.expires;
        slot.stale_until = found ? slot.expires + limits_.kept_stale : now;
    }
    settle(index);
}

void Questions::news(std::string_view domain, contract::Discoverable service, Instant now) {
    counters_.add(Counter::policy_answers);
    uint32_t hash = hash_of(domain, service);
    for (Index i = buckets_[hash & (buckets_.size() - 1)]; i != kNone; i = slots_[i].next_of_bucket) {
        Slot& slot = slots_[i];
        if (slot.service == service && slot.domain.view() == domain) slot.expires = std::min(slot.expires, now);
    }
}

void Questions::advance(Instant now) {
    // All wait equally long, so the list is in the order of deadlines.
    while (asking_.first != kNone && slots_[asking_.first].deadline <= now) give_up(asking_.first, now);
}

bool Questions::next_settled(uint64_t& key) {
    Index index = settled_.first;
    if (index == kNone) return false;
    unlink(settled_, &Slot::place, index);
    if (!slots_[index].waiting) append(by_age_, &Slot::place, index);
    key = key_of(index);
    return true;
}

void Questions::give_up(Index index, Instant now) {
    counters_.add(Counter::policy_questions_failed);
    Slot& slot = slots_[index];
    unlink(asking_, &Slot::asking, index);
    if (slot.answered && now < slot.expires) {
        slot.refresh = now + limits_.retry;
    } else if (!use_as_stale(slot, now)) {
        slot.route = Route{};
        slot.route.reason = std::string_view("control did not answer in time");
        slot.route.version = ++versions_;
        slot.answered = true;
        slot.expires = slot.refresh = now + limits_.retry;
        slot.stale_until = now;
    }
    settle(index);
}

bool Questions::use_as_stale(Slot& slot, Instant now) {
    if (!slot.answered || slot.route.finding != contract::Finding::found || now >= slot.stale_until) return false;
    counters_.add(Counter::policy_answers_stale);
    slot.route.stale = true;
    slot.expires = slot.refresh = now + limits_.stale_for;
    return true;
}

uint32_t Questions::hash_of(std::string_view domain, contract::Discoverable service) const {
    uint64_t h = hash_key_.c ^ static_cast<uint64_t>(service);
    for (size_t at = 0; at < domain.size(); at += 8) {
        uint64_t word = 0;
        std::memcpy(&word, domain.data() + at, std::min<size_t>(8, domain.size() - at));
        h = fold_multiply(word ^ hash_key_.a, h ^ hash_key_.b);
    }
    return keyed_hash(hash_key_, h, domain.size(), 0);
}

Questions::Index Questions::look_up(const RouteQuestion& question, uint32_t hash) const {
    Index index = buckets_[hash & (buckets_.size() - 1)];
    for (; index != kNone; index = slots_[index].next_of_bucket) {
        const Slot& slot = slots_[index];
        if (slot.hash == hash && slot.service == question.service && slot.srv_mode == question.srv_mode &&
            slot.namespace_rule == question.namespace_rule && slot.domain.view() == question.domain &&
            slot.via.view() == question.via)
            break;
    }
    return index;
}

// Takes a free slot, or that of the domain which was used least recently and nobody waits for.
Questions::Index Questions::enter(const RouteQuestion& question, uint32_t hash) {
    if (free_ == kNone) {
        if (by_age_.first == kNone) return kNone;
        release(by_age_.first);
    }
    Index index = free_;
    Slot& slot = slots_[index];
    free_ = slot.next_of_bucket;
    uint32_t generation = slot.generation;
    slot = Slot{};
    slot.generation = generation;
    slot.domain = question.domain;
    slot.via = question.via;
    slot.service = question.service;
    slot.srv_mode = question.srv_mode;
    slot.namespace_rule = question.namespace_rule;
    slot.hash = hash;
    Index& bucket = buckets_[hash & (buckets_.size() - 1)];
    slot.next_of_bucket = bucket;
    bucket = index;
    append(by_age_, &Slot::place, index);
    used_++;
    return index;
}

void Questions::release(Index index) {
    Slot& slot = slots_[index];
    unlink(by_age_, &Slot::place, index);
    if (slot.asking.list) unlink(asking_, &Slot::asking, index);
    Index* at = &buckets_[slot.hash & (buckets_.size() - 1)];
    while (*at != index) at = &slots_[*at].next_of_bucket;
    *at = slot.next_of_bucket;
    slot.generation++;  // an answer that is still on its way finds nothing
    slot.next_of_bucket = free_;
    free_ = index;
    used_--;
}

bool Questions::ask(Index index, Instant now) {
    Slot& slot = slots_[index];
    RouteQuestion question{slot.domain.view(), slot.service, slot.srv_mode, slot.via.view(), slot.namespace_rule};
    if (!carrier_.carry(key_of(index), question, limits_.wait)) return false;
    counters_.add(Counter::policy_questions);
    slot.deadline = now + limits_.wait;
    append(asking_, &Slot::asking, index);
    return true;
}

void Questions::wait(Index index) {
    Slot& slot = slots_[index];
    if (slot.waiting) return;
    slot.waiting = true;
    waiting_++;
    // Nobody's place is taken while he waits. One who was told and asks again before that was heard waits already.
    if (slot.place.list == &by_age_) unlink(by_age_, &Slot::place, index);
}

void Questions::settle(Index index) {
    Slot& slot = slots_[index];
    if (!slot.waiting) return;
    slot.waiting = false;
    waiting_--;
    if (!slot.place.list) append(settled_, &Slot::place, index);
}

void Questions::append(List& list, LinksOf links, Index index) {
    Links& own = slots_[index].*links;
    own = {kNone, list.last, &list};
    (list.last == kNone ? list.first : (slots_[list.last].*links).next) = index;
    list.last = index;
}

void Questions::unlink(List& list, LinksOf links, Index index) {
    Links& own = slots_[index].*links;
    (own.previous == kNone ? list.first : (slots_[own.previous].*links).next) = own.next;
    (own.next == kNone ? list.last : (slots_[own.next].*links).previous) = own.previous;
    own = {};
}

}  // namespace fedge::policy
