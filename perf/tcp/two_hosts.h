// Two hosts with our TCP, each on a DPDK ring port of its own, joined by the rings. One thread drives both and times
// each by itself.
#pragma once

#include <rte_mbuf.h>
#include <rte_ring.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/base/random.h"
#include "dataplane/base/time.h"
#include "dataplane/ip/host.h"
#include "dataplane/ip/interfaces.h"
#include "dataplane/port/mbuf_pool.h"
#include "dataplane/port/port.h"
#include "dataplane/tcp/stack.h"

namespace fedge::perf {

class RingHost final : public ip::Transmitter {
  public:
    // Addresses as "192.0.2.1/24", all of one network. The rings belong to the caller.
    RingHost(const std::string& name, rte_ring* in, rte_ring* out, const std::vector<std::string>& addresses,
             const tcp::Settings& settings, Instant now);
    ~RingHost() override;

    // One turn of the loop: a burst, timers, and what follows from them. Returns the packets received.
    uint32_t turn(Instant now);
    tcp::Tcp& tcp() { return stack_->tcp(); }
    rte_mempool* pool() { return pool_->get(); }
    MacAddress mac() const { return mac_; }
    const contract::CounterBlock& counters() const { return block_; }

    uint16_t transmit(uint16_t port, std::span<rte_mbuf*> frames) override;

  private:
    std::string name_;
    MacAddress mac_;
    contract::CounterBlock block_{};
    SystemRandom random_;
    std::unique_ptr<port::MbufPool> pool_;
    std::unique_ptr<port::Port> port_;
    std::unique_ptr<const ip::Interfaces> interfaces_;
    std::unique_ptr<ip::Host> host_;
    std::unique_ptr<tcp::Stack> stack_;
};

rte_ring* make_ring(const std::string& name, uint32_t size);

}  // namespace fedge::perf
