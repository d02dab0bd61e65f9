// The TURN server (RFC 8656) and STUN Binding server (RFC 8489) of one core.
//
// Pure: bytes and time in, bytes and decisions out. It knows no mbufs, reads no clock, and after construction takes no
// memory from the heap. One Turn belongs to one core; only SharedQuota is shared between cores.
//
// A packet's way: core/ finds out (classify/ports_table.h) that the destination is a listener or a relay address, then
//   listener, ChannelData  -> make_key, lookup_clients (a burst at a time), prefetch, from_client_channel
//   listener, STUN         -> on_stun
//   relay address          -> owner_of_port, relay_slot (prefetch it), handle_in, prefetch, from_peer
//   data for a relay address from a client (Forward::hairpin) -> owner_of_port, relay_slot, handle_in, from_relay
//   ICMP error about a packet that a relay address sent -> on_icmp
// Clients on streams: stream_clients.h.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/base/address.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/base/time.h"
#include "dataplane/relay/config.h"
#include "dataplane/relay/flow_key.h"
#include "dataplane/relay/forward.h"
#include "dataplane/relay/rows.h"

namespace fedge::relay {

class Digest;
class SharedQuota;
struct TurnState;

// A core's number for a living allocation; 0 = none. May be kept until the next call of expire(): if the allocation
// ends before that, the handle names nothing, and never another allocation.
using Handle = uint32_t;

// The memory of one Turn, taken once at construction from the EAL.
struct TurnPools {
    uint16_t core = 0;   // this core's number among `cores` media cores
    uint16_t cores = 1;  // at most 256
    uint32_t max_allocations = 10'000;
    TableLimits limits;
    uint32_t extra_bindings = 0;   // beyond two per allocation; 0 = twice max_allocations
    uint32_t streams = 0;          // measured streams; 0 = twice max_allocations
    uint32_t reservations = 1024;  // ports held for RESERVATION-TOKEN at a time
    int socket = -1;               // NUMA node; -1 = any
};

struct ClientDatagram {
    Endpoint client;
    uint16_t listener;         // position in Config::listeners
    Bytes payload;             // of UDP; on a stream, one message
    bool handed_over = false;  // by another core: is then dealt with here, whatever it asks for
    uint32_t session = 0;      // on a stream: what Forward::session is to say of data to this client
    bool tls = false;          // on a stream
};

struct Outcome {
    enum class Kind : uint8_t {
        nothing,   // done, or dropped and counted
        reply,     // send `reply` to the client, from the listener
        forward,   // a Send indication: `forward` was filled in
        handover,  // the message belongs to media core `core`: hand the packet over (RESERVATION-TOKEN of that core)
    };
    Kind kind = Kind::nothing;
    uint16_t core = 0;
    Bytes reply;              // within the caller's reply buffer
    uint32_t connection = 0;  // on a stream: behind the reply it belongs to this connection with a peer (RFC 6062)
};

// Enough for any reply that on_stun builds.
inline constexpr size_t kReplyBuffer = 1280;

// An ICMP error as RFC 8656 section 11.5 and 18.13 report it; type and code of ICMP or ICMPv6 according to the family.
struct IcmpError {
    uint8_t type = 0;
    uint8_t code = 0;
    uint32_t data = 0;  // MTU of "too big" / "fragmentation needed", else 0
};

class Turn {
  public:
    // Throws std::runtime_error when the EAL has not enough memory. `random`, `digest` and `quota` must outlive this
    // object.
    Turn(const TurnPools& pools, Instant start, Counters counters, Random& random, Digest& digest, SharedQuota& quota);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    // From now on `config` applies; the one before is no longer used when this returns. Allocations whose listener or
    // relay address is gone, and peers that are no longer allowed, are ended by the next calls of expire(), everything
    // else goes on.
    void adopt(Instant now, const Config* config);

