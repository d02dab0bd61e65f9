// One direction of the impaired wire between two hosts.
#pragma once

#include <cstdint>
#include <functional>

#include "tests/sim/dice.h"
#include "tests/sim/packet.h"
#include "tests/sim/scheduler.h"

namespace fedge::sim {

// All of it may change while packets are on their way.
struct LinkConditions {
    Duration delay = 10ms;
    Duration jitter{0};         // up to so much more; does not change the order
    uint32_t loss_ppm = 0;      // of a million packets, one by one
    Duration outage_every{0};   // burst loss: everything is lost for outage_length, on average so often; 0 = never
    Duration outage_length{0};  // on average
    uint32_t reorder_ppm = 0;   // held back by up to reorder_by, so that later ones overtake
    Duration reorder_by{0};
    uint32_t duplicate_ppm = 0;
    uint32_t corrupt_ppm = 0;          // a bit is turned; the receiver's checksum finds it
    uint64_t bytes_per_second = 0;     // of IP packets; 0 = no limit
    uint32_t queue_bytes = 64 * 1024;  // waiting for the rate; what does not fit is dropped
    uint16_t mtu = 1500;
    bool tells_mtu = true;  // ICMP "too big" to the sender; false is a black hole
};

struct LinkCounters {
    uint64_t sent = 0;
    uint64_t delivered = 0;
    uint64_t lost = 0;
    uint64_t overflowed = 0;  // queue full
    uint64_t duplicated = 0;
    uint64_t reordered = 0;
    uint64_t corrupted = 0;
    uint64_t too_big = 0;
    uint64_t tampered = 0;  // dropped by the hook
};

class Link {
  public:
    using Deliver = std::function<void(Packet)>;
    using TellMtu = std::function<void(const Packet&, uint16_t mtu)>;
    // Decides on each packet before all impairments; may change it, and has to seal() it then. False drops it.
    using Tamper = std::function<bool(Packet&, const wire::TcpSegment&)>;

    Link(Scheduler& scheduler, uint64_t seed, const LinkConditions& conditions, Deliver deliver, TellMtu tell_mtu)
        : scheduler_(scheduler),
          dice_(seed),
          conditions_(conditions),
          deliver_(std::move(deliver)),
          tell_mtu_(std::move(tell_mtu)) {}

    void send(Packet packet);
    LinkConditions& conditions() { return conditions_; }
    const LinkCounters& counters() const { return counters_; }
    void tamper(Tamper tamper) { tamper_ = std::move(tamper); }

  private:
    bool in_outage();
    // When the packet has left the queue, or kNever when there was no room in it.
    Instant departure(size_t bytes);
    void travel(Packet packet, Instant left);

    Scheduler& scheduler_;
    Dice dice_;
    LinkConditions conditions_;
    Deliver deliver_;
    TellMtu tell_mtu_;
    Tamper tamper_;
    LinkCounters counters_;
    Instant busy_until_{};
    Instant last_arrival_{};
    Instant outage_starts_{};
    Instant outage_ends_{};
};

}  // namespace fedge::sim
