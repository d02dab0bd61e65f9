#include "dataplane/relay/ports.h"

#include <algorithm>
#include <utility>

namespace fedge::relay {
namespace {

uint32_t seconds(Instant now) {
    return static_cast<uint32_t>(duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
}

}  // namespace

Ports::Ports(uint32_t tables, PortShare share, int socket)
    : share_(share),
      pairs_(share.pairs()),
      heads_("relay port heads", tables, socket),
      cells_("relay ports", size_t{tables} * pairs_ * 2, socket),
      order_("relay port order", size_t{tables} * pairs_, socket),
      place_("relay port places", size_t{tables} * pairs_, socket),
      followers_("relay port quarantine", size_t{tables} * pairs_ * 2, socket) {
    for (uint32_t table = 0; table < tables; table++) clear(static_cast<uint16_t>(table));
}

void Ports::clear(uint16_t table) {
    heads_[table] = Head{};
    for (uint32_t i = 0; i < pairs_; i++) {
        order_[base(table) + i] = place_[base(table) + i] = static_cast<uint16_t>(i);
        cells_[base(table) * 2 + i * 2] = cells_[base(table) * 2 + i * 2 + 1] = kFree;
    }
}

void Ports::open(uint16_t table, const PortRange& range) {
    if (heads_[table].range == range) return;
    heads_[table].range = range;
    for (uint32_t index = 0; index < pairs_ * 2; index++) {
        uint16_t port = share_.port(index);
        if (cells_[base(table) * 2 + index] == kFree) set_free(table, index, range.contains(port));
    }
}

Ports::Part Ports::part_of(uint16_t table, uint32_t pair) const {
    const auto& ends = heads_[table].ends;
    uint32_t at = place_[base(table) + pair];
    return at < ends[both] ? both : at < ends[only_even] ? only_even : at < ends[only_odd] ? only_odd : none;
}

void Ports::move(uint16_t table, uint32_t pair, Part to) {
    auto& ends = heads_[table].ends;
    uint16_t* order = &order_[base(table)];
    uint16_t* place = &place_[base(table)];
    auto swap_to = [&](uint32_t target) {
        uint32_t at = place[pair];
        std::swap(order[at], order[target]);
        place[order[at]] = static_cast<uint16_t>(at);
        place[pair] = static_cast<uint16_t>(target);
    };
    uint32_t from = part_of(table, pair);
    for (; from < to; from++) swap_to(--ends[from]);      // last of its part, then first of the next
    for (; from > to; from--) swap_to(ends[from - 1]++);  // first of its part, then last of the one before
}

void Ports::set_free(uint16_t table, uint32_t index, bool free) {
    static constexpr uint32_t kBits[] = {3, 1, 2, 0};  // by part: bit 0 even is free, bit 1 odd is free
    static constexpr Part kParts[] = {none, only_even, only_odd, both};  // by bits
    uint32_t pair = index >> 1;
    uint32_t bit = 1U << (index & 1);
    uint32_t bits = kBits[part_of(table, pair)];
    move(table, pair, kParts[free ? bits | bit : bits & ~bit]);
}

uint32_t Ports::free_ports(uint16_t table) const {
    return heads_[table].ends[both] + heads_[table].ends[only_odd];
}

std::optional<uint32_t> Ports::pick(uint16_t table, PortWish wish, Random& random) const {
    const auto& ends = heads_[table].ends;
    const uint16_t* order = &order_[base(table)];
    uint32_t choices = wish == PortWish::pair   ? ends[both]
                       : wish == PortWish::even ? ends[only_even]
                                                : free_ports(table);
    if (choices == 0) return std::nullopt;
    uint32_t choice = random.below(choices);
    if (wish != PortWish::any) return order[choice] * 2U;
    // Every free port is as likely as any other: pairs with both free count twice.
    if (choice < ends[both] * 2) return order[choice / 2] * 2U + (choice & 1);
    choice -= ends[both];
    return order[choice] * 2U + (choice < ends[only_even] ? 0 : 1);
}

std::optional<uint16_t> Ports::take(uint16_t table, PortWish wish, Instant now, Duration quarantine, Random& random) {
    end_quarantine(table, now, quarantine, 16);
    std::optional<uint32_t> index = pick(table, wish, random);
    if (!index) return std::nullopt;
    set_free(table, *index, false);
    cells_[base(table) * 2 + *index] = kReserved;
    if (wish == PortWish::pair) {
        set_free(table, *index + 1, false);
        cells_[base(table) * 2 + *index + 1] = kReserved;
    }
    return share_.port(*index);
}

void Ports::release(uint16_t table, uint16_t port, Instant now) {
    Head& head = heads_[table];
    uint32_t index = share_.index(port);
    cells_[base(table) * 2 + index] = kQuarantined | (seconds(now) & ~kQuarantined);
    if (head.quarantined++ == 0) {
        head.oldest = static_cast<uint16_t>(index);
    } else {
        followers_[base(table) * 2 + head.newest] = static_cast<uint16_t>(index);
    }
    head.newest = static_cast<uint16_t>(index);
}

void Ports::release_unused(uint16_t table, uint16_t port) {
    uint32_t index = share_.index(port);
    cells_[base(table) * 2 + index] = kFree;
    if (heads_[table].range.contains(port)) set_free(table, index, true);
}

uint32_t Ports::end_quarantine(uint16_t table, Instant now, Duration quarantine, uint32_t budget) {
    Head& head = heads_[table];
    uint32_t freed = 0;
    while (head.quarantined && freed < budget) {
        uint32_t index = head.oldest;
        uint32_t released = cells_[base(table) * 2 + index] & ~kQuarantined;
        // The release was rounded down to the second: wait one more.
        if (now.time_since_epoch() < std::chrono::seconds{released + 1} + quarantine) break;
        head.oldest = followers_[base(table) * 2 + index];
        head.quarantined--;
        freed++;
        release_unused(table, share_.port(index));
    }
    return freed;
}

size_t Ports::bytes() const {
    return heads_.bytes() + cells_.bytes() + order_.bytes() + place_.bytes() + followers_.bytes();
}

}  // namespace fedge::relay
