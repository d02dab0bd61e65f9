// The parts of a dataplane and how they are joined: a pool, a core and its mailboxes for each CPU, ports that all cores
// poll, and what they share. Used by the program on real ports and by tests on ring ports.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/base/clock.h"
#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/core/adoption.h"
#include "dataplane/core/core.h"
#include "dataplane/core/inquiry.h"
#include "dataplane/core/request.h"
#include "dataplane/core/run_config.h"
#include "dataplane/core/signalling_plan.h"
#include "dataplane/core/steering.h"
#include "dataplane/policy/discovered_partners.h"
#include "dataplane/port/mbuf_pool.h"
#include "dataplane/port/port.h"
#include "dataplane/relay/quota.h"

namespace fedge::core {

struct AssemblyPlan {
    struct Place {
        unsigned cpu = 0;
        int socket = -1;  // NUMA node
        bool media = true;
        bool signalling = false;
    };
    std::string name;           // in front of the names of pools, unique in the process
    std::vector<Place> places;  // one core each; those with media stand in front, and there is one at least
    port::MbufPoolConfig mbufs;
    uint32_t allocations_per_core = 0;
    uint32_t relay_addresses = 0;  // most that a snapshot may name
    SignallingPlan signalling;
    Idle idle = Idle::poll;
};

// Made in three steps, on the main thread: construct, add_port for each port, make_cores. Destroyed in the opposite
// order; nothing may poll any more then. Each step throws std::runtime_error when something is not there or too small.
class Assembly {
  public:
    // The EAL must run. `random` is used during construction only.
    Assembly(const AssemblyPlan& plan, Random& random);
    Assembly(const Assembly&) = delete;
    Assembly& operator=(const Assembly&) = delete;

    port::Port& add_port(const port::PortConfig& config);
    void make_cores();

    uint16_t size() const { return static_cast<uint16_t>(plan_.places.size()); }
    Core& core(uint16_t index) { return *cores_[index]; }
    std::span<std::unique_ptr<Core>> cores() { return cores_; }
    std::span<port::Port* const> ports() const { return port_pointers_; }
    const port::MbufPool& pool(uint16_t core) const { return *pools_[core]; }
    const TscClock& clock() const { return clock_; }
    // Both nullptr without signalling cores.
    InquiryBox* inquiries() { return inquiries_.get(); }
    policy::DiscoveredPartners* partners() { return partners_.get(); }

  private:
    AssemblyPlan plan_;
    TscClock clock_;

  public:
    CounterMemory counters;
    Adoption adoption;
    RequestBox replies;  // of the cores, to management
    SnapshotContext context;

  private:
    Steering steering_;
    relay::SharedQuota quota_;
    std::unique_ptr<InquiryBox> inquiries_;  // of the cores, to management
    std::unique_ptr<policy::DiscoveredPartners> partners_;
    std::vector<std::unique_ptr<port::MbufPool>> pools_;
    std::vector<std::unique_ptr<port::Port>> ports_;
    std::vector<port::Port*> port_pointers_;
    std::vector<std::unique_ptr<Core>> cores_;
};

}  // namespace fedge::core
