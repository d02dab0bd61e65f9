// All that the TCP of one core owns, and what it does with it. One file per concern:
//
//   engine.cpp           look-up of a burst, who gets a segment, sharing out of memory
//   opening.cpp          LISTEN, SYN cache, cookies, SYN-SENT, connect()
//   arrival.cpp          RFC 9293 section 3.10.7.4 in its order: sequence, RST, SYN, ACK, text, FIN
//   acknowledgement.cpp  what an ACK says: window, SACK, RTT, congestion
//   loss.cpp             RACK-TLP and NewReno: what is lost, recovery, timeout, undo
//   sending.cpp          what leaves: new data, retransmissions, acknowledgements, resets
//   timers.cpp           the one deadline of a connection
//   closing.cpp          FIN, TIME-WAIT, abort, ICMP
//   stream.cpp           Stream and Transport as the user sees them
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/base/flow_hints.h"
#include "dataplane/base/hash_table.h"
#include "dataplane/base/table.h"
#include "dataplane/base/wheel.h"
#include "dataplane/ip/rate_limit.h"
#include "dataplane/tcp/assembler.h"
#include "dataplane/tcp/connection.h"
#include "dataplane/tcp/path_mtu.h"
#include "dataplane/tcp/prefixes.h"
#include "dataplane/tcp/rechecks.h"
#include "dataplane/tcp/secrets.h"
#include "dataplane/tcp/tcp.h"
#include "dataplane/tcp/time_wait.h"
#include "dataplane/wire/headers.h"
#include "dataplane/wire/tcp.h"

namespace fedge::tcp {

// RFC 6298: initial RTO, its bounds. The floor of 200 ms instead of 1 s is what Linux and others do.
inline constexpr Duration kInitialRto = 1s;
inline constexpr Duration kInitialRtoAfterSynLoss = 3s;  // section 5.7
inline constexpr Duration kMinRto = 200ms;
inline constexpr Duration kMaxRto = 60s;
inline constexpr Duration kClockTick = 1ms;
inline constexpr Duration kDelayedAck = 40ms;
// RFC 5961 section 7: challenge ACKs per connection and period. Never shared among connections: a shared limit tells an
// off-path attacker about others (CVE-2016-5696). Repeated data is answered more often: it is no loop of ACKs.
inline constexpr uint16_t kChallenges = 10;
inline constexpr uint16_t kRepeatedDataAcks = 200;
inline constexpr Duration kChallengePeriod = 5s;
// How often a SYN-ACK or an acknowledgement of TIME-WAIT is repeated for who asks again.
inline constexpr Duration kRepeatInterval = 200ms;
inline constexpr uint16_t kMinMss = 64;  // a peer that offers less makes us send headers only (CVE-2019-11479)
inline constexpr size_t kMaxPieces = 9;  // blocks that the largest segment lies in

inline StreamOptions bounded(StreamOptions options) {
    options.send_buffer = std::min(options.send_buffer, kMaxBuffer);
    options.receive_buffer = std::min(options.receive_buffer, kMaxBuffer);
    return options;
}

struct Listener {
    Endpoint local;
    StreamOptions options;
    Acceptor* acceptor = nullptr;
    uint16_t next = 0;  // of the same port, or free: place + 1
};

// IP and TCP headers without options.
inline uint16_t header_length(const IpAddress& address) {
    return static_cast<uint16_t>(wire::ip_header_length(address.family()) + wire::kTcpHeader);
}

// A passive connection in SYN-RECEIVED.
struct HalfOpen {
    FlowKey key;
    ip::Hop hop;
    uint32_t irs;
    uint32_t iss;
    uint32_t ts_recent;
    uint16_t peer_mss;
    uint8_t peer_scale;
    bool has_scale;
    bool sack;
    bool timestamps;
    uint8_t transmissions;  // of the SYN-ACK
    Instant sent_at;
    Instant answered;  // the last time the SYN-ACK was repeated for a repeated SYN
    uint32_t next_free;
};

// A segment on its way through the engine.
struct Incoming {
    IpAddress source;
    IpAddress destination;
    wire::TcpSegment segment;
    FlowKey key;
    uint32_t hash;
    uint32_t hint;           // the connection that it is probably for, or FlowHints::kNone: then...
    uint64_t found;          // ...what the flow table says, as long as...
    uint64_t found_changes;  // ...it has not changed since

