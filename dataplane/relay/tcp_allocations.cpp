// Allocations of TCP and their connections with peers, from Connect or the peer's SYN until ConnectionBind (RFC 6062
// sections 5.1 to 5.3).
#include <array>

#include "dataplane/relay/stream_state.h"

namespace fedge::relay {

using wire::StunAttribute;

namespace {

constexpr uint32_t kRandomIdBits = 24;  // the rest is the core

void end_stream(tcp::Stream* stream, StreamState::How how) {
    if (!stream || how == StreamState::How::gone) return;
    how == StreamState::How::close ? stream->close() : stream->abort();
}

}  // namespace

uint16_t StreamState::open_allocation(Handle handle, uint32_t session, const Endpoint& address) {
    if (free_allocations.empty()) return 0;
    TcpAllocation& a = allocations[free_allocations.back()];
    tcp::StreamOptions options = limits.peer_options;
    options.shares_port = true;
    if (!relay.listen(address, options, a)) return 0;
    free_allocations.pop_back();
    a.handle = handle;
    a.session = session;
    a.relay = address;
    a.first = 0;
    a.count = 0;
    return static_cast<uint16_t>(a.index);
}

void StreamState::close_allocation(uint32_t place) {
    TcpAllocation& a = allocations[place];
    while (a.first) end_peer(peers[a.first - 1], How::close, "the allocation has ended");
    relay.unlisten(a.relay);
    a.handle = 0;
    free_allocations.push_back(place);
}

PeerConnection* StreamState::take_peer(TcpAllocation& a, const Endpoint& peer) {
    if (a.count >= limits.peers_per_allocation || free_peers.empty()) return nullptr;
    PeerConnection& c = peers[free_peers.back()];
    free_peers.pop_back();
    c.ended = {};
    c.id = 0;
    c.allocation = a.index;
    c.next = a.first;
    c.peer = peer;
    c.why = "";
    a.first = c.index + 1;
    a.count++;
    return &c;
}

void StreamState::free_peer(PeerConnection& c) {
    TcpAllocation& a = allocations[c.allocation];
    uint32_t* link = &a.first;
    while (*link != c.index + 1) link = &peers[*link - 1].next;
    *link = c.next;
    a.count--;
    if (c.phase == PeerConnection::Phase::waiting) ids.remove(c.id);
    wheel.cancel(limits.sessions + c.index);
    c.phase = PeerConnection::Phase::free;
    c.stream = nullptr;
    c.generation++;
    free_peers.push_back(c.index);
}

uint16_t StreamState::connect(uint32_t place, const Endpoint& peer, const Endpoint& to, const LateAnswer& late) {
    TcpAllocation& a = allocations[place];
    for (uint32_t at = a.first; at; at = peers[at - 1].next)
        if (peers[at - 1].peer == peer) return 446;
    PeerConnection* c = take_peer(a, peer);
    if (!c) return 508;
    c->stream = relay.connect(a.relay, to, limits.peer_options, *c);
    if (!c->stream) {
        free_peer(*c);
        return 447;
    }
    c->phase = PeerConnection::Phase::connecting;
    c->late = late;
    wheel.arm(limits.sessions + c->index, now + kConnectionDeadline);
    counters.add(Counter::turn_tcp_connects);
    return 0;
}

// A number that no connection has, which nobody can guess, and by which every core knows whose it is.
void StreamState::await_bind(PeerConnection& c) {
    uint32_t id = 0;
    do {
        id = uint32_t{turn.pools.core} << kRandomIdBits | random.u32() >> (32 - kRandomIdBits);
    } while (ids.find(id));
    c.id = id;
    c.phase = PeerConnection::Phase::waiting;
    wheel.arm(limits.sessions + c.index, now + kConnectionDeadline);
}

PeerConnection* StreamState::waiting(uint32_t id) {
    uint32_t place = ids.find(id);
    return place ? &peers[place - 1] : nullptr;
}

void StreamState::on_connected(PeerConnection& c) {
    TcpAllocation& a = allocations[c.allocation];
    await_bind(c);
    if (!ids.set(c.id, c.index + 1)) return on_connect_failed(c);
    Session* s = session_of(a.session);
    uint32_t generation = s->generation;
    if (!write(*s, turn.answer_connect(c.late, 0, c.id, reply)) && s->generation == generation)
        end_session(*s, How::abort, "no room for an answer");
}

void StreamState::on_connect_failed(PeerConnection& c) {
    Session* s = session_of(allocations[c.allocation].session);
    LateAnswer late = c.late;
    end_peer(c, How::abort, "the peer could not be reached");
    uint32_t generation = s->generation;
    if (!write(*s, turn.answer_connect(late, 447, 0, reply)) && s->generation == generation)
        end_session(*s, How::abort, "no room for an answer");
}

bool StreamState::announce(TcpAllocation& a, PeerConnection& c) {
    wire::TransactionId transaction;
    random.fill(transaction);
    wire::StunWriter writer{reply, wire::StunClass::indication,
                            static_cast<uint16_t>(wire::StunMethod::connection_attempt), transaction};
    writer.attribute_u32(StunAttribute::connection_id, c.id);
    writer.xor_address(StunAttribute::xor_peer_address, c.peer);
    Session* s = session_of(a.session);
    return s->stream->writable() >= kReplyBuffer && write(*s, writer.finish());
}

tcp::StreamHandler* TcpAllocation::on_accept(tcp::Stream& stream) {
    StreamState& s = *state;
    Endpoint peer = s.turn.known_as(stream.remote());
    if (!s.turn.may_attempt(handle, peer, s.now)) return nullptr;
    PeerConnection* c = s.take_peer(*this, peer);
    if (!c) {
        s.counters.drop(Drop::tcp_no_room);
        return nullptr;
    }
    c->stream = &stream;
    s.await_bind(*c);
    uint32_t generation = c->generation;
    bool announced = s.ids.set(c->id, c->index + 1) && s.announce(*this, *c);
    if (c->generation != generation) return nullptr;  // the client's connection had to be ended over it
    if (!announced) {
        s.counters.drop(Drop::stream_full);
        s.free_peer(*c);
        return nullptr;
    }
    s.counters.add(Counter::turn_tcp_attempts);
    return c;
}

void StreamState::end_peer(PeerConnection& c, How how, const char* why) {
    bool bound = c.phase == PeerConnection::Phase::bound;
    c.why = why;
    if (bound) {
        Session& s = sessions[c.session];
        s.why = why;
        end_stream(s.stream, how);
    }
    // Until it is bound nothing was written that could still be delivered.
    end_stream(c.stream, bound ? how : How::abort);
    if (bound) free_session(sessions[c.session]);
    free_peer(c);
}

void StreamState::on_peer_timer(PeerConnection& c) {
    switch (c.phase) {
        case PeerConnection::Phase::free: return;
        case PeerConnection::Phase::connecting: return on_connect_failed(c);
        case PeerConnection::Phase::waiting: return end_peer(c, How::abort, "no ConnectionBind came in time");
        case PeerConnection::Phase::bound: return splice(c);
    }
}

void PeerConnection::on_open() {
    state->on_connected(*this);
}

void PeerConnection::on_readable() {
    if (phase == Phase::bound) state->splice(*this);  // until then the receive queue is the buffer
}

void PeerConnection::on_writable() {
    if (phase == Phase::bound) state->splice(*this);
}

void PeerConnection::on_closed(tcp::CloseReason reason) {
    if (phase == Phase::bound) return state->end_spliced(*this, Direction::to_peer, reason);
    if (phase == Phase::connecting) {
        stream = nullptr;
        return state->on_connect_failed(*this);
    }
    state->free_peer(*this);
}

void PeerConnection::describe(tcp::StreamDetails& details) const {
    details.service = "relay";
    details.why = why;
    if (phase != Phase::free) details.allocation = state->turn.id_of(state->allocations[allocation].handle);
}

}  // namespace fedge::relay
