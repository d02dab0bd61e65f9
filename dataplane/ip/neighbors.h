// The neighbour cache of one core: ARP (RFC 826) and IPv6 neighbour discovery (RFC 4861), one table for both families.
//
// States are those of RFC 4861 section 7.3.2, except that DELAY is left out: an entry that is in use is probed when its
// confirmation is older than kReachable. Bounded everywhere: entries, packets that wait per entry, requests per second.
// Nothing a stranger sends makes an entry except a request for one of our addresses by an on-link sender, and such
// entries are the first to give way.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/counters.h"
#include "dataplane/base/hash.h"
#include "dataplane/base/random.h"
#include "dataplane/base/time.h"
#include "dataplane/base/wheel.h"
#include "dataplane/ip/hop.h"
#include "dataplane/ip/interfaces.h"
#include "dataplane/ip/rate_limit.h"
#include "dataplane/ip/tx.h"

struct rte_hash;

namespace fedge::ip {

enum class NeighborState : uint8_t { none, incomplete, reachable, stale, probe, failed };
const char* name_of(NeighborState state);

struct NeighborSettings {
    uint32_t capacity = 1024;
    uint32_t requests_per_second = 200;  // for hosts not known yet, all together
    uint16_t core = 0;                   // part of the table's name in the EAL
    int socket = -1;                     // NUMA node; -1 = any
};

// What sending needs of a neighbour, in one cache line.
struct alignas(64) HopTarget {
    uint32_t generation = 0;
    uint16_t port = 0;
    uint16_t mtu = 0;
    uint8_t l2_length = 0;  // 14, or 18 with a VLAN tag
    bool ipv6 = false;      // EtherType in `l2`
    bool tx_ipv4_checksum = false;
    bool tx_udp_checksum = false;
    bool tx_tcp_checksum = false;
    std::array<uint8_t, 18> l2{};  // Ethernet header to copy
    // Of the mbuf: family and the IPv4 checksum if the device does it; lengths of the headers.
    uint64_t tx_flags = 0;
    uint64_t tx_offload = 0;
    Instant last_used{};
};
static_assert(sizeof(HopTarget) == 64);

struct NeighborRow {
    uint16_t interface;
    IpAddress address;
    MacAddress mac;
    NeighborState state;
    Duration age;  // since the last confirmation
    uint8_t queued;
};

class Neighbors {
  public:
    static constexpr uint8_t kQueue = 4;         // packets that wait for one neighbour
    static constexpr uint8_t kTries = 3;         // MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT
    static constexpr Duration kRetransmit = 1s;  // RETRANS_TIMER
    static constexpr Duration kGiveUp = 10s;     // of an entry whose requests the rate limit held back
    static constexpr Duration kReachable = 30s;  // REACHABLE_TIME
    static constexpr Duration kStaleCheck = 5s;  // DELAY_FIRST_PROBE_TIME
    static constexpr Duration kUnused = 600s;    // a stale entry that nobody used for so long is forgotten
    static constexpr Duration kFailedHold = 3s;  // packets to a failed neighbour are dropped without asking again
    static constexpr Duration kLock = 1s;        // a confirmed address is not replaced within this time

    // `pool` gives the mbufs of requests. Throws std::runtime_error without memory.
    Neighbors(const NeighborSettings& settings, Counters counters, Random& random, TxBuffers& tx, rte_mempool* pool,
              Instant now);
    ~Neighbors();
    Neighbors(const Neighbors&) = delete;
    Neighbors& operator=(const Neighbors&) = delete;

    // From now on these interfaces (must live until the next adopt returns). Entries of interfaces that stay are kept
    // with the packets that wait; every Hop is to be resolved anew, because routes may have changed.
    void adopt(const Interfaces* interfaces);

    // The target of a remembered hop; null if it is no longer good. Hot path.
    HopTarget* target(const Hop& hop) {
        HopTarget* t = &targets_[hop.slot];
        return hop.generation != 0 && t->generation == hop.generation ? t : nullptr;
    }

    // Finds or makes the entry of an on-link neighbour. Returns true and fills `hop` if its address is known. Otherwise
    // keeps the IP packet (no Ethernet header yet) until it is, or drops and counts it, and asks for the address. The
    // packet is taken in the second case only.
    bool resolve(const NextHop& next, rte_mbuf* ip_packet, Hop& hop, Instant now);

    // A neighbour told its address: what the ARP or ND message says, after it was checked.
    struct Advertisement {
        uint16_t interface;
        IpAddress address;
        std::optional<MacAddress> mac;  // ND may leave it out
        bool solicited;                 // RFC 4861 7.2.5; ARP: a reply to us
        bool override_cached;           // ARP: always
    };
    void on_advertisement(const Advertisement& advertisement, Instant now);

    // A neighbour asked for one of our addresses and told its own on the way (RFC 826; RFC 4861 7.2.3). May make an
    // entry.
    void on_solicitation(uint16_t interface, const IpAddress& address, const MacAddress& mac, Instant now);

    // Retries, probes, expiry. At most `budget` entries.
    void advance(Instant now, uint32_t budget);

    // Rows from `cursor` (0 at first) on, `filled` of them; returns the cursor to go on with, 0 at the end. No heap
    // use.
    uint32_t list(uint32_t cursor, std::span<NeighborRow> out, size_t& filled, Instant now) const;

    uint32_t size() const { return settings_.capacity - static_cast<uint32_t>(free_.size()); }
    uint32_t incomplete() const { return incomplete_; }

  private:
    struct Key {
        std::array<uint8_t, 16> address;
        uint32_t interface;
    };
    struct Entry {
        IpAddress address;
        uint16_t interface = kNoInterface;
        NeighborState state = NeighborState::none;
        uint8_t tries = 0;
        uint8_t queued = 0;
        bool gateway = false;
        MacAddress mac;
        Instant confirmed{};
        Instant since{};                        // in this state
        std::array<rte_mbuf*, kQueue> queue{};  // oldest first; whole IP packets
    };

    static constexpr uint32_t kNone = ~0U;
    static Key key_of(const IpAddress& address, uint16_t interface);
    uint32_t hash(const Key& key) const;
    uint32_t find(const IpAddress& address, uint16_t interface) const;
    bool index(uint32_t slot);
    void unindex(uint32_t slot);
    uint32_t make(const IpAddress& address, uint16_t interface);
    bool make_room();
    void release(uint32_t slot);
    void enter(uint32_t slot, NeighborState state, Instant now);
    void learn(uint32_t slot, const MacAddress& mac, NeighborState state, Instant now);
    void publish(uint32_t slot);
    void enqueue(Entry& entry, rte_mbuf* packet);
    void drop_queue(Entry& entry);
    void send_queue(uint32_t slot);
    bool ask(const Entry& entry, Instant now);
    void on_deadline(uint32_t slot, Instant now);
    uint32_t next_generation() { return ++generation_ ? generation_ : ++generation_; }

    NeighborSettings settings_;
    Counters counters_;
    TxBuffers& tx_;
    rte_mempool* pool_;
    const Interfaces* interfaces_ = nullptr;
    HashKey hash_key_;
    RateLimit requests_;
    rte_hash* table_;
    std::unique_ptr<HopTarget[]> targets_;
    std::vector<Entry> entries_;
    std::vector<uint32_t> free_;  // reserved to capacity at construction
    TimingWheel wheel_;
    uint32_t generation_ = 0;
    uint32_t incomplete_ = 0;
    uint32_t hand_ = 0;  // of make_room()
};

}  // namespace fedge::ip
