// The plain case of reception must say what the general way says, or nothing.
#include "dataplane/ip/plain.h"

#include <gtest/gtest.h>

#include "dataplane/base/random.h"
#include "dataplane/ip/host.h"
#include "tests/support/ip_lab.h"

namespace fedge::ip {
namespace {

using test::Frame;

class Plain : public testing::Test {
  protected:
    Plain() {
        pool_ = rte_pktmbuf_pool_create("plain-test", 255, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
        HostConfig config;
        config.neighbors.core = 77;
        config.pool = pool_;
        host_ = std::make_unique<Host>(config, Counters{block_}, random_, wire_, Instant{});
        table_ =
            test::compile({.interfaces = {{"outside", "wan", {"192.0.2.10/24", "2001:db8:1::10/64"}, {"192.0.2.1"}}},
                           .relays = {"192.0.2.20"}});
        host_->adopt(table_.get(), {}, Instant{});
    }
    ~Plain() override {
        host_.reset();
        rte_mempool_free(pool_);
    }

    // True if the plain case took the frame; fails the test if the general way disagrees.
    bool agree(const Frame& frame, uint16_t port = 0, bool checksum_good = false) {
        wire::Packet quick, slow;
        uint16_t slow_interface = kNoInterface;
        uint32_t local = Interfaces::kNoLocal;
        if (!admit_plain_udp(*table_, port, frame, checksum_good, quick, local)) return false;
        if (local >= table_->ipv4_locals().size()) {
            ADD_FAILURE() << "no such place among the addresses";
            return true;
        }
        EXPECT_FALSE(wire::parse(frame, checksum_good, slow));
        EXPECT_FALSE(host_->admit(port, frame, slow, slow_interface));
        EXPECT_EQ(table_->ipv4_locals()[local].interface, slow_interface);
        EXPECT_EQ(table_->ipv4_locals()[local].address, slow.destination.v4_wire_order());
        EXPECT_EQ(quick.l3, slow.l3);
        EXPECT_EQ(quick.protocol, slow.protocol);
        EXPECT_EQ(quick.ttl, slow.ttl);
        EXPECT_EQ(quick.dscp_ecn, slow.dscp_ecn);
        EXPECT_EQ(quick.has_vlan, slow.has_vlan);
        EXPECT_EQ(quick.vlan, slow.vlan);
        EXPECT_EQ(quick.fragment, slow.fragment);
        EXPECT_EQ(quick.multicast_mac, slow.multicast_mac);
        EXPECT_EQ(quick.l3_offset, slow.l3_offset);
        EXPECT_EQ(quick.l4_offset, slow.l4_offset);
        EXPECT_EQ(quick.payload_offset, slow.payload_offset);
        EXPECT_EQ(quick.payload_length, slow.payload_length);
        EXPECT_EQ(quick.source_port, slow.source_port);
        EXPECT_EQ(quick.destination_port, slow.destination_port);
        EXPECT_EQ(quick.udp_checksum, slow.udp_checksum);
        EXPECT_EQ(quick.source, slow.source);
        EXPECT_EQ(quick.destination, slow.destination);
        return true;
    }

    static Frame datagram(const char* source = "198.51.100.2:4000", const char* destination = "192.0.2.20:50001") {
        static const std::vector<uint8_t> data(100, 0x5a);
        return test::udp_frame({test::mac(0xa0), test::mac(1)}, Endpoint::parse(source).value(),
                               Endpoint::parse(destination).value(), data);
    }

    contract::CounterBlock block_{};
    SeededRandom random_{3};
    test::Wire wire_;
    rte_mempool* pool_ = nullptr;
    std::unique_ptr<Host> host_;
    std::unique_ptr<const Interfaces> table_;
};

TEST_F(Plain, TakesWhatIsPlain) {
    EXPECT_TRUE(agree(datagram()));
    EXPECT_TRUE(agree(datagram("198.51.100.2:4000", "192.0.2.10:3478")));
    Frame padded = datagram();
    padded.resize(padded.size() + 9);
    EXPECT_TRUE(agree(padded));
}

TEST_F(Plain, LeavesTheRestToTheGeneralWay) {
    EXPECT_FALSE(agree(datagram("127.0.0.1:1")));
    EXPECT_FALSE(agree(datagram("0.1.2.3:1")));
    EXPECT_FALSE(agree(datagram("224.0.0.5:1")));
    EXPECT_FALSE(agree(datagram("192.0.2.10:1")));
    EXPECT_FALSE(agree(datagram("198.51.100.2:4000", "192.0.2.21:50001")));
    EXPECT_FALSE(agree(datagram(), 1));
    EXPECT_FALSE(agree(datagram("198.51.100.2:4000", "0.0.0.0:3478")));
    Frame to_no_interface = datagram("198.51.100.2:4000", "0.0.0.0:3478");
    std::fill_n(to_no_interface.begin(), 6, uint8_t{0});
    EXPECT_FALSE(agree(to_no_interface, 1)) << "a port without an interface has no address that could be met";
    EXPECT_FALSE(agree(datagram(), kMaxPorts));
    Frame broken = datagram();
    broken[24] ^= 1;  // header checksum
    EXPECT_FALSE(agree(broken));
}

TEST_F(Plain, NeverContradictsTheGeneralWay) {
    uint32_t taken = 0;
    for (int round = 0; round < 200'000; round++) {
        Frame frame = datagram();
        for (uint32_t n = random_.below(4); n > 0; n--) frame[random_.below(46)] = static_cast<uint8_t>(random_.u32());
        if (random_.below(8) == 0) frame.resize(random_.below(static_cast<uint32_t>(frame.size())));
        taken += agree(frame, 0, random_.below(2) == 0);
        if (testing::Test::HasFailure()) return;
    }
    EXPECT_GT(taken, 50'000u);
}

}  // namespace
}  // namespace fedge::ip
