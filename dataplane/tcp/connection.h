// The control block of one connection (RFC 9293 section 3.3.1). Variables have the RFC's names.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dataplane/base/time.h"
#include "dataplane/ip/hop.h"
#include "dataplane/tcp/blocks.h"
#include "dataplane/tcp/congestion.h"
#include "dataplane/tcp/flow.h"
#include "dataplane/tcp/records.h"
#include "dataplane/tcp/seq.h"
#include "dataplane/tcp/stream.h"
#include "dataplane/wire/tcp.h"

namespace fedge::tcp {

class Engine;

// LISTEN is a Listener, SYN-RECEIVED of a passive open an entry of Engine's SYN cache, TIME-WAIT an entry of
// TimeWaitTable.
enum class State : uint8_t {
    closed,
    syn_sent,
    syn_received,  // simultaneous open only
    established,
    fin_wait_1,
    fin_wait_2,
    close_wait,
    closing,
    last_ack,
};
const char* name(State state);

// Why the retransmission timer runs. There is one timer, as RFC 8985 section 8 has it.
enum class TimerKind : uint8_t { none, retransmission, loss_probe, reordering, persist };

class Connection final : public Stream {
  public:
    // Stream
    Bytes peek() override;
    void consume(size_t n) override;
    size_t look(MutableBytes out) override;
    bool at_end() const override { return fin_received && unread() == 0; }
    size_t write(Bytes bytes) override;
    size_t writable() const override;
    void shutdown() override;
    void set_handler(StreamHandler& user) override { handler = &user; }
    void close() override;
    void linger() override;
    void abort() override;
    Endpoint local() const override { return key.local_endpoint(); }
    Endpoint remote() const override { return key.remote_endpoint(); }
    StreamInfo info() const override;

    uint32_t unread() const { return data_end() - rcv_read; }
    uint32_t unsent() const { return snd_end < snd_nxt ? 0 : snd_end - snd_nxt; }  // a FIN that was sent lies beyond
    uint32_t in_flight() const { return snd_nxt - snd_una; }
    // RFC 6675's pipe: what is believed to be in the network.
    uint32_t pipe() const { return in_flight() - sacked_bytes - lost_bytes + retransmitted_bytes; }
    uint32_t record_count() const { return record_tail - record_head; }
    bool synchronized() const { return state >= State::established; }
    bool receives() const {
        return state == State::established || state == State::fin_wait_1 || state == State::fin_wait_2;
    }
    // The first byte that is not acknowledged: behind our SYN while that is not.
    Seq oldest_byte() const { return synchronized() ? snd_una : iss + 1; }
    Instant deadline() const { return std::min({timer_at, ack_at, life_at}); }
    // The sequence number behind the last byte that the peer has sent in order.
    Seq data_end() const { return fin_received ? rcv_nxt - 1 : rcv_nxt; }

    // In order of who touches it, in cache lines of 64 bytes: among a hundred thousand connections, memory is what a
    // segment costs. An acknowledgement touches lines 0 to 6, a request that is answered 0 to 8.
    static constexpr size_t kAcknowledgementLines = 7;
    static constexpr size_t kRequestLines = 9;

    // --- lines 0 and 1: every segment
    Engine* engine;
    StreamHandler* handler;
    Seq snd_una;
    Seq snd_nxt;
    Seq snd_wl1;
    Seq snd_wl2;
    Seq snd_end;  // behind what was written
    Seq rcv_nxt;
    Seq rcv_read;  // next byte that the user reads
    Seq rcv_adv;   // right edge of the window as it was told
    Seq last_ack_sent;
    uint32_t snd_wnd;

