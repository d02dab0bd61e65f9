// Copies of SIP messages for operators, while a trace runs: what fits one of the filters, with secrets masked, into a
// ring that the management thread empties. Bounded by the ring and by a rate for each trace; what is beyond is counted.
// Without a trace it costs the look at on().
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/base/fixed_text.h"
#include "dataplane/base/time.h"
#include "dataplane/ip/rate_limit.h"
#include "dataplane/signal/sip/dialog_list.h"
#include "dataplane/signal/sip/sip_connection.h"
#include "dataplane/sip/message.h"

namespace fedge::signal {

// What one trace wants. Empty members fit everything.
struct TraceFilter {
    uint32_t id = 0;
    std::string domain;  // in lower case: of From, To or Request-URI, or proved by the far end; or a domain above it
    std::string call_id;
    uint64_t connection = 0;
    uint32_t rate = 200;  // messages per second and core
};
// All traces that run. Immutable, shared by all cores.
using TraceFilters = std::vector<TraceFilter>;
inline constexpr size_t kMaxTraces = 4;

// One message on its way to management.
struct TraceRecord {
    static constexpr size_t kText = 8 * 1024;

    struct Wanted {
        uint32_t id;
        uint32_t lost;  // messages that fitted this trace since the last one that it got
    };
    std::array<Wanted, kMaxTraces> wanted;
    uint8_t traces;  // of `wanted`
    bool incoming;
    Instant at;
    uint64_t connection;
    DialogParty peer;
    Endpoint remote;
    Endpoint local;
    FixedText<200> verdict;
    uint32_t size;  // of the message; of `text` no more than fits
    std::array<char, kText> text;

    std::string_view shown() const { return {text.data(), std::min<size_t>(size, kText)}; }
};

// One writer, one reader. What the writer has put becomes visible all at once.
class TraceRing {
  public:
    static constexpr uint32_t kRecords = 128;

    TraceRing() : records_(std::make_unique_for_overwrite<TraceRecord[]>(kRecords)) {}

    // Writer: the next free record, or null; it is put by the next call of show().
    TraceRecord* next() {
        if (put_ - tail_.load(std::memory_order_acquire) == kRecords) return nullptr;
        return &records_[put_++ % kRecords];
    }
    // Writer: the last record that next() gave, which is not shown yet, is given back.
    void give_back() { put_--; }
    void show() { head_.store(put_, std::memory_order_release); }

    // Reader: the oldest record, until taken().
    const TraceRecord* oldest() const {
        uint32_t tail = tail_.load(std::memory_order_relaxed);
        return tail == head_.load(std::memory_order_acquire) ? nullptr : &records_[tail % kRecords];
    }
    void taken() { tail_.store(tail_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

  private:
    std::unique_ptr<TraceRecord[]> records_;
    uint32_t put_ = 0;
    alignas(64) std::atomic<uint32_t> head_{0};
    alignas(64) std::atomic<uint32_t> tail_{0};
};

// A core's part.
class SipTrace {
  public:
    explicit SipTrace(Counters counters) : counters_(counters) {}

    // Null: no trace runs. They live until the next call.
    void adopt(const TraceFilters* filters);
    bool on() const { return filters_ != nullptr; }
    TraceRing& ring() { return ring_; }

    // One message is worked on, from begin() to end(): what it causes to be sent stands behind it, and its verdict is
    // known at the end. `came`: just now, and not earlier, when it had to wait.
    void begin(const SipConnection* connection, const sip::Message& message, Bytes header, Bytes body, bool came,
               Instant now);
    // What is done with it, if it is not passed on.
    void verdict(std::string_view words) {
        if (on()) verdict_ = words;
    }
    // It is of no interest after all: an answer to a question of the edge itself.
    void forget();
    // Something leaves. Its text is another than that of the message that caused it, but who speaks with whom is not.
    void outgoing(const SipConnection& connection, const sip::Message& cause, Bytes header, Bytes body, Instant now);
    void end();

  private:
    struct State {
        ip::RateLimit rate{0};
        uint32_t lost = 0;
    };

    uint32_t fitting(const SipConnection* connection, const sip::Message& message) const;
    TraceRecord* copy(uint32_t traces, const SipConnection& connection, Bytes header, Bytes body, bool incoming,
                      Instant now);

    Counters counters_;
    const TraceFilters* filters_ = nullptr;
    std::array<State, kMaxTraces> states_;
    TraceRing ring_;
    TraceRecord* incoming_ = nullptr;  // of the message that is worked on
    uint32_t traces_ = 0;              // that it fits, by bit, whatever the connection
    uint32_t put_ = 0;                 // records since begin()
    FixedText<200> verdict_;
};

}  // namespace fedge::signal
