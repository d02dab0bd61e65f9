// What a core tells about itself while it runs: written by the core, read by the management thread at any time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/signal/sip/sip_config.h"

namespace fedge::core {

struct alignas(64) CoreStats {
    std::atomic<uint64_t> iterations{0};
    std::atomic<uint64_t> busy_cycles{0};  // in iterations that found work
    std::atomic<uint64_t> total_cycles{0};
    std::atomic<uint64_t> busy_packets{0};
    std::atomic<int64_t> heartbeat_ns{0};  // Instant of the last iteration
    std::atomic<uint32_t> allocations{0};
    std::array<std::atomic<uint32_t>, signal::kPeerKinds> sip_connections{};  // by PeerKind
    std::atomic<uint64_t> revision{0};

    // One writer: a plain add, whole for readers.
    static void add(std::atomic<uint64_t>& cell, uint64_t n) {
        cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
};

}  // namespace fedge::core
