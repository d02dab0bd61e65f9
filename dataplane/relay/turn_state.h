// What a Turn is made of. Internal to relay/: the parts, and the steps of the TURN server spread over files by what
// they do.
#pragma once

#include <memory>
#include <vector>

#include "dataplane/base/table.h"
#include "dataplane/base/wheel.h"
#include "dataplane/classify/peer_policy.h"
#include "dataplane/classify/streams.h"
#include "dataplane/classify/token_bucket.h"
#include "dataplane/relay/allocation.h"
#include "dataplane/relay/authenticate.h"
#include "dataplane/relay/bindings.h"
#include "dataplane/relay/config.h"
#include "dataplane/relay/flows.h"
#include "dataplane/relay/ports.h"
#include "dataplane/relay/quota.h"
#include "dataplane/relay/reservations.h"
#include "dataplane/relay/source_budget.h"
#include "dataplane/relay/turn.h"
#include "dataplane/wire/stun.h"

namespace fedge::relay {

struct StreamState;

// Listeners and relay addresses keep their numbers here while snapshots come and go; allocations hold these numbers.
inline constexpr uint16_t kGone = 0xffff;

struct ListenerSlot {
    Endpoint endpoint;
    uint16_t position = kGone;  // in Config::listeners
    bool used = false;          // an allocation may still refer to it even when position is kGone
    // What ChannelData to its clients is padded to, less one: nothing over UDP, 4 on a stream (RFC 8656 section 12.5).
    uint8_t padding = 0;

    bool stream() const { return padding != 0; }
};

struct RelaySlot {
    RelayAddress relay;
    uint16_t position = kGone;  // in Config::relay_addresses
    bool used = false;
};

// One request from a client that reached the point of being answered.
struct Request {
    Instant now;
    Tick tick;
    uint64_t unix_now;
    const ClientDatagram& datagram;
    Endpoint server;
    FlowKey key;
    const wire::StunMessage& message;
    MutableBytes out;
    Handle handle = 0;  // allocation of the 5-tuple, alive
    bool stream = false;
    AuthResult auth;
};

// What it takes to answer a request that was accepted when the answer is known (RFC 6062 section 5.2).
struct LateAnswer {
    wire::TransactionId transaction{};
    IntegrityKey key;
    bool fingerprint = false;
};

struct TurnState {
    TurnState(const TurnPools& pools, Instant start, Counters counters, Random& random, Digest& digest,
              SharedQuota& quota);

    // adopt.cpp
    void adopt(Instant now, const Config* config);
    void place_listeners();
    void place_relays();
    void finish_sweep(Instant now);
    uint32_t sweep(Instant now, uint32_t budget);
    bool homeless(const Allocation& a) const;

    // on_stun.cpp
    Outcome on_stun(Instant now, uint64_t unix_now, const ClientDatagram& datagram, MutableBytes out, Forward& forward);
    Bytes answer_classic_binding(Instant now, const ClientDatagram& datagram, MutableBytes out);
    Bytes answer_binding(Request& request);
    Bytes answer_authenticated(Request& request, Outcome& outcome);
    Bytes within_budget(const Request& request, Bytes reply);
    // An answer to an authenticated request: signed, with FINGERPRINT if the request had one.
    template <typename Add>
    Bytes answer(const Request& request, wire::StunClass klass, Add&& add) {
        wire::StunWriter writer{request.out, klass, request.message.method(), request.message.transaction()};
        add(writer);
        sign(writer, request.auth.key, digest);
        if (request.message.has(wire::StunAttribute::fingerprint)) writer.fingerprint();
        return writer.finish();
    }
    template <typename Add>
    Bytes succeed(const Request& request, Add&& add) {
        return answer(request, wire::StunClass::success, add);
    }
    Bytes succeed(const Request& request) {
        return succeed(request, [](wire::StunWriter&) {});
    }
    Bytes refuse(const Request& request, uint16_t code);
    // 437 or 441, or nothing: the request comes from the owner of a living allocation (RFC 8656 section 5).
    Bytes refuse_stranger(const Request& request);

    // allocate.cpp
    struct Plan;
    Bytes on_allocate(Request& request, Outcome& outcome);
    uint16_t plan(const Request& request, Plan& plan) const;
    bool to_other_core(Request& request, uint64_t token, Outcome& outcome);
    uint16_t take_ports(const Request& request, Plan& plan);
    std::optional<RelayPort> take_port(Family family, PortWish wish, Instant now);
    void give_back_ports(Plan& plan);
    Bytes create(Request& request, Plan& plan, uint32_t user_slot);
    Bytes allocated(const Request& request, const Allocation& a, const AllocationDetails& d);
    uint32_t lifetime(const wire::StunMessage& message) const;

