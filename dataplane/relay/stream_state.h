// What StreamClients is made of. Internal to relay/, one file per concern:
//
//   stream_clients.cpp   the public face, sessions from accept() to their end, time
//   stream_messages.cpp  a control connection: from bytes to messages and answers
//   tcp_allocations.cpp  allocations of TCP, connections with peers until they are bound (RFC 6062)
//   tcp_splice.cpp       data connections: bytes from one side to the other
//
// Everything is an index into a pool; a generation tells a place's use from an earlier one.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "dataplane/base/hash_table.h"
#include "dataplane/base/table.h"
#include "dataplane/base/wheel.h"
#include "dataplane/relay/stream_clients.h"
#include "dataplane/relay/turn_state.h"

namespace fedge::relay {

// The longest message: more than a packet buffer holds, so nothing longer could leave as a datagram.
inline constexpr uint32_t kMaxFrame = 2048;
// How soon what had to wait for room or bandwidth is tried again.
inline constexpr Duration kRetry = 10ms;
// RFC 6062 sections 5.2 and 5.3: to connect, and for ConnectionBind to come.
inline constexpr Duration kConnectionDeadline = 30s;

// A connection of a client.
struct Session final : tcp::StreamHandler {
    enum class Role : uint8_t { free, control, data };

    void on_readable() override;
    void on_writable() override;
    void on_closed(tcp::CloseReason reason) override;
    void describe(tcp::StreamDetails& details) const override;

    StreamState* state = nullptr;
    uint32_t index = 0;
    uint32_t generation = 0;
    tcp::Stream* stream = nullptr;
    Endpoint client;
    Endpoint server;
    FlowKey key{};
    Role role = Role::free;
    bool tls = false;
    bool proven = false;  // has an allocation, or had one when it was last looked at, or is bound
    bool queued = false;  // for another look, see StreamState::ready
    uint16_t held = 0;    // bytes of a message that came in pieces
    uint32_t skip = 0;    // bytes left of a message that is not wanted
    uint32_t peer = 0;    // data: place of the connection with the peer
    uint32_t turn = 0;    // that the budgets are of
    uint32_t messages = 0;
    uint32_t bytes = 0;
    Instant deadline{};  // when it is looked at for being unproven
    const char* why = "";

    // What Forward::session says.
    uint32_t id() const { return generation << 20 | index; }
};

// A connection with a peer (RFC 6062: peer data connection).
struct PeerConnection final : tcp::StreamHandler {
    enum class Phase : uint8_t { free, connecting, waiting, bound };  // waiting: for ConnectionBind

    void on_open() override;
    void on_readable() override;
    void on_writable() override;
    void on_closed(tcp::CloseReason reason) override;
    void describe(tcp::StreamDetails& details) const override;

    StreamState* state = nullptr;
    uint32_t index = 0;
    uint32_t generation = 0;
    tcp::Stream* stream = nullptr;
    Phase phase = Phase::free;
    bool queued = false;
    std::array<bool, 2> ended{};  // by direction: the end was passed on
    uint32_t id = 0;              // CONNECTION-ID
    uint32_t allocation = 0;      // place of the TCP allocation
    uint32_t next = 0;            // of the same allocation: place + 1; 0 = last
    uint32_t session = 0;         // bound: place of the client's data connection
    Endpoint peer;                // as the client knows it
    LateAnswer late;              // to the Connect request
    const char* why = "";
};

struct TcpAllocation final : tcp::Acceptor {
    tcp::StreamHandler* on_accept(tcp::Stream& stream) override;

    StreamState* state = nullptr;
    uint32_t index = 0;
    Handle handle = 0;  // 0: free
    uint32_t session = 0;
    Endpoint relay;
    uint32_t first = 0;  // connection: place + 1
    uint32_t count = 0;
};

struct StreamState {
    StreamState(const StreamLimits& limits, Instant start, Counters counters, Random& random, TurnState& turn,
                PeerOutput& output, tcp::Transport& relay);
    ~StreamState();

    // stream_clients.cpp
    Session* open_session(tcp::Stream& stream, uint16_t listener, bool tls);
    enum class How : uint8_t { gone, close, abort };
    // Ends the connection, with what depends on it.
    void end_session(Session& s, How how, const char* why);
    void free_session(Session& s);
    void prove(Session& s, bool proven);
    Session* session_of(uint32_t id);
    void on_session_timer(Session& s);
    uint32_t run();
    void adopt();
    void later(Session& s);
    void later(PeerConnection& c);

    // stream_messages.cpp
    void serve(Session& s);
    enum class Next : uint8_t { nothing, message, broken };
    Next next_message(Session& s, Bytes& message, bool& in_place);
    // False: there is no room for the answer yet.
    bool on_message(Session& s, Bytes message);
    void on_channel_data(Session& s, Bytes message);
    bool on_stun(Session& s, Bytes message);
    // A whole message or nothing. False: there was no room, or the connection had to be ended.
    bool write(Session& s, Bytes message);
    void to_client(const Forward& forward, Bytes data);

    // tcp_allocations.cpp. A place, and 0 if there is no room or nobody can listen there.
    uint16_t open_allocation(Handle handle, uint32_t session, const Endpoint& relay);
    void close_allocation(uint32_t place);
    // An error code, or 0. `to`: where the peer is reached.
    uint16_t connect(uint32_t place, const Endpoint& peer, const Endpoint& to, const LateAnswer& late);
    PeerConnection* waiting(uint32_t id);
    PeerConnection* take_peer(TcpAllocation& a, const Endpoint& peer);
    void on_connected(PeerConnection& c);
    void on_connect_failed(PeerConnection& c);
    void await_bind(PeerConnection& c);
    bool announce(TcpAllocation& a, PeerConnection& c);
    // With the client's data connection, if it is bound.
    void end_peer(PeerConnection& c, How how, const char* why);
    void free_peer(PeerConnection& c);
    void on_peer_timer(PeerConnection& c);

    // tcp_splice.cpp
    void bind(PeerConnection& c, Session& s);
    void splice(PeerConnection& c);
    void move(PeerConnection& c, Direction direction);
    void end_spliced(PeerConnection& c, Direction gone_side, tcp::CloseReason reason);

    const StreamLimits limits;
    Counters counters;
    Random& random;
    TurnState& turn;
    PeerOutput& output;
    tcp::Transport& relay;
    Instant now;
    uint64_t unix_now = 0;

    std::unique_ptr<Session[]> sessions;
    std::unique_ptr<PeerConnection[]> peers;
    std::unique_ptr<TcpAllocation[]> allocations;  // [0] is not used: 0 means none
    std::vector<uint32_t> free_sessions;
    std::vector<uint32_t> free_peers;
    std::vector<uint32_t> free_allocations;
    Table<std::array<uint8_t, kMaxFrame>> pieces;  // by session
    HashTable<uint64_t, uint32_t> ids;             // CONNECTION-ID of those that wait: place + 1
    TimingWheel wheel;                             // sessions, then peers
    // To be looked at in this turn although no transport tells of anything new; in the wheel's numbering.
    std::vector<uint32_t> ready;
    std::vector<uint32_t> running;
    uint32_t turn_number = 1;
    uint32_t unproven = 0;

    Forward forward;
    std::array<uint8_t, kReplyBuffer> reply;
    std::array<uint8_t, kMaxFrame + 64> outgoing;
};

}  // namespace fedge::relay
