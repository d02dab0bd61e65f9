#include "dataplane/port/eal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace fedge::port {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

EalConfig two_ports() {
    EalConfig config;
    config.cpus = {3, 5};
    config.ports = {{.name = "wan", .device = "net_af_packet0,iface=eth0"}, {.name = "lan", .device = "net_tap0"}};
    return config;
}

TEST(EalArguments, WithoutHugepages) {
    EXPECT_THAT(eal_arguments(two_ports(), false, 2),
                ElementsAre("fedge-dataplane", "--file-prefix=fedge", "--lcores=0@3,1@5", "--main-lcore=0", "--no-huge",
                            "--no-shconf", "-m1024", "--vdev=net_af_packet0,iface=eth0,qpairs=2", "--vdev=net_tap0",
                            "--no-pci"));
}

TEST(EalArguments, WithHugepagesAndANic) {
    EalConfig config = two_ports();
    config.ports[0].device = "0000:03:00.0";
    config.memory_mb = 512;
    config.extra = {"--log-level=8"};
    EXPECT_THAT(eal_arguments(config, true, 2),
                ElementsAre("fedge-dataplane", "--file-prefix=fedge", "--lcores=0@3,1@5", "--main-lcore=0", "-m512",
                            "-a", "0000:03:00.0", "--vdev=net_tap0", "--log-level=8"));
}

TEST(EalArguments, LeaveTelemetryOn) {
    EXPECT_THAT(eal_arguments(two_ports(), false, 1), Not(Contains("--no-telemetry")));
}

std::string refusal(const EalConfig& config) {
    try {
        eal_arguments(config, false, 1);
    } catch (const std::runtime_error& e) {
        return e.what();
    }
    return "accepted";
}

TEST(EalArguments, NameTheKeyThatIsWrong) {
    EalConfig config = two_ports();
    config.cpus = {};
    EXPECT_THAT(refusal(config), HasSubstr("cores.media: empty"));
    config.cpus = {1, 2, 1};
    EXPECT_THAT(refusal(config), HasSubstr("cores.media: CPU 1 is named twice"));
    config = two_ports();
    config.ports[1].device = "net_af_packet0,iface=eth1";
    EXPECT_THAT(refusal(config), HasSubstr("port.lan.device: net_af_packet0 is already port wan"));
}

TEST(EalStart, RefusesADeviceThatIsNotThereBeforeStarting) {
    EalConfig config = two_ports();
    config.ports = {{.name = "wan", .device = "ffff:1f:1f.7"}};
    try {
        Eal eal(config, 1);
        FAIL() << "started";
    } catch (const std::runtime_error& e) {
        EXPECT_THAT(e.what(), HasSubstr("port.wan.device: no such device ffff:1f:1f.7"));
    }
}

TEST(HugepageState, AddsUpAllSizesAndLooksForAMount) {
    namespace fs = std::filesystem;
    fs::path root = fs::path(testing::TempDir()) / "fedge-hugepage-test";
    fs::remove_all(root);
    fs::create_directories(root / "kernel/mm/hugepages/hugepages-2048kB");
    fs::create_directories(root / "kernel/mm/hugepages/hugepages-1048576kB");
    std::ofstream(root / "kernel/mm/hugepages/hugepages-2048kB/free_hugepages") << "3\n";
    std::ofstream(root / "kernel/mm/hugepages/hugepages-1048576kB/free_hugepages") << "1\n";
    std::ofstream(root / "mounts") << "proc /proc proc rw 0 0\n";
    HugepageState state = HugepageState::read(root, root);
    EXPECT_EQ(state.free_bytes, (3ULL << 21) + (1ULL << 30));
    EXPECT_TRUE(state.mounts.empty());
    std::ofstream(root / "mounts", std::ios::app) << "hugetlbfs /dev/hugepages hugetlbfs rw,relatime 0 0\n";
    EXPECT_EQ(HugepageState::read(root, root).mounts.size(), 1u);
    fs::remove_all(root);
    EXPECT_EQ(HugepageState::read(root, root).free_bytes, 0U);
}

}  // namespace
}  // namespace fedge::port
