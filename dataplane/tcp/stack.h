// The TCP of one core on the IP host of that core: frames in and out.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>

#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/base/time.h"
#include "dataplane/ip/host.h"
#include "dataplane/tcp/tcp.h"
#include "dataplane/wire/packet.h"

namespace fedge::tcp {

// Takes segments to addresses of this machine, which no wire would bring back.
class LocalDelivery {
  public:
    virtual ~LocalDelivery() = default;
    // False: not for this machine. The segment is good during the call.
    virtual bool take(const SegmentOutput::Segment& segment) = 0;
};

class Stack final : public SegmentOutput {
  public:
    // `host`, `pool` and `local` (may be null) must outlive this. Throws std::runtime_error when there is not enough
    // memory.
    Stack(const Settings& settings, Counters counters, Random& random, ip::Host& host, rte_mempool* pool, Instant now,
          LocalDelivery* local = nullptr);
    ~Stack() override;

    Tcp& tcp() { return tcp_; }
    const Tcp& tcp() const { return tcp_; }

    // Takes a frame that ip::Host has admitted and that carries TCP, no fragment. It is looked at together with others
    // of its burst: in turn() at the latest.
    void receive(rte_mbuf* frame, const wire::Packet& packet, Instant now);
    // A segment that did not come from a wire; `mbuf` holds its bytes.
    void receive_local(rte_mbuf* mbuf, const Arrival& arrival, Instant now);
    // An ICMP error about a segment of ours.
    void receive(const ip::QuotedFlow& flow, Instant now);
    // End of a turn of the loop: what has been received, timers, and all that follows from them. Returns how much there
    // was to do.
    uint32_t turn(Instant now);

    void send(const Segment& segment, ip::Hop& hop, Instant now) override;
    uint16_t mtu(const IpAddress& source, const IpAddress& destination) override;

  private:
    uint32_t process(Instant now);

    Counters counters_;
    ip::Host& host_;
    rte_mempool* pool_;
    LocalDelivery* local_;
    Tcp tcp_;
    std::array<rte_mbuf*, Tcp::kBurst> frames_;
    std::array<Arrival, Tcp::kBurst> arrivals_;
    uint32_t count_ = 0;
};

}  // namespace fedge::tcp
