// Our TCP on a real port: one core's worth of port, IP host and TCP stack, with an impaired wire between port and host.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/base/clock.h"
#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/ip/host.h"
#include "dataplane/port/eal.h"
#include "dataplane/port/mbuf_pool.h"
#include "dataplane/port/port.h"
#include "dataplane/tcp/stack.h"
#include "tests/support/impaired_wire.h"

namespace fedge::test {

struct TcpNodePlan {
    std::string device;                  // as port::PortConfig::device
    std::string file_prefix;             // of the EAL: one per process
    std::vector<std::string> addresses;  // "192.0.2.10/26"
    std::vector<std::string> gateways;
    uint16_t mtu = 1500;
    tcp::Settings tcp;
    Impairment impairment;  // of frames that carry TCP, in each direction
    uint64_t seed = 1;
    uint32_t mbufs = 8191;
    uint32_t memory_mb = 512;
};

class TcpNode final : public ip::Transmitter {
  public:
    // Starts the EAL. Throws std::runtime_error or std::invalid_argument that names what is wrong.
    explicit TcpNode(const TcpNodePlan& plan);
    ~TcpNode() override;

    tcp::Transport& transport() { return stack_->tcp(); }
    const tcp::Tcp& tcp() const { return stack_->tcp(); }
    Instant now() const { return clock_.now(); }
    // One turn of the loop; returns how much there was to do.
    uint32_t turn(Instant now);

    Counters counters() { return Counters{block_}; }
    uint64_t lost() const { return in_.lost() + out_.lost(); }  // by the impaired wire
    // Every counter and drop that is not zero, by name.
    std::vector<std::pair<std::string, uint64_t>> totals() const;

  private:
    static port::EalConfig eal_config(const TcpNodePlan& plan);
    void on_frame(rte_mbuf* frame, Instant now);
    bool carries_tcp(const rte_mbuf* frame) const;
    uint16_t transmit(uint16_t port, std::span<rte_mbuf*> frames) override;
    uint32_t send_due(Instant now);

    port::Eal eal_;
    TscClock clock_;
    SystemRandom random_;
    contract::CounterBlock block_{};
    port::MbufPool pool_;
    std::unique_ptr<port::Port> port_;
    std::unique_ptr<const ip::Interfaces> interfaces_;
    bool impaired_;
    ImpairedWire<rte_mbuf*> in_;
    ImpairedWire<rte_mbuf*> out_;
    Instant now_;
    std::unique_ptr<ip::Host> host_;
    std::unique_ptr<tcp::Stack> stack_;
};

}  // namespace fedge::test
