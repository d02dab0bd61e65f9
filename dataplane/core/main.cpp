// fedge-dataplane: boot, wire everything up, run until told to stop.
#include <pthread.h>
#include <rte_ether.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>

#include "dataplane/core/assembly.h"
#include "dataplane/core/boot.h"
#include "dataplane/core/log.h"
#include "dataplane/core/management.h"
#include "dataplane/port/eal.h"

namespace {

using namespace fedge;
using contract::Severity;

void block_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);  // inherited by every thread of the EAL; Management reads them
    std::signal(SIGPIPE, SIG_IGN);
}

// The EAL must run: it knows which CPU belongs to which NUMA node.
core::AssemblyPlan plan_of(const core::BootConfig& boot) {
    core::AssemblyPlan plan;
    for (const auto& polling : boot.polling_cpus()) {
        auto lcore = static_cast<unsigned>(plan.places.size()) + 1;
        plan.places.push_back(
            {polling.cpu, static_cast<int>(rte_lcore_to_socket_id(lcore)), polling.media, polling.signalling});
    }
    plan.signalling.connections = boot.connections_per_core;
    plan.signalling.connections_per_source = boot.connections_per_source;
    plan.signalling.tcp_memory_mb = boot.tcp_memory_mb_per_core;
    plan.signalling.dialogs = boot.dialogs_per_core;
    plan.signalling.kernel_ports = boot.kernel_ports;
    plan.mbufs.mbufs = boot.mbufs_per_core;
    // A frame of the largest MTU must fit into one buffer, behind the headroom and with two VLAN tags.
    constexpr uint16_t kAround = RTE_PKTMBUF_HEADROOM + RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN;
    for (const auto& port : boot.eal.ports)
        plan.mbufs.data_room = std::max(plan.mbufs.data_room, static_cast<uint16_t>(port.mtu + kAround));
    plan.allocations_per_core = boot.allocations_per_core;
    plan.relay_addresses = boot.relay_addresses;
    plan.idle = boot.idle;
    return plan;
}

void judge_memory(const core::BootConfig& boot, const port::Eal& eal) {
    if (boot.require_hugepages && !eal.hugepages())
        throw std::runtime_error(
            "eal.huge: no free hugepages; reserve some with dpdk-hugepages.py --setup 2G, or set eal.huge=auto");
    if (!eal.warning().empty()) core::log(Severity::warning, eal.warning());
}

struct Launched {
    core::Core* core;
    const std::atomic<bool>* stop;
};

int media_main(void* argument) {
    auto* launched = static_cast<Launched*>(argument);
    launched->core->run(*launched->stop);
    return 0;
}

// Until SIGTERM or SIGINT.
void poll_ports(const core::BootConfig& boot, bool hugepages, core::Assembly& assembly) {
    core::Management management(boot, hugepages, assembly);
    for (port::Port* port : assembly.ports()) port->start();
    std::atomic<bool> stop{false};
    std::vector<Launched> launched;
    for (auto& core : assembly.cores()) launched.push_back({core.get(), &stop});
    for (unsigned i = 0; i < launched.size(); i++) rte_eal_remote_launch(&media_main, &launched[i], i + 1);
    core::log(Severity::info, std::to_string(launched.size()) + " core(s) polling " +
                                  std::to_string(assembly.ports().size()) + " port(s); waiting for control on " +
                                  boot.run_dir + "/dataplane.sock");
    management.run();
    core::log(Severity::info, "stopping");
    stop.store(true, std::memory_order_relaxed);
    rte_eal_mp_wait_lcore();
    for (port::Port* port : assembly.ports()) port->stop();
}

void run(const core::BootConfig& boot) {
    port::Eal eal(boot.eal, static_cast<uint16_t>(boot.polling_cpus().size()));
    judge_memory(boot, eal);
    SystemRandom random;
    core::Assembly assembly(plan_of(boot), random);
    for (const auto& config : boot.eal.ports) {
        const port::Port& port = assembly.add_port(config);
        core::log(Severity::info, "port " + port.name() + ": " + port.device() + " (" + port.driver() + "), " +
                                      std::to_string(port.queues()) + " queue(s), offloads: " + port.offloads());
    }
    assembly.make_cores();
    poll_ports(boot, eal.hugepages(), assembly);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        core::BootRequest request = core::read_boot_config(argc, argv);
        if (!request.run) {
            std::fputs(request.text.c_str(), stdout);
            return 0;
        }
        block_signals();
        run(request.config);
        return 0;
    } catch (const std::exception& error) {
        core::log(Severity::error, error.what());
        return 1;
    }
}
