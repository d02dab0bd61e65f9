#include "dataplane/tcp/congestion.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace fedge::tcp {
namespace {

// RFC 9438 sections 4.1 and 4.6.
constexpr float kC = 0.4F;
constexpr float kBeta = 0.7F;
constexpr float kAlpha = 3 * (1 - kBeta) / (1 + kBeta);
constexpr uint32_t kUnlimited = Congestion::kMaxWindow;

float seconds(Duration d) {
    return std::chrono::duration<float>(d).count();
}

}  // namespace

void Congestion::start(uint32_t mss, uint32_t segments, bool cubic) {
    *this = {};
    mss_ = mss;
    // RFC 6928 section 2: min (10 * MSS, max (2 * MSS, 14600)).
    initial_ = std::min(10 * mss, std::max(2 * mss, 14600U));
    window_ = std::min(initial_, segments * mss);
    threshold_ = kUnlimited;
    cubic_ = cubic;
}

void Congestion::change_mss(uint32_t mss) {
    auto scaled = [&](uint32_t bytes) { return static_cast<uint32_t>(uint64_t{bytes} * mss / mss_); };
    window_ = std::max(scaled(window_), mss);
    initial_ = scaled(initial_);
    mss_ = mss;
}

void Congestion::on_acknowledged(uint32_t bytes, bool after_timeout, Duration smoothed_rtt, Instant now) {
    if (slow_start()) {
        // RFC 3465 with L = 2. What is acknowledged beyond the threshold counts from the next acknowledgement on.
        grow(std::min({bytes, (after_timeout ? 1 : 2) * mss_, threshold_ - window_ + mss_}));
        return;
    }
    if (!cubic_) {
        acknowledged_ += bytes;
        if (acknowledged_ < window_) return;
        acknowledged_ -= window_;
        grow(mss_);
        return;
    }
    auto segments = static_cast<float>(window_) / static_cast<float>(mss_);
    if (epoch_ == Instant{}) {
        epoch_ = now;
        if (maximum_ < segments) maximum_ = segments;
        k_ = std::cbrt((maximum_ - segments) / kC);
        estimate_ = segments;
    }
    // RFC 9438 section 4.3: not slower than Reno.
    float alpha = estimate_ >= maximum_ ? 1.0F : kAlpha;
    estimate_ += alpha * (static_cast<float>(bytes) / static_cast<float>(mss_)) / segments;
    uint32_t target =
        std::max(cubic_target(smoothed_rtt, now), static_cast<uint32_t>(estimate_ * static_cast<float>(mss_)));
    if (target <= window_) return;
    // (target - cwnd) / cwnd for each acknowledged segment (section 4.4).
    grow(static_cast<uint32_t>(uint64_t{target - window_} * bytes / window_));
}

// W_cubic(t + RTT), at least the window and at most half as much again (section 4.2).
uint32_t Congestion::cubic_target(Duration smoothed_rtt, Instant now) const {
    float t = seconds(now - epoch_ + smoothed_rtt) - k_;
    float target = (kC * t * t * t + maximum_) * static_cast<float>(mss_);
    auto low = static_cast<float>(window_);
    return static_cast<uint32_t>(std::clamp(target, low, 1.5F * low));
}

void Congestion::reduce(uint32_t in_flight) {
    if (cubic_) {
        auto segments = static_cast<float>(window_) / static_cast<float>(mss_);
        // Fast convergence (section 4.7): give way to newcomers.
        maximum_ = segments < maximum_ ? segments * (1 + kBeta) / 2 : segments;
        threshold_ = static_cast<uint32_t>(kBeta * static_cast<float>(std::min(in_flight, window_)));
    } else {
        threshold_ = in_flight / 2;  // RFC 5681 equation 4
    }
    threshold_ = std::max(threshold_, 2 * mss_);
    epoch_ = {};
    acknowledged_ = 0;
}

void Congestion::enter_recovery(uint32_t in_flight) {
    reduce(in_flight);
    prr_delivered_ = prr_out_ = 0;
    prr_flight_ = std::max(in_flight, 1U);
}

void Congestion::during_recovery(uint32_t delivered, uint32_t pipe) {
    prr_delivered_ += delivered;
    int64_t send;
    if (pipe > threshold_) {
        send = static_cast<int64_t>((uint64_t{prr_delivered_} * threshold_ + prr_flight_ - 1) / prr_flight_) - prr_out_;
    } else {
        // The slow start reduction bound.
        int64_t limit = std::max<int64_t>(int64_t{prr_delivered_} - prr_out_, delivered) + mss_;
        send = std::min<int64_t>(threshold_ - pipe, limit);
    }
    // The first retransmission must not wait (section 3.1: "force a fast retransmit upon entering recovery").
    if (prr_out_ == 0) send = std::max<int64_t>(send, mss_);
    window_ = pipe + static_cast<uint32_t>(std::max<int64_t>(send, 0));
}

void Congestion::on_timeout(uint32_t in_flight, bool first) {
    if (first) reduce(in_flight);
    window_ = mss_;
    epoch_ = {};
}

void Congestion::on_idle() {
    window_ = std::min(window_, initial_);
    epoch_ = {};
}

void Congestion::undo(uint32_t window, uint32_t threshold) {
    window_ = std::max(window_, window);
    threshold_ = std::max(threshold_, threshold);
    epoch_ = {};
}

}  // namespace fedge::tcp
