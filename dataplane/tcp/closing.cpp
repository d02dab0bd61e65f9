#include <algorithm>

#include "dataplane/tcp/engine.h"

namespace fedge::tcp {
namespace {

constexpr uint16_t kMaxMss = 16 * 1024;  // what kMaxPieces blocks hold

}  // namespace

// No more segments for this connection; deliver() tells the user.
void Engine::end(Connection& c, CloseReason reason) {
    if (c.pending_close) return;
    if (reason != CloseReason::finished) counters_.add(Counter::tcp_broken);
    c.pending_close = true;
    c.pending_reason = reason;
    c.state = State::closed;
    c.ack_now = false;
    c.ack_at = c.life_at = kNever;
    set_timer(c, TimerKind::none, kNever);
}

void Engine::abort(Connection& c, CloseReason reason) {
    tell_end(c, name(reason));
    if (c.synchronized() && !c.pending_close) reset(c);
    if (reason != CloseReason::finished) counters_.add(Counter::tcp_broken);
    release(c);
}

// The user has gone; what was written is still sent.
void Engine::orphan(Connection& c) {
    tell_end(c, "closed by the edge");
    c.handler = nullptr;
    c.closed_by_user = true;
    if (c.pending_close) return release(c);
    if (c.state == State::syn_sent || c.unread() > 0) return abort(c, CloseReason::aborted);
    c.fin_queued = true;
    c.progress_at = now_;
    set_life(c);
    mark(c);
}

void Engine::on_fin_acknowledged(Connection& c) {
    switch (c.state) {
        case State::fin_wait_1:
            c.state = State::fin_wait_2;
            set_life(c);
            break;
        case State::closing: enter_time_wait(c); break;
        case State::last_ack:
            remove_flow(c.key);
            c.detached = true;
            end(c, CloseReason::finished);
            break;
        default: break;
    }
}

void Engine::enter_time_wait(Connection& c) {
    if (c.ack_now) send_ack(c);  // it was the peer's FIN that ended it
    if (time_wait_.full()) {
        counters_.add(Counter::tcp_time_wait_evicted);
        remove_time_wait(time_wait_.oldest());
    }
    uint32_t index = time_wait_.add();
    TimeWait& entry = time_wait_[index];
    entry.key = c.key;
    entry.hop = c.hop;
    entry.snd_nxt = c.snd_nxt;
    entry.rcv_nxt = c.rcv_nxt;
    entry.ts_recent = c.ts_recent;
    entry.ts_offset = c.ts_offset;
    entry.window = told_window(c);
    entry.timestamps_on = c.timestamps_on;
    entry.expires = now_ + settings_.time_wait;
    entry.answered = now_;
    set_flow(c.key, Kind::time_wait, index);
    c.detached = true;
    end(c, CloseReason::finished);
}

// RFC 9293 section 3.10.7.4 for TIME-WAIT; RFC 1337: a RST does not end it; RFC 6191: a newer SYN does.
void Engine::on_time_wait_segment(Incoming& in, uint32_t index) {
    TimeWait& entry = time_wait_[index];
    const wire::TcpSegment& s = in.segment;
    if (s.has(wire::kRst)) return counters_.drop(Drop::tcp_time_wait);
    // Nothing to answer: two ends in TIME-WAIT would go on for ever.
    if (s.length() == 0 && in.seq() == entry.rcv_nxt) return counters_.drop(Drop::tcp_time_wait);
    bool newer = in.seq() > entry.rcv_nxt;
    if (entry.timestamps_on && s.options.has_timestamps && s.options.timestamps.value != entry.ts_recent)
        newer = static_cast<int32_t>(s.options.timestamps.value - entry.ts_recent) > 0;
    if (s.has(wire::kSyn) && !s.has(wire::kAck) && newer) {
        if (Listener* listener = find_listener(in.destination, s.destination_port)) {
            Seq floor = entry.snd_nxt + 1;
            remove_time_wait(index);
            if (s.has(wire::kFin)) return counters_.drop(Drop::tcp_no_connection);
            return on_syn(in, *listener, floor);
        }
    }
    if (s.has(wire::kFin) && in.seq() + s.length() == entry.rcv_nxt) {  // our acknowledgement was lost
        entry.expires = now_ + settings_.time_wait;
        time_wait_.make_newest(index);
    } else if (now_ - entry.answered < kRepeatInterval) {
        return counters_.drop(Drop::tcp_time_wait);
    }
    entry.answered = now_;
    wire::TcpSegment ack;
    ack.seq = entry.snd_nxt.raw();
    ack.ack = entry.rcv_nxt.raw();
    ack.flags = wire::kAck;
    ack.window = entry.window;
    if (entry.timestamps_on) {
        ack.options.has_timestamps = true;
        ack.options.timestamps = {timestamp(entry.ts_offset), entry.ts_recent};
    }
    send_control(entry.key, entry.hop, ack);
}

void Engine::remove_time_wait(uint32_t index) {
    remove_flow(time_wait_[index].key);
    time_wait_.remove(index);
}

// RFC 5927: believed only about a segment that is in flight; hard errors are soft once the connection is established.
void Engine::receive(const IcmpError& error, Instant now) {
    now_ = now;
    uint64_t found = flows_.find(FlowKey::of(error.local, error.remote));
    if (static_cast<Kind>(found >> 32) != Kind::connection) return counters_.drop(Drop::icmp_unmatched);
    Connection& c = connections_[static_cast<uint32_t>(found) - 1];
    Seq seq{error.seq};
    if (!(c.snd_una <= seq && seq < c.snd_nxt)) return counters_.drop(Drop::tcp_icmp_not_in_flight);
    counters_.add(Counter::icmp_errors_received);
    if (error.kind == IcmpError::Kind::unreachable_hard && c.state == State::syn_sent) {
        end(c, CloseReason::unreachable);
    } else if (error.kind == IcmpError::Kind::too_big && c.synchronized()) {
        uint32_t mtu = std::max<uint32_t>(error.mtu, min_mtu(error.remote.address));
        if (mtu < uint32_t{c.mss} + option_bytes(c) + header_length(error.remote.address))
            shrink_segments(c, static_cast<uint16_t>(mtu));
    }
    deliver(c);
    if (c.in_use) file(c);
}

void Engine::set_mss(Connection& c, uint16_t mtu) {
    uint16_t headers = header_length(c.key.remote_address());
    uint32_t room = mtu > headers + kMinMss ? uint32_t{mtu} - headers : kMinMss;
    uint32_t mss = std::min<uint32_t>({room, c.peer_mss, kMaxMss});
    uint32_t options = option_bytes(c);
    c.mss = static_cast<uint16_t>(mss > options + kMinMss ? mss - options : kMinMss);
}

// The path takes less than we send: what is in flight and too long is sent again in pieces, and the congestion window
// keeps its number of segments (RFC 1191 section 6.4: no congestion).
void Engine::shrink_segments(Connection& c, uint16_t mtu) {
    uint16_t before = c.mss;
    set_mss(c, mtu);
    if (c.mss >= before) return;
    counters_.add(Counter::tcp_path_mtu_lowered);
    path_mtu_.learn(c.key.remote_address(), mtu, now_);
    c.congestion.change_mss(c.mss);
    for (uint32_t n = c.record_head; n != c.record_tail; n++) {
        SentRecord& r = record(c, n);
        if (r.length > c.mss && !r.is(SentRecord::kSacked)) mark_lost(c, r, n);
    }
    mark(c);
}

}  // namespace fedge::tcp