    Seq seq() const { return Seq{segment.seq}; }
    Seq ack() const { return Seq{segment.ack}; }
};

class Engine {
  public:
    Engine(const Settings& settings, Counters counters, Random& random, SegmentOutput& output, Instant now);

    // As Tcp says.
    bool listen(const Endpoint& local, const StreamOptions& options, Acceptor& acceptor);
    void unlisten(const Endpoint& local);
    Stream* connect(const Endpoint& local, const Endpoint& remote, const StreamOptions& options,
                    StreamHandler& handler);
    void receive(std::span<const Arrival> burst, Instant now);
    void receive(const IcmpError& error, Instant now);
    uint32_t advance(Instant now, uint32_t budget);
    void flush(Instant now);
    MemoryUse memory() const;
    size_t bytes_per_connection() const;
    size_t list(std::span<ConnectionRow> out, uint32_t& cursor) const;

    // --- for Connection's Stream methods
    BlockPool& pool() { return pool_; }
    void mark(Connection& c);                       // something to send: looked at by flush()
    void on_consumed(Connection& c);                // the user has read
    void starve(Connection& c);                     // a write() found no memory
    void orphan(Connection& c);                     // close() by the user
    void abort(Connection& c, CloseReason reason);  // RST; the user is not told

  private:
    // What the flow table says a key is. Value: kind << 32 | index + 1.
    enum class Kind : uint8_t { none, connection, half_open, time_wait };

    // engine.cpp
    size_t parse(std::span<const Arrival> burst);  // into burst_; returns how many are to be looked at
    void look_up(size_t count);
    void fetch(const Incoming& in) const;
    void fetch_user(const Incoming& in);
    void dispatch(Incoming& in);
    void on_connection_segment(Connection& c, Incoming& in);
    bool set_flow(const FlowKey& key, Kind kind, uint32_t index);  // false: no room in the table
    void remove_flow(const FlowKey& key);
    Connection* take_connection(const FlowKey& key, const StreamOptions& options);
    void release(Connection& c);
    Listener* find_listener(const IpAddress& address, uint16_t port);
    void deliver(Connection& c);  // calls the user for what has happened
    ConnectionRow row(const Connection& c) const;
    void tell_end(const Connection& c, std::string_view how) const;
    Assembler* assembler(Connection& c);

    // opening.cpp
    void on_listener_segment(Incoming& in, Listener& listener);
    // `floor`: our sequence numbers of the flow's last connection end there.
    void on_syn(const Incoming& in, Listener& listener, std::optional<Seq> floor);
    void on_half_open_segment(Incoming& in, uint32_t index);
    void on_cookie(Incoming& in, Listener& listener);
    void answer_with_cookie(const Incoming& in, const Listener& listener);
    void send_syn_ack(HalfOpen& half);
    void on_half_open_timer(uint32_t index);
    void release_half_open(uint32_t index);
    Connection* establish(const HalfOpen& half, Listener& listener, Incoming& in);
    void on_syn_sent(Connection& c, Incoming& in);
    void take_peer_options(Connection& c, const wire::TcpOptions& options);
    void open_windows(Connection& c, uint32_t window);
    void send_syn(Connection& c);
    uint16_t pick_port(const IpAddress& local, const Endpoint& remote);
    uint16_t advertised_mss(const IpAddress& local, const IpAddress& remote);

    // arrival.cpp
    void on_segment(Connection& c, Incoming& in);
    bool acceptable(Connection& c, Incoming& in);
    bool passes_paws(Connection& c, const Incoming& in);
    void on_text(Connection& c, Incoming& in);
    void store(Connection& c, Seq seq, Bytes text, bool fin);
    void note_duplicate(Connection& c, Seq left, Seq right);
    void on_fin(Connection& c);
    void challenge(Connection& c, uint16_t limit = kChallenges);

    // acknowledgement.cpp
    bool on_ack(Connection& c, const Incoming& in);  // false: the segment goes no further
    void update_window(Connection& c, const Incoming& in);
    uint32_t take_sacks(Connection& c, const wire::TcpOptions& options, Seq fack, bool& duplicate_told);
    uint32_t pop_acknowledged(Connection& c, Seq ack, const wire::TcpOptions& options, Seq fack);
    void sample_rtt(Connection& c, Duration rtt);
    Duration rto(const Connection& c) const;
    void on_all_acknowledged(Connection& c);

