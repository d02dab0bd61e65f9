#include <algorithm>

#include "dataplane/tcp/engine.h"

namespace fedge::tcp {
namespace {

// RFC 7323 section 5.5: a timestamp that has not moved for so long says nothing.
constexpr uint32_t kTimestampLifetime = 24 * 24 * 3600;  // seconds

}  // namespace

// Section 3.10.7.4, in its order. SYN-SENT has its own (3.10.7.3).
void Engine::on_segment(Connection& c, Incoming& in) {
    if (c.state == State::syn_sent) return on_syn_sent(c, in);
    wire::TcpSegment& s = in.segment;

    // First: PAWS (RFC 7323 section 5.3, never for a RST) and the sequence number.
    // A SYN without a timestamp is challenged below: a peer that has restarted must find out.
    bool stamped = s.options.has_timestamps || !s.has(wire::kSyn);
    if (!s.has(wire::kRst) && stamped && !passes_paws(c, in)) return;
    if (!acceptable(c, in)) {
        counters_.drop(Drop::tcp_out_of_window);
        if (!s.has(wire::kRst)) challenge(c, s.payload.empty() ? kChallenges : kRepeatedDataAcks);
        return;
    }
    // Second: RST (RFC 5961 section 3.2).
    if (s.has(wire::kRst)) {
        if (in.seq() != c.rcv_nxt) {
            counters_.drop(Drop::tcp_blind);
            return challenge(c);
        }
        counters_.add(Counter::tcp_resets_received);
        return end(c, c.state == State::syn_received ? CloseReason::refused : CloseReason::reset);
    }
    // Fourth: SYN (RFC 5961 section 4.2).
    if (s.has(wire::kSyn)) {
        // The other half of a simultaneous open repeats its SYN with the ACK of ours.
        if (c.state == State::syn_received && in.seq() == c.irs && s.has(wire::kAck) && in.ack() == c.iss + 1) {
            s.seq++;
            s.flags &= static_cast<uint8_t>(~wire::kSyn);
        } else {
            counters_.drop(Drop::tcp_blind);
            return challenge(c);
        }
    }
    // Fifth: ACK.
    if (!s.has(wire::kAck)) return counters_.drop(Drop::tcp_out_of_window);
    c.heard_at = now_;
    c.keepalive_probes = 0;
    // RFC 7323 section 4.3: the timestamp to echo is that of the segment that the next acknowledgement is about.
    if (c.timestamps_on && s.options.has_timestamps && in.seq() <= c.last_ack_sent &&
        static_cast<int32_t>(s.options.timestamps.value - c.ts_recent) >= 0) {
        c.ts_recent = s.options.timestamps.value;
        c.ts_recent_at = second();
    }
    if (c.state == State::syn_received) {
        if (in.ack() != c.iss + 1) return reset_stranger(in);
        c.state = State::established;
        c.snd_una = in.ack();
        c.snd_wnd = c.max_snd_wnd = uint32_t{s.window} << c.snd_scale;
        c.snd_wl1 = in.seq();
        c.snd_wl2 = in.ack();
        set_timer(c, TimerKind::none, kNever);
        if (c.syn_transmissions == 1) sample_rtt(c, now_ - c.last_sent_at);
        counters_.add(Counter::tcp_connected);
        if (c.handler) c.handler->on_open();
        if (!c.in_use) return;
    } else if (!on_ack(c, in)) {
        return;
    }
    if (c.pending_close || !c.in_use) return;
    // Sixth: urgent data is data like any other (RFC 6093). Seventh and eighth: text and FIN.
    if (!s.payload.empty() || s.has(wire::kFin)) on_text(c, in);
    bool sends = c.ack_now || c.unsent() > 0 || (c.fin_queued && !c.fin_sent) || c.lost_bytes > c.retransmitted_bytes;
    if (sends) mark(c);
}

bool Engine::passes_paws(Connection& c, const Incoming& in) {
    if (!c.timestamps_on) return true;
    const wire::TcpOptions& options = in.segment.options;
    if (!options.has_timestamps) {
        // RFC 7323 section 3.2: once negotiated, a segment without is dropped.
        counters_.drop(Drop::tcp_timestamp);
        return false;
    }
    if (static_cast<int32_t>(options.timestamps.value - c.ts_recent) >= 0) return true;
    if (second() - c.ts_recent_at > kTimestampLifetime) return true;
    counters_.drop(Drop::tcp_timestamp);
    challenge(c);
    return false;
}

// Table 6 of section 3.10.7.4; trims what lies outside of the window, so that what follows may trust it.
bool Engine::acceptable(Connection& c, Incoming& in) {
    wire::TcpSegment& s = in.segment;
    Seq window_end = c.rcv_adv;
    uint32_t length = s.length();
    Seq seq = in.seq();
    // The repeated SYN of a simultaneous open stands just before the window.
    if (c.state == State::syn_received && s.has(wire::kSyn) && seq == c.irs) return true;
    if (length == 0) {
        if (seq == c.rcv_nxt) return true;  // also with a closed window: valid ACKs and RSTs get through
        return c.rcv_nxt < seq && seq < window_end;
    }
    if (window_end == c.rcv_nxt) {
        if (seq != c.rcv_nxt || s.has(wire::kRst)) return seq == c.rcv_nxt;
        // A probe of our closed window: its acknowledgement counts, its text does not (section 3.10.7.4: "special
        // allowance").
        s.payload = {};
        s.flags &= static_cast<uint8_t>(~wire::kFin);
        c.ack_now = true;
        return true;
    }
    Seq end = seq + length;
    if (end <= c.rcv_nxt || seq >= window_end) {
        if (end <= c.rcv_nxt && end > c.irs) note_duplicate(c, seq, end);
        return false;
    }
    if (s.has(wire::kSyn)) return true;  // refused later
    if (seq < c.rcv_nxt) {
        uint32_t known = c.rcv_nxt - seq;
        note_duplicate(c, seq, c.rcv_nxt);
        s.payload = s.payload.subspan(std::min<size_t>(known, s.payload.size()));
        s.seq = c.rcv_nxt.raw();
        c.ack_now = true;
    }
    if (end > window_end) {
        // What is beyond the window is cut off, the FIN with it.
        uint32_t room = window_end - in.seq();
        if (s.payload.size() > room) s.payload = s.payload.first(room);
        if (s.has(wire::kFin) && window_end < end) s.flags &= static_cast<uint8_t>(~wire::kFin);
        c.ack_now = true;
    }
    return true;
}

// Remembered for the next acknowledgement (RFC 2883 section 4).
void Engine::note_duplicate(Connection& c, Seq left, Seq right) {
    if (!c.sack_on || left == right) return;
    c.dsack_left = left.raw();
    c.dsack_right = right.raw();
}

void Engine::on_text(Connection& c, Incoming& in) {
    wire::TcpSegment& s = in.segment;
    bool fin = s.has(wire::kFin);
    if (!c.receives()) return;  // CLOSE-WAIT and later: the peer's FIN is behind us, nothing can follow it
    if (!c.handler && !s.payload.empty()) {
        // RFC 9293 section 3.6.1: data for a user who has closed and does not read any more.
        counters_.drop(Drop::tcp_closed);
        if (!c.lingers || in.seq() + static_cast<uint32_t>(s.payload.size()) - c.irs > kLingerBytes) {
            if (c.lingers) counters_.add(Counter::tcp_linger_limit);
            reset(c);
            return end(c, CloseReason::aborted);
        }
    }
    Seq fin_at = in.seq() + static_cast<uint32_t>(s.payload.size());
    if (fin) {
        c.fin_known = true;
        c.fin_at = fin_at;
    }
    if (!s.payload.empty() || fin_at != c.rcv_nxt) store(c, in.seq(), s.payload, fin);
    if (c.lingers) c.consume(c.unread());
    if (c.fin_known && c.fin_at <= c.rcv_nxt) on_fin(c);
}

// `fin`: a FIN stands behind the text. Beyond a gap it is noted and told like a byte.
void Engine::store(Connection& c, Seq seq, Bytes text, bool fin) {
    auto size = static_cast<uint32_t>(text.size());
    Seq end = seq + size + (fin ? 1U : 0U);
    bool in_order = seq == c.rcv_nxt;
    if (!in_order && c.assembler == kNoBlock) {
        // Out-of-order data is a convenience for the peer: the last memory is not for it.
        uint32_t block = pool_.scarce() ? kNoBlock : pool_.take();
        if (block == kNoBlock) {
            c.ack_now = true;
            return counters_.drop(Drop::tcp_no_buffer);
        }
        c.assembler = block;
        assembler(c)->reset();
    }
    Assembler* beyond = assembler(c);
    if (!in_order && !beyond->has_room(seq, end)) {
        counters_.drop(Drop::tcp_ranges);
        c.ack_now = true;
        return;
    }
    if (!c.receive_bytes.reserve(pool_, c.rcv_read.raw(), seq.raw(), size)) {
        counters_.drop(Drop::tcp_no_buffer);
        c.ack_now = true;
        return;
    }
    c.receive_bytes.write(pool_, seq.raw(), text);
    c.rcv_mss = std::max(c.rcv_mss, static_cast<uint16_t>(std::min<uint32_t>(size, 0xffff)));
    if (!in_order) {
        counters_.add(Counter::tcp_out_of_order);
        if (beyond->add(seq, end) == Assembler::Added::known) note_duplicate(c, seq, end);
        // RFC 5681 section 4.2: at once, one for each, so that the sender can count.
        return send_ack(c);
    }
    c.rcv_nxt = seq + size;
    if (beyond && !beyond->empty()) {
        const wire::SackRange* overlap = beyond->find(seq);
        if (overlap && Seq{overlap->right} >= seq + size) note_duplicate(c, seq, seq + size);
        c.rcv_nxt = beyond->advance(c.rcv_nxt);
        if (beyond->empty()) {
            pool_.put(c.assembler);
            c.assembler = kNoBlock;
        }
        c.ack_now = true;  // a gap was filled
    }
    c.event_readable = true;
    c.unacknowledged += size;
    // RFC 9293 section 3.8.6.3: at least every second full segment; at once while the connection is young.
    if (c.quick_acks > 0) {
        c.quick_acks--;
        c.ack_now = true;
    } else if (c.unacknowledged >= 2U * c.rcv_mss) {
        c.ack_now = true;
    } else {
        delay_ack(c);
    }
}

// All before the FIN has arrived; what a confused peer sends beyond it is not looked at.
void Engine::on_fin(Connection& c) {
    c.rcv_nxt = c.fin_at + 1;
    c.fin_received = true;
    c.event_readable = true;
    c.ack_now = true;
    if (c.assembler != kNoBlock) {  // nothing can be beyond the FIN
        pool_.put(c.assembler);
        c.assembler = kNoBlock;
    }
    switch (c.state) {
        case State::established: c.state = State::close_wait; break;
        case State::fin_wait_1: c.state = State::closing; break;  // our FIN is not acknowledged, or it were FIN-WAIT-2
        case State::fin_wait_2: enter_time_wait(c); break;
        default: break;
    }
}

void Engine::challenge(Connection& c, uint16_t limit) {
    if (now_ - c.challenges_since >= kChallengePeriod) {
        c.challenges_since = now_;
        c.challenges = 0;
    }
    if (c.challenges >= limit) return;
    c.challenges++;
    counters_.add(Counter::tcp_challenges_sent);
    send_ack(c);
}

}  // namespace fedge::tcp
