// What the host answers, learns and passes on.
#include <gtest/gtest.h>

#include "dataplane/wire/icmp.h"
#include "tests/unit/ip/host_fixture.h"

namespace fedge::ip {
namespace {

class HostAnswers : public HostTest {
  protected:
    std::vector<NeighborRow> neighbors() {
        std::vector<NeighborRow> rows(64);
        size_t filled = 0;
        host_->neighbors().list(0, rows, filled, now_);
        rows.resize(filled);
        return rows;
    }
};

TEST_F(HostAnswers, ArpForOurAddresses) {
    receive(0, test::arp_frame({kBroadcastMac, kPeer}, 1, kPeer, ip("192.0.2.7"), {}, ip("192.0.2.1")));
    auto sent = take_sent();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].frame, test::arp_frame({kPeer, kWan}, 2, kWan, ip("192.0.2.1"), kPeer, ip("192.0.2.7")));
    ASSERT_EQ(neighbors().size(), 1U);
    EXPECT_EQ(neighbors()[0].state, NeighborState::stale);
    EXPECT_EQ(neighbors()[0].mac, kPeer);
}

TEST_F(HostAnswers, ArpOnAVlanWithTheTag) {
    receive(1, test::arp_frame({kBroadcastMac, kPeer, 7}, 1, kPeer, ip("198.51.100.7"), {}, ip("198.51.100.1")));
    auto sent = take_sent();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].frame, test::arp_frame({kPeer, kLan, 7}, 2, kLan, ip("198.51.100.1"), kPeer, ip("198.51.100.7")));
}

TEST_F(HostAnswers, AnArpProbeWithoutLearning) {  // RFC 5227
    receive(0, test::arp_frame({kBroadcastMac, kPeer}, 1, kPeer, ip("0.0.0.0"), {}, ip("192.0.2.1")));
    EXPECT_EQ(take_sent().size(), 1U);
    EXPECT_TRUE(neighbors().empty());
}

TEST_F(HostAnswers, NoArpThatIsNoneOfOurs) {
    struct Case {
        Frame frame;
        Drop reason;
    };
    const Case cases[] = {
        {test::arp_frame({kBroadcastMac, kPeer}, 1, kPeer, ip("192.0.2.7"), {}, ip("192.0.2.8")), Drop::not_for_us},
        {test::arp_frame({kBroadcastMac, kPeer}, 1, kPeer, ip("198.51.100.7"), {}, ip("198.51.100.1")),
         Drop::martian_source},
        {test::arp_frame({kBroadcastMac, kPeer}, 1, kPeer, ip("203.0.113.7"), {}, ip("192.0.2.1")),
         Drop::martian_source},
        {test::arp_frame({kBroadcastMac, kPeer}, 1, kPeer, ip("192.0.2.1"), {}, ip("192.0.2.1")),
         Drop::spoofed_own_source},
        {test::arp_frame({kBroadcastMac, kPeer}, 1, kPeer, ip("192.0.2.1"), {}, ip("192.0.2.9")),
         Drop::spoofed_own_source},
        {test::arp_frame({kBroadcastMac, kPeer}, 9, kPeer, ip("192.0.2.7"), {}, ip("192.0.2.1")), Drop::arp_malformed},
        {test::arp_frame({kBroadcastMac, kPeer}, 1, kBroadcastMac, ip("192.0.2.7"), {}, ip("192.0.2.1")),
         Drop::arp_malformed},
    };
    for (const Case& c : cases) {
        uint64_t before = count(c.reason);
        receive(0, c.frame);
        EXPECT_EQ(count(c.reason), before + 1) << contract::kDrops[static_cast<size_t>(c.reason)].name;
    }
    EXPECT_TRUE(take_sent().empty());
    EXPECT_TRUE(neighbors().empty());
}

TEST_F(HostAnswers, UnsolicitedArpMakesNoEntry) {
    receive(0, test::arp_frame({kWan, kPeer}, 2, kPeer, ip("192.0.2.7"), kWan, ip("192.0.2.1")));
    receive(0, test::arp_frame({kBroadcastMac, kPeer}, 1, kPeer, ip("192.0.2.7"), {}, ip("192.0.2.7")));
    EXPECT_TRUE(neighbors().empty());
}

TEST_F(HostAnswers, CopiesForOtherCoresTeachSilently) {
    receive(0, test::arp_frame({kBroadcastMac, kPeer}, 1, kPeer, ip("192.0.2.7"), {}, ip("192.0.2.1")), false);
    receive(0, test::solicitation({kWan, kPeer}, ip("fe80::7"), ip("2001:db8:1::1"), kPeer), false);
    receive(0, test::arp_frame({kBroadcastMac, kPeer}, 1, kPeer, ip("192.0.2.7"), {}, ip("192.0.2.8")), false);
    EXPECT_TRUE(take_sent().empty());
    EXPECT_EQ(neighbors().size(), 2U);
    EXPECT_EQ(count(Drop::not_for_us), 0U);
}

