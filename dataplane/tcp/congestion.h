// Congestion control of one connection: how much may be in flight (RFC 5681, 6928, 3465, 9438, 6937).
//
// Only arithmetic: what was lost, delivered or timed out is found by loss.cpp.
#pragma once

#include <cstdint>

#include "dataplane/base/time.h"

namespace fedge::tcp {

class Congestion {
  public:
    // `segments`: of the initial window, 10 (RFC 6928), or 1 if the handshake lost a segment (RFC 5681 section 3.1).
    void start(uint32_t mss, uint32_t segments, bool cubic);
    // The path takes smaller segments now: the window keeps its number of segments.
    void change_mss(uint32_t mss);

    uint32_t window() const { return window_; }
    uint32_t threshold() const { return threshold_; }
    bool slow_start() const { return window_ < threshold_; }

    // `bytes` were acknowledged outside of recovery and the window had been full (RFC 7661: no growth otherwise).
    // `after_timeout`: still repairing a timeout, L = 1 (RFC 3465 section 2.3).
    void on_acknowledged(uint32_t bytes, bool after_timeout, Duration smoothed_rtt, Instant now);

    // A loss was found: the window is reduced, and PRR (RFC 6937) meters what goes out until leave_recovery().
    void enter_recovery(uint32_t in_flight);
    // `delivered` more bytes reached the peer, `pipe` are in the network.
    void during_recovery(uint32_t delivered, uint32_t pipe);
    void on_sent_in_recovery(uint32_t bytes) { prr_out_ += bytes; }
    void leave_recovery() { window_ = threshold_; }

    // RFC 5681 equation 4; `first`: of this loss, so the threshold moves too.
    void on_timeout(uint32_t in_flight, bool first);
    // Nothing was sent for longer than the RTO (RFC 5681 section 4.1).
    void on_idle();
    // A reduction was in error (RFC 4015).
    void undo(uint32_t window, uint32_t threshold);

    static constexpr uint32_t kMaxWindow = 2 * 1024 * 1024;

  private:
    void reduce(uint32_t in_flight);
    uint32_t cubic_target(Duration smoothed_rtt, Instant now) const;
    void grow(uint32_t bytes) { window_ = bytes < kMaxWindow - window_ ? window_ + bytes : kMaxWindow; }

    uint32_t mss_ = 536;
    uint32_t window_ = 0;
    uint32_t threshold_ = 0;
    uint32_t initial_ = 0;
    uint32_t acknowledged_ = 0;  // towards the next segment of growth
    bool cubic_ = false;

    // PRR.
    uint32_t prr_delivered_ = 0;
    uint32_t prr_out_ = 0;
    uint32_t prr_flight_ = 1;  // RecoverFS

    // CUBIC (RFC 9438), in segments.
    float maximum_ = 0;   // W_max
    float estimate_ = 0;  // W_est
    float k_ = 0;         // seconds
    Instant epoch_{};     // of the current congestion avoidance stage; zero = not begun
};

}  // namespace fedge::tcp
