// Connect and ConnectionBind (RFC 6062 sections 5.2 and 5.4): who may, and the answers. The connections themselves are
// StreamState's.
#include "dataplane/relay/stream_state.h"

namespace fedge::relay {

using wire::StunAttribute;

// A Connect needs no permission: it is as good as a CreatePermission, and the same policy decides about both.
Bytes TurnState::on_connect(Request& request) {
    if (!request.stream || !clients) return refuse(request, 400);
    if (Bytes refused = refuse_stranger(request); !refused.empty()) return refused;
    Allocation& a = pool[request.handle];
    auto peer = request.message.address(StunAttribute::xor_peer_address);
    if (!a.tcp || !peer || peer->port == 0) return refuse(request, 400);
    auto mark = peer_mark(*peer);
    if (!mark) return refuse(request, 403);
    Family family = peer->address.family();
    if (!a.has(family)) return refuse(request, 443);
    // Behind a relay address of ours is another client, known to this one by what is advertised.
    Endpoint to = *peer;
    if (*mark) to.address = relays[*mark - 1U].relay.address;
    const RelayPort& own = a.relay_for(family);
    if (to == Endpoint{relays[own.table].relay.address, own.port}) return refuse(request, 403);
    LateAnswer late{request.message.transaction(), request.auth.key, request.message.has(StunAttribute::fingerprint)};
    uint16_t code = clients->connect(a.tcp, *peer, to, late);
    return code ? refuse(request, code) : Bytes{};
}

Bytes TurnState::answer_connect(const LateAnswer& late, uint16_t code, uint32_t connection_id, MutableBytes out) {
    wire::StunWriter writer{out, code ? wire::StunClass::error : wire::StunClass::success,
                            static_cast<uint16_t>(wire::StunMethod::connect), late.transaction};
    if (code) {
        counters.add(Counter::turn_tcp_failed);
        writer.error_code(code);
    } else {
        writer.attribute_u32(StunAttribute::connection_id, connection_id);
    }
    sign(writer, late.key, digest);
    if (late.fingerprint) writer.fingerprint();
    return writer.finish();
}

Bytes TurnState::on_connection_bind(Request& request, Outcome& outcome) {
    auto id = request.message.u32(StunAttribute::connection_id);
    if (!request.stream || !clients || request.handle || !id) return refuse(request, 400);
    uint32_t core = *id >> 24;
    if (core != pools.core && core < pools.cores) return refuse(request, 447);
    PeerConnection* connection = clients->waiting(*id);
    if (!connection) return refuse(request, 400);
    Handle handle = clients->allocations[connection->allocation].handle;
    if (details[handle].user != request.auth.user.name) return refuse(request, 441);
    outcome.connection = connection->index + 1;
    return succeed(request);
}

Endpoint TurnState::known_as(const Endpoint& peer) const {
    for (const RelaySlot& slot : relays)
        if (slot.position != kGone && slot.relay.address == peer.address) return {slot.relay.advertised, peer.port};
    return peer;
}

// RFC 6062 section 5.3. Permissions may have outlived the policy that let them be made.
bool TurnState::may_attempt(Handle handle, const Endpoint& peer, Instant now) {
    Tick tick = tick_of(now);
    Allocation* a = living(handle, tick);
    if (!a) return drop(Drop::relay_port_unused);
    if (!peer_mark(peer)) return drop(*a, Drop::peer_denied);
    Binding* binding = bindings.of_address(*a, peer.address);
    if (!binding || binding->permission_until <= tick) return drop(*a, Drop::no_permission);
    return true;
}

}  // namespace fedge::relay
