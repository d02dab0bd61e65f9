// The layout of an allocation (RFC 8656 section 2.2): what each packet touches is apart from what only requests touch.
//
// A relayed packet touches line 0 and the line of its direction (and line 3 or a chunk when the peer is not the first),
// besides the flow table or the port table and its stream's record. Indices, not pointers: half the size, and good for
// a pool of any address.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/base/address.h"
#include "dataplane/base/time.h"
#include "dataplane/classify/streams.h"
#include "dataplane/classify/token_bucket.h"
#include "dataplane/ip/hop.h"
#include "dataplane/relay/flow_key.h"
#include "dataplane/relay/ticks.h"
#include "dataplane/wire/stun.h"

namespace fedge::relay {

// What the client has installed for one peer: a permission (RFC 8656 section 9) and, if `channel` is not 0, a channel
// bound to address and port (section 12). All bindings of one address hold the same permission_until, so that one look
// is enough.
struct Binding {
    IpAddress address;
    uint16_t port;     // host order; 0 while there is no channel
    uint16_t channel;  // 0: permission only
    Tick permission_until;
    Tick channel_until;
    uint16_t number;  // names the peer in stream measurements for as long as the binding lives
    // 0: the peer is outside. Else the address is a relay address of ours, TurnState::relays[own_relay - 1], and data
    // goes to another client without leaving the machine. The same in all bindings of one address.
    uint16_t own_relay;
    ip::Hop hop;  // the way to the peer
};
static_assert(sizeof(Binding) == 40);

// Bindings beyond the two that an allocation has room for.
struct alignas(64) BindingChunk {
    static constexpr uint32_t kBindings = 3;
    std::array<Binding, kBindings> bindings;
    uint32_t next;  // chunk; 0 = last. In the free list: the next free one.
    uint32_t spare;
};
static_assert(sizeof(BindingChunk) == 128);

struct RelayPort {
    uint16_t table;  // kNoRelay: none
    uint16_t port;
};
inline constexpr uint16_t kNoRelay = 0xffff;

// What was relayed in one direction, and what may be.
struct Traffic {
    [[no_unique_address]] classify::TokenBucket bucket;  // of the allocation's bandwidth; the credit uses its padding
    int32_t user_credit;                                 // bytes leased from the user's bandwidth
    uint64_t packets;
    uint64_t bytes;  // of application data
};
static_assert(sizeof(Traffic) == 32);

struct alignas(64) Allocation {
    enum State : uint8_t { unused, living, foreign };
    static constexpr uint32_t kInline = 2;

    // Line 0: every packet
    Binding first;
    Tick expires;  // unused: the next free slot; foreign: when it was last needed, plus idle time
    classify::StreamLinks streams;
    uint16_t client_port;
    uint16_t binding_count;
    uint16_t channels;
    uint8_t listener;  // Turn's number of the listener
    uint8_t state;

    // Line 1: to the peer
    alignas(64) Traffic to_peer;
    std::array<RelayPort, 2> relay;  // by family: [0] IPv4, [1] IPv6
    uint16_t tcp;            // not 0: relays connections (RFC 6062) and no datagrams; StreamState's number of it
    uint32_t session;        // of a client on a stream: what names its connection
    IpAddress flow_address;  // = client_address, for key()

    // Line 2: to the client
    alignas(64) Traffic to_client;
    ip::Hop client_hop;
    IpAddress client_address;

    // Line 3
    alignas(64) Binding second;
    uint32_t chunk;       // further bindings; 0 = none
    uint32_t generation;  // counts the lives of this slot: makes ids unique
    uint32_t user_slot;   // of SharedQuota
    uint32_t dropped;
    uint16_t permissions;  // distinct addresses among the bindings
    uint16_t next_number;
    Tick wake;  // when the timing wheel looks at it next

    const RelayPort& relay_for(Family family) const { return relay[static_cast<size_t>(family)]; }
    bool has(Family family) const { return relay_for(family).table != kNoRelay; }
    bool alive(Tick now) const { return state == living && now < expires; }
    FlowKey key() const { return {flow_address.octets(), client_port, listener, 0}; }
    Endpoint client() const { return {client_address, client_port}; }
    Traffic& traffic(classify::Direction direction) {
        return direction == classify::Direction::to_peer ? to_peer : to_client;
    }
};
static_assert(sizeof(Allocation) == 256);

// What requests and listings need and packets do not.
struct AllocationDetails {
    static constexpr size_t kUserText = 64;

    std::array<uint64_t, 2> user;  // keyed hash of USERNAME: the owner (441)
    uint64_t user_part;            // keyed hash of the part that quotas go by
    uint64_t token;                // RESERVATION-TOKEN that was given with it; 0 = none
    Instant created;
    wire::TransactionId transaction;  // of the Allocate request: recognises retransmissions
    uint32_t granted_s;               // LIFETIME in the Allocate response
    uint16_t missing_code;            // ADDRESS-ERROR-CODE in the Allocate response; 0 = none
    uint8_t missing_family;           // of that, as on the wire
    uint8_t user_text_size;
    std::array<char, kUserText> user_text;
    uint16_t foreign_core;  // state foreign: where the allocation lives
};
static_assert(sizeof(AllocationDetails) <= 128);

}  // namespace fedge::relay
