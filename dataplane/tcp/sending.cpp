#include <algorithm>

#include "dataplane/tcp/engine.h"

namespace fedge::tcp {
namespace {

constexpr uint32_t kSegmentsPerTurn = 64;  // of one connection, so that others have their turn

}  // namespace

void Engine::send_pending(Connection& c) {
    if (c.state == State::syn_sent) {
        if (c.syn_transmissions == 0) send_syn(c);
        return;
    }
    if (!c.synchronized() || c.pending_close) return;
    // RFC 5681 section 4.1.
    if (c.in_flight() == 0 && c.unsent() > 0 && now_ - c.last_sent_at > rto(c)) c.congestion.on_idle();
    uint32_t left = kSegmentsPerTurn;
    while (left > 0 && c.lost_bytes > c.retransmitted_bytes && send_lost(c)) left--;
    if (c.lost_bytes == c.retransmitted_bytes)
        while (left > 0 && send_new(c, false)) left--;
    if (left == 0) mark(c);
    if (c.ack_now) send_ack(c);
    if (c.in_flight() == 0 && c.unsent() > 0) arm_persist(c);
}

// One segment of new data, or the FIN, if windows allow. `forced`: a loss probe may exceed the congestion window
// (RFC 8985 section 7.3), and after a while even a silly window is used.
bool Engine::send_new(Connection& c, bool forced) {
    if (c.fin_sent) return false;
    uint32_t unsent = c.unsent();
    bool fin_only = unsent == 0;
    if (fin_only && !c.fin_queued) return false;
    uint32_t size = 0;
    if (!fin_only) {
        uint32_t told = c.snd_wnd - c.in_flight();
        if (c.snd_wnd <= c.in_flight()) return false;
        uint32_t wanted = std::min<uint32_t>(unsent, c.mss);
        size = std::min(wanted, told);
        // Silly window avoidance (RFC 9293 section 3.8.6.2.1); Nagle's delay is off.
        if (size < wanted && size < c.max_snd_wnd / 2 && !forced) return false;
        uint32_t pipe = c.pipe();
        if (pipe > 0 && pipe + size > c.congestion.window() && !forced) {
            c.window_limited = true;
            return false;
        }
    }
    bool fin = c.fin_queued && size == unsent;
    if (!c.records.reserve(pool_, c.record_head, c.record_tail)) {
        starve(c);
        return false;
    }
    if (c.in_flight() == 0) c.progress_at = now_;
    uint32_t length = size + (fin ? 1U : 0U);
    record(c, c.record_tail++) = {c.snd_nxt.raw(), static_cast<uint16_t>(length), fin ? SentRecord::kFin : uint8_t{0},
                                  1, now_};
    transmit(c, c.snd_nxt, size, fin);
    c.snd_nxt += length;
    c.probe_sent = false;
    c.last_sent_at = now_;
    if (fin) {
        c.fin_sent = true;
        c.state = c.state == State::close_wait ? State::last_ack : State::fin_wait_1;
    }
    if (c.in_recovery) c.congestion.on_sent_in_recovery(length);
    if (c.pipe() + c.mss > c.congestion.window()) c.window_limited = true;
    if (c.timer_kind == TimerKind::none || c.timer_kind == TimerKind::loss_probe || c.timer_kind == TimerKind::persist)
        arm_retransmission(c);
    else if (c.timer_kind == TimerKind::retransmission)
        arm_loss_probe(c);  // more than one segment in flight now; a running RTO is not put off (RFC 6298 section 5.1)
    return true;
}

// The first record that is lost and not sent again since, if the congestion window allows.
bool Engine::send_lost(Connection& c) {
    uint32_t n = c.records.lost_from;
    auto waits = [&](const SentRecord& r) {
        return r.is(SentRecord::kLost) && !r.is(SentRecord::kRetransmitted) && !r.is(SentRecord::kSacked);
    };
    while (n != c.record_tail && !waits(record(c, n))) n++;
    c.records.lost_from = n;
    if (n == c.record_tail) return false;
    SentRecord& r = record(c, n);
    uint32_t pipe = c.pipe();
    if (pipe > 0 && pipe + r.length > c.congestion.window()) {
        c.window_limited = true;
        return false;
    }
    r.flags |= SentRecord::kRetransmitted;
    c.retransmitted_bytes += r.length;
    retransmit(c, r);
    c.congestion.on_sent_in_recovery(r.length);
    c.records.lost_from = n + 1;
    if (c.timer_kind == TimerKind::none || c.timer_kind == TimerKind::loss_probe) arm_retransmission(c);
    return true;
}

// A record may be longer than a segment may be by now.
void Engine::retransmit(Connection& c, SentRecord& r) {
    bool fin = r.is(SentRecord::kFin);
    uint32_t size = r.length - (fin ? 1U : 0U);
    Seq seq = r.begin();
    do {
        uint32_t part = std::min<uint32_t>(size, c.mss);
        size -= part;
        transmit(c, seq, part, fin && size == 0);
        seq += part;
        c.retransmits++;
        counters_.add(Counter::tcp_retransmits);
    } while (size > 0);
    if (r.transmissions < 255) r.transmissions++;
    r.sent_at = now_;
    if (c.in_recovery && c.undo_window && c.undo_timestamp == 0) c.undo_timestamp = timestamp(c.ts_offset);
    c.last_sent_at = now_;
}

void Engine::transmit(Connection& c, Seq seq, uint32_t length, bool fin) {
    wire::TcpSegment s;
    fill_header(c, s);
    s.seq = seq.raw();
    if (fin) s.flags |= wire::kFin;
    if (length > 0 && seq + length == c.snd_end) s.flags |= wire::kPsh;
    std::array<uint8_t, wire::kMaxTcpHeader> header;
    size_t header_length = wire::write_tcp(header.data(), s);
    size_t count = 0;
    while (length > 0) {
        pieces_[count] = c.send_bytes.view(pool_, seq.raw(), length);
        auto n = static_cast<uint32_t>(pieces_[count++].size());
        length -= n;
        seq += n;
    }
    counters_.add(Counter::tcp_segments_sent);
    output_.send({c.key.local_address(), c.key.remote_address(), Bytes{header}.first(header_length),
                  std::span{pieces_}.first(count)},
                 c.hop, now_);
}

// What every segment of a connection says; whatever is sent acknowledges all that has come.
void Engine::fill_header(Connection& c, wire::TcpSegment& s) {
    s.source_port = c.key.local_port();
    s.destination_port = c.key.remote_port();
    s.ack = c.rcv_nxt.raw();
    s.flags = wire::kAck;
    s.window = told_window(c);
    if (c.timestamps_on) {
        s.options.has_timestamps = true;
        s.options.timestamps = {timestamp(c.ts_offset), c.ts_recent};
    }
    c.last_ack_sent = c.rcv_nxt;
    c.unacknowledged = 0;
    c.ack_at = kNever;
    // A duplicate or a hole is told by acknowledgements without data only: there SACK has room.
    if (c.dsack_left == c.dsack_right && c.assembler == kNoBlock) c.ack_now = false;
}

// RFC 9293 section 3.8.6.2.2: the right edge moves in steps worth having, and never back.
uint16_t Engine::told_window(Connection& c) {
    uint32_t free = c.options.receive_buffer - std::min(c.options.receive_buffer, c.unread());
    Seq right = c.rcv_nxt + free;
    uint32_t step = std::min<uint32_t>(c.options.receive_buffer / 2, c.rcv_mss);
    uint32_t whole_units = free >> c.rcv_scale << c.rcv_scale;
    if (right > c.rcv_adv && right - c.rcv_adv >= step && !pool_.scarce()) c.rcv_adv = c.rcv_nxt + whole_units;
    if (c.rcv_adv < c.rcv_nxt) c.rcv_adv = c.rcv_nxt;  // the peer's FIN lies beyond a closed window
    // Rounded down: the edge that is told may lie back by less than a unit, what was told before is still accepted
    // (RFC 7323 section 2.4). Rounding up would give away a unit with each acknowledgement.
    return static_cast<uint16_t>(std::min((c.rcv_adv - c.rcv_nxt) >> c.rcv_scale, 0xffffU));
}

void Engine::send_ack(Connection& c) {
    wire::TcpSegment s;
    if (c.sack_on) {
        size_t room = c.timestamps_on ? 3 : 4;
        if (c.dsack_left != c.dsack_right) {
            s.options.sacks[s.options.sack_count++] = {c.dsack_left, c.dsack_right};
            c.dsack_left = c.dsack_right;
        }
        if (Assembler* beyond = assembler(c))
            s.options.sack_count =
                static_cast<uint8_t>(s.options.sack_count + beyond->report(std::span{s.options.sacks}.subspan(
                                                                s.options.sack_count, room - s.options.sack_count)));
    }
    fill_header(c, s);
    s.seq = c.snd_nxt.raw();
    c.ack_now = false;
    send_control(c.key, c.hop, s);
}

// RFC 9293 section 3.8.6.1: one byte beyond the window. It does not count as sent until it is acknowledged.
void Engine::send_window_probe(Connection& c) {
    counters_.add(Counter::tcp_window_probes);
    c.probe_sent = true;
    transmit(c, c.snd_nxt, 1, false);
}

// RFC 9293 section 3.8.4: a sequence number that was acknowledged long ago makes the peer answer.
void Engine::send_keepalive(Connection& c) {
    counters_.add(Counter::tcp_keepalives_sent);
    wire::TcpSegment s;
    fill_header(c, s);
    s.seq = (c.snd_nxt - 1).raw();
    send_control(c.key, c.hop, s);
}

void Engine::reset(Connection& c) {
    counters_.add(Counter::tcp_resets_sent);
    wire::TcpSegment s;
    fill_header(c, s);
    s.seq = c.snd_nxt.raw();
    s.flags = wire::kRst | wire::kAck;
    send_control(c.key, c.hop, s);
}

// RFC 9293 section 3.10.7.1, within a rate: what nobody here knows.
void Engine::reset_stranger(const Incoming& in) {
    const wire::TcpSegment& theirs = in.segment;
    counters_.drop(Drop::tcp_no_connection);
    if (theirs.has(wire::kRst)) return;
    if (!resets_.allow(now_)) return;
    counters_.add(Counter::tcp_resets_sent);
    wire::TcpSegment s;
    if (theirs.has(wire::kAck)) {
        s.seq = theirs.ack;
        s.flags = wire::kRst;
    } else {
        s.ack = theirs.seq + theirs.length();
        s.flags = wire::kRst | wire::kAck;
    }
    ip::Hop way;
    send_control(in.key, way, s);
}

void Engine::send_control(const FlowKey& key, ip::Hop& hop, wire::TcpSegment& s) {
    s.source_port = key.local_port();
    s.destination_port = key.remote_port();
    std::array<uint8_t, wire::kMaxTcpHeader> header;
    size_t length = wire::write_tcp(header.data(), s);
    counters_.add(Counter::tcp_segments_sent);
    output_.send({key.local_address(), key.remote_address(), Bytes{header}.first(length), {}}, hop, now_);
}

uint32_t Engine::timestamp(uint32_t offset) const {
    return static_cast<uint32_t>(now_.time_since_epoch() / kClockTick) + offset;
}

}  // namespace fedge::tcp
