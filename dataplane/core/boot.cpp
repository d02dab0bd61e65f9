#include "dataplane/core/boot.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <thread>

namespace fedge::core {
namespace {

namespace po = boost::program_options;

constexpr const char* kDefaultFile = "/etc/fedge/dataplane.ini";

template <typename T>
T number(const std::string& key, const std::string& text, T low, T high) {
    T value{};
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high)
        throw BootError(key + ": \"" + text + "\" is not a number from " + std::to_string(low) + " to " +
                        std::to_string(high));
    return value;
}

bool yes_or_no(const std::string& key, const std::string& text) {
    if (text == "yes" || text == "true" || text == "on" || text == "1") return true;
    if (text == "no" || text == "false" || text == "off" || text == "0") return false;
    throw BootError(key + ": \"" + text + "\" is neither yes nor no");
}

po::options_description known_options() {
    po::options_description options("Boot options (command line or INI file; a dot separates section and key)");
    auto text = [](const char* fallback) { return po::value<std::string>()->default_value(fallback); };
    // clang-format off
    options.add_options()
        ("eal.huge", text("auto"), "hugepages: auto, yes, or no")
        ("eal.memory", text("512"), "MiB of packet and table memory when there are no hugepages")
        ("eal.file-prefix", text("fedge"), "DPDK file prefix; tools such as dpdk-proc-info need the same")
        ("eal.extra", text(""), "further EAL arguments, separated by spaces")
        ("cores.main", text("0"), "CPU of the management thread")
        ("cores.media", text("1"), "CPUs that relay media, such as 1-3,5")
        ("cores.signalling", text(""), "CPUs that end TCP and TLS, such as 6,7; one that is in cores.media too does both")
        ("cores.idle", text("poll"), "poll, or backoff: sleep when there is nothing to do")
        ("pools.mbufs-per-core", text("16384"), "packet buffers per core and port")
        ("pools.allocations-per-core", text("100000"), "TURN allocations a core can hold")
        ("pools.connections-per-core", text("8192"), "TCP connections a signalling core can hold")
        ("pools.tcp-memory-per-core", text("32"), "MiB of a signalling core for what is sent and received")
        ("pools.dialogs-per-core", text("16384"), "SIP dialogs that a signalling core lists for operators")
        ("pools.relay-addresses", text("128"), "TURN relay addresses that a configuration may name")
        ("tcp.connections-per-source", text("256"), "TCP connections from one IPv4 address or IPv6 /64, per core; more for users behind one NAT")
        ("tcp.kernel-ports", text(""), "connections to our listeners on these ports, such as 443,5061, and to servers of SIP on them go by the kernel's TCP instead of ours")
        ("run-dir", text("/run/fedge"), "directory of the socket that control connects to");
    // clang-format on
    return options;
}

constexpr const char* kPortKeys = "device, mtu, rx-descriptors, tx-descriptors, promiscuous";

void set_port_key(port::PortConfig& port, const std::string& key, const std::string& field, const std::string& value) {
    if (field == "device") {
        if (value.empty()) throw BootError(key + ": is empty; give a PCI address or a DPDK virtual device");
        port.device = value;
    } else if (field == "mtu") {
        port.mtu = number<uint16_t>(key, value, 1280, 9600);
    } else if (field == "rx-descriptors") {
        port.rx_descriptors = number<uint16_t>(key, value, 32, 16384);
    } else if (field == "tx-descriptors") {
        port.tx_descriptors = number<uint16_t>(key, value, 32, 16384);
    } else if (field == "promiscuous") {
        port.promiscuous = yes_or_no(key, value);
    } else {
        throw BootError(key + ": no such key; a port has: " + kPortKeys);
    }
}

// Keys of the form port.NAME.field, which no options_description can list beforehand. First occurrence wins.
class PortKeys {
  public:
    void take(const std::string& key, const std::string& value) {
        if (!seen_.insert(key).second) return;
        std::string rest = key.substr(5);
        auto dot = rest.find('.');
        if (key.rfind("port.", 0) != 0 || dot == std::string::npos || dot == 0)
            throw BootError(key + ": no such key; see fedge-dataplane --help");
        std::string name = rest.substr(0, dot);
        auto [it, fresh] = ports_.try_emplace(name);
        if (fresh) it->second.name = name;
        set_port_key(it->second, key, rest.substr(dot + 1), value);
    }
    std::vector<port::PortConfig> finish() const {
        std::vector<port::PortConfig> ports;
        for (const auto& [name, port] : ports_) {
            if (port.device.empty())
                throw BootError("port." + name + ".device: missing; give a PCI address or a DPDK virtual device");
            ports.push_back(port);
        }
        if (ports.empty())
            throw BootError("port.NAME.device: no port is configured; add a section [port.wan] with device=… to " +
                            std::string(kDefaultFile));
        return ports;
    }

