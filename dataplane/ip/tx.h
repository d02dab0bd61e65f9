// Finished frames on their way out: a small buffer per port, handed over in bursts.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/base/counters.h"
#include "dataplane/ip/interfaces.h"

namespace fedge::ip {

// The transmit queues of one core, by port number. core/ gives those of port/; tests collect what comes.
class Transmitter {
  public:
    virtual ~Transmitter() = default;
    // Takes frames from the front and returns how many; the others stay with the caller.
    virtual uint16_t transmit(uint16_t port, std::span<rte_mbuf*> frames) = 0;
};

class TxBuffers {
  public:
    static constexpr uint16_t kBurst = 64;

    TxBuffers(Transmitter& transmitter, Counters counters) : transmitter_(transmitter), counters_(counters) {}
    ~TxBuffers();  // frees what was not flushed
    TxBuffers(const TxBuffers&) = delete;
    TxBuffers& operator=(const TxBuffers&) = delete;

    // Takes ownership of a whole frame.
    void send(uint16_t port, rte_mbuf* frame) {
        Buffer& b = buffers_[port];
        b.frames[b.count++] = frame;
        used_ |= 1U << port;
        if (b.count == kBurst) flush(port);
    }
    // At the end of each burst. What the queue does not take is dropped and counted (Drop::tx_full).
    void flush() {
        for (uint32_t ports = used_; ports; ports &= ports - 1) flush(static_cast<uint16_t>(__builtin_ctz(ports)));
        used_ = 0;
    }

  private:
    struct Buffer {
        uint16_t count = 0;
        std::array<rte_mbuf*, kBurst> frames;
    };
    void flush(uint16_t port);

    Transmitter& transmitter_;
    Counters counters_;
    uint32_t used_ = 0;  // one bit per port
    std::array<Buffer, kMaxPorts> buffers_;
};

}  // namespace fedge::ip
