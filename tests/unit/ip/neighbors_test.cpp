// The neighbour cache as a sender sees it: Output over Neighbors.
#include "dataplane/ip/neighbors.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "tests/unit/ip/host_fixture.h"

namespace fedge::ip {
namespace {

class Resolving : public HostTest {
  protected:
    explicit Resolving(uint32_t capacity = 64) : HostTest(false, capacity) {}

    bool send(const IpAddress& to, Hop& hop, uint8_t tag = 0) {
        IpAddress from = to.is_v4() ? ip("192.0.2.1") : ip("2001:db8:1::1");
        std::vector<uint8_t> payload(20, tag);
        bool sent =
            host_->output().send_udp(test::to_mbuf(pool_.get(), payload), {from, 50000}, {to, 4000}, hop, now_, {});
        host_->flush();
        return sent;
    }
    bool send(const char* to, uint8_t tag = 0) { return send(ip(to), hops_[to], tag); }

    void arp_reply(const char* from, MacAddress its_mac) {
        receive(0, test::arp_frame({kWan, its_mac}, 2, its_mac, ip(from), kWan, ip("192.0.2.1")));
    }
    std::optional<NeighborRow> row(const char* address) {
        std::vector<NeighborRow> rows(64);
        size_t filled = 0;
        for (uint32_t cursor = 0;;) {
            cursor = host_->neighbors().list(cursor, rows, filled, now_);
            for (size_t i = 0; i < filled; i++)
                if (rows[i].address == ip(address)) return rows[i];
            if (cursor == 0) return std::nullopt;
        }
    }
    NeighborState state(const char* address) {
        auto r = row(address);
        return r ? r->state : NeighborState::none;
    }
    // Keeps using and confirming nothing.
    void use_for(const char* to, Duration d) {
        for (Instant end = now_ + d; now_ < end;) {
            send(to);
            wait(500ms);
        }
    }

    std::map<std::string, Hop> hops_;
};

TEST_F(Resolving, AsksQueuesAndSends) {
    EXPECT_FALSE(send("192.0.2.7", 1));
    EXPECT_FALSE(send("192.0.2.7", 2));
    auto sent = take_sent();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].frame, test::arp_frame({kBroadcastMac, kWan}, 1, kWan, ip("192.0.2.1"), {}, ip("192.0.2.7")));
    EXPECT_EQ(state("192.0.2.7"), NeighborState::incomplete);
    EXPECT_EQ(row("192.0.2.7")->queued, 2);

    arp_reply("192.0.2.7", kPeer);
    sent = take_sent();
    ASSERT_EQ(sent.size(), 2U);
    for (uint8_t i = 0; i < 2; i++) {
        auto packet = test::parsed(sent[i].frame);
        ASSERT_TRUE(packet);
        EXPECT_EQ(packet->destination, ip("192.0.2.7"));
        EXPECT_TRUE(std::equal(kPeer.octets.begin(), kPeer.octets.end(), sent[i].frame.begin()));
        EXPECT_EQ(sent[i].frame.back(), i + 1) << "in order";
    }
    EXPECT_EQ(state("192.0.2.7"), NeighborState::reachable);
    EXPECT_TRUE(send("192.0.2.7"));
    EXPECT_EQ(take_sent().size(), 1U);
}

TEST_F(Resolving, Ipv6ThroughTheSolicitedNodeGroup) {
    EXPECT_FALSE(send("2001:db8:1::7"));
    auto sent = take_sent();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].frame, test::solicitation({{}, kWan}, ip("2001:db8:1::1"), ip("2001:db8:1::7"), kWan));
    receive(0, test::advertisement({kWan, kPeer}, ip("2001:db8:1::7"), ip("2001:db8:1::1"), kPeer, true, true));
    EXPECT_EQ(take_sent().size(), 1U);
    EXPECT_EQ(state("2001:db8:1::7"), NeighborState::reachable);
}

TEST_F(Resolving, DestinationsBehindTheGatewayShareItsEntry) {
    send("203.0.113.5");
    send("203.0.113.6");
    EXPECT_EQ(take_sent().size(), 1U);
    arp_reply("192.0.2.254", kGateway);
    EXPECT_EQ(take_sent().size(), 2U);
    EXPECT_TRUE(send("203.0.113.7"));
    EXPECT_EQ(host_->neighbors().size(), 1U);
}

TEST_F(Resolving, KeepsTheLatestFourPackets) {
    for (uint8_t i = 1; i <= 6; i++) send("192.0.2.7", i);
    EXPECT_EQ(count(Drop::neighbor_queue_full), 2U);
    take_sent();
    arp_reply("192.0.2.7", kPeer);
    auto sent = take_sent();
    ASSERT_EQ(sent.size(), 4U);
    EXPECT_EQ(sent[0].frame.back(), 3);
    EXPECT_EQ(sent[3].frame.back(), 6);
}

