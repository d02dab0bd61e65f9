// Where requests go: for each server or partner the connections to it, and which of its addresses are tried in which
// order. Connects when the first message wants to go there, then up to several connections in parallel; goes on to the
// next address within the same attempt; waits ever longer after all have failed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/base/fixed_text.h"
#include "dataplane/base/time.h"
#include "dataplane/signal/sip/connection_aliases.h"
#include "dataplane/signal/sip/hop_failure.h"
#include "dataplane/signal/sip/partner_finder.h"
#include "dataplane/signal/sip/sip_connections.h"
#include "dataplane/tls/session.h"

namespace fedge::signal {

// Makes connections. core/ does it with TLS, tests without.
class SipConnector {
  public:
    virtual ~SipConnector() = default;
    // As tls::Engine::connect(). From an address of ours on this side.
    virtual tcp::Stream* connect(contract::Role side, const Endpoint& remote, const tls::ClientOptions& options,
                                 tcp::StreamHandler& handler) = 0;
    // What TLS says of the peer of an open stream; null: there is no TLS.
    virtual const tls::SessionInfo* tls(const tcp::Stream& stream) = 0;
};

struct HopTarget {
    std::string host;  // that the certificate must prove
    Endpoint endpoint;
    friend bool operator==(const HopTarget&, const HopTarget&) = default;
};

// What the certificate of a next hop must prove and be for.
struct HopTerms {
    std::string domain;  // proves it as well as the target's host does; empty: only the host
    std::optional<tls::Purpose> purpose;
};
tls::Purpose purpose_of(contract::Purpose purpose);
// To connect to `target`: of messages, and of tests that tell what would become of messages.
tls::ClientOptions client_options(const HopTarget& target, const HopTerms& terms);

// A row for operators, whole: it travels between threads.
struct NextHopRecord {
    PeerKind kind = PeerKind::partner;
    FixedText<128> name;
    const char* state = "";  // up | connecting | down; idle: a partner without connections, none of which was lacking
    Endpoint address;        // of the first connection, or what is tried first
    uint32_t connections = 0;
    uint32_t held = 0;
    uint32_t weight = 0;
    uint64_t sent = 0;    // requests
    uint64_t failed = 0;  // attempts to connect that failed
    Duration failed_ago{};
    FixedText<200> error;  // of the last one
    uint16_t code = 0;     // of ms-diagnostics
};

class NextHops {
  public:
    using Number = uint32_t;
    static constexpr Number kNone = UINT32_MAX;
    static constexpr uint32_t kMost = 16384;  // of a core; those without connections go first
    static constexpr size_t kMaxTargets = 32;

    NextHops(SipConnections& connections, SipConnector& connector, PartnerFinder& finder, Counters counters,
             uint32_t most_connections)
        : connections_(connections),
          connector_(connector),
          finder_(finder),
          counters_(counters),
          hop_of_(most_connections, kNone) {}

    // The next hop of this kind and name; made if it is new. kNone: too many that are in use.
    Number get(PeerKind kind, std::string_view name, Instant now);
    // What the operator or DNS says of it. Connections stay until they end, whatever changed.
    void set_targets(Number hop, std::vector<HopTarget> targets, uint8_t most_connections,
                     std::string_view domain = {});

    // Which its certificate must have; for connections from now on.
    void set_purpose(Number hop, tls::Purpose purpose) { hops_[hop].terms.purpose = purpose; }
    // Of the user: what the targets are from. 0 for a new next hop.
    uint64_t& version(Number hop) { return hops_[hop].version; }

    enum class State : uint8_t {
        open,
        connecting,
        failed,
        full,  // there is no place for one more connection
    };
    struct Pick {
        State state = State::failed;
        SipConnection* connection = nullptr;
    };
    // A connection for a message. The same `hash` gives the same one as long as none comes or goes. `waiting`: messages
    // that wait for this hop already. A front end that was lost is `failed` until it is connected to again, unless
    // there is no other (`even_down`): then it is tried at once.
    Pick pick(Number hop, uint64_t hash, uint32_t waiting, Instant now, bool even_down = false);
    // One that a server of this hop began, for requests back to it; or nullptr.
    SipConnection* aliased(Number hop, const ConnectionAliases& aliases);
    // An open connection, or nothing; nothing is begun.
    SipConnection* open_one(Number hop, uint64_t hash);
    // Begins to connect if there is no connection and none is under way, without regard to how long it is to rest.
    void keep_open(Number hop, Instant now);
    // It counts as failed until a connection to it is open again.
    void set_down(Number hop, Instant now);

    // A request went there.
    void note_sent(Number hop) { hops_[hop].sent++; }

    // From the observer of connections. They return the hop of which the state has changed: open, or failed; or kNone.
    // An open one may still be refused: in TLS 1.3 the peer looks at our certificate when our handshake is over. Only
    // what it says shows that it has taken us.
    Number on_open(SipConnection& connection);
    void on_heard(SipConnection& connection);
    // `failure`: it came to nothing, and where is filled in here; null: it was taken, or nobody asked anything of it.
    Number on_end(SipConnection& connection, HopFailure* failure, Instant now);
    Number hop_of(const SipConnection& connection) const { return hop_of_[connection.id().index]; }

    std::string_view name(Number hop) const { return hops_[hop].name; }
    PeerKind kind(Number hop) const { return hops_[hop].kind; }
    bool down(Number hop) const { return hops_[hop].down; }
    // Of the attempt under way, or the last one; code 0: nothing has failed.
    const HopFailure& failure(Number hop) const { return hops_[hop].failure; }
    size_t connections(Number hop) const { return hops_[hop].open.size(); }
    uint32_t count() const { return static_cast<uint32_t>(by_name_.size()); }
    // `held` and `weight` are for others to fill in. Rows from `cursor` on (start with 0; 0 again at the end).
    uint32_t list(std::span<NextHopRecord> out, std::span<Number> numbers, uint64_t& cursor, Instant now) const;

  private:
    struct Target : HopTarget {
        Instant failed_until{};
    };
    struct Link {
        FlowId id;
        size_t target;  // kMaxTargets: none of those that there are now
    };
    struct Hop {
        PeerKind kind = PeerKind::partner;
        std::string name;
        HopTerms terms;
        std::vector<Target> targets;
        std::vector<Link> open;
        std::vector<Link> connecting;
        uint64_t version = 0;
        uint32_t tried = 0;  // targets of this attempt, by bit
        uint8_t most = 1;    // connections
        bool down = false;
        Instant rests_until{};
        Duration rest{};
        Instant used{};
        uint64_t sent = 0;
        uint64_t failed = 0;
        Instant failed_at{};
        FixedText<200> error;
        uint16_t code = 0;
        HopFailure failure;  // of this attempt
    };
    struct NameHash : std::hash<std::string_view> {
        using is_transparent = void;
    };

    bool start(Hop& hop, Number number, Instant now);
    bool begin(Hop& hop, Number number, size_t target, Instant now);
    void new_attempt(Hop& hop);
    void fail(Hop& hop, Instant now);
    void failed(Hop& hop, size_t target, HopFailure& failure, Instant now);
    Number evict(Instant now);
    static std::string key(PeerKind kind, std::string_view name);

    SipConnections& connections_;
    SipConnector& connector_;
    PartnerFinder& finder_;
    Counters counters_;
    std::vector<Hop> hops_;
    std::vector<Number> hop_of_;  // by slot of a connection
    std::unordered_map<std::string, Number, NameHash, std::equal_to<>> by_name_;
};

}  // namespace fedge::signal
