// The DPDK environment for simulations: memory only, no devices, no hugepages. Once per process.
#pragma once

namespace fedge::sim {

// Throws std::runtime_error. `memory_mb` is for all hosts that live at the same time.
void start_eal(unsigned memory_mb = 512);

}  // namespace fedge::sim
