// The IP host of one core: which packets are let in, what is answered (ARP, neighbour discovery, echo), what ICMP says
// about our flows, and how packets leave (output()).
//
// Belongs to one core. No heap use after construction and adopt(); no clock.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/base/address.h"
#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/base/time.h"
#include "dataplane/ip/interfaces.h"
#include "dataplane/ip/neighbors.h"
#include "dataplane/ip/output.h"
#include "dataplane/ip/rate_limit.h"
#include "dataplane/ip/tx.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/packet.h"

namespace fedge::ip {

struct HostConfig {
    NeighborSettings neighbors;
    rte_mempool* pool = nullptr;  // of this core
    bool announces = false;       // sends gratuitous ARP and unsolicited NA: one core of the process
};

struct HostPolicy {
    uint32_t icmp_rate = 100;  // echo replies and errors per second and core
    bool echo = true;
};

// An ICMP error about a UDP datagram or a TCP segment that one of our addresses sent.
struct QuotedFlow {
    Endpoint local;   // source of the quoted datagram: ours
    Endpoint remote;  // its destination
    uint8_t type = 0;
    uint8_t code = 0;
    bool ipv6 = false;  // type and code are ICMPv6's
    uint32_t mtu = 0;   // fragmentation needed, packet too big; else 0
    bool tcp = false;
    uint32_t sequence = 0;  // TCP: of the quoted segment
};

class Host {
  public:
    Host(const HostConfig& config, Counters counters, Random& random, Transmitter& transmitter, Instant now);

    // From now on this table and policy. The table must live until the next adopt() returns.
    void adopt(const Interfaces* interfaces, const HostPolicy& policy, Instant now);

    // The ingress filter, for every parsed packet (UDP too) before anything else looks at it. Fills `interface`.
    // Nothing if the packet may pass, else why not: vlan_unknown, not_for_us, fragment, martian_source,
    // spoofed_own_source. ARP passes with the frame's checks alone. Does not count and does not free.
    std::optional<Drop> admit(uint16_t port, Bytes frame, const wire::Packet& packet, uint16_t& interface) const {
        uint32_t code = admit_code(port, frame, packet, interface);
        if (code == 0) [[likely]]
            return std::nullopt;
        return static_cast<Drop>(code - 1);
    }

    // Everything that is not UDP, after admit(): answers, learns, counts. Takes the mbuf. `may_reply` is false for
    // copies of ARP and ND packets that core/ hands to the other cores so that every cache learns. Returns an ICMP
    // error that concerns a flow of ours; the caller finds the flow, or counts Drop::icmp_unmatched.
    std::optional<QuotedFlow> on_packet(rte_mbuf* frame, const wire::Packet& packet, uint16_t interface, Instant now,
                                        bool may_reply = true);

    // True for ARP and neighbour discovery: what core/ copies to the other cores.
    static bool is_neighbor_message(Bytes frame, const wire::Packet& packet);

    // A UDP datagram to one of our addresses that nobody serves: ICMP port unreachable where RFC 1122 section 3.2.2 and
    // RFC 4443 section 2.4 allow it, within the rate. Takes the mbuf. Count Drop::port_closed before.
    void port_unreachable(rte_mbuf* frame, const wire::Packet& packet, uint16_t interface, Instant now);

    // Neighbour timers and outstanding announcements. Once per loop iteration.
    void advance(Instant now, uint32_t budget = 32);

    // End of burst: hand frames to the ports.
    void flush() { tx_.flush(); }

    Output& output() { return output_; }
    Neighbors& neighbors() { return neighbors_; }
    const Interfaces& interfaces() const { return *interfaces_; }

  private:
    // 0, or 1 + the reason: as wire::parse_code() and for the same sake.
    uint32_t admit_code(uint16_t port, Bytes frame, const wire::Packet& packet, uint16_t& interface) const;
    uint32_t admit_ipv6(const wire::Packet& packet, uint16_t interface) const;
    // The handlers return why they drop. `frame` is null afterwards if it was sent on; `flow` is filled in for the
    // caller.
    std::optional<Drop> on_arp(Bytes frame, const wire::Packet& packet, uint16_t interface, Instant now,
                               bool may_reply);
    std::optional<Drop> on_icmp(rte_mbuf*& frame, Bytes bytes, const wire::Packet& packet, uint16_t interface,
                                Instant now, std::optional<QuotedFlow>& flow);
    std::optional<Drop> on_icmpv6(rte_mbuf*& frame, Bytes bytes, const wire::Packet& packet, uint16_t interface,
                                  Instant now, bool may_reply, std::optional<QuotedFlow>& flow);
    std::optional<Drop> on_solicitation(Bytes frame, const wire::Packet& packet, const wire::Icmp& message,
                                        uint16_t interface, Instant now, bool may_reply);
    std::optional<Drop> on_advertisement(const wire::Packet& packet, const wire::Icmp& message, uint16_t interface,
                                         Instant now);
    std::optional<Drop> echo_reply(rte_mbuf*& frame, const wire::Packet& packet, uint16_t interface, Instant now);
    std::optional<Drop> quoted(const wire::Icmp& message, std::optional<QuotedFlow>& flow);
    void announce(Instant now);
    void drop(rte_mbuf* frame, Drop reason);

    Counters counters_;
    rte_mempool* pool_;
    bool announces_;
    TxBuffers tx_;
    Neighbors neighbors_;
    Output output_;
    const Interfaces* interfaces_ = nullptr;
    HostPolicy policy_;
    RateLimit icmp_;
    RateLimit announcement_rate_;
    size_t announced_ = 0;  // in this round
    uint8_t announcement_round_ = 0;
    Instant next_round_{};
};

}  // namespace fedge::ip
