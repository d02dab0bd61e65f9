// All SIP connections of a core: who they are, what is to be read and written in this turn, when they are closed.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/base/time.h"
#include "dataplane/base/wheel.h"
#include "dataplane/signal/sip/sip_connection.h"
#include "dataplane/tcp/prefixes.h"

namespace fedge::signal {

// Is told what connections bring. Views are good during the call; the connection may be closed within it.
class SipObserver {
  public:
    virtual ~SipObserver() = default;
    virtual void on_message(SipConnection& connection, Bytes header, Bytes body) = 0;
    // The connection ends behind this call because of what came. `header`: the header section, if it is whole.
    virtual void on_fault(SipConnection& connection, sip::FramingFault fault, Bytes header) = 0;
    // The same: there is no memory for the rest of the message. `header`: likewise.
    virtual void on_no_room(SipConnection& connection, Bytes header) = 0;
    // Of outgoing ones: they are open; something came, for the first time.
    virtual void on_open(SipConnection& connection) = 0;
    virtual void on_heard(SipConnection& connection) = 0;
    // It is no more; `established`: it was open.
    virtual void on_end(SipConnection& connection, bool established) = 0;
};

struct SipLimits {
    uint32_t connections = 4096;
    int socket = -1;  // NUMA node
    uint16_t core = 0;
    uint32_t messages_per_turn = 64;     // of one connection
    uint64_t gathered_bytes = 64 << 20;  // of messages that lie in pieces, all connections
};

class SipConnections {
  public:
    // The EAL must run. Throws std::runtime_error when there is not enough memory.
    SipConnections(const SipLimits& limits, Counters counters, Random& random, SipObserver& observer, Instant now);
    // Aborts what is left.
    ~SipConnections();
    SipConnections(const SipConnections&) = delete;
    SipConnections& operator=(const SipConnections&) = delete;

    // `config` lives until the next call; null: nothing is served, and connections are ended.
    void adopt(const SipConfig* config);

    // A stream that is open: its handler, or nullptr if there are too many.
    SipConnection* accept(tcp::Stream& stream, PeerKind kind, const tls::SessionInfo* tls, Instant now);
    // A place for one that we begin; attach() or abandon() follows.
    SipConnection* prepare(PeerKind kind, Instant now);
    void attach(SipConnection& connection, tcp::Stream& stream, const tls::SessionInfo* tls);
    void abandon(SipConnection& connection) { release(connection); }

    SipConnection* find(FlowId id);
    void set_time(Instant now) { now_ = now; }
    // Reads what was left of the last turn and closes what is idle; behind the transports' work.
    uint32_t read(Instant now);
    // Writes what was queued. Last in a turn.
    uint32_t write();

    bool full() const { return free_.empty(); }
    uint32_t count() const { return limits_.connections - static_cast<uint32_t>(free_.size()); }
    // Of remote users, from where this one is.
    uint32_t clients_of(const IpAddress& source) const { return clients_.count(source); }
    uint32_t count(PeerKind kind) const { return by_kind_[static_cast<size_t>(kind)]; }
    const SendBlocks& blocks() const { return blocks_; }
    uint64_t gathered() const { return gathered_; }
    Instant now() const { return now_; }

  private:
    friend class SipConnection;

    // `reserve`: places that stay free.
    SipConnection* take(PeerKind kind, uint32_t reserve, Instant now);
    void release(SipConnection& connection);
    void end(SipConnection& connection);
    void touch(SipConnection& connection);
    const sip::FramingLimits& framing(PeerKind kind) const;

    SipLimits limits_;
    Counters counters_;
    SipObserver& observer_;
    const SipConfig* config_ = nullptr;
    sip::FramingLimits server_limits_;  // outlive the configuration: framers point at them
    sip::FramingLimits client_limits_;
    Instant now_;
    SendBlocks blocks_;
    std::unique_ptr<SipConnection[]> connections_;
    std::vector<uint32_t> free_;
    std::vector<FlowId> readable_;
    std::vector<FlowId> writable_;
    std::vector<FlowId> turn_;  // the one of the two that is worked off
    TimingWheel wheel_;
    tcp::PrefixCounts clients_;
    uint64_t gathered_ = 0;
    std::array<uint32_t, kPeerKinds> by_kind_{};
};

}  // namespace fedge::signal
