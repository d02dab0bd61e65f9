// What a client's STUN message is, who may ask for it, and which step answers it (RFC 8489 section 6.3, RFC 8656
// section 5).
#include "dataplane/relay/turn_state.h"

namespace fedge::relay {

using wire::StunAttribute;
using wire::StunClass;
using wire::StunMessage;
using wire::StunMethod;

namespace {

bool authenticated_method(const StunMessage& message) {
    return message.is(StunMethod::allocate) || message.is(StunMethod::refresh) ||
           message.is(StunMethod::create_permission) || message.is(StunMethod::channel_bind) ||
           message.is(StunMethod::connect) || message.is(StunMethod::connection_bind);
}

Counter counter_of(AuthOutcome outcome) {
    switch (outcome) {
        case AuthOutcome::stale: return Counter::stun_stale_nonce;
        case AuthOutcome::bad_request: return Counter::stun_bad_request;
        case AuthOutcome::unauthorized: return Counter::stun_unauthorized;
        default: return Counter::stun_challenges;
    }
}

Counter counter_of(uint16_t code) {
    switch (code) {
        case 403: return Counter::turn_forbidden_peer;
        case 420: return Counter::stun_unknown_attribute;
        case 437: return Counter::turn_allocation_mismatch;
        case 440:
        case 443: return Counter::turn_family_unsupported;
        case 441: return Counter::turn_wrong_credentials;
        case 442: return Counter::turn_transport_unsupported;
        case 446: return Counter::turn_tcp_exists;
        case 447: return Counter::turn_tcp_failed;
        case 486: return Counter::turn_user_quota;
        case 508: return Counter::turn_capacity;
        default: return Counter::stun_bad_request;
    }
}

}  // namespace

Outcome TurnState::on_stun(Instant now, uint64_t unix_now, const ClientDatagram& datagram, MutableBytes out,
                           Forward& forward) {
    Outcome outcome;
    auto dropped = [&](Drop reason) {
        drop(reason);
        return outcome;
    };
    auto reply = [&](Bytes bytes) {
        outcome.reply = bytes;
        if (!bytes.empty()) outcome.kind = Outcome::Kind::reply;
        return outcome;
    };
    if (!config || datagram.listener >= config->listeners.size()) return dropped(Drop::no_snapshot);
    const Listener& listener = config->listeners[datagram.listener];
    if (!listener.stream && wire::is_classic_binding(datagram.payload))
        return reply(answer_classic_binding(now, datagram, out));
    if (!wire::is_stun(datagram.payload)) return dropped(Drop::turn_not_turn);
    auto message = StunMessage::parse(datagram.payload);
    if (!message) message = StunMessage::parse_to_refuse(datagram.payload);
    if (!message) return dropped(Drop::stun_malformed);
    if (message->fingerprint_ok() == false) return dropped(Drop::stun_fingerprint);

    FlowKey key{datagram.client.address.octets(), datagram.client.port, listener_at[datagram.listener], 0};
    Request request{.now = now,
                    .tick = tick_of(now),
                    .unix_now = unix_now,
                    .datagram = datagram,
                    .server = listener.endpoint,
                    .key = key,
                    .message = *message,
                    .out = out,
                    .handle = flows.find(key),
                    .stream = listener.stream,
                    .auth = {}};
    bool turn_request = message->klass() == StunClass::request && authenticated_method(*message);
    bool send = message->klass() == StunClass::indication && message->is(StunMethod::send);
    if (message->lacks_attributes() && !turn_request) return dropped(Drop::stun_malformed);
    if (Turn::is_foreign(request.handle) && (turn_request || send)) {
        outcome.kind = Outcome::Kind::handover;
        outcome.core = foreign_core(now, request.handle);
        return outcome;
    }
    if (!living(request.handle, request.tick)) request.handle = 0;

    if (send) {
        if (on_send(now, request.handle, *message, forward)) outcome.kind = Outcome::Kind::forward;
        return outcome;
    }
    // A Binding indication keeps a NAT's mapping alive and is never answered.
    if (message->klass() == StunClass::indication && message->is(StunMethod::binding)) return outcome;
    if (message->klass() != StunClass::request) return dropped(Drop::stun_not_request);
    if (message->is(StunMethod::binding)) return reply(answer_binding(request));
    if (!turn_request) return dropped(Drop::stun_malformed);
    Bytes answer = answer_authenticated(request, outcome);
    if (outcome.kind == Outcome::Kind::handover) return outcome;
    return reply(answer);
}

// RFC 8489 section 11 (RFC 3489 clients): the plain MAPPED-ADDRESS, and 16 bytes of transaction id where the cookie is
// now.
Bytes TurnState::answer_classic_binding(Instant now, const ClientDatagram& datagram, MutableBytes out) {
    counters.add(Counter::stun_requests);
    Bytes address = datagram.client.address.wire();
    ByteWriter writer{out};
    writer.u16(0x0101);
    writer.u16(static_cast<uint16_t>(8 + address.size()));
    writer.bytes(datagram.payload.subspan(4, 16));
    writer.u16(static_cast<uint16_t>(StunAttribute::mapped_address));
    writer.u16(static_cast<uint16_t>(4 + address.size()));
    writer.u8(0);
    writer.u8(address.size() == 4 ? 1 : 2);
    writer.u16(datagram.client.port);
    writer.bytes(address);
    if (!writer.ok()) return {};
    if (!budget.may_send(now, datagram.client.address, datagram.payload.size(), writer.size())) {
        drop(Drop::stun_source_budget);
        return {};
    }
    counters.add(Counter::stun_binding);
    return writer.written();
}

Bytes TurnState::within_budget(const Request& request, Bytes reply) {
    // Who is connected has proved that it receives where it sends from.
    if (reply.empty() || request.stream) return reply;
    if (budget.may_send(request.now, request.datagram.client.address, request.datagram.payload.size(), reply.size()))
        return reply;
    drop(Drop::stun_source_budget);
    return {};
}

Bytes TurnState::answer_binding(Request& request) {
    counters.add(Counter::stun_requests);
    const StunMessage& message = request.message;
    bool known = message.unknown_required().empty();
    wire::StunWriter writer{request.out, known ? StunClass::success : StunClass::error, message.method(),
                            message.transaction()};
    if (known) {
        writer.xor_address(StunAttribute::xor_mapped_address, request.datagram.client);
    } else {
        writer.error_code(420);
        writer.unknown_attributes(message.unknown_required());
    }
    if (message.has(StunAttribute::fingerprint)) writer.fingerprint();
    Bytes reply = within_budget(request, writer.finish());
    if (!reply.empty()) counters.add(known ? Counter::stun_binding : Counter::stun_unknown_attribute);
    return reply;
}

Bytes TurnState::answer_authenticated(Request& request, Outcome& outcome) {
    counters.add(Counter::stun_requests);
    RequestPath path{request.datagram.client, request.server};
    // A connection proves by itself that its source can receive. Without the port, the nonce of a control connection is
    // good on the data connections of RFC 6062 too, whose clients know no other.
    if (request.stream) path.client.port = 0;
    request.auth = authenticate(request.message, path, request.unix_now, *config->credentials, digest);
    if (request.auth.outcome != AuthOutcome::accepted) {
        Bytes reply = within_budget(request, write_refusal(request.auth.outcome, request.message, path,
                                                           request.unix_now, *config->credentials, request.out));
        if (!reply.empty()) counters.add(counter_of(request.auth.outcome));
        return reply;
    }
    // RFC 8489 section 6.3.1: unknown attributes are looked at once the source is known. So are those that cannot be.
    if (request.message.lacks_attributes()) return refuse(request, 400);
    if (!request.message.unknown_required().empty()) return refuse(request, 420);
    if (request.message.is(StunMethod::allocate)) return on_allocate(request, outcome);
    if (request.message.is(StunMethod::refresh)) return on_refresh(request);
    if (request.message.is(StunMethod::create_permission)) return on_create_permission(request);
    if (request.message.is(StunMethod::connect)) return on_connect(request);
    if (request.message.is(StunMethod::connection_bind)) return on_connection_bind(request, outcome);
    return on_channel_bind(request);
}

Bytes TurnState::refuse(const Request& request, uint16_t code) {
    counters.add(counter_of(code));
    return answer(request, StunClass::error, [&](wire::StunWriter& writer) {
        writer.error_code(code);
        if (code == 420) writer.unknown_attributes(request.message.unknown_required());
    });
}

Bytes TurnState::refuse_stranger(const Request& request) {
    if (request.handle == 0) return refuse(request, 437);
    if (details[request.handle].user != request.auth.user.name) return refuse(request, 441);
    return {};
}

}  // namespace fedge::relay
