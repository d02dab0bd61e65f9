// Requests that wait: for an answer of DNS, or for a connection to their next hop; and copies of those that were sent
// on a connection on which nothing has come yet. Whole, as they came, so that they go the whole way again when what
// they waited for is known. Bounded by number, bytes and time.
//
// The room is shared: nobody takes more than what is left for everybody else (the dynamic threshold of switches). One
// partner alone may have half of the room, two a third each, and there is always something left for the next.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "dataplane/base/bytes.h"
#include "dataplane/base/time.h"
#include "dataplane/signal/sip/sip_connection.h"

namespace fedge::signal {

// What is waited for.
struct WaitKey {
    enum class For : uint8_t { route, next_hop, sign_of_life };
    For what = For::route;
    uint64_t id = 0;  // hash of the domain, number of the next hop, or number of the connection
    static WaitKey sign_of_life(const SipConnection& connection) {
        return {For::sign_of_life, uint64_t{connection.id().index} << 32 | connection.id().generation};
    }
    uint64_t hash() const { return (id ^ static_cast<uint64_t>(what) << 62) * 0x9e3779b97f4a7c15; }
    friend bool operator==(const WaitKey&, const WaitKey&) = default;
};

struct HeldMessage {
    FlowId from;
    PeerKind kind = PeerKind::partner;  // of the connection that it came on
    WaitKey key;
    uint64_t owner = 0;  // whose share of the room it takes: a hash of a partner or remote user
    std::vector<uint8_t> bytes;
    uint32_t header_size = 0;
    bool admitted = false;  // counted against what its partner may send
    Instant deadline{};

    Bytes header() const { return Bytes(bytes).first(header_size); }
    Bytes body() const { return Bytes(bytes).subspan(header_size); }
};

class HeldMessages {
  public:
    struct Limits {
        uint32_t messages;
        uint64_t bytes;
    };
    enum class Room : uint8_t {
        free,
        full,
        shared,  // there is some, which is for others than this owner
    };
    // For one more message of so many bytes that came from such a peer. The first of an owner needs no more than that
    // there is room.
    Room room(PeerKind from, uint64_t owner, uint64_t bytes, const Limits& limits) const;
    // The same for what has waited before: it had its share.
    Room room(uint64_t bytes, const Limits& limits) const;
    // Under its key. There is room.
    void hold(HeldMessage&& message);
    // All that wait for this, in the order in which they came; they wait no more.
    std::vector<HeldMessage> release(const WaitKey& key);
    // Some of those whose time is over; none: there are no more.
    std::vector<HeldMessage> expired(Instant now);

    uint32_t count() const { return all_.messages; }
    uint32_t count(const WaitKey& key) const;
    uint64_t bytes() const { return all_.bytes; }

  private:
    struct Hash {
        size_t operator()(const WaitKey& key) const { return static_cast<size_t>(key.hash()); }
    };
    struct Use {
        uint32_t messages = 0;
        uint64_t bytes = 0;
        void add(uint64_t size) {
            messages++;
            bytes += size;
        }
        void remove(uint64_t size) {
            messages--;
            bytes -= size;
        }
    };
    // From inside, or from outside: whoever makes up destinations or senders by the thousand takes the room of one
    // direction.
    static size_t direction(PeerKind from) { return from == PeerKind::front_end ? 0 : 1; }
    void gone(const HeldMessage& message);

    std::unordered_map<WaitKey, std::deque<HeldMessage>, Hash> waiting_;
    std::unordered_map<uint64_t, Use> owners_;
    std::array<Use, 2> directions_;
    Use all_;
    Instant next_look_{};
};

}  // namespace fedge::signal