TEST_F(Resolving, AsksThreeTimesASecondApartThenFails) {
    send("192.0.2.7");
    wait(5s);
    EXPECT_EQ(take_sent().size(), 3U);
    EXPECT_EQ(count(Drop::neighbor_failed), 1U);
    EXPECT_EQ(state("192.0.2.7"), NeighborState::failed);
    send("192.0.2.7");
    EXPECT_EQ(count(Drop::neighbor_failed), 2U);
    EXPECT_TRUE(take_sent().empty()) << "no new question while it is held for failed";
    wait(5s);
    EXPECT_EQ(host_->neighbors().size(), 0U);
    send("192.0.2.7");
    EXPECT_EQ(take_sent().size(), 1U);
}

TEST_F(Resolving, ProbesNeighborsInUseAndForgetsOthers) {
    send("192.0.2.7");
    send("192.0.2.8");
    arp_reply("192.0.2.7", kPeer);
    arp_reply("192.0.2.8", mac(0x12));
    take_sent();
    use_for("192.0.2.7", 31s);
    EXPECT_EQ(state("192.0.2.7"), NeighborState::probe);
    EXPECT_EQ(state("192.0.2.8"), NeighborState::stale);
    std::vector<Frame> probes;
    for (const auto& s : take_sent())
        if (test::parsed(s.frame)->l3 == wire::L3::arp) probes.push_back(s.frame);
    ASSERT_FALSE(probes.empty());
    EXPECT_EQ(probes[0], test::arp_frame({kPeer, kWan}, 1, kWan, ip("192.0.2.1"), {}, ip("192.0.2.7"))) << "unicast";
    EXPECT_TRUE(send("192.0.2.7")) << "traffic goes on meanwhile";
    arp_reply("192.0.2.7", kPeer);
    EXPECT_EQ(state("192.0.2.7"), NeighborState::reachable);
    wait(700s);
    EXPECT_EQ(host_->neighbors().size(), 0U);
}

TEST_F(Resolving, ANeighborThatVanishesIsAskedForAnew) {
    send("192.0.2.7");
    arp_reply("192.0.2.7", kPeer);
    use_for("192.0.2.7", 34s);
    EXPECT_EQ(state("192.0.2.7"), NeighborState::incomplete);
    EXPECT_FALSE(send("192.0.2.7")) << "the old hop is not good any more";
}

TEST_F(Resolving, FollowsANeighborThatMoves) {
    send("192.0.2.7");
    arp_reply("192.0.2.7", kPeer);
    EXPECT_TRUE(send("192.0.2.7"));
    Hop before = hops_["192.0.2.7"];
    MacAddress moved = mac(0x12);
    Frame gratuitous = test::arp_frame({kBroadcastMac, moved}, 1, moved, ip("192.0.2.7"), {}, ip("192.0.2.7"));
    receive(0, gratuitous);
    EXPECT_EQ(row("192.0.2.7")->mac, kPeer) << "not within a second of a confirmation";
    wait(2s);
    receive(0, gratuitous);
    EXPECT_EQ(row("192.0.2.7")->mac, moved);
    EXPECT_EQ(host_->neighbors().target(before), nullptr);
    take_sent();
    EXPECT_TRUE(send("192.0.2.7"));
    auto sent = take_sent();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_TRUE(std::equal(moved.octets.begin(), moved.octets.end(), sent[0].frame.begin()));
}

TEST_F(Resolving, HeedsTheOverrideFlag) {  // RFC 4861 section 7.2.5
    send("2001:db8:1::7");
    auto tell = [&](MacAddress m, bool solicited, bool override_cached) {
        receive(0, test::advertisement({kWan, m}, ip("2001:db8:1::7"), ip(solicited ? "2001:db8:1::1" : "ff02::1"), m,
                                       solicited, override_cached));
    };
    tell(kPeer, true, false);
    EXPECT_EQ(state("2001:db8:1::7"), NeighborState::reachable);
    wait(2s);
    tell(mac(0x12), true, false);
    EXPECT_EQ(row("2001:db8:1::7")->mac, kPeer);
    EXPECT_EQ(state("2001:db8:1::7"), NeighborState::stale);
    tell(mac(0x12), true, true);
    EXPECT_EQ(row("2001:db8:1::7")->mac, mac(0x12));
    EXPECT_EQ(state("2001:db8:1::7"), NeighborState::reachable);
}