TEST_F(HostAnswers, TellsNeighborMessagesFromOthers) {
    auto is = [](const Frame& f) { return Host::is_neighbor_message(f, *test::parsed(f)); };
    EXPECT_TRUE(is(test::arp_frame({kBroadcastMac, kPeer}, 1, kPeer, ip("192.0.2.7"), {}, ip("192.0.2.1"))));
    EXPECT_TRUE(is(test::solicitation({kWan, kPeer}, ip("fe80::7"), ip("2001:db8:1::1"), kPeer)));
    EXPECT_TRUE(is(test::advertisement({kWan, kPeer}, ip("fe80::7"), ip("2001:db8:1::1"), kPeer, true, true)));
    EXPECT_FALSE(is(test::echo_request({kWan, kPeer}, ip("fe80::7"), ip("2001:db8:1::1"), {})));
    EXPECT_FALSE(is(test::ip_frame({kWan, kPeer}, ip("fe80::7"), ip("2001:db8:1::1"), 58, 255, {})));
}

TEST_F(HostAnswers, NeighborSolicitation) {
    receive(0, test::solicitation({kWan, kPeer}, ip("2001:db8:1::7"), ip("2001:db8:1::1"), kPeer));
    auto sent = take_sent();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].frame,
              test::advertisement({kPeer, kWan}, ip("2001:db8:1::1"), ip("2001:db8:1::7"), kWan, true, true));
    ASSERT_EQ(neighbors().size(), 1U);
    EXPECT_EQ(neighbors()[0].address, ip("2001:db8:1::7"));
}

TEST_F(HostAnswers, NeighborSolicitationForTheLinkLocalAddress) {
    receive(0, test::solicitation({kWan, kPeer}, ip("fe80::7"), ip("fe80::ff:fe00:a0"), kPeer));
    EXPECT_EQ(take_sent().size(), 1U);
    receive(0,
            test::solicitation({kWan, kPeer}, ip("fe80::7"), ip("fe80::ff:fe00:a1"), kPeer));  // the other interface's
    EXPECT_TRUE(take_sent().empty());
}

TEST_F(HostAnswers, DefendsItsAddress) {  // RFC 4862 section 5.4.3
    receive(0, test::solicitation({kWan, kPeer}, ip("::"), ip("2001:db8:1::1"), std::nullopt));
    auto sent = take_sent();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].frame, test::advertisement({MacAddress{{0x33, 0x33, 0, 0, 0, 1}}, kWan}, ip("2001:db8:1::1"),
                                                 ip("ff02::1"), kWan, false, true));
    EXPECT_TRUE(neighbors().empty());
}

TEST_F(HostAnswers, NoSolicitationFromElsewhere) {
    receive(0, test::solicitation({kWan, kPeer}, ip("2001:db8:9::7"), ip("2001:db8:1::1"), kPeer));
    EXPECT_EQ(count(Drop::martian_source), 1U);
    Frame routed = test::solicitation({kWan, kPeer}, ip("2001:db8:1::7"), ip("2001:db8:1::1"), kPeer);
    routed[14 + 7] = 254;  // came through a router
    receive(0, routed);
    EXPECT_EQ(count(Drop::icmp_malformed), 1U);
    EXPECT_TRUE(take_sent().empty());
    EXPECT_TRUE(neighbors().empty());
}

