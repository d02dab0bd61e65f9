// The relay ports of one core (RFC 8656 section 7.2): random, in constant time however full the range is, never handed
// out again before their quarantine is over, in pairs for EVEN-PORT.
//
// Ports are dealt to cores in pairs of even and odd, pair p belongs to core p % cores. For each relay address the pairs
// are kept in one array that is partitioned by what is free of them: both | only the even | only the odd | nothing.
// Taking a port is a random choice from the free part and a few swaps.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/base/address.h"
#include "dataplane/base/random.h"
#include "dataplane/base/table.h"
#include "dataplane/base/time.h"

namespace fedge::relay {

// Which ports belong to a core. Division by the number of cores is a multiplication, exact for pairs below 2^15.
class PortShare {
  public:
    PortShare(uint16_t core, uint16_t cores)
        : core_(core), cores_(cores), reciprocal_(((uint32_t{1} << 24) + cores - 1) / cores) {}

    uint16_t owner(uint16_t port) const {
        uint32_t pair = port >> 1;
        return static_cast<uint16_t>(pair - row(pair) * cores_);
    }
    bool mine(uint16_t port) const { return owner(port) == core_; }
    // Dense numbering of this core's ports, parity kept; only for ports that are mine.
    uint32_t index(uint16_t port) const { return row(port >> 1) << 1 | (port & 1); }
    uint16_t port(uint32_t index) const {
        return static_cast<uint16_t>(((index >> 1) * cores_ + core_) << 1 | (index & 1));
    }
    uint32_t pairs() const { return (32768U - core_ + cores_ - 1) / cores_; }

  private:
    uint32_t row(uint32_t pair) const { return static_cast<uint32_t>((uint64_t{pair} * reciprocal_) >> 24); }
    uint32_t core_;
    uint32_t cores_;
    uint32_t reciprocal_;
};

enum class PortWish : uint8_t { any, even, pair };

// Inclusive.
struct PortRange {
    uint16_t first = 1;
    uint16_t last = 0;  // below first: empty
    bool contains(uint16_t port) const { return first <= port && port <= last; }
    friend bool operator==(const PortRange&, const PortRange&) = default;
};

class Ports {
  public:
    Ports(uint32_t tables, PortShare share, int socket);

    // What a cell holds; a living allocation's handle is below 2^30.
    static constexpr uint32_t kFree = 0;
    static constexpr uint32_t kReserved = 1U << 30;
    static constexpr uint32_t kQuarantined = 1U << 31;  // and the second of its release

    // A table starts with nothing to give; open() also serves to change the range: ports that are in use stay in use.
    void open(uint16_t table, const PortRange& range);
    // Forgets everything about the table: its address is gone.
    void clear(uint16_t table);

    // A random free port (of the wished kind) whose cell is then kReserved; with PortWish::pair the odd port above it,
    // too.
    std::optional<uint16_t> take(uint16_t table, PortWish wish, Instant now, Duration quarantine, Random& random);
    void assign(uint16_t table, uint16_t port, uint32_t handle) { cell(table, port) = handle; }
    // Back to the free ports, but only after the quarantine.
    void release(uint16_t table, uint16_t port, Instant now);
    // For a port that no packet ever left from.
    void release_unused(uint16_t table, uint16_t port);
    // Frees what has been in quarantine long enough, at most `budget` ports. Returns how many.
    uint32_t end_quarantine(uint16_t table, Instant now, Duration quarantine, uint32_t budget);

    uint32_t& cell(uint16_t table, uint16_t port) { return cells_[base(table) * 2 + share_.index(port)]; }
    const uint32_t& cell(uint16_t table, uint16_t port) const { return cells_[base(table) * 2 + share_.index(port)]; }
    uint32_t free_ports(uint16_t table) const;
    uint32_t quarantined(uint16_t table) const { return heads_[table].quarantined; }
    const PortShare& share() const { return share_; }
    size_t bytes() const;

  private:
    struct Head {
        uint32_t ends[3];  // of the partitions "both", "only even", "only odd"
        uint32_t quarantined;
        uint16_t oldest;  // port indices of the quarantine, in order of release
        uint16_t newest;
        PortRange range;
    };
    enum Part : uint32_t { both, only_even, only_odd, none };

    size_t base(uint16_t table) const { return size_t{table} * pairs_; }
    Part part_of(uint16_t table, uint32_t pair) const;
    void move(uint16_t table, uint32_t pair, Part to);
    void set_free(uint16_t table, uint32_t index, bool free);
    std::optional<uint32_t> pick(uint16_t table, PortWish wish, Random& random) const;

    PortShare share_;
    uint32_t pairs_;
    Table<Head> heads_;
    Table<uint32_t> cells_;      // by port index
    Table<uint16_t> order_;      // the partitioned array of pairs
    Table<uint16_t> place_;      // where a pair is in order_
    Table<uint16_t> followers_;  // by port index: the next one in the quarantine
};

}  // namespace fedge::relay
