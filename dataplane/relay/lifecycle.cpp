// Birth and end of allocations, and what time does to them.
#include <algorithm>

#include "dataplane/relay/stream_state.h"

namespace fedge::relay {

Handle TurnState::take_slot() {
    Handle handle = first_free;
    if (handle == 0) return 0;
    first_free = pool[handle].expires;
    in_use++;
    uint32_t generation = pool[handle].generation;
    pool[handle] = Allocation{};
    pool[handle].generation = generation + 1;
    pool[handle].relay = {RelayPort{kNoRelay, 0}, RelayPort{kNoRelay, 0}};
    details[handle] = AllocationDetails{};
    return handle;
}

void TurnState::free_slot(Handle handle) {
    Allocation& a = pool[handle];
    a.state = Allocation::unused;
    a.expires = first_resting;
    if (first_resting == 0) last_resting = handle;
    first_resting = handle;
    in_use--;
}

// Slots that ended during a burst are given out again after it: a handle that was looked up for the burst may name an
// ended allocation, but never another client's.
void TurnState::end_rest() {
    if (first_resting == 0) return;
    pool[last_resting].expires = first_free;
    first_free = first_resting;
    first_resting = 0;
}

void TurnState::end(Instant now, Handle handle, Counter why) {
    Allocation& a = pool[handle];
    flows.remove(a.key());
    if (a.tcp) clients->close_allocation(a.tcp);
    for (const RelayPort& r : a.relay)
        if (r.table != kNoRelay) ports.release(r.table, r.port, now);
    streams.release(a.streams);
    bindings.clear(a);
    wheel.cancel(handle);
    quota.release_to_quarantine(a.user_slot, now, quarantine_share());
    free_slot(handle);
    alive--;
    counters.add(why);
}

void TurnState::end_client(Instant now, const FlowKey& key) {
    if (Handle handle = flows.find(key)) end(now, handle, Counter::turn_allocations_deleted);
}

// A user's limit of ports in quarantine goes by its limit of allocations: generous to clients that come and go, and far
// from what there are ports.
Duration TurnState::quarantine_share() const {
    if (config->user_quota == 0) return {};
    return config->port_quarantine / std::max<int64_t>(16, int64_t{4} * config->user_quota);
}

void TurnState::end_foreign(Handle handle) {
    flows.remove(pool[handle].key());
    wheel.cancel(handle);
    quota.release(pool[handle].user_slot);
    free_slot(handle);
}

void TurnState::wake_by(Handle handle, Tick tick) {
    Allocation& a = pool[handle];
    if (wheel.armed(handle) && a.wake <= tick) return;
    a.wake = tick;
    wheel.arm(handle, instant_of(tick));
}

void TurnState::wake(Instant now, Handle handle) {
    Allocation& a = pool[handle];
    Tick tick = tick_of(now);
    if (a.state == Allocation::foreign) {
        if (tick < a.expires) {
            wake_by(handle, a.expires);
        } else {
            end_foreign(handle);
        }
    } else if (!a.alive(tick)) {
        end(now, handle, Counter::turn_allocations_expired);
    } else {
        wake_by(handle, std::min(a.expires, bindings.purge(a, tick, a.expires, streams)));
    }
}

void TurnState::give_back(const Reservation& reservation) {
    ports.release_unused(reservation.port.table, reservation.port.port);
    quota.release(reservation.user_slot);
}

uint32_t TurnState::expire(Instant now, uint32_t work) {
    end_rest();
    // Once a turn is soon enough to tell, and costs packets nothing.
    counters.add(Counter::streams_unmeasured_packets, streams.unmeasured() - unmeasured_counted);
    unmeasured_counted = streams.unmeasured();
    reservations.expire(now, [&](const Reservation& r) { give_back(r); });
    uint32_t done = wheel.advance(now, work, [&](uint32_t handle) { wake(now, handle); });
    if (config && done < work) done += sweep(now, work - done);
    if (config && done < work) {
        quarantine_next =
            quarantine_next + 1U < relays.size() ? static_cast<uint16_t>(quarantine_next + 1) : uint16_t{0};
        if (relays[quarantine_next].used)
            done += ports.end_quarantine(quarantine_next, now, config->port_quarantine, work - done);
    }
    return done;
}

}  // namespace fedge::relay
