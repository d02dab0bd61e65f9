// What is let in: Host::admit().
#include <gtest/gtest.h>

#include "dataplane/wire/checksum.h"
#include "tests/unit/ip/host_fixture.h"

namespace fedge::ip {
namespace {

class Ingress : public HostTest {};

constexpr uint8_t kPayload[] = {1, 2, 3};

struct Case {
    const char* what;
    uint16_t port;
    L2 l2;
    const char* source;
    const char* destination;
    std::optional<Drop> reason;
};

TEST_F(Ingress, FiltersByAddress) {
    const L2 wan{kWan, kPeer}, lan{kLan, kPeer, 7};
    const Case cases[] = {
        {"an ordinary packet", 0, wan, "203.0.113.5", "192.0.2.1", {}},
        {"from an on-link host", 0, wan, "192.0.2.7", "192.0.2.1", {}},
        {"on a VLAN", 1, lan, "198.51.100.7", "198.51.100.1", {}},
        {"IPv6", 0, wan, "2001:db8:9::5", "2001:db8:1::1", {}},
        {"link-local to link-local", 0, wan, "fe80::1", "fe80::ff:fe00:a0", {}},
        {"a VLAN that no interface has", 0, {kWan, kPeer, 9}, "203.0.113.5", "192.0.2.1", Drop::vlan_unknown},
        {"untagged on a port with VLANs only", 1, {kLan, kPeer}, "198.51.100.7", "198.51.100.1", Drop::vlan_unknown},
        {"a port without interfaces", 2, wan, "203.0.113.5", "192.0.2.1", Drop::vlan_unknown},
        {"another MAC address", 0, {mac(0x55), kPeer}, "203.0.113.5", "192.0.2.1", Drop::not_for_us},
        {"unicast packet in a broadcast frame",
         0,
         {MacAddress{{255, 255, 255, 255, 255, 255}}, kPeer},
         "203.0.113.5",
         "192.0.2.1",
         Drop::not_for_us},
        {"another IP address", 0, wan, "203.0.113.5", "192.0.2.2", Drop::not_for_us},
        {"broadcast", 0, wan, "203.0.113.5", "255.255.255.255", Drop::not_for_us},
        {"subnet broadcast", 0, wan, "203.0.113.5", "192.0.2.255", Drop::not_for_us},
        {"IPv4 multicast", 0, wan, "203.0.113.5", "224.0.0.1", Drop::not_for_us},
        {"address of the other side", 0, wan, "203.0.113.5", "198.51.100.1", Drop::not_for_us},
        {"link-local address of the other side", 0, wan, "fe80::1", "fe80::ff:fe00:a1", Drop::not_for_us},
        {"our own source", 0, wan, "192.0.2.1", "192.0.2.1", Drop::spoofed_own_source},
        {"own source of the other side", 0, wan, "198.51.100.1", "192.0.2.1", Drop::spoofed_own_source},
        {"our own IPv6 source", 0, wan, "2001:db8:1::1", "2001:db8:1::1", Drop::spoofed_own_source},
        {"our own link-local source", 0, wan, "fe80::ff:fe00:a0", "2001:db8:1::1", Drop::spoofed_own_source},
        {"inside host on the outside", 0, wan, "198.51.100.7", "192.0.2.1", Drop::martian_source},
        {"inside IPv6 host on the outside", 0, wan, "2001:db8:2::7", "2001:db8:1::1", Drop::martian_source},
        {"this network", 0, wan, "0.0.0.0", "192.0.2.1", Drop::martian_source},
        {"this network, a host", 0, wan, "0.1.2.3", "192.0.2.1", Drop::martian_source},
        {"loopback", 0, wan, "127.0.0.1", "192.0.2.1", Drop::martian_source},
        {"multicast source", 0, wan, "224.0.0.5", "192.0.2.1", Drop::martian_source},
        {"reserved source", 0, wan, "240.0.0.1", "192.0.2.1", Drop::martian_source},
        {"broadcast source", 0, wan, "255.255.255.255", "192.0.2.1", Drop::martian_source},
        {"IPv6 unspecified", 0, wan, "::", "2001:db8:1::1", Drop::martian_source},
        {"IPv6 loopback", 0, wan, "::1", "2001:db8:1::1", Drop::martian_source},
        {"IPv4-compatible", 0, wan, "::192.0.2.7", "2001:db8:1::1", Drop::martian_source},
        {"IPv6 multicast source", 0, wan, "ff02::1", "2001:db8:1::1", Drop::martian_source},
        {"UDP to all nodes", 0, {MacAddress{{0x33, 0x33, 0, 0, 0, 1}}, kPeer}, "fe80::1", "ff02::1", Drop::not_for_us},
    };
    for (const Case& c : cases) {
        Frame frame = test::udp_frame(c.l2, {ip(c.source), 5000}, {ip(c.destination), 3478}, kPayload);
        auto packet = test::parsed(frame);
        ASSERT_TRUE(packet) << c.what;
        uint16_t interface;
        auto reason = host_->admit(c.port, frame, *packet, interface);
        EXPECT_EQ(reason, c.reason) << c.what;
        if (!reason) {
            EXPECT_EQ(interface, c.port) << c.what;
        }
    }
}

// An IPv6 packet that carries ::ffff:192.0.2.1 must not pass for IPv4: both would look the same from here on.
TEST_F(Ingress, RefusesIpv4MappedAddressesOnTheWire) {
    Frame frame = test::udp_frame({kWan, kPeer}, {ip("2001:db8:9::5"), 5000}, {ip("2001:db8:1::1"), 3478}, kPayload);
    auto mapped = [&](size_t at, const char* v4) {
        Frame f = frame;
        auto octets = ip(v4).octets();
        std::copy(octets.begin(), octets.end(), f.begin() + static_cast<ptrdiff_t>(at));
        return f;
    };
    receive(0, mapped(14 + 8, "203.0.113.5"));
    receive(0, mapped(14 + 24, "192.0.2.1"));
    EXPECT_EQ(admitted_, 0);
    receive(0, frame);
    EXPECT_EQ(admitted_, 1);
}

TEST_F(Ingress, CountsFragments) {
    Frame frame = test::udp_frame({kWan, kPeer}, {ip("203.0.113.5"), 5000}, {ip("192.0.2.1"), 3478}, kPayload);
    frame[14 + 6] = 0x20;  // more fragments
    store_be16(frame.data() + 14 + 10, 0);
    store_be16(frame.data() + 14 + 10, wire::checksum({frame.data() + 14, 20}));
    receive(0, frame);
    EXPECT_EQ(count(Drop::fragment), 1U);
    EXPECT_EQ(admitted_, 0);
}

TEST_F(Ingress, ClosesOtherProtocols) {
    receive(0, test::ip_frame({kWan, kPeer}, ip("203.0.113.5"), ip("192.0.2.1"), 6, 64, std::vector<uint8_t>(20)));
    receive(0, test::ip_frame({kWan, kPeer}, ip("203.0.113.5"), ip("192.0.2.1"), 58, 64, std::vector<uint8_t>(20)));
    receive(0,
            test::ip_frame({kWan, kPeer}, ip("2001:db8:9::5"), ip("2001:db8:1::1"), 1, 64, std::vector<uint8_t>(20)));
    EXPECT_EQ(count(Drop::protocol_closed), 3U);
    EXPECT_TRUE(take_sent().empty());
}

}  // namespace
}  // namespace fedge::ip
