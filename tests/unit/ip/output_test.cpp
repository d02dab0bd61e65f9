#include "dataplane/ip/output.h"

#include <gtest/gtest.h>

#include <numeric>

#include "dataplane/ip/rate_limit.h"
#include "dataplane/wire/checksum.h"
#include "tests/unit/ip/host_fixture.h"

namespace fedge::ip {
namespace {

class Sending : public HostTest {
  protected:
    Sending() {
        for (auto* to : {"192.0.2.7", "2001:db8:1::7"}) {
            send(to, 10, {});
            if (ip(to).is_v4()) {
                receive(0, test::arp_frame({kWan, kPeer}, 2, kPeer, ip(to), kWan, ip("192.0.2.1")));
            } else {
                receive(0, test::advertisement({kWan, kPeer}, ip(to), ip("2001:db8:1::1"), kPeer, true, true));
            }
            take_sent();
        }
    }

    static Endpoint source_for(const char* to) { return {ip(ip(to).is_v4() ? "192.0.2.1" : "2001:db8:1::1"), 50000}; }
    static std::vector<uint8_t> payload(size_t length) {
        std::vector<uint8_t> p(length);
        std::iota(p.begin(), p.end(), uint8_t{1});
        return p;
    }
    bool send(const char* to, size_t length, const UdpOptions& options) {
        bool sent = host_->output().send_udp(test::to_mbuf(pool_.get(), payload(length)), source_for(to),
                                             {ip(to), 4000}, hop_, now_, options);
        host_->flush();
        return sent;
    }
    Hop hop_;
};

TEST_F(Sending, WritesAllHeaders) {
    for (auto* to : {"192.0.2.7", "2001:db8:1::7"}) {
        for (int again = 0; again < 2; again++) {  // by the slow way first, then by the hop
            EXPECT_TRUE(send(to, 172, {.dont_fragment = true, .ttl = 17, .dscp_ecn = 0xb8}));
            auto sent = take_sent();
            ASSERT_EQ(sent.size(), 1U);
            auto p = test::parsed(sent[0].frame);
            ASSERT_TRUE(p);
            EXPECT_EQ(p->source, source_for(to).address);
            EXPECT_EQ(p->destination, ip(to));
            EXPECT_EQ(p->source_port, 50000);
            EXPECT_EQ(p->destination_port, 4000);
            EXPECT_EQ(p->ttl, 17);
            EXPECT_EQ(p->dscp_ecn, 0xb8);
            EXPECT_EQ(p->payload_length, 172);
            Bytes segment = Bytes(sent[0].frame).subspan(p->l4_offset);
            EXPECT_TRUE(wire::transport_checksum_ok(p->source, p->destination, 17, segment));
            if (p->source.is_v4()) {
                EXPECT_EQ(load_be16(sent[0].frame.data() + 14 + 6), 0x4000) << "DF";
            }
            auto want = payload(172);
            EXPECT_TRUE(std::equal(want.begin(), want.end(), sent[0].frame.begin() + p->payload_offset));
        }
    }
}

TEST_F(Sending, IdentifiesPacketsThatMayBeFragmented) {  // RFC 6864
    send("192.0.2.7", 100, {});
    send("192.0.2.7", 100, {});
    auto sent = take_sent();
    EXPECT_NE(load_be16(sent[0].frame.data() + 14 + 4), load_be16(sent[1].frame.data() + 14 + 4));
    EXPECT_EQ(load_be16(sent[0].frame.data() + 14 + 6), 0) << "no DF";
}

TEST_F(Sending, TakesGivenChecksums) {
    for (int again = 0; again < 2; again++) {
        send("192.0.2.7", 20, {.mode = UdpChecksum::given, .checksum = 0xabcd});
        send("192.0.2.7", 20, {.mode = UdpChecksum::none});
        send("2001:db8:1::7", 20, {.mode = UdpChecksum::none});
        auto sent = take_sent();
        ASSERT_EQ(sent.size(), 3U);
        EXPECT_EQ(test::parsed(sent[0].frame)->udp_checksum, 0xabcd);
        EXPECT_EQ(test::parsed(sent[1].frame)->udp_checksum, 0);
        auto p = test::parsed(sent[2].frame);
        EXPECT_TRUE(
            wire::transport_checksum_ok(p->source, p->destination, 17, Bytes(sent[2].frame).subspan(p->l4_offset)))
            << "IPv6 has no datagrams without a checksum";
    }
}

TEST_F(Sending, LeavesChecksumsToDevicesThatComputeThem) {
    std::vector<PortFacts> ports(test::two_ports().begin(), test::two_ports().end());
    ports[0].tx_ipv4_checksum = ports[0].tx_udp_checksum = true;
    auto bytes = test::snapshot_bytes(kHostSnapshot);
    auto next = Interfaces::build(*contract::GetSnapshot(bytes.data()), ports, interfaces_.get());
    host_->adopt(next.get(), policy_, now_);
    for (auto* to : {"192.0.2.7", "2001:db8:1::7"}) {
        hop_ = {};
        send(to, 40, {});
        send(to, 40, {});
        auto sent = take_sent();
        ASSERT_EQ(sent.size(), 2U);
        bool v4 = ip(to).is_v4();
        EXPECT_EQ(sent[1].flags, v4 ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM
                                    : RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_UDP_CKSUM);
        // What the device does: sum from the UDP header on, over the seed that we left there.
        Frame& frame = sent[1].frame;
        size_t l4 = v4 ? 34 : 54;
        Bytes segment = Bytes(frame).subspan(l4);
        uint16_t checksum = wire::checksum(segment);
        store_be16(frame.data() + l4 + 6, checksum);
        EXPECT_TRUE(wire::transport_checksum_ok(source_for(to).address, ip(to), 17, segment));
        if (v4) {
            EXPECT_EQ(load_be16(frame.data() + 14 + 10), 0);
        }
    }
    interfaces_ = std::move(next);
}

// Puts fragments together again the way a receiver does.
std::vector<uint8_t> reassemble(const std::vector<test::Wire::Sent>& sent, bool v4, size_t mtu) {
    std::vector<uint8_t> whole;
    for (size_t i = 0; i < sent.size(); i++) {
        const uint8_t* h = sent[i].frame.data() + 14;
        size_t header = v4 ? 20 : 48;
        EXPECT_LE(sent[i].frame.size() - 14, mtu);
        uint16_t field = load_be16(v4 ? h + 6 : h + 42);
        size_t offset = v4 ? (field & 0x1fff) * 8U : field & 0xfff8;
        bool more = v4 ? field & 0x2000 : field & 1;
        EXPECT_EQ(offset, whole.size());
        EXPECT_EQ(more, i + 1 < sent.size());
        if (v4) {
            EXPECT_EQ(wire::checksum({h, 20}), 0) << "header checksum";
            EXPECT_EQ(load_be16(h + 2), sent[i].frame.size() - 14);
            EXPECT_EQ(load_be16(h + 4), load_be16(sent[0].frame.data() + 14 + 4));
        } else {
            EXPECT_EQ(h[6], 44);
            EXPECT_EQ(load_be16(h + 4), sent[i].frame.size() - 14 - 40);
            EXPECT_EQ(load_be32(h + 44), load_be32(sent[0].frame.data() + 14 + 44));
            EXPECT_NE(load_be32(h + 44), 0U);
        }
        whole.insert(whole.end(), sent[i].frame.begin() + 14 + static_cast<ptrdiff_t>(header), sent[i].frame.end());
    }
    return whole;
}

TEST_F(Sending, FragmentsWhatIsLongerThanTheMtu) {
    test::SnapshotText narrow = kHostSnapshot;
    narrow.interfaces[0].mtu = 1280;
    auto next = test::compile(narrow, interfaces_.get());
    host_->adopt(next.get(), policy_, now_);
    for (auto* to : {"192.0.2.7", "2001:db8:1::7"}) {
        for (size_t length : {1400U, 1900U}) {
            EXPECT_TRUE(send(to, length, {}));
            auto sent = take_sent();
            ASSERT_EQ(sent.size(), 2U) << to << " " << length;
            auto datagram = reassemble(sent, ip(to).is_v4(), 1280);
            ASSERT_EQ(datagram.size(), length + 8);
            EXPECT_TRUE(wire::transport_checksum_ok(source_for(to).address, ip(to), 17, datagram));
        }
    }
    interfaces_ = std::move(next);
}

TEST_F(Sending, DropsWhatMayNotBeFragmented) {
    for (auto* to : {"192.0.2.7", "2001:db8:1::7"}) EXPECT_FALSE(send(to, 1480, {.dont_fragment = true}));
    EXPECT_EQ(count(Drop::too_big), 2U);
    EXPECT_TRUE(send("192.0.2.7", 1472, {.dont_fragment = true}));
    EXPECT_TRUE(send("2001:db8:1::7", 1452, {.dont_fragment = true}));
    for (const auto& s : take_sent()) EXPECT_EQ(s.frame.size(), 1514U);
}

TEST_F(Sending, FragmentsWaitForTheNeighborToo) {
    test::SnapshotText narrow = kHostSnapshot;
    narrow.interfaces[0].mtu = 1280;
    auto next = test::compile(narrow, interfaces_.get());
    host_->adopt(next.get(), policy_, now_);
    hop_ = {};
    EXPECT_FALSE(send("192.0.2.8", 1900, {}));
    take_sent();
    receive(0, test::arp_frame({kWan, kPeer}, 2, kPeer, ip("192.0.2.8"), kWan, ip("192.0.2.1")));
    EXPECT_EQ(reassemble(take_sent(), true, 1280).size(), 1908U);
    interfaces_ = std::move(next);
}

TEST_F(Sending, RefusesWhereItCannotGo) {
    test::SnapshotText text{.interfaces = {{"outside", "wan", {"192.0.2.1/24", "2001:db8:1::1/64"}}}};
    auto next = test::compile(text, interfaces_.get());
    host_->adopt(next.get(), policy_, now_);
    hop_ = {};
    EXPECT_FALSE(send("203.0.113.5", 20, {}));  // no gateway
    EXPECT_FALSE(send("192.0.2.1", 20, {}));    // ourselves
    Hop hop;
    EXPECT_FALSE(host_->output().send_udp(test::to_mbuf(pool_.get(), payload(20)), {ip("192.0.2.1"), 1},
                                          {ip("2001:db8:1::7"), 2}, hop, now_, {}));  // two families
    EXPECT_EQ(count(Drop::no_route), 3U);
    interfaces_ = std::move(next);
}

TEST_F(Sending, AHopOfTheOtherFamilyIsNotUsed) {
    send("192.0.2.7", 20, {});
    EXPECT_TRUE(send("2001:db8:1::7", 20, {}));
    auto sent = take_sent();
    EXPECT_EQ(test::parsed(sent[1].frame)->destination, ip("2001:db8:1::7"));
}

TEST_F(Sending, SendsInTheOrderGivenAndCountsWhatTheQueueRefuses) {
    uint64_t packets = count(Counter::tx_packets), bytes = count(Counter::tx_bytes);
    wire_.room = 3;
    for (size_t i = 0; i < 5; i++)
        host_->output().send_udp(test::to_mbuf(pool_.get(), payload(100 + i)), source_for("192.0.2.7"),
                                 {ip("192.0.2.7"), 4000}, hop_, now_, {});
    host_->flush();
    auto sent = take_sent();
    ASSERT_EQ(sent.size(), 3U);
    for (size_t i = 0; i < 3; i++) EXPECT_EQ(sent[i].frame.size(), 42 + 100 + i);
    EXPECT_EQ(count(Counter::tx_packets) - packets, 3U);
    EXPECT_EQ(count(Counter::tx_bytes) - bytes, 3 * 142U + 3);
    EXPECT_EQ(count(Drop::tx_full), 2U);
}

TEST_F(Sending, FlushesAFullBufferByItself) {
    for (int i = 0; i < 70; i++)
        host_->output().send_udp(test::to_mbuf(pool_.get(), payload(10)), source_for("192.0.2.7"),
                                 {ip("192.0.2.7"), 4000}, hop_, now_, {});
    EXPECT_EQ(wire_.sent.size(), TxBuffers::kBurst);
    host_->flush();
    EXPECT_EQ(wire_.sent.size(), 70U);
}

TEST(RateLimit, AllowsABurstOfOneSecondAndThenTheRate) {
    RateLimit limit(10);
    auto allowed = [&](Instant now) {
        int n = 0;
        for (int i = 0; i < 100; i++) n += limit.allow(now);
        return n;
    };
    EXPECT_EQ(allowed(Instant{5s}), 10);
    EXPECT_EQ(allowed(Instant{5s}), 0);
    EXPECT_EQ(allowed(Instant{5300ms}), 3);
    EXPECT_EQ(allowed(Instant{1h}), 10) << "no more than a burst after a long pause";
    limit.set(0);
    EXPECT_EQ(allowed(Instant{2h}), 0);
}

}  // namespace
}  // namespace fedge::ip
