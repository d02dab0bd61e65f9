// A host of the simulation: one Tcp, its addresses, and the turns of its loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dataplane/base/random.h"
#include "dataplane/contract/counters.h"
#include "dataplane/tcp/tcp.h"
#include "tests/sim/packet.h"

namespace fedge::sim {

class Network;

struct HostSetup {
    std::string name;
    std::vector<IpAddress> addresses;
    tcp::Settings settings;
    uint16_t mtu = 1500;  // of its interface
    Duration turn{0};     // what arrives within one turn of its loop is seen together; 0: each packet at once
};

class Host final : public tcp::SegmentOutput {
  public:
    // `network` outlives it.
    Host(Network& network, HostSetup setup, uint64_t seed);

    tcp::Tcp& tcp() { return *tcp_; }
    const HostSetup& setup() const { return setup_; }
    uint64_t counter(Counter c) { return Counters{block_}.value(c); }
    uint64_t drops(Drop d) { return Counters{block_}.value(d); }

    // `checked`: it came over a link, and the checks follow it.
    void arrive(Packet packet, bool checked = false);
    void arrive(const tcp::IcmpError& error);
    void tick();   // timers
    void flush();  // after a stream was used from outside of a handler

    void send(const Segment& segment, ip::Hop& hop, Instant now) override;
    uint16_t mtu(const IpAddress&, const IpAddress&) override { return setup_.mtu; }

  private:
    void poll();

    Network& network_;
    HostSetup setup_;
    SeededRandom random_;
    contract::CounterBlock block_{};
    struct Waiting {
        Packet packet;
        bool checked;
    };
    std::vector<Waiting> inbox_;
    bool poll_due_ = false;
    std::unique_ptr<tcp::Tcp> tcp_;
};

}  // namespace fedge::sim