TEST_F(HostAnswers, EchoBothFamilies) {
    const std::vector<uint8_t> data(56, 0x5a);
    struct Case {
        uint16_t port;
        L2 l2;
        const char* source;
        const char* destination;
    };
    for (const Case& c :
         {Case{0, {kWan, kPeer}, "203.0.113.5", "192.0.2.1"}, Case{1, {kLan, kPeer, 7}, "198.51.100.7", "198.51.100.1"},
          Case{0, {kWan, kPeer}, "2001:db8:9::5", "2001:db8:1::1"}}) {
        Frame request = test::echo_request(c.l2, ip(c.source), ip(c.destination), data);
        request.resize(request.size() + 6);  // Ethernet padding does not come back
        receive(c.port, request);
        auto sent = take_sent();
        ASSERT_EQ(sent.size(), 1U) << c.source;
        EXPECT_EQ(sent[0].port, c.port);
        EXPECT_EQ(sent[0].frame.size(), request.size() - 6);
        EXPECT_TRUE(std::equal(sent[0].frame.begin(), sent[0].frame.begin() + 6, kPeer.octets.begin()));
        auto reply = test::parsed(sent[0].frame);
        ASSERT_TRUE(reply);
        EXPECT_EQ(reply->source, ip(c.destination));
        EXPECT_EQ(reply->destination, ip(c.source));
        EXPECT_EQ(reply->vlan, c.l2.vlan);
        Bytes message = Bytes(sent[0].frame).subspan(reply->l4_offset, reply->payload_length);
        auto icmp = reply->source.is_v4() ? wire::Icmp::parse_v4(message)
                                          : wire::Icmp::parse_v6(reply->source, reply->destination, message);
        ASSERT_TRUE(icmp) << "checksum";
        EXPECT_EQ(icmp->kind(), wire::Icmp::Kind::echo_reply);
        EXPECT_TRUE(std::equal(icmp->data().begin(), icmp->data().end(), data.begin(), data.end()));
    }
    EXPECT_EQ(count(Counter::echo_replies_sent), 3U);
    EXPECT_TRUE(neighbors().empty()) << "echo costs no state";
}

TEST_F(HostAnswers, EchoWithinTheRate) {
    Frame request = test::echo_request({kWan, kPeer}, ip("203.0.113.5"), ip("192.0.2.1"), {});
    for (int i = 0; i < 150; i++) receive(0, request);
    EXPECT_EQ(take_sent().size(), 100U);
    EXPECT_EQ(count(Drop::icmp_rate), 50U);
    now_ += 500ms;
    for (int i = 0; i < 150; i++) receive(0, request);
    EXPECT_EQ(take_sent().size(), 50U);
}

TEST_F(HostAnswers, NoEchoWhenSwitchedOffOrToAGroup) {
    receive(0, test::echo_request({MacAddress{{0x33, 0x33, 0, 0, 0, 1}}, kPeer}, ip("fe80::7"), ip("ff02::1"), {}));
    EXPECT_EQ(count(Drop::not_for_us), 1U);
    policy_.echo = false;
    host_->adopt(interfaces_.get(), policy_, now_);
    receive(0, test::echo_request({kWan, kPeer}, ip("203.0.113.5"), ip("192.0.2.1"), {}));
    EXPECT_EQ(count(Drop::access_denied), 1U);
    EXPECT_TRUE(take_sent().empty());
}

// An error about a datagram that one of our addresses sent.
Frame error_about(const Frame& quoted_frame, const IpAddress& from, const IpAddress& to, uint8_t type, uint8_t code,
                  uint32_t mtu) {
    Frame message(1280);
    message.resize(wire::write_icmp_error(message, from, to, type, code, mtu, Bytes(quoted_frame).subspan(14)));
    return test::ip_frame({kWan, kPeer}, from, to, from.is_v4() ? 1 : 58, 64, message);
}

TEST_F(HostAnswers, HandsOverErrorsOfOurFlows) {
    const std::vector<uint8_t> data(32);
    Frame v4 = test::udp_frame({kPeer, kWan}, {ip("192.0.2.1"), 50000}, {ip("203.0.113.5"), 4000}, data);
    auto flow = receive(0, error_about(v4, ip("203.0.113.1"), ip("192.0.2.1"), 3, 4, 1400));
    ASSERT_TRUE(flow);
    EXPECT_EQ(flow->local, (Endpoint{ip("192.0.2.1"), 50000}));
    EXPECT_EQ(flow->remote, (Endpoint{ip("203.0.113.5"), 4000}));
    EXPECT_EQ(flow->type, 3);
    EXPECT_EQ(flow->code, 4);
    EXPECT_EQ(flow->mtu, 1400U);
    EXPECT_FALSE(flow->ipv6);

    Frame v6 = test::udp_frame({kPeer, kWan}, {ip("2001:db8:1::1"), 50000}, {ip("2001:db8:9::5"), 4000}, data);
    flow = receive(0, error_about(v6, ip("2001:db8:8::1"), ip("2001:db8:1::1"), 1, 4, 0));
    ASSERT_TRUE(flow);
    EXPECT_TRUE(flow->ipv6);
    EXPECT_EQ(flow->remote.port, 4000);
    EXPECT_EQ(count(Counter::icmp_errors_received), 2U);
}

