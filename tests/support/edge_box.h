// A whole edge in one process without NICs or namespaces: media cores on a ring port, turned by hand, frames in and out
// as bytes. For tests of the packet path from end to end, and for benchmarks.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/counters.h"
#include "dataplane/contract/snapshot_generated.h"
#include "dataplane/core/assembly.h"

namespace fedge::test {

using Frame = std::vector<uint8_t>;

contract::Ip wire_ip(const IpAddress& address);
contract::Prefix wire_prefix(const Prefix& prefix);

// One UDP datagram as a frame from the box's gateway to the edge.
Frame udp_frame(const MacAddress& edge, const Endpoint& source, const Endpoint& destination, Bytes payload);

// The ICMP error (IPv4) that `router` sends about a frame that it got from the edge. `mtu`: of "fragmentation needed".
Frame icmp_error_frame(const MacAddress& edge, const IpAddress& router, uint8_t type, uint8_t code, Bytes about,
                       uint16_t mtu = 0);

struct EdgeBoxPlan {
    uint16_t cores = 1;
    uint16_t media = UINT16_MAX;            // so many of them, from the first on, relay media
    uint16_t signalling_from = UINT16_MAX;  // those from this one on have a signalling part
    core::SignallingPlan signalling;
    uint32_t allocations_per_core = 256;
    uint32_t mbufs = 4095;         // for each core
    uint32_t relay_addresses = 4;  // most that a snapshot may name
    uint32_t ring = 1024;          // frames that wait in each direction and queue
    core::Idle idle = core::Idle::poll;
};

class EdgeBox {
  public:
    static constexpr MacAddress kGatewayMac{{0x02, 0, 0, 0, 0, 0x01}};

    // The EAL must run. One box at a time per process.
    explicit EdgeBox(const EdgeBoxPlan& plan);
    ~EdgeBox();

    // External interface "outside" 192.0.2.10/24 and 2001:db8:1::10/64 with gateways .1 and ::1, TURN on port 3478 of
    // both, relay addresses 192.0.2.20 and 2001:db8:1::20, realm example.org, one static user alice/secret.
    static contract::SnapshotT snapshot();
    static IpAddress relay_address(Family family);
    // Compiles, offers, and turns the cores until all run on it. Throws core::SnapshotError.
    void publish(const contract::SnapshotT& snapshot, core::VerdictTables verdicts = {});
    // The same while cores run in threads of their own: adopted() tells when all run on it.
    void offer(const contract::SnapshotT& snapshot, core::VerdictTables verdicts = {});
    bool adopted() { return assembly_->adoption.complete(); }
    // Makes the gateways' MAC addresses known, as ARP and neighbour discovery would.
    void learn_gateways();
    // If the frame is an ARP request of the edge (it checks its gateway now and then): answers it.
    void answer_arp(Bytes frame);

    // Frames into a queue; false when its ring is full.
    bool send(const Frame& frame, uint16_t queue = 0);
    bool inject(std::span<rte_mbuf*> frames, uint16_t queue = 0);
    rte_mbuf* allocate(uint16_t queue = 0);
    // Every core once.
    void turn();
    // What came out since the last call.
    std::vector<Frame> receive();
    // The same without copying; the caller frees.
    uint32_t collect(std::span<rte_mbuf*> out, uint16_t queue = 0);

    MacAddress mac() const;
    port::Port& port() { return *port_; }
    core::RequestBox& replies() { return assembly_->replies; }
    // Rows of the core's connections, or of those that ended.
    std::vector<core::ConnectionRecord> connections(uint16_t core, bool ended = false);
    core::Core& core(uint16_t index) { return assembly_->core(index); }
    Counters counters(uint16_t core) { return assembly_->counters.core(core); }
    uint64_t total(Counter counter);
    uint64_t total(Drop drop);
    // Every reason that dropped a packet so far, with its count; for messages.
    std::string drops();
    uint32_t mbufs_in_use() const;

  private:
    EdgeBoxPlan plan_;
    std::string name_;
    std::unique_ptr<core::Assembly> assembly_;
    std::vector<rte_ring*> in_, out_;
    port::Port* port_ = nullptr;  // of the assembly
};

}  // namespace fedge::test
