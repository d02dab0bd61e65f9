// fedge-dataplane: boot, wire everything up, run until told to stop.
#include <pthread.h>
#include <rte_ether.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>

#include "dataplane/core/boot.h"
#include "dataplane/core/log.h"
#include "dataplane/core/management.h"
#include "dataplane/core/media_core.h"
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

// All that lives as long as the process polls, in the order of construction.
class Dataplane {
  public:
    explicit Dataplane(const core::BootConfig& boot)
        : boot_(boot),
          cores_count_(static_cast<uint16_t>(boot.media_cpus.size())),
          eal_(boot.eal, cores_count_),
          counters_(cores_count_),
          adoption_(cores_count_),
          quota_(boot.allocations_per_core * cores_count_),
          replies_("replies", 64, -1) {
        if (boot.require_hugepages && !eal_.hugepages())
            throw std::runtime_error(
                "eal.huge: no free hugepages; reserve some with dpdk-hugepages.py --setup 2G, or set eal.huge=auto");
        if (!eal_.warning().empty()) core::log(Severity::warning, eal_.warning());
        context_.limits.relay_addresses = boot.relay_addresses;
        context_.user_key = relay::UserHashKey::random(random_);
        make_pools();
        make_ports();
        make_cores();
    }

    int run() {
        core::Management management(boot_, eal_.hugepages(), port_pointers_, cores_, context_, counters_, adoption_,
                                    replies_);
        for (auto& port : ports_) port->start();
        for (uint16_t i = 0; i < cores_count_; i++) {
            launched_.push_back({cores_[i].get(), &stop_});
        }
        for (uint16_t i = 0; i < cores_count_; i++) rte_eal_remote_launch(&media_main, &launched_[i], i + 1U);
        core::log(Severity::info, std::to_string(cores_count_) + " media core(s) polling " +
                                      std::to_string(ports_.size()) + " port(s); waiting for control on " +
                                      boot_.run_dir + "/dataplane.sock");
        management.run();
        core::log(Severity::info, "stopping");
        stop_.store(true, std::memory_order_relaxed);
        rte_eal_mp_wait_lcore();
        for (auto& port : ports_) port->stop();
        return 0;
    }

  private:
    struct Launched {
        core::MediaCore* core;
        const std::atomic<bool>* stop;
    };

    static int media_main(void* argument) {
        auto* launched = static_cast<Launched*>(argument);
        launched->core->run(*launched->stop);
        return 0;
    }

    void make_pools() {
        port::MbufPoolConfig config;
        config.mbufs = boot_.mbufs_per_core;
        // A frame of the largest MTU must fit into one buffer, behind the headroom and with two VLAN tags.
        constexpr uint16_t kAround = RTE_PKTMBUF_HEADROOM + RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN;
        for (const auto& port : boot_.eal.ports)
            config.data_room = std::max(config.data_room, static_cast<uint16_t>(port.mtu + kAround));
        for (uint16_t i = 0; i < cores_count_; i++)
            pools_.push_back(std::make_unique<port::MbufPool>("mbufs-" + std::to_string(i), config,
                                                              static_cast<int>(rte_lcore_to_socket_id(i + 1U))));
    }

    void make_ports() {
        std::vector<rte_mempool*> raw;
        for (auto& pool : pools_) raw.push_back(pool->get());
        for (const auto& config : boot_.eal.ports) {
            ports_.push_back(std::make_unique<port::Port>(config, raw));
            const port::Port& port = *ports_.back();
            port_pointers_.push_back(ports_.back().get());
            context_.ports.push_back(
                {port.name(), port.id(), port.mac(), port.mtu(), port.tx_ipv4_checksum(), port.tx_udp_checksum()});
            core::log(Severity::info, "port " + port.name() + ": " + port.device() + " (" + port.driver() + "), " +
                                          std::to_string(port.queues()) + " queue(s), offloads: " + port.offloads());
        }
    }

    void make_cores() {
        for (uint16_t i = 0; i < cores_count_; i++) {
            core::MediaCoreSetup setup;
            setup.index = i;
            setup.cores = cores_count_;
            setup.cpu = boot_.media_cpus[i];
            setup.socket = static_cast<int>(rte_lcore_to_socket_id(i + 1U));
            setup.max_allocations = boot_.allocations_per_core;
            setup.limits = context_.limits;
            setup.idle = boot_.idle;
            setup.ports = port_pointers_;
            setup.pool = pools_[i].get();
            setup.quota = &quota_;
            setup.config = &adoption_.slot(i);
            setup.replies = &replies_;
            cores_.push_back(std::make_unique<core::MediaCore>(setup, counters_.core(i), clock_));
        }
        std::vector<core::PacketBox*> inboxes;
        for (auto& one : cores_) inboxes.push_back(&one->inbox());
        for (auto& one : cores_) one->connect(inboxes);
    }

    const core::BootConfig& boot_;
    uint16_t cores_count_;
    port::Eal eal_;
    TscClock clock_;
    CounterMemory counters_;
    core::Adoption adoption_;
    relay::SharedQuota quota_;
    core::RequestBox replies_;
    core::SnapshotContext context_;
    SystemRandom random_;
    std::vector<std::unique_ptr<port::MbufPool>> pools_;
    std::vector<std::unique_ptr<port::Port>> ports_;
    std::vector<port::Port*> port_pointers_;
    std::vector<std::unique_ptr<core::MediaCore>> cores_;
    std::vector<Launched> launched_;
    std::atomic<bool> stop_{false};
};

}  // namespace

int main(int argc, char** argv) {
    try {
        core::BootRequest request = core::read_boot_config(argc, argv);
        if (!request.run) {
            std::fputs(request.text.c_str(), stdout);
            return 0;
        }
        block_signals();
        return Dataplane(request.config).run();
    } catch (const std::exception& error) {
        core::log(Severity::error, error.what());
        return 1;
    }
}
