#include "dataplane/relay/turn.h"

#include <rte_prefetch.h>

#include <stdexcept>

#include "dataplane/relay/turn_state.h"

namespace fedge::relay {
namespace {

TurnPools checked(TurnPools pools) {
    if (pools.cores == 0 || pools.cores > 256 || pools.core >= pools.cores)
        throw std::invalid_argument(
            "turn: the number of cores is not between 1 and 256, or this core is not among them");
    if (pools.max_allocations == 0 || pools.max_allocations >= kForeign - 1)
        throw std::invalid_argument("turn: max-allocations is not between 1 and 2^30");
    if (pools.limits.listeners == 0 || pools.limits.listeners > 256)
        throw std::invalid_argument("turn: the limit of listeners is not between 1 and 256");
    if (pools.limits.relay_addresses == 0 || pools.limits.relay_addresses >= kNoRelay)
        throw std::invalid_argument("turn: the limit of relay addresses is not between 1 and 65534");
    if (pools.reservations == 0 || pools.reservations > 65536)
        throw std::invalid_argument("turn: the number of reservations is not between 1 and 65536");
    if (pools.extra_bindings == 0) pools.extra_bindings = 2 * pools.max_allocations;
    if (pools.streams == 0) pools.streams = 2 * pools.max_allocations;
    return pools;
}

}  // namespace

TurnState::TurnState(const TurnPools& wanted, Instant start, Counters core_counters, Random& core_random,
                     Digest& core_digest, SharedQuota& shared_quota)
    : pools(checked(wanted)),
      counters(core_counters),
      random(core_random),
      digest(core_digest),
      quota(shared_quota),
      pool("turn allocations", pools.max_allocations + size_t{1}, pools.socket),
      flows(pools.max_allocations, pools.socket, core_random, pool),
      details("turn allocation details", pools.max_allocations + size_t{1}, pools.socket),
      bindings(pools.extra_bindings, pools.socket),
      wheel(pools.max_allocations + 1, kTick, start),
      ports(pools.limits.relay_addresses, PortShare{pools.core, pools.cores}, pools.socket),
      reservations(pools.reservations, pools.core, pools.socket),
      budget(core_random),
      stream_records("turn streams", pools.streams, pools.socket),
      streams(stream_records.span()),
      listeners(pools.limits.listeners),
      relays(pools.limits.relay_addresses),
      listener_at(pools.limits.listeners, kGone),
      relay_at(pools.limits.relay_addresses, kGone) {
    for (Handle handle = pools.max_allocations; handle > 0; handle--) {
        pool[handle].expires = first_free;
        first_free = handle;
    }
}

uint16_t TurnState::foreign_core(Instant now, Handle handle) {
    Handle at = handle & ~kForeign;
    // In use: it lives as long as an allocation could without a Refresh passing through here.
    pool[at].expires = deadline_tick(now + std::chrono::seconds{config->max_lifetime_s});
    return details[at].foreign_core;
}

Turn::Turn(const TurnPools& pools, Instant start, Counters counters, Random& random, Digest& digest, SharedQuota& quota)
    : state_(std::make_unique<TurnState>(pools, start, counters, random, digest, quota)) {}

Turn::~Turn() {
    for (Handle handle = 1; handle < state_->pool.size(); handle++) {
        const Allocation& a = state_->pool[handle];
        if (a.state != Allocation::unused) state_->quota.release(a.user_slot);
    }
    state_->reservations.end_if([](const Reservation&) { return true; },
                                [&](const Reservation& r) { state_->quota.release(r.user_slot); });
}

void Turn::adopt(Instant now, const Config* config) {
    state_->adopt(now, config);
}

Outcome Turn::on_stun(Instant now, uint64_t unix_now, const ClientDatagram& datagram, MutableBytes reply_buffer,
                      Forward& forward) {
    return state_->on_stun(now, unix_now, datagram, reply_buffer, forward);
}

uint16_t Turn::number_of(uint16_t listener) const {
    return listener < state_->listener_at.size() ? state_->listener_at[listener] : kGone;
}

void Turn::lookup_clients(std::span<const FlowKey> keys, Handle* handles) const {
    state_->flows.find(keys, handles);
}

uint16_t Turn::foreign_core(Instant now, Handle handle) {
    return state_->foreign_core(now, handle);
}

bool Turn::from_client_channel(Instant now, Handle handle, Bytes payload, Forward& forward) {
    return state_->from_client_channel(now, handle, payload, forward);
}

uint16_t Turn::owner_of_port(uint16_t port) const {
    return state_->ports.share().owner(port);
}

const uint32_t* Turn::relay_slot(uint16_t relay, uint16_t port) const {
    const TurnState& s = *state_;
    if (relay >= s.relay_at.size() || s.relay_at[relay] == kGone || !s.ports.share().mine(port)) return nullptr;
    return &s.ports.cell(s.relay_at[relay], port);
}

bool Turn::from_peer(Instant now, Handle handle, const Endpoint& peer, Bytes payload, Forward& forward) {
    return state_->from_peer(now, handle, TurnState::Way::wire, peer, payload, forward);
}

bool Turn::from_relay(Instant now, Handle handle, const Endpoint& peer, Bytes payload, Forward& forward) {
    return state_->from_peer(now, handle, TurnState::Way::hairpin, peer, payload, forward);
}

bool Turn::on_icmp(Instant now, uint16_t relay, uint16_t relay_port, const Endpoint& peer, const IcmpError& error,
                   Forward& forward) {
    return state_->on_icmp(now, handle_in(relay_slot(relay, relay_port)), peer, error, forward);
}

void Turn::prefetch(Handle handle, classify::Direction direction) const {
    if (handle == 0 || is_foreign(handle)) return;
    Allocation& a = state_->pool[handle];
    rte_prefetch0(&a);
    rte_prefetch0(&a.traffic(direction));
}

void Turn::prefetch_stream(Handle handle, classify::Direction direction) const {
    if (handle == 0 || is_foreign(handle)) return;
    state_->streams.prefetch(state_->pool[handle].streams, direction);
}

uint32_t Turn::expire(Instant now, uint32_t budget) {
    return state_->expire(now, budget);
}

uint32_t Turn::allocations() const {
    return state_->alive;
}

uint32_t Turn::max_allocations() const {
    return state_->pools.max_allocations;
}

size_t Turn::bytes_per_allocation() const {
    const TurnState& s = *state_;
    constexpr size_t kWheelNode = 16;
    size_t growing =
        s.flows.bytes() + s.pool.bytes() + s.details.bytes() + s.bindings.bytes() + s.stream_records.bytes();
    return growing / s.pools.max_allocations + kWheelNode;
}

uint32_t Turn::free_ports(uint16_t relay) const {
    const TurnState& s = *state_;
    if (relay >= s.relay_at.size() || s.relay_at[relay] == kGone) return 0;
    return s.ports.free_ports(s.relay_at[relay]);
}

}  // namespace fedge::relay