  private:
    std::set<std::string> seen_;
    std::map<std::string, port::PortConfig> ports_;
};

void take_unregistered(const po::parsed_options& parsed, PortKeys& ports) {
    for (const auto& option : parsed.options) {
        if (!option.unregistered) continue;
        std::string key = option.string_key;
        if (key.rfind("port.", 0) != 0) throw BootError(key + ": no such key; see fedge-dataplane --help");
        if (option.value.size() != 1) throw BootError(key + ": needs one value, as in --" + key + "=VALUE");
        ports.take(key, option.value[0]);
    }
}

std::vector<std::string> split_words(const std::string& text) {
    std::istringstream in(text);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    return words;
}

BootConfig build(const po::variables_map& values, const PortKeys& ports) {
    auto text = [&](const char* key) { return values[key].as<std::string>(); };
    BootConfig config;
    config.eal.ports = ports.finish();
    std::string huge = text("eal.huge");
    config.require_hugepages = huge != "auto" && yes_or_no("eal.huge", huge);
    config.eal.huge = huge == "auto" || config.require_hugepages;
    config.eal.memory_mb = number<uint32_t>("eal.memory", text("eal.memory"), 64, 1U << 20);
    config.eal.file_prefix = text("eal.file-prefix");
    config.eal.extra = split_words(text("eal.extra"));
    auto main_cpus = parse_cpu_list("cores.main", text("cores.main"));
    if (main_cpus.size() != 1) throw BootError("cores.main: must name one CPU");
    config.main_cpu = main_cpus[0];
    config.media_cpus = parse_cpu_list("cores.media", text("cores.media"));
    unsigned cpus = std::thread::hardware_concurrency();
    if (!text("cores.signalling").empty())
        config.signalling_cpus = parse_cpu_list("cores.signalling", text("cores.signalling"));
    auto check_polling = [&](const char* key, const std::vector<unsigned>& list) {
        for (unsigned cpu : list) {
            if (cpu == config.main_cpu)
                throw BootError(std::string(key) + ": CPU " + std::to_string(cpu) +
                                " is cores.main already; polling would starve management");
            if (cpu >= cpus)
                throw BootError(std::string(key) + ": CPU " + std::to_string(cpu) +
                                " does not exist; this machine has " + std::to_string(cpus));
        }
    };
    check_polling("cores.media", config.media_cpus);
    check_polling("cores.signalling", config.signalling_cpus);
    if (config.main_cpu >= cpus)
        throw BootError("cores.main: CPU " + std::to_string(config.main_cpu) + " does not exist");
    config.eal.cpus.push_back(config.main_cpu);
    for (const BootConfig::PollingCpu& polling : config.polling_cpus()) config.eal.cpus.push_back(polling.cpu);
    std::string idle = text("cores.idle");
    if (idle != "poll" && idle != "backoff")
        throw BootError("cores.idle: \"" + idle + "\" is neither poll nor backoff");
    config.idle = idle == "poll" ? Idle::poll : Idle::backoff;
    config.mbufs_per_core = number<uint32_t>("pools.mbufs-per-core", text("pools.mbufs-per-core"), 512, 1U << 22);
    config.allocations_per_core =
        number<uint32_t>("pools.allocations-per-core", text("pools.allocations-per-core"), 16, 4'000'000);
    config.relay_addresses = number<uint32_t>("pools.relay-addresses", text("pools.relay-addresses"), 1, 4096);
    config.connections_per_core =
        number<uint32_t>("pools.connections-per-core", text("pools.connections-per-core"), 64, 1U << 20);
    config.tcp_memory_mb_per_core =
        number<uint32_t>("pools.tcp-memory-per-core", text("pools.tcp-memory-per-core"), 4, 1U << 16);
    config.connections_per_source =
        number<uint32_t>("tcp.connections-per-source", text("tcp.connections-per-source"), 16, 1U << 20);
    config.dialogs_per_core = number<uint32_t>("pools.dialogs-per-core", text("pools.dialogs-per-core"), 64, 1U << 20);
    if (!text("tcp.kernel-ports").empty())
        config.kernel_ports = parse_port_list("tcp.kernel-ports", text("tcp.kernel-ports"));
    if (!config.kernel_ports.empty() && config.signalling_cpus.empty())
        throw BootError(
            "tcp.kernel-ports: nothing listens on TCP without a signalling core; name CPUs in "
            "cores.signalling");
    config.run_dir = text("run-dir");
    return config;
}

}  // namespace