TEST_F(HostAnswers, DropsErrorsThatAreNoneOfOurs) {
    const std::vector<uint8_t> data(32);
    Frame other = test::udp_frame({kPeer, kWan}, {ip("192.0.2.77"), 50000}, {ip("203.0.113.5"), 4000}, data);
    EXPECT_FALSE(receive(0, error_about(other, ip("203.0.113.1"), ip("192.0.2.1"), 3, 3, 0)));
    Frame sctp = test::ip_frame({kPeer, kWan}, ip("192.0.2.1"), ip("203.0.113.5"), 132, 64, data);
    EXPECT_FALSE(receive(0, error_about(sctp, ip("203.0.113.1"), ip("192.0.2.1"), 3, 3, 0)));
    EXPECT_EQ(count(Drop::icmp_unmatched), 2U);
    Frame broken = error_about(other, ip("203.0.113.1"), ip("192.0.2.1"), 3, 3, 0);
    broken.back() ^= 1;
    receive(0, broken);
    EXPECT_EQ(count(Drop::icmp_malformed), 1U);
}

TEST_F(HostAnswers, TellsWhichSegmentAnErrorIsAbout) {
    std::vector<uint8_t> segment(20);
    store_be16(segment.data(), 5061);
    store_be16(segment.data() + 2, 40000);
    store_be32(segment.data() + 4, 0x12345678);
    Frame sent = test::ip_frame({kPeer, kWan}, ip("192.0.2.1"), ip("203.0.113.5"), 6, 64, segment);
    auto flow = receive(0, error_about(sent, ip("203.0.113.1"), ip("192.0.2.1"), 3, 4, 1400));
    ASSERT_TRUE(flow);
    EXPECT_TRUE(flow->tcp);
    EXPECT_EQ(flow->local.port, 5061);
    EXPECT_EQ(flow->remote.port, 40000);
    EXPECT_EQ(flow->sequence, 0x12345678U);
    EXPECT_EQ(flow->mtu, 1400U);
}

TEST_F(HostAnswers, PortUnreachable) {
    for (auto [source, destination] : {std::pair{"203.0.113.5", "192.0.2.1"}, {"2001:db8:9::5", "2001:db8:1::1"}}) {
        Frame datagram =
            test::udp_frame({kWan, kPeer}, {ip(source), 4000}, {ip(destination), 9}, std::vector<uint8_t>(900));
        auto packet = test::parsed(datagram);
        host_->port_unreachable(test::to_mbuf(pool_.get(), datagram), *packet, 0, now_);
        host_->flush();
        auto sent = take_sent();
        ASSERT_EQ(sent.size(), 1U);
        auto error = test::parsed(sent[0].frame);
        ASSERT_TRUE(error);
        EXPECT_EQ(error->source, ip(destination));
        EXPECT_EQ(error->destination, ip(source));
        Bytes message = Bytes(sent[0].frame).subspan(error->l4_offset, error->payload_length);
        auto icmp = error->source.is_v4() ? wire::Icmp::parse_v4(message)
                                          : wire::Icmp::parse_v6(error->source, error->destination, message);
        ASSERT_TRUE(icmp);
        auto quoted = icmp->quoted();
        ASSERT_TRUE(quoted);
        EXPECT_EQ(quoted->source_port, 4000);
        EXPECT_EQ(quoted->destination_port, 9);
        EXPECT_LE(sent[0].frame.size(), 14U + (error->source.is_v4() ? 576 : 1280));
    }
    EXPECT_EQ(count(Counter::icmp_errors_sent), 2U);
}

class HostAnnounces : public HostTest {
  protected:
    HostAnnounces() : HostTest(true) {}
};

TEST_F(HostAnnounces, ItsAddressesAtStartAndNewOnesLater) {
    wait(5s);
    auto sent = take_sent();
    // Two IPv4, two IPv6, two link-local addresses, three times.
    ASSERT_EQ(sent.size(), 18U);
    EXPECT_EQ(sent[0].frame, test::arp_frame({kBroadcastMac, kWan}, 1, kWan, ip("192.0.2.1"), {}, ip("192.0.2.1")));
    EXPECT_EQ(sent[1].frame, test::advertisement({MacAddress{{0x33, 0x33, 0, 0, 0, 1}}, kWan}, ip("2001:db8:1::1"),
                                                 ip("ff02::1"), kWan, false, true));

    test::SnapshotText more = kHostSnapshot;
    more.relays = {"192.0.2.66"};
    auto next = test::compile(more, interfaces_.get());
    host_->adopt(next.get(), policy_, now_);
    wait(5s);
    sent = take_sent();
    ASSERT_EQ(sent.size(), 3U);
    EXPECT_EQ(sent[0].frame, test::arp_frame({kBroadcastMac, kWan}, 1, kWan, ip("192.0.2.66"), {}, ip("192.0.2.66")));
    interfaces_ = std::move(next);
}

}  // namespace
}  // namespace fedge::ip