TEST_F(Resolving, AFloodOfDestinationsDisplacesNoNeighborThatWorks) {
    Hop gateway_hop;
    send(ip("203.0.113.5"), gateway_hop);
    arp_reply("192.0.2.254", kGateway);
    for (int round = 0; round < 20; round++) {
        for (uint32_t host = 10; host < 250; host++) {
            Hop hop;
            send(IpAddress::v4(0xc0000200 + host), hop);
        }
        wait(500ms);
        EXPECT_TRUE(send(ip("203.0.113.5"), gateway_hop));
        EXPECT_LE(host_->neighbors().size(), 64U);
        EXPECT_LE(host_->neighbors().incomplete(), 32U);
    }
    EXPECT_GT(count(Drop::neighbor_cache_full), 0U);
    EXPECT_EQ(state("192.0.2.254"), NeighborState::reachable);
}

TEST_F(Resolving, TheGatewayIsAskedEvenInAFlood) {
    for (uint32_t host = 10; host < 250; host++) {
        Hop hop;
        send(IpAddress::v4(0xc0000200 + host), hop);
    }
    take_sent();
    send("203.0.113.5");
    auto sent = take_sent();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].frame, test::arp_frame({kBroadcastMac, kWan}, 1, kWan, ip("192.0.2.1"), {}, ip("192.0.2.254")));
}

TEST_F(Resolving, AFloodOfRequestsDisplacesNoNeighborThatWorks) {
    send("192.0.2.254");
    arp_reply("192.0.2.254", kGateway);
    EXPECT_TRUE(send("192.0.2.254"));
    for (int round = 0; round < 4; round++)
        for (uint32_t host = 10; host < 250; host++)
            receive(0, test::arp_frame({kBroadcastMac, kPeer}, 1, kPeer, IpAddress::v4(0xc0000200 + host), {},
                                       ip("192.0.2.1")));
    EXPECT_EQ(host_->neighbors().size(), 64U);
    EXPECT_EQ(state("192.0.2.254"), NeighborState::reachable);
    take_sent();
    send("192.0.2.5");
    EXPECT_EQ(take_sent().size(), 1U) << "and there is still room for a destination";
}

TEST_F(Resolving, RequestsAreLimitedInTotal) {
    std::set<uint32_t> asked;
    for (uint32_t second = 0; second < 10; second++) {
        for (uint32_t host = 10; host < 250; host++) {
            Hop hop;
            send(IpAddress::v4(0xc0000200 + host), hop);
        }
        wait(1s);
    }
    EXPECT_LE(count(Counter::arp_requests_sent), 200U * 11);
}

TEST_F(Resolving, SurvivesAChangeOfConfiguration) {
    send("192.0.2.7");
    arp_reply("192.0.2.7", kPeer);
    EXPECT_TRUE(send("192.0.2.7"));
    send("192.0.2.8", 9);  // waits
    Hop before = hops_["192.0.2.7"];
    test::SnapshotText text = kHostSnapshot;
    std::swap(text.interfaces[0], text.interfaces[1]);
    auto next = test::compile(text, interfaces_.get());
    host_->adopt(next.get(), policy_, now_);
    EXPECT_EQ(host_->neighbors().target(before), nullptr) << "routes may have changed";
    EXPECT_EQ(row("192.0.2.7")->interface, 1);
    take_sent();
    EXPECT_TRUE(send("192.0.2.7"));
    EXPECT_EQ(take_sent().size(), 1U);
    arp_reply("192.0.2.8", mac(0x12));
    auto sent = take_sent();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].frame.back(), 9);

    text.interfaces.pop_back();
    auto without = test::compile(text, next.get());
    host_->adopt(without.get(), policy_, now_);
    EXPECT_EQ(host_->neighbors().size(), 0U);
    EXPECT_FALSE(send("192.0.2.7"));
    EXPECT_EQ(count(Drop::no_route), 1U);
    interfaces_ = std::move(without);
}

TEST_F(Resolving, GivesPacketsBackWhenMbufsRunOut) {
    std::vector<rte_mbuf*> all(pool_.free_count() - 1);
    ASSERT_EQ(rte_pktmbuf_alloc_bulk(pool_.get(), all.data(), static_cast<unsigned>(all.size())), 0);
    EXPECT_FALSE(send("192.0.2.7"));  // takes the last one; the request finds none
    EXPECT_EQ(count(Drop::no_mbuf), 1U);
    rte_pktmbuf_free_bulk(all.data(), static_cast<unsigned>(all.size()));
    wait(1100ms);
    EXPECT_EQ(take_sent().size(), 1U) << "asked when there are mbufs again";
}

}  // namespace
}  // namespace fedge::ip
