#include "dataplane/port/device.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace fedge::port {
namespace {

std::string_view head(std::string_view device) {
    return device.substr(0, device.find(','));
}

bool hex(std::string_view text, size_t length) {
    return text.size() == length &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isxdigit(c); });
}

// A driver that lets user space have the device.
bool is_user_space_driver(const std::string& driver) {
    return driver == "vfio-pci" || driver == "igb_uio" || driver == "uio_pci_generic" || driver.starts_with("mlx");
}

}  // namespace

bool is_pci(std::string_view device) {
    std::string_view a = head(device);
    if (a.size() == 12 && a[4] == ':' && hex(a.substr(0, 4), 4)) a.remove_prefix(5);
    return a.size() == 7 && hex(a.substr(0, 2), 2) && a[2] == ':' && hex(a.substr(3, 2), 2) && a[5] == '.' &&
           a[6] >= '0' && a[6] <= '7';
}

std::string_view vdev_driver(std::string_view device) {
    if (is_pci(device)) return {};
    std::string_view name = head(device);
    while (!name.empty() && std::isdigit(static_cast<unsigned char>(name.back()))) name.remove_suffix(1);
    return name;
}

std::string ethdev_name(std::string_view device) {
    std::string name(head(device));
    if (is_pci(device) && name.size() == 7) name = "0000:" + name;
    return name;
}

std::optional<std::string> argument(std::string_view device, std::string_view key) {
    size_t at = device.find(',');
    while (at != std::string_view::npos) {
        std::string_view rest = device.substr(at + 1);
        std::string_view item = head(rest);
        size_t equals = item.find('=');
        if (equals != std::string_view::npos && item.substr(0, equals) == key)
            return std::string(item.substr(equals + 1));
        at = device.find(',', at + 1);
    }
    return std::nullopt;
}

std::string with_queues(std::string_view device, uint16_t queues) {
    std::string out(device);
    std::string_view driver = vdev_driver(device);
    if (queues > 1 && driver == "net_af_packet" && !argument(device, "qpairs"))
        out += ",qpairs=" + std::to_string(queues);
    if (queues > 1 && driver == "net_af_xdp" && !argument(device, "queue_count"))
        out += ",queue_count=" + std::to_string(queues);
    return out;
}

std::string queue_advice(std::string_view device, uint16_t queues) {
    std::string_view driver = vdev_driver(device);
    std::string n = std::to_string(queues);
    if (driver == "net_af_packet") return "set qpairs=" + n + " in the device string";
    if (driver == "net_af_xdp")
        return "set queue_count=" + n +
               " in the device string, and give the network interface as many queues (ethtool -L " +
               argument(device, "iface").value_or("DEV") + " combined " + n + ")";
    if (driver == "net_pcap") return "give rx_pcap= or rx_iface= " + n + " times in the device string";
    return "use a device with more queues, or fewer cores (cores.media)";
}

std::string device_problem(const std::string& key, std::string_view device, const std::string& sys) {
    namespace fs = std::filesystem;
    std::error_code ignored;
    if (device.empty())
        return key + ": empty; give a PCI address or a virtual device such as net_af_packet0,iface=eth0";
    if (is_pci(device)) {
        std::string address = ethdev_name(device);
        fs::path entry = fs::path(sys) / "bus/pci/devices" / address;
        if (!fs::exists(entry, ignored))
            return key + ": no such device " + address + "; dpdk-devbind.py --status-dev net lists those there are";
        std::string driver = fs::read_symlink(entry / "driver", ignored).filename();
        if (!is_user_space_driver(driver))
            return key + ": " + address + " is bound to " +
                   (driver.empty() ? "no driver" : "the kernel driver " + driver) +
                   "; bind it with dpdk-devbind.py -b vfio-pci " + address;
        return {};
    }
    std::string_view driver = vdev_driver(device);
    if (!driver.starts_with("net_"))
        return key + ": \"" + std::string(device) +
               "\" is neither a PCI address (0000:03:00.0) nor a virtual device (net_af_packet0,iface=eth0)";
    if (driver == "net_af_packet" || driver == "net_af_xdp") {
        auto interface = argument(device, "iface");
        if (!interface || interface->empty())
            return key + ": " + std::string(driver) + " needs the network interface, for example " +
                   ethdev_name(device) + ",iface=eth0";
        if (!fs::exists(fs::path(sys) / "class/net" / *interface, ignored))
            return key + ": no such network interface " + *interface + "; ip link lists those there are";
    }
    return {};
}

}  // namespace fedge::port
