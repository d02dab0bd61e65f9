#include <algorithm>

#include "dataplane/tcp/engine.h"

namespace fedge::tcp {
namespace {

// How long a minimum of the round-trip time is believed (RFC 8985 section 6.2 step 1: a path may change).
constexpr Duration kMinRttLifetime = 5min;

}  // namespace

bool Engine::on_ack(Connection& c, const Incoming& in) {
    const wire::TcpSegment& s = in.segment;
    Seq ack = in.ack();
    // The byte of a zero-window probe was taken: it counts as sent now.
    if (c.probe_sent && ack == c.snd_nxt + 1 && c.snd_nxt < c.snd_end) {
        c.snd_nxt += 1;
        c.probe_sent = false;
    }
    // RFC 5961 section 5.2.
    if (ack > c.snd_nxt || ack < c.snd_una - c.max_snd_wnd) {
        counters_.drop(Drop::tcp_bad_ack);
        challenge(c);
        return false;
    }
    bool was_in_flight = c.in_flight() != 0;
    uint32_t window_before = c.snd_wnd;
    if (ack >= c.snd_una) update_window(c, in);

    bool duplicate_told = false;
    Seq fack = c.rack_fack;
    uint32_t delivered = c.sack_on && s.options.sack_count ? take_sacks(c, s.options, fack, duplicate_told) : 0;
    bool advanced = ack > c.snd_una;
    uint32_t acknowledged = ack - c.snd_una;
    if (advanced) {
        delivered += pop_acknowledged(c, ack, s.options, fack);
        c.progress_at = now_;
        c.consecutive_full_losses = 0;
        // What is remembered of the past moves along: sequence numbers compare only within half of their space.
        if (!c.in_recovery && ack > c.recovery_point) c.recovery_point = ack - 1;
        if (ack >= c.rack_dsack_round) c.rack_dsack_seen = false;
    }
    // RFC 5681 section 2: a duplicate ACK.
    bool duplicate = !advanced && ack == c.snd_una && was_in_flight && s.payload.empty() && !s.has(wire::kFin) &&
                     c.snd_wnd == window_before && !c.sack_on;
    if (duplicate && c.duplicate_acks < 255) c.duplicate_acks++;
    if (advanced) c.duplicate_acks = 0;
    if (duplicate_told) on_duplicate_told(c);

    bool undone = advanced && c.in_recovery && undo_if_spurious(c, s.options);
    if (c.sack_on) {
        bool suspicious = c.sacked_bytes || c.lost_bytes || c.timer_kind == TimerKind::reordering;
        if (was_in_flight && suspicious) detect_losses(c);
        if (c.probe_outstanding) judge_loss_probe(c, in, advanced, duplicate_told);
    } else {
        if (duplicate) delivered += c.mss;
        detect_by_duplicates(c, advanced);
    }
    bool repaired = c.in_recovery && ack >= c.recovery_point;
    if (repaired && !c.after_timeout) {
        end_recovery(c);
    } else if (c.in_recovery && !c.after_timeout) {
        c.congestion.during_recovery(delivered, c.pipe());
    } else if (advanced && !undone && c.window_limited) {
        c.congestion.on_acknowledged(acknowledged, c.after_timeout, c.srtt, now_);
        c.window_limited = false;
    }
    if (repaired && c.after_timeout) end_recovery(c);
    if (advanced) {
        if (c.in_flight() == 0) {
            on_all_acknowledged(c);
        } else if (c.timer_kind != TimerKind::reordering) {
            arm_retransmission(c);
        }
        if (c.fin_sent && c.snd_una == c.snd_nxt) on_fin_acknowledged(c);
    }
    if (c.snd_wnd == 0 || c.timer_kind == TimerKind::persist) arm_persist(c);
    return c.in_use;
}

// SND.WND, SND.WL1, SND.WL2.
void Engine::update_window(Connection& c, const Incoming& in) {
    // What acknowledges something new is the latest in any case; otherwise SND.UNA + SND.WND would wander.
    bool latest = c.snd_wl1 < in.seq() || (c.snd_wl1 == in.seq() && c.snd_wl2 <= in.ack()) || in.ack() > c.snd_una;
    if (!latest) return;
    uint32_t window = uint32_t{in.segment.window} << c.snd_scale;
    if (c.snd_wnd == 0 && window > 0) c.progress_at = now_;
    c.snd_wnd = window;
    c.max_snd_wnd = std::max(c.max_snd_wnd, window);
    c.snd_wl1 = in.seq();
    c.snd_wl2 = in.ack();
    if (window > 0 && c.timer_kind == TimerKind::persist) {
        c.backoff = 0;
        set_timer(c, TimerKind::none, kNever);
        if (c.in_flight()) arm_retransmission(c);
    }
}

// Marks what the peer says it has (RFC 2018, 6675). Returns how many bytes are newly known to have arrived.
uint32_t Engine::take_sacks(Connection& c, const wire::TcpOptions& options, Seq fack, bool& duplicate_told) {
    uint32_t fresh = 0;
    for (size_t i = 0; i < options.sack_count; i++) {
        Seq left{options.sacks[i].left};
        Seq right{options.sacks[i].right};
        if (!(left < right) || right > c.snd_nxt) continue;  // nonsense, or of data never sent
        bool below = right <= c.snd_una;
        bool inside_second = i == 0 && options.sack_count > 1 && left >= Seq{options.sacks[1].left} &&
                             right <= Seq{options.sacks[1].right};
        if (i == 0 && (below || inside_second)) {  // RFC 2883: the first block tells of a duplicate
            duplicate_told = duplicate_told || left >= c.snd_una - c.max_snd_wnd;
            continue;
        }
        if (left < c.snd_una) continue;
        for (uint32_t n = first_record_at(c, left); n != c.record_tail; n++) {
            SentRecord& r = record(c, n);
            if (r.end() > right) break;
            if (r.begin() < left || r.is(SentRecord::kSacked)) continue;
            fresh += r.length;
            // An out-of-order segment does not move the timestamp that is echoed (RFC 7323 section 4.3).
            on_delivered(c, r, nullptr, fack);
            c.sacked_bytes += r.length;
            if (r.is(SentRecord::kLost)) c.lost_bytes -= r.length;
            if (r.is(SentRecord::kRetransmitted)) c.retransmitted_bytes -= r.length;
            r.flags = static_cast<uint8_t>((r.flags & SentRecord::kFin) | SentRecord::kSacked);
        }
    }
    return fresh;
}

// Takes away what is acknowledged. Returns how many bytes are newly known to have arrived.
uint32_t Engine::pop_acknowledged(Connection& c, Seq ack, const wire::TcpOptions& options, Seq fack) {
    const wire::TcpTimestamps* echo = c.timestamps_on && options.has_timestamps ? &options.timestamps : nullptr;
    uint32_t fresh = 0;
    Duration sample{-1};
    bool timed = false;
    while (c.record_head != c.record_tail) {
        SentRecord& r = record(c, c.record_head);
        if (r.begin() >= ack) break;
        uint32_t taken = std::min<uint32_t>(r.length, ack - r.begin());
        if (r.is(SentRecord::kSacked)) {
            c.sacked_bytes -= taken;
        } else {
            fresh += taken;
            on_delivered(c, r, echo, fack);
            if (r.is(SentRecord::kLost)) c.lost_bytes -= taken;
            if (r.is(SentRecord::kRetransmitted)) c.retransmitted_bytes -= taken;
            if (r.transmissions == 1) {  // Karn: only what was sent once (RFC 6298 section 3)
                sample = now_ - r.sent_at;
                timed = true;
            }
        }
        if (taken < r.length) {
            r.seq += taken;
            r.length = static_cast<uint16_t>(r.length - taken);
            break;
        }
        c.record_head++;
    }
    // Without a record that may be timed, the echo of our timestamp still tells (RFC 7323 section 4.1).
    if (!timed && fresh && echo) {
        uint32_t age = timestamp(c.ts_offset) - echo->echo;
        if (age < 60'000) {
            sample = std::max(age, 1U) * kClockTick;
            timed = true;
        }
    }
    if (timed) sample_rtt(c, sample);
    if (static_cast<int32_t>(c.records.lost_from - c.record_head) < 0) c.records.lost_from = c.record_head;
    c.snd_una = ack;
    if (!c.sack_on) c.sacked_bytes = 0;
    Seq data_sent = earlier(ack, c.snd_end);
    c.send_bytes.release(pool_, data_sent.raw(), data_sent == c.snd_end);
    c.records.release(pool_, c.record_head, c.record_head == c.record_tail);
    return fresh;
}

// RFC 6298 section 2.
void Engine::sample_rtt(Connection& c, Duration rtt) {
    rtt = std::max(rtt, Duration{1us});
    c.backoff = 0;  // kept until something was timed (RFC 6298 section 5, Karn)
    if (c.min_rtt == Duration{0} || rtt <= c.min_rtt || now_ - c.min_rtt_at > kMinRttLifetime) {
        c.min_rtt = rtt;
        c.min_rtt_at = now_;
    }
    if (c.srtt == Duration{0}) {
        c.srtt = rtt;
        c.rttvar = rtt / 2;
        return;
    }
    Duration error = c.srtt > rtt ? c.srtt - rtt : rtt - c.srtt;
    c.rttvar = (3 * c.rttvar + error) / 4;
    c.srtt = (7 * c.srtt + rtt) / 8;
}

Duration Engine::rto(const Connection& c) const {
    Duration base;
    if (c.srtt != Duration{0}) {
        base = std::max(c.srtt + std::max(kClockTick, 4 * c.rttvar), kMinRto);
    } else {
        base = c.syn_transmissions > 1 ? kInitialRtoAfterSynLoss : kInitialRto;
    }
    return std::min(base * (int64_t{1} << std::min<uint8_t>(c.backoff, 16)), kMaxRto);
}

void Engine::on_all_acknowledged(Connection& c) {
    c.sacked_bytes = c.lost_bytes = c.retransmitted_bytes = 0;
    set_timer(c, TimerKind::none, kNever);
}

}  // namespace fedge::tcp
