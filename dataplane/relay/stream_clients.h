// TURN clients over TCP and TLS (RFC 8656 section 2.1, RFC 6062) of one core: from the bytes of a tcp::Stream, whoever
// carries it, to the messages that Turn understands, and back.
//
// A connection begins as a control connection: STUN messages and ChannelData one behind the other, told apart and
// measured by their first bytes (RFC 8489 section 6.2.2, RFC 8656 section 12.5). Anything else ends it, and so does
// ChannelData before there is an allocation. Its allocation
// lives as long as the connection does. With ConnectionBind (RFC 6062 section 5.4) it becomes a data connection: from
// there on its bytes and those of a connection to a peer are passed on as they come, with the back pressure of TCP on
// both sides, and the end of each direction likewise.
//
// Nothing here waits or grows: sessions, connections to peers and reassembly are pools taken at construction; what a
// client with a full send queue is sent is dropped, whole messages only (Drop::stream_full); a request whose answer
// has no room stays unread until there is.
//
// What differs from TURN over UDP:
//  * No anti-reflection budget: who sends on an established connection has proved that it receives there.
//  * RESERVATION-TOKEN of another core: 508. A connection cannot move.
//  * CONNECTION-ID of another core: ConnectionBind is answered with 447, for the same reason. core/steering.h brings
//  all
//    connections of a client address to one core.
//  * Allocations of TCP have one address family.
#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/base/bytes.h"
#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/base/time.h"
#include "dataplane/relay/forward.h"
#include "dataplane/tcp/stream.h"

namespace fedge::relay {

class Turn;
struct StreamState;

// Where the datagrams of stream clients go. core/ implements it.
class PeerOutput {
  public:
    virtual ~PeerOutput() = default;
    // `data` (good during the call) is to leave as one UDP datagram from forward.source to forward.destination by
    // forward.hop, or to be dealt with as Forward::hairpin says; StreamClients::to_client may be called from within.
    // Whoever cannot send drops and counts.
    virtual void send(const Forward& forward, Bytes data, Instant now) = 0;
};

struct StreamLimits {
    uint32_t sessions = 4096;     // connections of clients, at most 2^20
    uint32_t unproven = 1024;     // of these: without an allocation and not bound to a peer
    Duration unproven_for = 30s;  // until such a connection is closed
    uint32_t tcp_allocations = 1024;
    uint32_t peers = 4096;  // connections with peers (RFC 6062), at most 2^20
    uint32_t peers_per_allocation = 64;
    uint32_t messages_per_turn = 64;  // of one connection in one turn of the loop
    uint32_t bytes_per_turn = 64 * 1024;
    tcp::StreamOptions peer_options;  // of connections with peers
};

class StreamClients {
  public:
    // `relay` carries the connections with peers: it listens and connects on relay addresses, on ports that are this
    // core's (a tcp::Tcp needs Limits::listeners for `tcp_allocations`). All must outlive this object, which must not
    // outlive `turn`. Throws std::runtime_error when there is not enough memory, std::invalid_argument for limits.
    StreamClients(const StreamLimits& limits, Instant start, Counters counters, Random& random, Turn& turn,
                  PeerOutput& output, tcp::Transport& relay);
    // Ends every connection.
    ~StreamClients();
    StreamClients(const StreamClients&) = delete;
    StreamClients& operator=(const StreamClients&) = delete;

    // The time for what handlers do until the next call of this or of turn(): before the transports get to work.
    void set_time(Instant now, uint64_t unix_now);

    // A new connection to the listener at this position of Config::listeners. Returns its user, or nullptr: refused and
    // counted.
    tcp::StreamHandler* accept(tcp::Stream& stream, uint16_t listener, bool tls);

    // Carries out what Turn::from_peer, from_relay or on_icmp have decided with Forward::to_stream: `data` is what
    // data_offset and data_length name.
    void to_client(const Forward& forward, Bytes data, Instant now);

    // End of a turn of the loop: connections with work left, deadlines. Returns how much there was to do.
    uint32_t turn(Instant now, uint64_t unix_now);

    // Behind Turn::adopt: connections to listeners that are gone, and with peers that are no longer allowed, are ended.
    void adopt(Instant now);

    uint32_t sessions() const;  // living
    uint32_t unproven() const;
    uint32_t peers() const;
    size_t bytes() const;  // memory of the pools

  private:
    std::unique_ptr<StreamState> state_;
};

}  // namespace fedge::relay
