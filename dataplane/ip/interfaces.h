// The compiled form of the snapshot's interfaces and routes: immutable, shared read-only by all cores.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/contract/snapshot_generated.h"

namespace fedge::ip {

inline constexpr uint16_t kNoInterface = 0xffff;
inline constexpr uint16_t kMaxPorts = 32;  // DPDK's RTE_MAX_ETHPORTS

// What the interfaces need to know of a port of the boot configuration.
struct PortFacts {
    std::string name;
    uint16_t id = 0;  // index under which packets arrive and leave (the DPDK port id); below kMaxPorts
    MacAddress mac;
    uint16_t mtu = 1500;
    bool tx_ipv4_checksum = false;  // the device fills these in
    bool tx_udp_checksum = false;
    bool tx_tcp_checksum = false;
};

struct Interface {
    std::string name;
    contract::Role role = contract::Role::external;
    uint16_t port = 0;
    uint16_t vlan = 0;    // 0 = untagged
    uint16_t mtu = 1500;  // bytes of IP packet
    MacAddress mac;
    uint64_t mac_bits = 0;  // the same in the upper 48 bits
    bool tx_ipv4_checksum = false;
    bool tx_udp_checksum = false;
    bool tx_tcp_checksum = false;
    std::vector<Prefix> addresses;  // ours, with the on-link prefix length
    std::vector<Prefix> foreign;    // on-link elsewhere and not here: a source in one of these cannot arrive here
    IpAddress link_local;           // fe80::/64 with the interface identifier of the MAC; :: without IPv6
};

// An IPv4 address of ours, as it stands on the wire; 0 where a table of them has none.
struct Ipv4Local {
    uint32_t address = 0;
    uint16_t interface = kNoInterface;
};

// What the plain case of reception goes by (plain.h): the interface of a port's untagged frames. None if their sources
// have to be compared with prefixes that are on-link elsewhere.
struct PlainPort {
    uint64_t mac_bits = 0;  // Interface::mac_bits
    uint16_t interface = kNoInterface;
};

// Where a packet goes next: an on-link address of an interface.
struct NextHop {
    uint16_t interface = kNoInterface;
    IpAddress address;
    bool gateway = false;  // forwards to others: its entry in the neighbour cache goes before those of single hosts
    friend bool operator==(const NextHop&, const NextHop&) = default;
};

class Interfaces {
  public:
    // Relay addresses of the snapshot count as addresses of the interface that they are on-link of, or else of the one
    // that has the default gateway of their family. `previous` (may be null) is the table in force: it tells which
    // addresses are new and have to be announced, and which interfaces are the same as before. Throws
    // std::invalid_argument that names the interface or route and the fix.
    static std::unique_ptr<const Interfaces> build(const contract::Snapshot& snapshot, std::span<const PortFacts> ports,
                                                   const Interfaces* previous);

    uint16_t count() const { return static_cast<uint16_t>(interfaces_.size()); }
    const Interface& operator[](uint16_t id) const { return interfaces_[id]; }

    // The interface of frames on a port with this tag (0 = none); kNoInterface if there is none.
    uint16_t find(uint16_t port, uint16_t vlan) const {
        if (port >= kMaxPorts) return kNoInterface;
        if (vlan == 0) return untagged_[port];
        for (const Tagged& t : tagged_)
            if (t.port == port && t.vlan == vlan) return t.interface;
        return kNoInterface;
    }

    // The interface that has this address, relay addresses included; kNoInterface if it is not ours. Link-local
    // addresses are not in here, they mean something on their interface only: see has().
    [[gnu::always_inline]] uint16_t owner(const IpAddress& address) const {
        for (uint64_t i = address.hash() >> shift_;; i = (i + 1) & mask_) {
            const Local& local = locals_[i];
            if (local.interface == kNoInterface) return kNoInterface;
            if (local.address == address) return local.interface;
        }
    }

    // The plain case of the same: its place among ipv4_locals(), or kNoLocal. `wire` as IpAddress::v4_wire_order().
    static constexpr uint32_t kNoLocal = ~0U;
    [[gnu::always_inline]] uint32_t find_ipv4(uint32_t wire) const {
        uint32_t i = ipv4_place(wire);
        while (ipv4_locals_[i].address != wire) {
            if (ipv4_locals_[i].address == 0) return kNoLocal;
            i = (i + 1) & ipv4_mask_;
        }
        return i;
    }
    std::span<const Ipv4Local> ipv4_locals() const { return ipv4_locals_; }
    const PlainPort& plain_port(uint16_t port) const { return plain_ports_[port]; }

    // True if the address is ours on this interface, its link-local address included (strong host model, RFC
    // 1122 3.3.4.2).
    bool has(uint16_t interface, const IpAddress& address) const {
        return owner(address) == interface || is_own_link_local(interface, address);
    }
    bool is_own_link_local(uint16_t interface, const IpAddress& address) const {
        return address == interfaces_[interface].link_local && !address.is_unspecified();
    }

    // Longest prefix wins; among equals the route of `source_interface` (the interface that owns the packet's source),
    // so that each of several uplinks answers for its own addresses. Nothing: no route.
    std::optional<NextHop> route(const IpAddress& destination, uint16_t source_interface) const;

    // In one of the on-link prefixes of the interface, or IPv6 link-local.
    bool on_link(uint16_t interface, const IpAddress& address) const;

    // Our address to ask for a neighbour with: of the neighbour's prefix if there is one, else of its family. Nothing
    // if the interface has no address of the family.
    std::optional<IpAddress> source_for(uint16_t interface, const IpAddress& neighbor) const;

    // Addresses that the table before did not have, to be announced to the neighbours.
    struct Announcement {
        IpAddress address;
        uint16_t interface;
    };
    std::span<const Announcement> announcements() const { return announcements_; }

    // What the interface number of the table before is now; kNoInterface if it is gone. Interfaces are the same if
    // port, VLAN and MAC address are.
    uint16_t renumber(uint16_t previous) const {
        return previous < renumber_.size() ? renumber_[previous] : kNoInterface;
    }

  private:
    struct Local {
        IpAddress address;
        uint16_t interface = kNoInterface;
    };
    struct Tagged {
        uint16_t port, vlan, interface;
    };
    struct RouteEntry {
        IpAddress network;
        uint16_t interface;
        bool on_link;       // the destination itself is the next hop
        IpAddress gateway;  // otherwise
    };
    // All routes of one prefix length, sorted by network.
    struct RouteLevel {
        uint8_t length;
        std::vector<RouteEntry> entries;
    };
    friend class InterfacesBuilder;

    Interfaces() = default;
    uint32_t ipv4_place(uint32_t wire) const { return wire * 0x9e3779b1U >> ipv4_shift_; }

    std::vector<Interface> interfaces_;
    uint16_t untagged_[kMaxPorts];
    std::vector<Tagged> tagged_;
    std::vector<Local>
        locals_;  // open addressing, at most a quarter full: strangers choose what is looked up, not what is in it
    uint64_t mask_ = 0;
    int shift_ = 63;  // what it leaves of a hash is an index
    std::array<PlainPort, kMaxPorts> plain_ports_;
    std::vector<Ipv4Local> ipv4_locals_;  // those of locals_ that are IPv4, in the same way
    uint32_t ipv4_mask_ = 0;
    int ipv4_shift_ = 31;
    std::vector<RouteLevel> levels_[2];  // by family, longest first
    std::vector<Announcement> announcements_;
    std::vector<uint16_t> renumber_;
};

}  // namespace fedge::ip