namespace {

// "1,3,5-7": sorted, each once.
template <typename T>
std::vector<T> parse_list(const std::string& key, const std::string& text, T low, T high) {
    std::set<T> numbers;
    std::istringstream in(text);
    for (std::string item; std::getline(in, item, ',');) {
        auto dash = item.find('-');
        T first = number<T>(key, item.substr(0, dash), low, high);
        T last = dash == std::string::npos ? first : number<T>(key, item.substr(dash + 1), low, high);
        if (last < first) throw BootError(key + ": \"" + item + "\" runs backwards");
        for (uint64_t n = first; n <= last; n++) numbers.insert(static_cast<T>(n));
    }
    return {numbers.begin(), numbers.end()};
}

}  // namespace

std::vector<unsigned> parse_cpu_list(const std::string& key, const std::string& text) {
    auto cpus = parse_list<unsigned>(key, text, 0, 1023);
    if (cpus.empty()) throw BootError(key + ": names no CPU");
    return cpus;
}

std::vector<uint16_t> parse_port_list(const std::string& key, const std::string& text) {
    return parse_list<uint16_t>(key, text, 1, 65535);
}

std::vector<BootConfig::PollingCpu> BootConfig::polling_cpus() const {
    std::vector<PollingCpu> all;
    auto signals = [&](unsigned cpu) { return std::ranges::find(signalling_cpus, cpu) != signalling_cpus.end(); };
    for (unsigned cpu : media_cpus) all.push_back({cpu, true, signals(cpu)});
    for (unsigned cpu : signalling_cpus)
        if (std::ranges::find(media_cpus, cpu) == media_cpus.end()) all.push_back({cpu, false, true});
    return all;
}

BootRequest read_boot_config(int argc, const char* const* argv) {
    auto known = known_options();
    po::options_description all;
    all.add(known).add_options()("config,c", po::value<std::string>(),
                                 "INI file (default /etc/fedge/dataplane.ini if it exists)")("help,h", "this text")(
        "version", "version and what it was built with");

    po::variables_map values;
    PortKeys ports;
    try {
        auto line = po::command_line_parser(argc, argv).options(all).allow_unregistered().run();
        po::store(line, values);
        if (values.count("help")) {
            std::ostringstream text;
            text << "fedge-dataplane polls the NICs and relays media; fedge-control configures it.\n\n"
                 << all << "\nPorts: --port.NAME.device=DEVICE, also " << kPortKeys
                 << "\n  DEVICE is a PCI address bound to vfio-pci, or a DPDK virtual device such as "
                    "net_af_packet0,iface=eth1\n";
            return {false, text.str(), {}};
        }
        if (values.count("version")) return {false, "fedge-dataplane " FEDGE_VERSION "\n", {}};
        for (const auto& option : line.options)
            if (option.position_key >= 0)
                throw BootError(option.value[0] + ": not an option; see fedge-dataplane --help");
        take_unregistered(line, ports);

        std::string file = values.count("config") ? values["config"].as<std::string>() : kDefaultFile;
        std::ifstream in(file);
        if (!in && values.count("config")) throw BootError("--config: cannot read " + file);
        if (in) {
            auto parsed = po::parse_config_file(in, known, true);
            po::store(parsed, values);
            take_unregistered(parsed, ports);
        }
        po::notify(values);
    } catch (const po::error& error) {
        throw BootError(std::string(error.what()) + "; see fedge-dataplane --help");
    }
    return {true, "", build(values, ports)};
}

}  // namespace fedge::core
