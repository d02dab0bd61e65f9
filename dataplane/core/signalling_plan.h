// What every signalling core of a process is made with: from the boot configuration.
#pragma once

#include <cstdint>
#include <vector>

namespace fedge::core {

struct SignallingPlan {
    uint32_t connections = 8192;
    uint32_t connections_per_source = 256;  // from one IPv4 address or IPv6 /64
    uint32_t tcp_memory_mb = 32;            // send and receive queues of all connections
    uint32_t undecided = 1024;              // connections to the shared port whose kind is not known yet
    uint32_t dialogs = 1024;                // of SIP, that are listed for operators
    std::vector<uint16_t> kernel_ports;     // that the kernel's TCP serves (kernel_path.h), ascending
};

}  // namespace fedge::core
