// The first decision about a UDP packet: is the destination ours, and does anything answer on that port? One table per
// interface role, so that an internal service is never reached from outside by its address.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/contract/snapshot_generated.h"

namespace fedge::classify {

struct Target {
    enum class Kind : uint8_t {
        not_ours,  // address of no interface of this role (Drop::not_for_us)
        closed,    // our address, but no service on this port (Drop::port_closed)
        listener,  // id = index in the snapshot's listeners
        relay,     // id = index in the snapshot's turn.relay_addresses
    };
    Kind kind = Kind::not_ours;
    uint16_t id = 0;

    friend bool operator==(const Target&, const Target&) = default;
};

// What answers on an address.
struct Answers {
    uint16_t relay_first = 0;
    uint16_t relay_ports = 0;  // number of ports from relay_first on; 0 = no relay address
    uint16_t relay_id = 0;
    uint16_t port = 0;  // of the first listener
    uint16_t listener_id = 0;
    uint16_t listeners = 0;
    uint16_t further = 0;  // PortsTable's place for listeners-1 others
    bool ours = false;     // an address of the role

    // False: PortsTable::classify() has to be asked.
    bool decide(uint16_t to_port, Target& target) const {
        // One subtraction tests both ends of the range; an address without relay has an empty one.
        if (static_cast<uint16_t>(to_port - relay_first) < relay_ports) {
            target = {Target::Kind::relay, relay_id};
            return true;
        }
        target = {Target::Kind::listener, listener_id};
        return to_port == port && listeners;
    }
};
static_assert(sizeof(Answers) == 16);

// What one role answers to.
struct PortsPlan {
    struct Listener {
        IpAddress address;
        uint16_t port;
        uint16_t id;
    };
    struct Relay {
        IpAddress address;
        uint16_t id;
    };
    std::vector<IpAddress> addresses;  // of the role's interfaces
    std::vector<Listener> listeners;
    std::vector<Relay> relays;
    uint16_t relay_first = 0;  // port range of all relay addresses, both ends included
    uint16_t relay_last = 0;
};

// Listeners over UDP only: what TCP listens on is not asked for packet by packet. A relay address belongs to the role
// of the interface that has it as an address or on-link; one that is on no link (a pool that is routed to us) belongs
// to the external role.
PortsPlan ports_plan(const contract::Snapshot& snapshot, contract::Role role);

// Immutable; built per snapshot on the management thread, read by any core.
class PortsTable {
  public:
    // Throws std::invalid_argument, in words, on two listeners on one endpoint, a listener inside the relay range of
    // its own address, or the same relay address twice.
    explicit PortsTable(const PortsPlan& plan);

    // No more than two cache lines, which stay warm: a few hundred addresses.
    Target classify(const IpAddress& destination, uint16_t port) const {
        const Slot* slot = find(destination);
        if (!slot) return {};
        Target target;
        if (slot->answers.decide(port, target)) return target;
        return slot->answers.listeners > 1 ? further_listener(slot->answers, port) : Target{Target::Kind::closed, 0};
    }
    // For who has found the address already.
    Answers answers(const IpAddress& address) const {
        const Slot* slot = find(address);
        return slot ? slot->answers : Answers{};
    }
    bool is_ours(const IpAddress& address) const { return find(address) != nullptr; }

  private:
    struct Slot {
        IpAddress address;
        Answers answers;
    };
    static_assert(sizeof(Slot) == 32);
    struct Further {
        uint16_t port;
        uint16_t id;
    };

    // The keys are our own addresses, so strangers cannot lengthen a probe sequence; at most half of the slots are
    // used.
    const Slot* find(const IpAddress& address) const {
        for (uint64_t i = address.hash() >> shift_; slots_[i].answers.ours; i = (i + 1) & mask_)
            if (slots_[i].address == address) return &slots_[i];
        return nullptr;
    }
    Answers& insert(const IpAddress& address);
    Target further_listener(const Answers& answers, uint16_t port) const;

    uint64_t mask_ = 0;
    int shift_ = 63;  // what it leaves of a hash is an index
    std::vector<Slot> slots_;
    std::vector<Further> further_;
};

}  // namespace fedge::classify
