// Boot configuration of fedge-dataplane: what cannot change while it runs. Command line and INI file, same keys; the
// command line wins. Everything else is configured through control and arrives in snapshots.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "dataplane/port/eal.h"

namespace fedge::core {

// What a core does when its ports are empty: spin, or sleep ever longer up to a bound (machines with few cores, labs).
enum class Idle : uint8_t { poll, backoff };

struct BootConfig {
    struct PollingCpu {
        unsigned cpu;
        bool media;
        bool signalling;
    };
    // One core each, in the order of their numbers: those with media first.
    std::vector<PollingCpu> polling_cpus() const;

    port::EalConfig eal;  // ports included
    bool require_hugepages = false;
    unsigned main_cpu = 0;
    std::vector<unsigned> media_cpus;
    std::vector<unsigned> signalling_cpus;  // may be media CPUs too; empty: nothing that needs a stream is served
    Idle idle = Idle::poll;
    uint32_t mbufs_per_core = 16384;
    uint32_t allocations_per_core = 100000;
    uint32_t relay_addresses = 128;  // most that a snapshot may name
    uint32_t connections_per_core = 8192;
    uint32_t tcp_memory_mb_per_core = 32;   // send and receive queues of all connections
    uint32_t connections_per_source = 256;  // over TCP, from one IPv4 address or IPv6 /64, per core
    uint32_t dialogs_per_core = 16384;      // of SIP, that are listed for operators
    std::vector<uint16_t> kernel_ports;     // connections to these ports, ours and of others, are the kernel's TCP's
    std::string run_dir = "/run/fedge";
};

// The text names the key and the fix, one problem per exception.
class BootError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

// What the command line asked for: run with the configuration, or print `text` and stop.
struct BootRequest {
    bool run = false;
    std::string text;
    BootConfig config;
};

// Throws BootError.
BootRequest read_boot_config(int argc, const char* const* argv);

// "1", "1-3", "1,3,5-7"; sorted, without duplicates. Throws BootError naming `key`.
std::vector<unsigned> parse_cpu_list(const std::string& key, const std::string& text);
std::vector<uint16_t> parse_port_list(const std::string& key, const std::string& text);

}  // namespace fedge::core
