// From one snapshot to the next: allocations keep the numbers of their listener and relay address, whatever positions
// these have in the new snapshot. What is gone is found by a sweep over the pool, a few slots at a time.
#include <algorithm>

#include "dataplane/relay/turn_state.h"

namespace fedge::relay {
namespace {

template <typename Slots, typename Same>
uint16_t place(Slots& slots, Same&& same) {
    for (size_t i = 0; i < slots.size(); i++)
        if (slots[i].used && same(slots[i])) return static_cast<uint16_t>(i);
    for (size_t i = 0; i < slots.size(); i++)
        if (!slots[i].used) return static_cast<uint16_t>(i);
    return kGone;
}

bool same_listener(const ListenerSlot& slot, const Listener& listener) {
    return slot.endpoint == listener.endpoint && slot.stream() == listener.stream;
}

}  // namespace

void TurnState::adopt(Instant now, const Config* next) {
    for (ListenerSlot& slot : listeners) slot.position = kGone;
    for (RelaySlot& slot : relays) slot.position = kGone;
    config = next;
    allocation_rate = classify::TokenRate::kilobits(next->allocation_kbps);
    streams.measure_one_in(next->measure ? 1 : 0);
    budget.configure(next->unauthenticated_rate, next->unauthenticated_burst);
    // Slots that wait for the sweep may be in the way of new ones: then, and only then, the sweep is done at once.
    auto wanted = [](const auto& slots, const auto& entries, auto same) {
        size_t free = 0;
        size_t fresh = 0;
        for (const auto& slot : slots) free += !slot.used;
        for (const auto& entry : entries)
            fresh += std::none_of(slots.begin(), slots.end(), [&](const auto& s) { return s.used && same(s, entry); });
        return fresh > free;
    };
    bool crowded = wanted(listeners, next->listeners, same_listener) ||
                   wanted(relays, next->relay_addresses,
                          [](const auto& s, const auto& e) { return s.relay.address == e.address; });
    place_listeners();
    place_relays();
    sweep_next = 1;
    if (crowded) {
        finish_sweep(now);
        place_listeners();
        place_relays();
        sweep_next = 1;  // peers that are relay addresses only now
    }
    auto gone = [&](const Reservation& r) { return relays[r.port.table].position == kGone; };
    reservations.end_if(gone, [&](const Reservation& r) { give_back(r); });
}

void TurnState::place_listeners() {
    for (size_t i = 0; i < config->listeners.size(); i++) {
        const Listener& listener = config->listeners[i];
        uint16_t at = place(listeners, [&](const ListenerSlot& s) { return same_listener(s, listener); });
        listener_at[i] = at;
        if (at == kGone) continue;
        listeners[at] = {listener.endpoint, static_cast<uint16_t>(i), true, listener.stream ? uint8_t{3} : uint8_t{0}};
    }
    std::fill(listener_at.begin() + static_cast<ptrdiff_t>(config->listeners.size()), listener_at.end(), kGone);
}

void TurnState::place_relays() {
    PortRange range{config->port_first, config->port_last};
    for (size_t i = 0; i < config->relay_addresses.size(); i++) {
        const RelayAddress& relay = config->relay_addresses[i];
        uint16_t at = place(relays, [&](const RelaySlot& s) { return s.relay.address == relay.address; });
        relay_at[i] = at;
        if (at == kGone) continue;
        relays[at] = {relay, static_cast<uint16_t>(i), true};
        ports.open(at, range);
    }
    std::fill(relay_at.begin() + static_cast<ptrdiff_t>(config->relay_addresses.size()), relay_at.end(), kGone);
}

bool TurnState::homeless(const Allocation& a) const {
    if (listeners[a.listener].position == kGone) return true;
    return std::ranges::any_of(
        a.relay, [&](const RelayPort& r) { return r.table != kNoRelay && relays[r.table].position == kGone; });
}

uint32_t TurnState::sweep(Instant now, uint32_t budget_left) {
    uint32_t done = 0;
    for (; sweep_next && done < budget_left; done++) {
        Handle handle = sweep_next++;
        Allocation& a = pool[handle];
        if (a.state == Allocation::foreign) {
            if (listeners[a.listener].position == kGone) end_foreign(handle);
        } else if (a.state == Allocation::living) {
            if (homeless(a)) {
                end(now, handle, Counter::turn_allocations_disconnected);
            } else {
                bindings.remove_if(a, streams, [&](Binding& b) {
                    auto mark = b.channel ? peer_mark(Endpoint{b.address, b.port}) : peer_mark(b.address);
                    b.own_relay = mark.value_or(0);
                    return !mark;
                });
            }
        }
        if (sweep_next < pool.size()) continue;
        sweep_next = 0;
        for (ListenerSlot& slot : listeners)
            if (slot.position == kGone) slot.used = false;
        for (size_t i = 0; i < relays.size(); i++) {
            if (relays[i].position != kGone || !relays[i].used) continue;
            relays[i].used = false;
            ports.clear(static_cast<uint16_t>(i));
        }
    }
    return done;
}

void TurnState::finish_sweep(Instant now) {
    while (sweep_next) sweep(now, 4096);
}

}  // namespace fedge::relay
