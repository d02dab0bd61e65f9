#include "dataplane/port/device.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace fedge::port {
namespace {

struct Kind {
    const char* device;
    bool pci;
    const char* driver;
    const char* name;
};

TEST(Device, TellsPciFromVirtual) {
    const Kind cases[] = {
        {"0000:03:00.0", true, "", "0000:03:00.0"},
        {"03:00.1", true, "", "0000:03:00.1"},
        {"0000:af:1f.7,representor=0", true, "", "0000:af:1f.7"},
        {"0000:03:00.8", false, "0000:03:00.", "0000:03:00.8"},
        {"0000-03:00.0", false, "0000-03:00.", "0000-03:00.0"},
        {"net_af_packet0,iface=eth0", false, "net_af_packet", "net_af_packet0"},
        {"net_tap12", false, "net_tap", "net_tap12"},
        {"", false, "", ""},
    };
    for (const Kind& c : cases) {
        EXPECT_EQ(is_pci(c.device), c.pci) << c.device;
        EXPECT_EQ(vdev_driver(c.device), c.driver) << c.device;
        EXPECT_EQ(ethdev_name(c.device), c.name) << c.device;
    }
}

TEST(Device, FindsArguments) {
    std::string device = "net_af_xdp0,iface=eth0,queue_count=2,flag";
    EXPECT_EQ(argument(device, "iface"), "eth0");
    EXPECT_EQ(argument(device, "queue_count"), "2");
    EXPECT_EQ(argument(device, "queue"), std::nullopt);
    EXPECT_EQ(argument(device, "flag"), std::nullopt);
    EXPECT_EQ(argument("net_tap0", "iface"), std::nullopt);
}

TEST(Device, AddsQueuesOnlyWhereTheDriverHasAKeyAndNobodySetIt) {
    EXPECT_EQ(with_queues("net_af_packet0,iface=a", 3), "net_af_packet0,iface=a,qpairs=3");
    EXPECT_EQ(with_queues("net_af_packet0,iface=a", 1), "net_af_packet0,iface=a");
    EXPECT_EQ(with_queues("net_af_packet0,iface=a,qpairs=1", 3), "net_af_packet0,iface=a,qpairs=1");
    EXPECT_EQ(with_queues("net_af_xdp0,iface=a", 2), "net_af_xdp0,iface=a,queue_count=2");
    EXPECT_EQ(with_queues("net_tap0,iface=a", 2), "net_tap0,iface=a");
    EXPECT_EQ(with_queues("0000:03:00.0", 2), "0000:03:00.0");
}

TEST(Device, NamesKeyAndFixOfProblems) {
    namespace fs = std::filesystem;
    fs::path sys = fs::path(testing::TempDir()) / "fedge-device-test";
    fs::remove_all(sys);
    fs::create_directories(sys / "bus/pci/devices/0000:03:00.0");
    fs::create_directories(sys / "bus/pci/devices/0000:03:00.1");
    fs::create_directories(sys / "bus/pci/devices/0000:03:00.2");
    fs::create_directory_symlink("../../drivers/ixgbe", sys / "bus/pci/devices/0000:03:00.1/driver");
    fs::create_directory_symlink("../../drivers/vfio-pci", sys / "bus/pci/devices/0000:03:00.2/driver");
    fs::create_directories(sys / "class/net/eth0");

    auto problem = [&](const char* device) { return device_problem("port.wan.device", device, sys); };
    EXPECT_EQ(problem("0000:09:00.0"),
              "port.wan.device: no such device 0000:09:00.0; dpdk-devbind.py --status-dev net lists those there are");
    EXPECT_EQ(
        problem("0000:03:00.0"),
        "port.wan.device: 0000:03:00.0 is bound to no driver; bind it with dpdk-devbind.py -b vfio-pci 0000:03:00.0");
    EXPECT_EQ(
        problem("03:00.1"),
        "port.wan.device: 0000:03:00.1 is bound to the kernel driver ixgbe; bind it with dpdk-devbind.py -b vfio-pci "
        "0000:03:00.1");
    EXPECT_EQ(problem("0000:03:00.2"), "");
    EXPECT_EQ(problem("net_af_packet0,iface=eth0"), "");
    EXPECT_EQ(problem("net_af_packet0,iface=eth1"),
              "port.wan.device: no such network interface eth1; ip link lists those there are");
    EXPECT_NE(problem("net_af_xdp0").find("needs the network interface"), std::string::npos);
    EXPECT_NE(problem("eth0").find("neither a PCI address"), std::string::npos);
    EXPECT_NE(problem("").find("empty"), std::string::npos);
    EXPECT_EQ(problem("net_tap0"), "");
    fs::remove_all(sys);
}

}  // namespace
}  // namespace fedge::port