    uint32_t max_snd_wnd;
    uint32_t index;
    uint32_t ts_recent;
    uint32_t ts_recent_at;  // second
    uint32_t sacked_bytes;  // without SACK: what duplicate ACKs stand for (RFC 6582)
    uint32_t lost_bytes;
    uint32_t retransmitted_bytes;
    uint16_t mss;      // of what we send, options of every segment already taken off
    uint16_t rcv_mss;  // largest segment seen, for delayed acknowledgements
    State state;
    bool in_use;
    bool dirty;     // in Engine's list of connections with something to send
    bool detached;  // the flow is TIME-WAIT's, or gone; only unread data is left
    bool ack_now;
    bool fin_queued;  // shutdown() was called: a FIN follows the data
    bool fin_sent;
    bool fin_received;  // and all before it
    bool fin_known;     // a FIN has arrived, at fin_at
    bool timestamps_on;
    bool sack_on;
    bool write_blocked;  // a write() took less than all
    bool starved;        // because the pool was empty
    bool event_readable;
    bool pending_close;   // the user has still to be told of the end
    bool window_limited;  // the congestion window was full since the last growth
    bool in_recovery;     // after a loss
    bool after_timeout;   // after a timeout; together with in_recovery
    bool reordering_seen;
    bool probe_sent;         // a byte beyond the window is out (zero-window probe)
    bool probe_outstanding;  // tail loss probe
    bool rack_dsack_seen;    // in this round
    uint8_t snd_scale;
    uint8_t rcv_scale;
    uint8_t backoff;
    uint8_t quick_acks;  // immediate acknowledgements left (start of the connection)
    uint8_t duplicate_acks;
    uint8_t keepalive_probes;
    uint8_t consecutive_full_losses;  // timeouts of a full-size segment (RFC 4821)
    TimerKind timer_kind;

    // --- line 2: timers, the earliest of which is what the wheel knows
    alignas(64) Instant timer_at;  // as timer_kind says
    Instant ack_at;                // delayed acknowledgement
    Instant life_at;               // keepalive, idle, FIN-WAIT-2
    Instant filed_at;              // deadline in the wheel
    Instant recheck_at;            // in Engine's queue of rechecks until then
    Instant progress_at;           // when the peer last acknowledged or opened its window, or flight began
    Instant heard_at;              // last segment from the peer
    Instant last_sent_at;          // data

    // --- line 3: round trips
    Duration srtt;
    Duration rttvar;
    Duration min_rtt;
    Instant min_rtt_at;
    Duration rack_rtt;
    Instant rack_sent_at;  // RACK.xmit_ts
    Seq rack_end;          // RACK.end_seq
    Seq rack_fack;         // highest sequence number delivered
    Seq rack_dsack_round;
    Seq recovery_point;

    // --- line 4, and 5 for the first records: what is queued and what is under way
    PagedRing send_bytes;     // by sequence number
    PagedRing receive_bytes;  // by sequence number
    uint32_t record_head;     // number of the first record
    uint32_t record_tail;     // behind the last
    RecordRing records;

    // --- line 6: whose connection it is (behind what few records do not need)
    FlowKey key;

    // --- line 7: answers
    ip::Hop hop;
    uint32_t ts_offset;
    uint32_t unacknowledged;  // payload bytes received since the last acknowledgement
    uint32_t dsack_left;      // to be reported with the next acknowledgement; equal: none
    uint32_t dsack_right;
    uint32_t assembler;  // block, or kNoBlock
    Seq fin_at;
    StreamOptions options;

    // --- line 8
    Congestion congestion;

    // --- line 9: seldom
    Instant opened_at;
    Instant challenges_since;
    uint64_t retransmits;
    Seq iss;
    Seq irs;                // of one that lingers: where that began
    Seq probe_end;          // TLP.end_seq
    uint32_t probe_flight;  // bytes in flight when the probe was sent
    uint32_t undo_window;   // before the reduction that may be undone; 0 = none
    uint32_t undo_threshold;
    uint32_t undo_timestamp;      // our timestamp of the first retransmission
    uint16_t peer_mss;            // as the SYN said
    uint16_t challenges;          // challenge ACKs in this period (RFC 5961 section 7)
    uint8_t rack_window_mult;     // RACK.reo_wnd_mult
    uint8_t rack_window_persist;  // RACK.reo_wnd_persist
    uint8_t syn_transmissions;
    CloseReason pending_reason;
    bool closed_by_user;       // close() or linger() was called: nobody reads any more
    bool lingers;              // what comes is thrown away instead of refused
    bool probe_retransmitted;  // the tail loss probe was a retransmission
    bool outgoing;
};
static_assert(sizeof(Connection) == 10 * 64);

}  // namespace fedge::tcp
