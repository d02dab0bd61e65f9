#include "dataplane/port/eal.h"

#include <fcntl.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_pdump.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "dataplane/port/device.h"

namespace fedge::port {
namespace {

constexpr uint32_t kDefaultMemoryMb = 1024;

std::string join(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& w : words) out += (out.empty() ? "" : " ") + w;
    return out;
}

void check_cpus(const std::vector<unsigned>& cpus) {
    if (cpus.empty()) throw std::runtime_error("cores.media: empty; name at least one CPU, the main core first");
    for (size_t i = 0; i < cpus.size(); i++)
        if (std::find(cpus.begin(), cpus.begin() + static_cast<ptrdiff_t>(i), cpus[i]) !=
            cpus.begin() + static_cast<ptrdiff_t>(i))
            throw std::runtime_error("cores.media: CPU " + std::to_string(cpus[i]) +
                                     " is named twice; a core needs a CPU of its own");
}

void check_ports(const std::vector<PortConfig>& ports) {
    for (size_t i = 0; i < ports.size(); i++)
        for (size_t k = 0; k < i; k++)
            if (ethdev_name(ports[i].device) == ethdev_name(ports[k].device))
                throw std::runtime_error("port." + ports[i].name + ".device: " + ethdev_name(ports[i].device) +
                                         " is already port " + ports[k].name +
                                         "; number virtual devices apart (net_af_packet0, net_af_packet1)");
}

std::string why_not_huge(const HugepageState& state, uint32_t memory_mb) {
    if (!state.free_bytes) return "no hugepages are free (sysctl vm.nr_hugepages=1024 reserves 2 GiB)";
    if (state.mounts.empty()) return "hugetlbfs is not mounted (mount -t hugetlbfs none /dev/hugepages)";
    return "only " + std::to_string(state.free_bytes >> 20) + " MiB of hugepages are free, eal.memory asks for " +
           std::to_string(memory_mb) + " MiB";
}

}  // namespace

HugepageState HugepageState::read(const std::string& proc, const std::string& sys) {
    namespace fs = std::filesystem;
    HugepageState state;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(sys + "/kernel/mm/hugepages", ignored)) {
        // hugepages-2048kB
        std::string name = entry.path().filename();
        uint64_t kilobytes = 0, pages = 0;
        if (name.starts_with("hugepages-")) kilobytes = std::strtoull(name.c_str() + 10, nullptr, 10);
        std::ifstream(entry.path() / "free_hugepages") >> pages;
        state.free_bytes += pages * kilobytes * 1024;
    }
    std::ifstream mounts(proc + "/mounts");
    for (std::string device, where, type, rest; mounts >> device >> where >> type && std::getline(mounts, rest);)
        if (type == "hugetlbfs") state.mounts.push_back(where);
    return state;
}

void HugepageState::release_stale(const std::vector<std::string>& mounts, const std::string& file_prefix) {
    namespace fs = std::filesystem;
    std::error_code ignored;
    for (const auto& mount : mounts) {
        for (const auto& entry : fs::directory_iterator(mount, ignored)) {
            if (!entry.path().filename().string().starts_with(file_prefix + "map_")) continue;
            // A living process holds a shared lock on each of its pages.
            int fd = open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
            if (fd < 0) continue;
            if (flock(fd, LOCK_EX | LOCK_NB) == 0) fs::remove(entry.path(), ignored);
            close(fd);
        }
    }
}

std::vector<std::string> eal_arguments(const EalConfig& config, bool hugepages, uint16_t queues) {
    check_cpus(config.cpus);
    check_ports(config.ports);
    std::vector<std::string> out{"fedge-dataplane", "--file-prefix=" + config.file_prefix};
    std::string lcores;
    for (size_t i = 0; i < config.cpus.size(); i++)
        lcores += (i ? "," : "") + std::to_string(i) + "@" + std::to_string(config.cpus[i]);
    out.push_back("--lcores=" + lcores);
    out.push_back("--main-lcore=0");
    if (!hugepages) {
        // Without hugepages nothing can be shared with secondary processes, so no configuration file is kept for them.
        // (--in-memory would say the same, but this DPDK does not take it together with --no-huge.)
        out.insert(out.end(), {"--no-huge", "--no-shconf"});
        out.push_back("-m" + std::to_string(config.memory_mb ? config.memory_mb : kDefaultMemoryMb));
    } else if (config.memory_mb) {
        out.push_back("-m" + std::to_string(config.memory_mb));
    }
    bool any_pci = false;
    for (const PortConfig& port : config.ports) {
        if (is_pci(port.device)) {
            any_pci = true;
            out.insert(out.end(), {"-a", port.device});
        } else {
            out.push_back("--vdev=" + with_queues(port.device, queues));
        }
    }
    if (!any_pci) out.push_back("--no-pci");  // else the EAL would take every bound NIC
    out.insert(out.end(), config.extra.begin(), config.extra.end());
    return out;
}

Eal::Eal(const EalConfig& config, uint16_t queues) {
    for (const PortConfig& port : config.ports)
        if (auto problem = device_problem("port." + port.name + ".device", port.device); !problem.empty())
            throw std::runtime_error(problem);
    HugepageState::release_stale(HugepageState::read().mounts, config.file_prefix);
    HugepageState state = HugepageState::read();
    uint64_t wanted = std::max<uint64_t>(uint64_t{config.memory_mb} << 20, 1);
    hugepages_ = config.huge && !state.mounts.empty() && state.free_bytes >= wanted;
    if (config.huge && !hugepages_)
        warning_ = "running without hugepages: " + why_not_huge(state, config.memory_mb) +
                   ". It works, but slower, and dpdk-dumpcap and dpdk-proc-info cannot attach";

    arguments_ = eal_arguments(config, hugepages_, queues);
    std::vector<char*> argv;
    for (auto& a : arguments_) argv.push_back(a.data());
    // rte_eal_init permutes what it is given.
    if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0)
        throw std::runtime_error(std::string("eal: DPDK did not start: ") + rte_strerror(rte_errno) +
                                 "; its own words are above; " + "the arguments were: " + join(arguments_));
    if (hugepages_ && rte_pdump_init() < 0)
        warning_ = std::string("packet capture (dpdk-dumpcap) is not available: ") + rte_strerror(rte_errno);
}

Eal::~Eal() {
    if (hugepages_) rte_pdump_uninit();
    rte_eal_cleanup();
}

}  // namespace fedge::port
