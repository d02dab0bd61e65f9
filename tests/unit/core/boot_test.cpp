#include "dataplane/core/boot.h"

#include <gtest/gtest.h>

#include <fstream>

namespace fedge::core {
namespace {

BootConfig read(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "fedge-dataplane");
    BootRequest request = read_boot_config(static_cast<int>(arguments.size()), arguments.data());
    EXPECT_TRUE(request.run);
    return request.config;
}

std::string error_of(std::vector<const char*> arguments) {
    try {
        read(std::move(arguments));
    } catch (const BootError& error) {
        return error.what();
    }
    return "accepted";
}

std::string write_file(const char* text) {
    std::string path = testing::TempDir() + "boot_test.ini";
    std::ofstream(path) << text;
    return path;
}

TEST(Boot, ReadsAnIniFile) {
    std::string path = write_file(
        "run-dir = /tmp/somewhere\n"
        "[eal]\nmemory = 256\nextra = --log-level=debug --single-file-segments\n"
        "[cores]\nmain = 0\nmedia = 1\nidle = backoff\n"
        "[pools]\nallocations-per-core = 5000\n"
        "[port.wan]\ndevice = net_af_packet0,iface=eth1\nmtu = 9000\n"
        "[port.lan]\ndevice = 0000:03:00.1\nrx-descriptors = 2048\n");
    BootConfig config = read({"--config", path.c_str()});
    EXPECT_EQ(config.run_dir, "/tmp/somewhere");
    EXPECT_EQ(config.eal.memory_mb, 256u);
    EXPECT_EQ(config.eal.extra, (std::vector<std::string>{"--log-level=debug", "--single-file-segments"}));
    EXPECT_EQ(config.eal.cpus, (std::vector<unsigned>{0, 1}));
    EXPECT_EQ(config.idle, Idle::backoff);
    EXPECT_EQ(config.allocations_per_core, 5000u);
    ASSERT_EQ(config.eal.ports.size(), 2u);
    EXPECT_EQ(config.eal.ports[0].name, "lan");
    EXPECT_EQ(config.eal.ports[0].rx_descriptors, 2048);
    EXPECT_EQ(config.eal.ports[1].device, "net_af_packet0,iface=eth1");
    EXPECT_EQ(config.eal.ports[1].mtu, 9000);
}

TEST(Boot, SignallingCores) {
    BootConfig config = read({"--port.wan.device=net_ring0"});
    EXPECT_TRUE(config.signalling_cpus.empty()) << "nothing ends streams unless asked to";
    ASSERT_EQ(config.polling_cpus().size(), 1u);
    EXPECT_TRUE(config.polling_cpus()[0].media);
    EXPECT_FALSE(config.polling_cpus()[0].signalling);

    config = read({"--port.wan.device=net_ring0", "--cores.signalling=1", "--tcp.kernel-ports=5061,443",
                   "--pools.connections-per-core=1000", "--pools.tcp-memory-per-core=8",
                   "--tcp.connections-per-source=5000"});
    ASSERT_EQ(config.polling_cpus().size(), 1u) << "one core for both";
    EXPECT_TRUE(config.polling_cpus()[0].media);
    EXPECT_TRUE(config.polling_cpus()[0].signalling);
    EXPECT_EQ(config.kernel_ports, (std::vector<uint16_t>{443, 5061}));
    EXPECT_EQ(config.connections_per_core, 1000u);
    EXPECT_EQ(config.tcp_memory_mb_per_core, 8u);
    EXPECT_EQ(config.connections_per_source, 5000u);

    BootConfig apart;
    apart.media_cpus = {1, 4};
    apart.signalling_cpus = {2, 4, 6};
    std::vector<unsigned> cpus;
    for (const auto& polling : apart.polling_cpus()) cpus.push_back(polling.cpu);
    EXPECT_EQ(cpus, (std::vector<unsigned>{1, 4, 2, 6})) << "those with media first";
    EXPECT_TRUE(apart.polling_cpus()[1].signalling);
    EXPECT_FALSE(apart.polling_cpus()[2].media);
}

TEST(Boot, TheCommandLineWins) {
    std::string path = write_file("[eal]\nmemory = 256\n[port.wan]\ndevice = net_ring0\nmtu = 1500\n");
    BootConfig config = read({"--config", path.c_str(), "--eal.memory=128", "--port.wan.mtu=1400"});
    EXPECT_EQ(config.eal.memory_mb, 128u);
    EXPECT_EQ(config.eal.ports[0].mtu, 1400);
    EXPECT_EQ(config.eal.ports[0].device, "net_ring0");
}

TEST(Boot, EveryErrorNamesTheKeyAndTheFix) {
    struct Row {
        std::vector<const char*> arguments;
        std::vector<const char*> words;
    };
    const char* port = "--port.wan.device=net_ring0";
    const Row rows[] = {
        {{}, {"port.NAME.device", "[port.wan]"}},
        {{port, "--eal.memory=1"}, {"eal.memory", "64"}},
        {{port, "--eal.memory=lots"}, {"eal.memory", "\"lots\""}},
        {{port, "--eal.huge=maybe"}, {"eal.huge", "neither yes nor no"}},
        {{port, "--cores.main=0", "--cores.media=0"}, {"cores.media", "CPU 0"}},
        {{port, "--cores.media=900"}, {"cores.media", "does not exist"}},
        {{port, "--cores.media=3-1"}, {"cores.media", "backwards"}},
        {{port, "--cores.media="}, {"cores.media"}},
        {{port, "--cores.main=0", "--cores.signalling=0"}, {"cores.signalling", "CPU 0"}},
        {{port, "--cores.signalling=900"}, {"cores.signalling", "does not exist"}},
        {{port, "--tcp.kernel-ports=443"}, {"tcp.kernel-ports", "cores.signalling"}},
        {{port, "--cores.signalling=1", "--tcp.kernel-ports=70000"}, {"tcp.kernel-ports", "65535"}},
        {{port, "--tcp.connections-per-source=1"}, {"tcp.connections-per-source", "16"}},
        {{port, "--pools.connections-per-core=1"}, {"pools.connections-per-core", "64"}},
        {{port, "--cores.idle=sometimes"}, {"cores.idle", "poll", "backoff"}},
        {{port, "--port.wan.mtu=100"}, {"port.wan.mtu", "1280"}},
        {{port, "--port.wan.speed=1"}, {"port.wan.speed", "device, mtu"}},
        {{"--port.wan.mtu=1500"}, {"port.wan.device", "missing"}},
        {{"--port.wan.device="}, {"port.wan.device"}},
        {{port, "--pools.mbufs-per-core=3"}, {"pools.mbufs-per-core", "512"}},
        {{port, "--no-such-thing=1"}, {"no-such-thing", "--help"}},
        {{port, "stray"}, {"stray"}},
        {{"--config", "/nonexistent/file.ini"}, {"--config", "/nonexistent/file.ini"}},
    };
    for (const Row& row : rows) {
        std::string error = error_of(row.arguments);
        for (const char* word : row.words)
            EXPECT_NE(error.find(word), std::string::npos) << error << "\n  lacks: " << word;
    }
}

TEST(Boot, UnknownKeysInTheFileAreErrors) {
    std::string path = write_file("[eal]\nmemroy = 256\n[port.wan]\ndevice = net_ring0\n");
    EXPECT_NE(error_of({"--config", path.c_str()}).find("eal.memroy"), std::string::npos);
}

TEST(Boot, HelpAndVersionDoNotRun) {
    for (const char* option : {"--help", "--version"}) {
        const char* arguments[] = {"fedge-dataplane", option};
        BootRequest request = read_boot_config(2, arguments);
        EXPECT_FALSE(request.run);
        EXPECT_NE(request.text.find("fedge-dataplane"), std::string::npos);
    }
}

TEST(Boot, CpuLists) {
    EXPECT_EQ(parse_cpu_list("k", "1"), (std::vector<unsigned>{1}));
    EXPECT_EQ(parse_cpu_list("k", "5-7,1,6"), (std::vector<unsigned>{1, 5, 6, 7}));
    EXPECT_THROW(parse_cpu_list("k", "a"), BootError);
    EXPECT_THROW(parse_cpu_list("k", "1-"), BootError);
}

}  // namespace
}  // namespace fedge::core
