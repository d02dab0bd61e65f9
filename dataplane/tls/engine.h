// TLS on one signalling core: makes sessions, shares out the work of their handshakes, frees them.
//
// No clock: turn() brings the time; between two turns it stands still. Uses the heap.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/base/time.h"
#include "dataplane/base/wheel.h"
#include "dataplane/tcp/prefixes.h"
#include "dataplane/tcp/stream.h"
#include "dataplane/tls/context.h"
#include "dataplane/tls/session.h"

namespace fedge::tls {

// Who wants to know how sessions end: for the log and for `fedge show connections`.
class Observer {
  public:
    virtual ~Observer() = default;
    // Once for each session that accept() or connect() returned, also when its handshake failed: then, and when it
    // broke, session.negotiated().error says why. Comes from within close() and abort() too. Neither the stream below
    // nor, after this call, the session may be used any more.
    virtual void on_session_end(const Session& session, tcp::CloseReason reason) = 0;
};

struct EngineLimits {
    uint32_t sessions = 4096;    // as many as the transports of the core have connections
    uint32_t handshakes = 4096;  // in progress, whatever a snapshot allows
    int socket = -1;             // NUMA node, -1 = any
};

// One line of a listing.
struct SessionRow {
    Endpoint local;
    Endpoint remote;
    bool handshaking = false;
    Duration age{};
    const SessionInfo* info = nullptr;  // until the next turn
};

class Engine {
  public:
    // Throws std::runtime_error when there is not enough memory. The EAL must run.
    Engine(const EngineLimits& limits, Counters counters, Random& random, Observer& observer, Instant now,
           int64_t unix_seconds);
    // Sessions that are left are freed without a word to anybody: the transports below must be gone or never turn
    // again.
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // For sessions from now on. Before the first call every session is refused.
    void adopt(std::shared_ptr<const Context> context) { context_ = std::move(context); }

    // Server role on a stream that was just accepted, or on which the user has only peeked so far: what this returns
    // must be told of everything that happens below from now on. Bytes that have arrived are looked at in the next
    // turn. `above` is asked when the handshake is finished; the stream it gets is a Session. nullptr: refused (limits,
    // no certificate), counted.
    tcp::StreamHandler* accept(tcp::Stream& below, const ServerOptions& options, tcp::Acceptor& above);
    // Client role. nullptr: as Transport::connect(), or a limit. on_open() or on_closed() follows.
    tcp::Stream* connect(tcp::Transport& transport, const Endpoint& local, const Endpoint& remote,
                         const tcp::StreamOptions& stream, ClientOptions options, tcp::StreamHandler& above);

    // Deadlines, handshake steps within the budget, and what could not be told at once. Once in each turn of the loop,
    // behind receive() and before flush() of the transports. Returns how much there was to do.
    uint32_t turn(Instant now, int64_t unix_seconds);
    // Whether a turn has work that no packet will announce.
    bool busy() const { return !ready_.empty() || !waking_.empty() || !ended_.empty(); }

    uint32_t sessions() const { return static_cast<uint32_t>(sessions_.size() - free_.size() - ended_.size()); }
    uint32_t handshakes() const { return handshakes_; }
    // Rows from `cursor` on, at most out.size(); returns how many and moves the cursor, to 0 at the end.
    size_t list(std::span<SessionRow> out, uint32_t& cursor) const;

  private:
    friend class Session;
    friend struct Callbacks;

    Session* make(const IpAddress& remote);
    void begin_handshake(Session& session);
    void end_handshake(Session& session);
    void want_step(Session& session);
    void want_wake(Session& session);
    void bury(Session& session, tcp::CloseReason reason);
    uint32_t run_steps();
    std::unique_ptr<uint8_t[]> take_block();
    void give_block(std::unique_ptr<uint8_t[]> block);

    static constexpr size_t kBlock = 16 * 1024;  // the plaintext of one record
    static constexpr size_t kSpareBlocks = 64;

    EngineLimits limits_;
    Counters counters_;
    Observer& observer_;
    Instant now_;
    int64_t unix_seconds_;
    uint64_t turn_ = 0;
    std::shared_ptr<const Context> context_;
    std::vector<std::unique_ptr<Session>> sessions_;  // by index
    std::vector<uint32_t> free_;                      // indices
    std::deque<Session*> ready_;                      // for a handshake step, each at most once
    std::vector<Session*> waking_;
    std::vector<Session*> ended_;
    std::vector<std::unique_ptr<uint8_t[]>> blocks_;
    uint32_t handshakes_ = 0;
    tcp::PrefixCounts prefixes_;  // of handshakes in progress
    TimingWheel deadlines_;
};

}  // namespace fedge::tls
