#include <algorithm>

#include "dataplane/tcp/engine.h"

namespace fedge::tcp {
namespace {

constexpr uint8_t kSynTransmissions = 6;
constexpr Duration kPeerAckDelay = 200ms;  // RFC 8985 section 7.2: TLP.max_ack_delay
constexpr Duration kFinWait2 = 60s;        // of a connection that nobody reads any more
constexpr uint8_t kKeepaliveProbes = 4;
constexpr Duration kKeepaliveInterval = 15s;

// A user timeout of "never" is not for those who have gone.
Duration user_timeout(const Connection& c) {
    return !c.handler && c.options.user_timeout == Duration{0} ? Duration{60s} : c.options.user_timeout;
}

// How long an orphan waits for the peer's end.
Duration fin_wait_2(const Connection& c) {
    return c.lingers ? kLingerTime : kFinWait2;
}

}  // namespace

// `at`, or when the user timeout ends if that is sooner.
Instant Engine::give_up_at(const Connection& c, Instant at) const {
    Duration limit = user_timeout(c);
    return limit == Duration{0} ? at : std::max(std::min(at, c.progress_at + limit), now_ + kClockTick);
}

void Engine::set_timer(Connection& c, TimerKind kind, Instant at) {
    c.timer_kind = kind;
    c.timer_at = at;
}

// RFC 8985 section 7.2. False: there is nothing to probe for, or the retransmission timeout is sooner.
bool Engine::arm_loss_probe(Connection& c) {
    bool possible = c.sack_on && !c.in_recovery && c.sacked_bytes == 0 && !c.probe_outstanding && c.backoff == 0;
    if (!possible) return false;
    Duration after = kInitialRto;
    if (c.srtt != Duration{0}) {
        after = 2 * c.srtt;
        after += c.record_count() == 1 ? kPeerAckDelay : 2 * kClockTick;
    }
    if (after >= rto(c)) return false;
    set_timer(c, TimerKind::loss_probe, now_ + after);
    return true;
}

// The retransmission timer, or in front of it the tail loss probe.
void Engine::arm_retransmission(Connection& c) {
    if (c.in_flight() == 0) return set_timer(c, TimerKind::none, kNever);
    if (!arm_loss_probe(c)) set_timer(c, TimerKind::retransmission, give_up_at(c, now_ + rto(c)));
}

// The window is closed, or too small to be worth it, and nothing is in flight that would tell when it opens.
void Engine::arm_persist(Connection& c) {
    if (c.in_flight() != 0 || c.unsent() == 0 || c.timer_kind == TimerKind::persist) return;
    set_timer(c, TimerKind::persist, now_ + rto(c));
}

void Engine::delay_ack(Connection& c) {
    if (c.ack_at == kNever) c.ack_at = now_ + kDelayedAck;
}

// Keepalive, idle limit, and the end of FIN-WAIT-2.
void Engine::set_life(Connection& c) {
    c.life_at = kNever;
    if (c.options.idle_timeout != Duration{0}) c.life_at = c.heard_at + c.options.idle_timeout;
    if (c.options.keepalive != Duration{0}) {
        Duration interval = std::min(c.options.keepalive, kKeepaliveInterval);
        Instant at = c.heard_at + c.options.keepalive + c.keepalive_probes * interval;
        c.life_at = std::min(c.life_at, at > now_ ? at : now_ + interval);
    }
    if (c.state == State::fin_wait_2 && !c.handler) c.life_at = std::min(c.life_at, c.progress_at + fin_wait_2(c));
}

void Engine::on_life(Connection& c) {
    if (c.state == State::fin_wait_2 && !c.handler && now_ >= c.progress_at + fin_wait_2(c)) {
        if (c.lingers) counters_.add(Counter::tcp_linger_limit);
        return end(c, CloseReason::finished);
    }
    if (c.options.idle_timeout != Duration{0} && now_ >= c.heard_at + c.options.idle_timeout) {
        reset(c);
        return end(c, CloseReason::idle);
    }
    if (c.options.keepalive != Duration{0} && now_ >= c.heard_at + c.options.keepalive && c.synchronized()) {
        if (c.keepalive_probes >= kKeepaliveProbes) {
            reset(c);
            return end(c, CloseReason::idle);
        }
        // RFC 9293 section 3.8.4: not while anything is outstanding; then retransmission finds out.
        if (c.in_flight() == 0) {
            c.keepalive_probes++;
            send_keepalive(c);
        }
    }
    set_life(c);
}

void Engine::on_timer(Connection& c) {
    if (c.pending_close) return;
    if (c.ack_at <= now_) send_ack(c);
    if (c.timer_at <= now_) {
        TimerKind kind = c.timer_kind;
        set_timer(c, TimerKind::none, kNever);
        Duration limit = user_timeout(c);
        bool give_up = limit != Duration{0} && now_ >= c.progress_at + limit;
        switch (kind) {
            case TimerKind::none: break;
            case TimerKind::reordering:
                detect_losses(c);
                if (c.timer_kind == TimerKind::none) arm_retransmission(c);
                send_pending(c);
                break;
            case TimerKind::loss_probe: on_loss_probe(c); break;
            case TimerKind::persist:
                if (give_up) {
                    reset(c);
                    return end(c, CloseReason::window_held_shut);
                }
                // A window that is open, but not worth it by itself, is used now (RFC 9293 section 3.8.6.2.1).
                if (send_new(c, true)) break;
                send_window_probe(c);
                if (c.backoff < 16) c.backoff++;
                set_timer(c, TimerKind::persist, give_up_at(c, now_ + rto(c)));
                break;
            case TimerKind::retransmission:
                if (c.state == State::syn_sent || c.state == State::syn_received) {
                    if (give_up || c.syn_transmissions >= kSynTransmissions) return end(c, CloseReason::timed_out);
                    counters_.add(Counter::tcp_retransmits);
                    send_syn(c);
                } else if (give_up) {
                    reset(c);
                    return end(c, c.snd_wnd == 0 ? CloseReason::window_held_shut : CloseReason::timed_out);
                } else {
                    on_retransmission_timeout(c);
                }
                break;
        }
    }
    if (c.life_at <= now_) on_life(c);
}

// The wheel holds one deadline of a connection. One that has moved away is not filed again: when the old one comes, the
// connection looks and files the next.
void Engine::file(Connection& c) {
    Instant at = c.deadline();
    if (at >= std::min(c.filed_at, c.recheck_at)) return;
    if (at - now_ < Rechecks::kDelay) return arm(c);
    c.recheck_at = now_ + Rechecks::kDelay;
    rechecks_.push(c.index);
}

void Engine::arm(Connection& c) {
    if (c.deadline() >= c.filed_at) return;
    c.filed_at = c.deadline();
    wheel_.arm(c.index, c.filed_at);
}

void Engine::recheck(uint32_t budget) {
    constexpr uint32_t kAhead = 8;
    for (uint32_t left = std::min(budget, rechecks_.count()); left > 0; left--) {
        Connection& c = connections_[rechecks_.peek(0)];
        if (c.recheck_at > now_) return;
        if (rechecks_.count() > kAhead) __builtin_prefetch(&connections_[rechecks_.peek(kAhead)].recheck_at, 1);
        rechecks_.pop();
        c.recheck_at = kNever;
        arm(c);
    }
}

}  // namespace fedge::tcp
