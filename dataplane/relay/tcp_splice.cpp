// Data connections (RFC 6062 sections 5.4 and 5.5): the bytes of a client's connection go to the peer's as they come,
// and the other way, as fast as the slower side and the bandwidth limits let them. What cannot go on stays in the
// receive queue of the side that it came from, whose window tells its sender.
#include <algorithm>

#include "dataplane/relay/stream_state.h"

namespace fedge::relay {
namespace {

// Fits every token bucket; small enough that limits bite evenly.
constexpr size_t kPortion = 8192;

}  // namespace

void StreamState::bind(PeerConnection& c, Session& s) {
    ids.remove(c.id);
    wheel.cancel(limits.sessions + c.index);
    wheel.cancel(s.index);
    c.phase = PeerConnection::Phase::bound;
    c.session = s.index;
    s.role = Session::Role::data;
    s.peer = c.index;
    prove(s, true);
    counters.add(Counter::turn_tcp_bound);
}

void StreamState::splice(PeerConnection& c) {
    if (c.phase != PeerConnection::Phase::bound) return;
    move(c, Direction::to_peer);
    move(c, Direction::to_client);
}

void StreamState::move(PeerConnection& c, Direction direction) {
    Session& s = sessions[c.session];
    bool to_peer = direction == Direction::to_peer;
    tcp::Stream& from = to_peer ? *s.stream : *c.stream;
    tcp::Stream& to = to_peer ? *c.stream : *s.stream;
    Handle handle = allocations[c.allocation].handle;
    size_t budget = limits.bytes_per_turn;
    while (true) {
        Bytes data = from.peek();
        if (data.empty()) break;
        if (budget == 0) return later(c);
        // Asked for more than there is room for, a stream tells when there is room again.
        size_t room = to.writable();
        size_t n = std::min({data.size(), room ? room : SIZE_MAX, kPortion, budget});
        if (room && !turn.charge_connection(now, handle, direction, n))
            return wheel.arm(limits.sessions + c.index, now + kRetry);
        size_t taken = to.write(data.first(n));
        // Without room TLS may still take what fills up a record.
        if (!room && taken) turn.charge_connection(now, handle, direction, taken);
        from.consume(taken);
        budget -= taken;
        counters.add(to_peer ? Counter::turn_tcp_bytes_to_peer : Counter::turn_tcp_bytes_to_client, taken);
        if (taken < n) return;  // no room, or no memory: on_writable() follows
    }
    bool& ended = c.ended[static_cast<size_t>(direction)];
    if (!ended && from.at_end()) {
        ended = true;
        to.shutdown();
    }
}

// One side is no more. In order: both have ended, and what is written to the other is still delivered.
void StreamState::end_spliced(PeerConnection& c, Direction gone_side, tcp::CloseReason reason) {
    Session& s = sessions[c.session];
    bool peer_gone = gone_side == Direction::to_peer;
    tcp::Stream& other = peer_gone ? *s.stream : *c.stream;
    s.why = c.why = peer_gone ? "the peer's connection has ended" : "the client's connection has ended";
    if (reason == tcp::CloseReason::finished) {
        other.close();
    } else {
        other.abort();
    }
    free_session(s);
    free_peer(c);
}

}  // namespace fedge::relay
