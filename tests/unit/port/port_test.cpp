#include "dataplane/port/port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <vector>

#include "dataplane/port/mbuf_pool.h"
#include "tests/support/eal.h"

namespace fedge::port {
namespace {

using testing::HasSubstr;

const std::string& capture_file() {
    static const std::string path = testing::TempDir() + "fedge-port-test.pcap";
    return path;
}

// A capture of two 60-byte frames, told apart by their last byte.
void write_capture() {
    std::ofstream out(capture_file(), std::ios::binary);
    auto u32 = [&](uint32_t v) { out.write(reinterpret_cast<const char*>(&v), 4); };
    u32(0xa1b2c3d4);
    u32(2 | 4 << 16);
    u32(0);
    u32(0);
    u32(65535);
    u32(1);  // Ethernet
    for (char last : {'1', '2'}) {
        u32(0);
        u32(0);
        u32(60);
        u32(60);
        out << std::string(59, 'x') << last;
    }
}

class Devices : public test::EalEnvironment {
  public:
    Devices()
        : EalEnvironment({{.name = "loop", .device = "net_ring0"},
                          {.name = "sink", .device = "net_null0"},
                          {.name = "file", .device = "net_pcap0,rx_pcap=" + capture_file()}},
                         2) {}
    void SetUp() override {
        write_capture();
        EalEnvironment::SetUp();
    }
};
[[maybe_unused]] const auto* const kDevices = testing::AddGlobalTestEnvironment(new Devices);

std::string refusal(const PortConfig& config, std::vector<rte_mempool*> pools) {
    try {
        Port port(config, pools);
    } catch (const std::runtime_error& e) {
        return e.what();
    }
    return "accepted";
}

// One test, in order: an ethdev that was closed does not come back until the EAL starts again.
TEST(Port, CarriesFramesOfEachQueue) {
    MbufPool a("port-test-a", {.mbufs = 4096}, SOCKET_ID_ANY);
    MbufPool b("port-test-b", {.mbufs = 4096}, SOCKET_ID_ANY);
    EXPECT_EQ(a.size(), 8191U);  // the next 2^n - 1
    std::vector<rte_mempool*> pools{a.get(), b.get()};
    Port port({.name = "loop", .device = "net_ring0"}, pools);
    port.start();
    EXPECT_EQ(port.driver(), "net_ring");
    EXPECT_EQ(port.queues(), 2);
    EXPECT_TRUE(port.link_up());
    EXPECT_THAT(port.link(), HasSubstr("up"));
    EXPECT_EQ(port.offloads(), "none");

    for (uint16_t queue : {uint16_t{0}, uint16_t{1}}) {
        std::array<rte_mbuf*, 4> out;
        ASSERT_EQ(rte_pktmbuf_alloc_bulk(pools[queue], out.data(), 4), 0);
        for (rte_mbuf* m : out) rte_pktmbuf_append(m, 60);
        ASSERT_EQ(port.transmit(queue, out), 4);
        std::array<rte_mbuf*, 32> in;
        ASSERT_EQ(port.receive(queue, in), 4);
        EXPECT_EQ(in[0], out[0]);
        EXPECT_EQ(port.receive(queue, in), 0);
        rte_pktmbuf_free_bulk(out.data(), 4);
    }
    EXPECT_EQ(port.stats().tx_packets, 8U);
    EXPECT_EQ(port.stats().rx_packets, 8U);
    EXPECT_EQ(a.free_count(), a.size());
    EXPECT_EQ(b.free_count(), b.size());
}

TEST(Port, ReadsACapture) {
    MbufPool pool("port-test-file", {.mbufs = 1023}, SOCKET_ID_ANY);
    std::vector<rte_mempool*> pools{pool.get()};
    Port port({.name = "file", .device = "net_pcap0,rx_pcap=" + capture_file()}, pools);
    port.start();
    std::array<rte_mbuf*, 32> in;
    ASSERT_EQ(port.receive(0, in), 2);
    EXPECT_EQ(rte_pktmbuf_pkt_len(in[0]), 60U);
    EXPECT_EQ(*rte_pktmbuf_mtod_offset(in[0], char*, 59), '1');
    EXPECT_EQ(*rte_pktmbuf_mtod_offset(in[1], char*, 59), '2');
    rte_pktmbuf_free_bulk(in.data(), 2);
}

TEST(Port, RefusalsNameTheKeyAndTheFix) {
    MbufPool pool("port-test-sink", {.mbufs = 1023}, SOCKET_ID_ANY);
    EXPECT_THAT(refusal({.name = "lan", .device = "net_ring7"}, {pool.get()}),
                HasSubstr("port.lan.device: DPDK has no driver for net_ring7"));
    EXPECT_THAT(refusal({.name = "sink", .device = "net_null0", .mtu = 9000}, {pool.get()}),
                HasSubstr("port.sink.mtu: a packet of 9000 bytes does not fit a packet buffer; the most is 2026"));
}

TEST(MbufPool, SaysHowMuchItWanted) {
    try {
        MbufPool pool("port-test-huge", {.mbufs = 10'000'000}, SOCKET_ID_ANY);
        FAIL() << "made";
    } catch (const std::runtime_error& e) {
        EXPECT_THAT(e.what(), HasSubstr("pools.mbufs-per-core: no memory for 16777215 packet buffers"));
    }
}

}  // namespace
}  // namespace fedge::port
