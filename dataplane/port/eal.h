// The DPDK environment: its arguments from typed settings, its start, and what it could not have.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/port/config.h"

namespace fedge::port {

struct EalConfig {
    bool huge = true;  // use hugepages when there are some
    uint32_t memory_mb =
        0;  // without hugepages: everything DPDK may use (0 = 1024); with: reserved at start (0 = on demand)
    std::string file_prefix = "fedge";  // names the runtime directory that the standard tools look for
    std::vector<unsigned> cpus;         // one per core of the dataplane, the main core first; not empty
    std::vector<PortConfig> ports;
    std::vector<std::string> extra;  // appended as they are
};

// What this machine offers; read from /proc and /sys, or made up by tests.
struct HugepageState {
    uint64_t free_bytes = 0;
    std::vector<std::string> mounts;  // of hugetlbfs
    static HugepageState read(const std::string& proc = "/proc", const std::string& sys = "/sys");
    // Gives back pages that a process of this prefix left behind when it was killed: the EAL would reuse them, but they
    // do not look free before it starts. Pages of a living process stay.
    static void release_stale(const std::vector<std::string>& mounts, const std::string& file_prefix);
};

// Arguments of rte_eal_init, program name first. lcore N of the EAL runs on cpus[N], so that lcore ids are core
// indices. `queues` is the number of queue pairs that each port will be asked for. Throws std::runtime_error that names
// the key and the fix when the settings cannot be right.
std::vector<std::string> eal_arguments(const EalConfig& config, bool hugepages, uint16_t queues);

// Owns the environment: one per process, constructed and destroyed on the main thread.
class Eal {
  public:
    // Checks every device, then starts the EAL, and packet capture (rte_pdump) when hugepages make secondary processes
    // possible. Throws std::runtime_error that names the key and the fix.
    Eal(const EalConfig& config, uint16_t queues);
    ~Eal();
    Eal(const Eal&) = delete;
    Eal& operator=(const Eal&) = delete;

    bool hugepages() const { return hugepages_; }
    // What the operator should know, in words; empty when all is as configured.
    const std::string& warning() const { return warning_; }

  private:
    bool hugepages_;
    std::string warning_;
    std::vector<std::string> arguments_;  // the EAL keeps pointers into them
};

}  // namespace fedge::port