    // refresh.cpp
    Bytes on_refresh(Request& request);
    void end_family(Handle handle, Family family, Instant now);

    // permissions.cpp
    Bytes on_create_permission(Request& request);
    Bytes on_channel_bind(Request& request);
    std::optional<uint16_t> peer_mark(const IpAddress& peer) const;
    std::optional<uint16_t> peer_mark(const Endpoint& peer) const;

    // connect.cpp
    Bytes on_connect(Request& request);
    Bytes on_connection_bind(Request& request, Outcome& outcome);
    // The answer to a Connect whose connection is there (code 0) or has failed.
    Bytes answer_connect(const LateAnswer& late, uint16_t code, uint32_t connection_id, MutableBytes out);
    // By which endpoint clients know who connects from there: another client is known by what is advertised.
    Endpoint known_as(const Endpoint& peer) const;
    // Whether a connection from this peer is to be announced to the client; counted if not.
    bool may_attempt(Handle handle, const Endpoint& peer, Instant now);

    // data.cpp
    bool from_client_channel(Instant now, Handle handle, Bytes payload, Forward& forward);
    bool on_send(Instant now, Handle handle, const wire::StunMessage& message, Forward& forward);
    enum class Way : uint8_t { wire, hairpin };  // by which a peer's datagram came
    bool from_peer(Instant now, Handle handle, Way way, const Endpoint& peer, Bytes payload, Forward& forward);
    bool on_icmp(Instant now, Handle handle, const Endpoint& peer, const IcmpError& error, Forward& forward);
    bool relay_to_peer(Instant now, Handle handle, Binding& binding, uint16_t port, Bytes payload, Bytes data,
                       Forward& forward);
    bool charge(Instant now, Allocation& a, Direction direction, size_t bytes);
    bool lease(Instant now, Allocation& a, Direction direction, int32_t bytes);
    // Of a connection: what may not pass now waits and is no loss. False: not now.
    bool charge_connection(Instant now, Handle handle, Direction direction, size_t bytes);
    bool drop(Drop reason) {
        counters.drop(reason);
        return false;
    }
    bool drop(Allocation& a, Drop reason) {
        a.dropped++;
        return drop(reason);
    }

    // lifecycle.cpp
    Handle take_slot();
    void free_slot(Handle handle);
    void end_rest();
    void end(Instant now, Handle handle, Counter why);
    void end_client(Instant now, const FlowKey& key);  // its connection is no more
    void end_foreign(Handle handle);
    Duration quarantine_share() const;
    uint16_t foreign_core(Instant now, Handle handle);
    void wake_by(Handle handle, Tick tick);
    uint32_t expire(Instant now, uint32_t budget);
    void wake(Instant now, Handle handle);
    void give_back(const Reservation& reservation);
    Allocation* living(Handle handle, Tick now) {
        return handle && handle < kForeign && pool[handle].alive(now) ? &pool[handle] : nullptr;
    }

    // listing.cpp
    uint64_t id_of(Handle handle) const {
        return uint64_t{pools.core} << 48 | uint64_t{pool[handle].generation & 0xffff} << 32 | handle;
    }
    Handle handle_of(uint64_t id) const;
    void fill_row(Instant now, Handle handle, AllocationRow& row) const;

    Family family_of(const RelaySlot& slot) const { return slot.relay.address.family(); }

    const TurnPools pools;
    Counters counters;
    Random& random;
    Digest& digest;
    SharedQuota& quota;
    const Config* config = nullptr;
    classify::TokenRate allocation_rate;

    Table<Allocation> pool;  // [0] is not used: handle 0 means none
    Flows flows;
    Table<AllocationDetails> details;
    Handle first_free = 0;
    Handle first_resting = 0;  // ended since the last expire()
    Handle last_resting = 0;
    uint32_t in_use = 0;  // living and foreign
    uint32_t alive = 0;
    Bindings bindings;
    TimingWheel wheel;
    Ports ports;
    Reservations reservations;
    SourceBudget budget;
    StreamState* clients = nullptr;  // on streams; none on a core that serves UDP alone
    Table<classify::Stream> stream_records;
    classify::StreamTable streams;
    uint64_t unmeasured_counted = 0;  // of streams.unmeasured()

    std::vector<ListenerSlot> listeners;
    std::vector<RelaySlot> relays;
    std::vector<uint16_t> listener_at;  // by position in the snapshot
    std::vector<uint16_t> relay_at;
    Handle sweep_next = 0;         // slot to look at next; 0: nothing to do
    uint16_t quarantine_next = 0;  // table whose quarantine is looked at next
};

}  // namespace fedge::relay