    // Slow path: any datagram on a listener that is not ChannelData. `reply_buffer` holds kReplyBuffer bytes and may
    // not overlap the payload. `unix_now`: seconds since 1970, for nonces and time-limited credentials.
    Outcome on_stun(Instant now, uint64_t unix_now, const ClientDatagram& datagram, MutableBytes reply_buffer,
                    Forward& forward);

    // Client side of the fast path.
    FlowKey make_key(const Endpoint& client, uint16_t listener) const {
        return {client.address.octets(), client.port, number_of(listener), 0};
    }
    // handles[i] = allocation of keys[i], or 0, or foreign: see foreign_core. At most kBurst keys.
    static constexpr size_t kBurst = 64;
    void lookup_clients(std::span<const FlowKey> keys, Handle* handles) const;
    // The flow's allocation lives on another core: hand the packet over to core_of(handle).
    static bool is_foreign(Handle handle) { return handle >> 30 == 1; }
    // Where a packet of a foreign flow has to go; notes that the flow is in use.
    uint16_t foreign_core(Instant now, Handle handle);

    // False: dropped and counted. `payload` is that of UDP; handle 0 is allowed (counted as turn_no_allocation).
    bool from_client_channel(Instant now, Handle handle, Bytes payload, Forward& forward);

    // Peer side of the fast path. The media core that a relay port belongs to; a pair of even and odd has one owner.
    uint16_t owner_of_port(uint16_t port) const;
    // Where this core keeps the handle for a relay port: to prefetch, then to read by handle_in. nullptr if the port is
    // not this core's or the address not known. `relay`: position in Config::relay_addresses.
    const uint32_t* relay_slot(uint16_t relay, uint16_t port) const;
    static Handle handle_in(const uint32_t* slot) { return slot && *slot < (Handle{1} << 30) ? *slot : Handle{0}; }
    // False: dropped and counted (handle 0: relay_port_unused).
    bool from_peer(Instant now, Handle handle, const Endpoint& peer, Bytes payload, Forward& forward);
    // The same for data of another client of this edge (Forward::hairpin); `peer` is Forward::source of that.
    bool from_relay(Instant now, Handle handle, const Endpoint& peer, Bytes payload, Forward& forward);
    // True: send a Data indication with an ICMP attribute (`forward` with no data, only bytes to prepend) to the
    // client.
    bool on_icmp(Instant now, uint16_t relay, uint16_t relay_port, const Endpoint& peer, const IcmpError& error,
                 Forward& forward);

    // Brings the lines that the fast path will touch. Any handle, 0 and foreign ones included.
    void prefetch(Handle handle, classify::Direction direction) const;
    // What prefetch() leads to: call it for the whole burst after that, when the allocations have arrived.
    void prefetch_stream(Handle handle, classify::Direction direction) const;

    // Ends what ran out, at most `budget` allocations or bindings lists. Call once per loop iteration. Returns the work
    // done.
    uint32_t expire(Instant now, uint32_t budget);

    // Ends one allocation by the id that rows show. False if there is none.
    bool disconnect(Instant now, uint64_t id);
    // Ends allocations of a user (full USERNAME, or its user part behind the colon). Looks at `budget` slots from
    // `cursor` (start with 0; 0 again when all were seen). Returns how many were ended.
    uint32_t disconnect_user(Instant now, std::string_view user, uint64_t& cursor, uint32_t budget);

    // Rows from `cursor` (start with 0; 0 again at the end) into `rows`, looking at no more than 64 slots per row asked
    // for. Returns the number of rows.
    size_t list(Instant now, uint64_t& cursor, std::span<AllocationRow> rows) const;
    size_t list(Instant now, uint64_t& cursor, std::span<StreamRow> rows) const;

    uint32_t allocations() const;
    uint32_t max_allocations() const;
    // The memory of this object's tables that grows with max_allocations.
    size_t bytes_per_allocation() const;
    uint32_t free_ports(
        uint16_t relay) const;  // ports of this core that may be allocated now (quarantined ones excluded)

  private:
    friend class StreamClients;
    uint16_t number_of(uint16_t listener) const;

    std::unique_ptr<TurnState> state_;
};

}  // namespace fedge::relay
