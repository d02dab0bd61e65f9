#include <algorithm>

#include "dataplane/tcp/engine.h"

namespace fedge::tcp {
namespace {

constexpr uint8_t kWindowPersist = 16;       // RACK.reo_wnd_persist, in recoveries
constexpr uint32_t kDuplicateThreshold = 3;  // DupThresh
constexpr uint8_t kMaxWindowMultiple = 64;
constexpr uint8_t kBlackHoleTimeouts = 2;  // of full-size segments in a row

// RACK_sent_after (RFC 8985 section 5.2).
bool sent_after(Instant at1, Seq end1, Instant at2, Seq end2) {
    return at1 > at2 || (at1 == at2 && end1 > end2);
}

}  // namespace

SentRecord& Engine::record(Connection& c, uint32_t number) {
    return c.records.at(pool_, number);
}

// Number of the first record that begins at `seq` or later.
uint32_t Engine::first_record_at(Connection& c, Seq seq) {
    uint32_t low = c.record_head;
    uint32_t count = c.record_count();
    while (count > 0) {
        uint32_t half = count / 2;
        if (record(c, low + half).begin() < seq) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return low;
}

// RFC 8985 section 6.2, steps 1 to 3, for one segment that the peer has now.
void Engine::on_delivered(Connection& c, const SentRecord& r, const wire::TcpTimestamps* echo, Seq fack) {
    Duration rtt = now_ - r.sent_at;
    if (r.transmissions > 1) {
        // Which of the transmissions arrived? Not the last one, if its timestamp is not echoed, or if that would have
        // been too fast.
        uint32_t stamped = timestamp(c.ts_offset) - static_cast<uint32_t>(rtt / kClockTick);
        if (echo && static_cast<int32_t>(echo->echo - stamped) < -1) return;
        if (rtt < c.min_rtt) return;
    }
    c.rack_rtt = rtt;
    if (sent_after(r.sent_at, r.end(), c.rack_sent_at, c.rack_end)) {
        c.rack_sent_at = r.sent_at;
        c.rack_end = r.end();
    }
    c.rack_fack = later(c.rack_fack, r.end());
    if (r.transmissions == 1 && r.end() < fack) c.reordering_seen = true;
}

// RFC 8985 section 6.2 step 4.
Duration Engine::reordering_window(const Connection& c) const {
    return std::min(c.rack_window_mult * c.min_rtt / 4, c.srtt);
}

// RFC 8985 section 6.2 step 5.
void Engine::detect_losses(Connection& c) {
    if (c.timer_kind == TimerKind::reordering) arm_retransmission(c);  // set again below if it is still needed
    // Without holes nothing can be lost behind what was delivered.
    if (c.sacked_bytes == 0 && c.lost_bytes == 0) return;
    uint32_t sacked = 0;
    if (!c.reordering_seen && !c.in_recovery)
        for (uint32_t n = c.record_head; n != c.record_tail && sacked < kDuplicateThreshold; n++)
            sacked += record(c, n).is(SentRecord::kSacked);
    bool at_once = !c.reordering_seen && (c.in_recovery || sacked >= kDuplicateThreshold);
    Duration window = at_once ? Duration{0} : reordering_window(c);
    Duration wait{0};
    bool lost = false;
    for (uint32_t n = c.record_head; n != c.record_tail; n++) {
        SentRecord& r = record(c, n);
        if (r.is(SentRecord::kSacked) || (r.is(SentRecord::kLost) && !r.is(SentRecord::kRetransmitted))) continue;
        if (!sent_after(c.rack_sent_at, c.rack_end, r.sent_at, r.end())) continue;
        Duration left = r.sent_at + c.rack_rtt + window - now_;
        if (left <= Duration{0}) {
            mark_lost(c, r, n);
            lost = true;
        } else {
            wait = std::max(wait, left);
        }
    }
    if (wait > Duration{0}) set_timer(c, TimerKind::reordering, now_ + wait);
    if (lost && !c.in_recovery) begin_recovery(c);
    if (lost) mark(c);
}

// RFC 6582, where the peer has no SACK. Each duplicate ACK stands for a segment that has left the network.
void Engine::detect_by_duplicates(Connection& c, bool advanced) {
    if (c.in_flight() == 0) return;
    SentRecord& head = record(c, c.record_head);
    c.sacked_bytes = std::min<uint32_t>(uint32_t{c.duplicate_acks} * c.mss, c.in_flight() - head.length);
    bool partial = advanced && c.in_recovery && !c.after_timeout && c.snd_una < c.recovery_point;
    bool third = !c.in_recovery && c.duplicate_acks >= kDuplicateThreshold && c.snd_una > c.recovery_point;
    if (!partial && !third) return;
    if (!head.is(SentRecord::kLost)) mark_lost(c, head, c.record_head);
    if (third) begin_recovery(c);
    mark(c);
}

void Engine::mark_lost(Connection& c, SentRecord& r, uint32_t number) {
    if (r.is(SentRecord::kRetransmitted)) {
        r.flags &= static_cast<uint8_t>(~SentRecord::kRetransmitted);
        c.retransmitted_bytes -= r.length;
    } else {
        r.flags |= SentRecord::kLost;
        c.lost_bytes += r.length;
    }
    if (static_cast<int32_t>(number - c.records.lost_from) < 0) c.records.lost_from = number;
}

void Engine::begin_recovery(Connection& c) {
    counters_.add(Counter::tcp_recoveries);
    remember_for_undo(c);
    c.in_recovery = true;
    c.after_timeout = false;
    c.recovery_point = c.snd_nxt;
    c.congestion.enter_recovery(c.in_flight());
}

void Engine::end_recovery(Connection& c) {
    if (!c.after_timeout) c.congestion.leave_recovery();
    c.in_recovery = c.after_timeout = false;
    c.undo_window = 0;
    c.duplicate_acks = 0;
    if (c.rack_window_persist > 0 && --c.rack_window_persist == 0) c.rack_window_mult = 1;
}

// A duplicate arrived at the peer: something was sent again that was not lost. RACK becomes more patient, at most once
// in a round trip (RFC 8985 section 6.2 step 4).
void Engine::on_duplicate_told(Connection& c) {
    counters_.add(Counter::tcp_dsacks_received);
    if (c.rack_dsack_seen && c.snd_una < c.rack_dsack_round) return;
    c.rack_dsack_seen = true;
    c.rack_dsack_round = c.snd_nxt;
    c.rack_window_mult = std::min<uint8_t>(static_cast<uint8_t>(c.rack_window_mult + 1), kMaxWindowMultiple);
    c.rack_window_persist = kWindowPersist;
}

// RFC 6298 section 5 and RFC 5681 section 3.1. Everything outstanding counts as lost; what the peer had told of is
// forgotten, because it may have reneged (RFC 2018 section 8).
void Engine::on_retransmission_timeout(Connection& c) {
    if (c.in_flight() == 0) return;
    counters_.add(Counter::tcp_timeouts);
    bool first = !(c.in_recovery && c.after_timeout);
    if (first) remember_for_undo(c);
    const SentRecord& head = record(c, c.record_head);
    bool full = head.length >= c.mss;
    if (full && ++c.consecutive_full_losses >= kBlackHoleTimeouts) {
        // RFC 4821 section 4: full segments vanish and nobody says why.
        counters_.add(Counter::tcp_black_holes);
        c.consecutive_full_losses = 0;
        bool v4 = c.key.local_address().is_v4();
        auto headers = header_length(c.key.local_address());
        uint32_t now_mtu = uint32_t{c.mss} + option_bytes(c) + headers;
        uint16_t middle = 1024 + headers;
        uint16_t step = v4 && now_mtu > middle ? middle : min_mtu(c.key.remote_address());
        shrink_segments(c, step);
    }
    uint32_t flight = c.in_flight();
    c.sacked_bytes = c.retransmitted_bytes = c.lost_bytes = 0;
    for (uint32_t n = c.record_head; n != c.record_tail; n++) {
        SentRecord& r = record(c, n);
        r.flags = static_cast<uint8_t>((r.flags & SentRecord::kFin) | SentRecord::kLost);
        c.lost_bytes += r.length;
    }
    c.records.lost_from = c.record_head;
    c.congestion.on_timeout(flight, first);
    c.in_recovery = c.after_timeout = true;
    c.recovery_point = c.snd_nxt;
    c.duplicate_acks = 0;
    c.probe_outstanding = false;
    if (c.backoff < 16) c.backoff++;
    send_pending(c);
    arm_retransmission(c);
}

// RFC 8985 section 7.3.
void Engine::on_loss_probe(Connection& c) {
    if (c.in_flight() == 0) return;
    counters_.add(Counter::tcp_loss_probes);
    c.probe_retransmitted = !send_new(c, true);
    if (c.probe_retransmitted) retransmit(c, record(c, c.record_tail - 1));
    c.probe_outstanding = true;
    c.probe_end = c.snd_nxt;
    c.probe_flight = c.in_flight();
    set_timer(c, TimerKind::retransmission, now_ + rto(c));
}

// RFC 8985 section 7.4.2: a loss that the probe itself repaired is a loss all the same.
void Engine::judge_loss_probe(Connection& c, const Incoming& in, bool advanced, bool duplicate_told) {
    if (in.ack() < c.probe_end) return;
    bool needless = !c.probe_retransmitted || duplicate_told;
    if (!needless && in.ack() == c.probe_end) {
        // Original or probe: the next acknowledgement tells, unless this one is a duplicate already.
        bool plain_duplicate = !advanced && in.segment.payload.empty() && in.segment.options.sack_count == 0;
        if (!plain_duplicate) return;
        needless = true;
    }
    c.probe_outstanding = false;
    if (needless || c.in_recovery) return;
    counters_.add(Counter::tcp_recoveries);
    c.congestion.enter_recovery(c.probe_flight);
    c.congestion.leave_recovery();
}

void Engine::remember_for_undo(Connection& c) {
    if (c.in_recovery) return;
    c.undo_window = c.congestion.window();
    c.undo_threshold = c.congestion.threshold();
    c.undo_timestamp = 0;
}

// The Eifel algorithm (RFC 3522, RFC 4015): the first acknowledgement of new data echoes the timestamp of the original,
// so the original was not lost.
bool Engine::undo_if_spurious(Connection& c, const wire::TcpOptions& options) {
    if (c.undo_window == 0 || c.undo_timestamp == 0 || !c.timestamps_on || !options.has_timestamps) return false;
    bool spurious = static_cast<int32_t>(options.timestamps.echo - c.undo_timestamp) < 0;
    uint32_t window = c.undo_window;
    c.undo_window = 0;
    if (!spurious) return false;
    counters_.add(Counter::tcp_spurious_recoveries);
    c.congestion.undo(window, c.undo_threshold);
    c.in_recovery = c.after_timeout = false;
    c.lost_bytes = c.retransmitted_bytes = 0;
    for (uint32_t n = c.record_head; n != c.record_tail; n++)
        record(c, n).flags &= SentRecord::kFin | SentRecord::kSacked;
    return true;
}

}  // namespace fedge::tcp