    // loss.cpp
    // `echo`: the peer's echo of our timestamp, where it says which transmission it is about. `fack`: RACK.fack before
    // this acknowledgement.
    void on_delivered(Connection& c, const SentRecord& record, const wire::TcpTimestamps* echo, Seq fack);
    void detect_losses(Connection& c);
    void detect_by_duplicates(Connection& c, bool advanced);
    Duration reordering_window(const Connection& c) const;
    void on_duplicate_told(Connection& c);
    void mark_lost(Connection& c, SentRecord& record, uint32_t number);
    void begin_recovery(Connection& c);
    void end_recovery(Connection& c);
    void on_retransmission_timeout(Connection& c);
    void on_loss_probe(Connection& c);
    void judge_loss_probe(Connection& c, const Incoming& in, bool advanced, bool duplicate_told);
    bool undo_if_spurious(Connection& c, const wire::TcpOptions& options);  // on the first ACK of new data
    void remember_for_undo(Connection& c);
    SentRecord& record(Connection& c, uint32_t number);
    uint32_t first_record_at(Connection& c, Seq seq);

    // sending.cpp
    void send_pending(Connection& c);
    bool send_new(Connection& c, bool forced);
    bool send_lost(Connection& c);
    void transmit(Connection& c, Seq seq, uint32_t length, bool fin);
    void retransmit(Connection& c, SentRecord& r);
    void send_ack(Connection& c);
    void send_window_probe(Connection& c);
    void send_keepalive(Connection& c);
    void reset(Connection& c);
    void reset_stranger(const Incoming& in);
    void send_control(const FlowKey& key, ip::Hop& hop, wire::TcpSegment& segment);
    void fill_header(Connection& c, wire::TcpSegment& out);
    uint16_t told_window(Connection& c);
    uint32_t timestamp(uint32_t offset) const;
    uint32_t second() const { return static_cast<uint32_t>(now_.time_since_epoch() / 1s); }
    uint16_t option_bytes(const Connection& c) const { return c.timestamps_on ? 12 : 0; }

    // timers.cpp
    void on_timer(Connection& c);
    Instant give_up_at(const Connection& c, Instant at) const;
    void set_timer(Connection& c, TimerKind kind, Instant at);
    bool arm_loss_probe(Connection& c);
    void arm_retransmission(Connection& c);  // RTO, or the loss probe before it
    void arm_persist(Connection& c);
    void delay_ack(Connection& c);
    void set_life(Connection& c);
    void on_life(Connection& c);
    void file(Connection& c);
    void arm(Connection& c);
    void recheck(uint32_t budget);

    // closing.cpp
    void end(Connection& c, CloseReason reason);  // tells the user when deliver() comes
    void on_fin_acknowledged(Connection& c);
    void enter_time_wait(Connection& c);
    void on_time_wait_segment(Incoming& in, uint32_t index);
    void remove_time_wait(uint32_t index);
    void shrink_segments(Connection& c, uint16_t mtu);
    void set_mss(Connection& c, uint16_t mtu);

    Settings settings_;
    Counters counters_;
    Random& random_;
    SegmentOutput& output_;
    Secrets secrets_;
    Instant now_;
    std::array<Incoming, Tcp::kBurst> burst_;  // being received
    std::array<Bytes, kMaxPieces> pieces_;     // of the segment being sent

    BlockPool pool_;
    Table<Connection> connections_;
    std::vector<uint32_t> free_;
    // Ended in this turn. Free from the next one on, so that in_use tells those further up the call that it has ended.
    std::vector<uint32_t> released_;
    TimingWheel wheel_;
    Rechecks rechecks_;
    std::vector<uint32_t> dirty_;
    std::vector<uint32_t> starved_;
    HashTable<FlowKey> flows_;
    FlowHints hints_;
    uint64_t flow_changes_ = 0;
    std::vector<Listener> listeners_;
    std::vector<uint16_t> listener_at_;  // by port: place + 1 of the first; 0: none
    uint16_t listener_free_ = 0;

    Table<HalfOpen> half_open_;
    uint32_t half_open_free_;
    uint32_t half_open_count_ = 0;
    TimingWheel half_open_wheel_;
    Instant cookies_until_{};  // ACKs may be answers to cookies until then

    TimeWaitTable time_wait_;
    PrefixCounts per_prefix_;
    PrefixCounts half_open_per_prefix_;
    PathMtu path_mtu_;

    ip::RateLimit resets_;
    ip::RateLimit syns_;
    std::array<uint16_t, 256> port_counters_{};
};

}  // namespace fedge::tcp
