#include "dataplane/wire/packet.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/unit/wire/frames.h"

namespace fedge::wire {
namespace {

using contract::Drop;
using test::ethernet;
using test::Frame;
using test::ip;
using test::ipv4;
using test::ipv4_frame;
using test::ipv6;
using test::ipv6_frame;
using test::join;
using test::patched;
using test::udp;

const char* name_of(std::optional<Drop> drop) {
    return drop ? contract::kDrops[static_cast<size_t>(*drop)].name : "good";
}

TEST(Packet, PlainIpv4Udp) {
    Packet p{};
    Frame frame = patched(ipv4_frame(17, udp(172)), {{15, 0xb8}});
    ASSERT_EQ(parse(frame, true, p), std::nullopt);
    EXPECT_EQ(p.l3, L3::ipv4);
    EXPECT_TRUE(p.is_udp());
    EXPECT_EQ(p.protocol, 17);
    EXPECT_EQ(p.ttl, 64);
    EXPECT_EQ(p.dscp_ecn, 0xb8);
    EXPECT_FALSE(p.has_vlan);
    EXPECT_FALSE(p.fragment);
    EXPECT_FALSE(p.multicast_mac);
    EXPECT_EQ(p.l3_offset, 14);
    EXPECT_EQ(p.l4_offset, 34);
    EXPECT_EQ(p.payload_offset, 42);
    EXPECT_EQ(p.payload_length, 172);
    EXPECT_EQ(p.source_port, 5000);
    EXPECT_EQ(p.destination_port, 3478);
    EXPECT_EQ(p.udp_checksum, 0x1234);
    EXPECT_EQ(p.source, ip("192.0.2.1"));
    EXPECT_EQ(p.destination, ip("198.51.100.7"));
}

TEST(Packet, PlainIpv6UdpBehindVlanTag) {
    Packet p{};
    Frame frame = join({ethernet(kEtherTypeIpv6, 4094), ipv6(17, udp(20))});
    frame[18] |= 0x0b;  // traffic class 0xb9
    frame[19] |= 0x90;
    ASSERT_EQ(parse(frame, false, p), std::nullopt);
    EXPECT_EQ(p.l3, L3::ipv6);
    EXPECT_TRUE(p.is_udp());
    EXPECT_TRUE(p.has_vlan);
    EXPECT_EQ(p.vlan, 4094);
    EXPECT_EQ(p.dscp_ecn, 0xb9);
    EXPECT_EQ(p.l3_offset, 18);
    EXPECT_EQ(p.l4_offset, 58);
    EXPECT_EQ(p.payload_offset, 66);
    EXPECT_EQ(p.payload_length, 20);
    EXPECT_EQ(p.source, ip("2001:db8::1"));
    EXPECT_EQ(p.destination, ip("2001:db8::2"));
}

TEST(Packet, PriorityTagIsVlanZero) {
    Packet p{};
    Frame frame = join({ethernet(kEtherTypeIpv4, 1), ipv4(17, udp(1))});
    frame[14] = 0xe0;
    frame[15] = 0;
    ASSERT_EQ(parse(frame, false, p), std::nullopt);
    EXPECT_TRUE(p.has_vlan);
    EXPECT_EQ(p.vlan, 0);
}

TEST(Packet, EthernetPaddingIsIgnored) {
    Packet p{};
    Frame frame = ipv4_frame(17, udp(1));
    frame.resize(60);
    ASSERT_EQ(parse(frame, false, p), std::nullopt);
    EXPECT_EQ(p.payload_length, 1);
    frame = ipv6_frame(17, udp(1));
    frame.resize(80);
    ASSERT_EQ(parse(frame, false, p), std::nullopt);
    EXPECT_EQ(p.payload_length, 1);
}

TEST(Packet, UdpShorterThanIpPayload) {
    Packet p{};
    Frame datagram = udp(10);
    datagram[5] = 8 + 4;
    ASSERT_EQ(parse(ipv4_frame(17, datagram), false, p), std::nullopt);
    EXPECT_EQ(p.payload_length, 4);
}

TEST(Packet, OtherProtocolsCoverTheirWholePayload) {
    Packet p{};
    ASSERT_EQ(parse(ipv4_frame(1, Frame(24)), false, p), std::nullopt);
    EXPECT_FALSE(p.is_udp());
    EXPECT_EQ(p.protocol, 1);
    EXPECT_EQ(p.l4_offset, 34);
    EXPECT_EQ(p.payload_offset, 34);
    EXPECT_EQ(p.payload_length, 24);
    EXPECT_EQ(p.source_port, 0);
    ASSERT_EQ(parse(ipv6_frame(58, Frame(32)), false, p), std::nullopt);
    EXPECT_EQ(p.protocol, 58);
    EXPECT_EQ(p.payload_offset, 54);
    EXPECT_EQ(p.payload_length, 32);
}

TEST(Packet, Arp) {
    Packet p{};
    Frame frame = join({ethernet(kEtherTypeArp), Frame(46)});
    frame[0] = 0xff;
    ASSERT_EQ(parse(frame, false, p), std::nullopt);
    EXPECT_EQ(p.l3, L3::arp);
    EXPECT_TRUE(p.multicast_mac);
    EXPECT_EQ(p.protocol, 0);
    EXPECT_EQ(p.l4_offset, 0);
    EXPECT_EQ(p.payload_offset, 14);
    EXPECT_EQ(p.payload_length, 46);
    EXPECT_FALSE(p.is_udp());
}

TEST(Packet, NothingOfAnEarlierPacketStays) {
    Packet used{};
    Frame first = join({ethernet(kEtherTypeIpv6, 7), ipv6(44, join({Frame{17, 0, 0, 1, 0, 0, 0, 9}, udp(4)}))});
    first[0] |= 1;
    ASSERT_EQ(parse(first, false, used), std::nullopt);
    ASSERT_TRUE(used.fragment && used.has_vlan && used.multicast_mac);
    Packet fresh{};
    for (const Frame& frame :
         {ipv4_frame(17, udp(3)), ipv6_frame(58, Frame(8)), join({ethernet(kEtherTypeArp), Frame(28)})}) {
        Packet reused = used;
        ASSERT_EQ(parse(frame, false, reused), std::nullopt);
        ASSERT_EQ(parse(frame, false, fresh), std::nullopt);
        EXPECT_EQ(reused.fragment, fresh.fragment);
        EXPECT_EQ(reused.has_vlan, fresh.has_vlan);
        EXPECT_EQ(reused.vlan, fresh.vlan);
        EXPECT_EQ(reused.multicast_mac, fresh.multicast_mac);
        EXPECT_EQ(reused.source_port, fresh.source_port);
        EXPECT_EQ(reused.udp_checksum, fresh.udp_checksum);
        EXPECT_EQ(reused.source, fresh.source);
        EXPECT_EQ(reused.ttl, fresh.ttl);
        EXPECT_EQ(reused.dscp_ecn, fresh.dscp_ecn);
    }
}

TEST(Packet, FragmentsAreMarkedFirstOneIncluded) {
    struct Case {
        const char* name;
        Frame frame;
        bool fragment;
    };
    Frame whole = ipv4_frame(17, udp(24));
    auto v4 = [&](uint8_t high, uint8_t low) {
        Frame f = patched(whole, {{20, high}, {21, low}, {24, 0}, {25, 0}});
        store_be16(&f[24], checksum(Bytes{f}.subspan(14, 20)));
        return f;
    };
    auto v6 = [](uint8_t high, uint8_t low) {
        return ipv6_frame(44, join({Frame{17, 0, high, low, 1, 2, 3, 4}, udp(24)}));
    };
    const Case cases[] = {
        {"IPv4 don't fragment", v4(0x40, 0), false},
        {"IPv4 first", v4(0x20, 0), true},
        {"IPv4 middle", v4(0x20, 3), true},
        {"IPv4 last", v4(0, 3), true},
        {"IPv6 first", v6(0, 1), true},
        {"IPv6 middle", v6(0, 9), true},
        {"IPv6 last", v6(1, 0), true},
        {"IPv6 atomic (RFC 6946)", v6(0, 0), false},
    };
    for (const Case& c : cases) {
        Packet p{};
        ASSERT_EQ(parse(c.frame, false, p), std::nullopt) << c.name;
        EXPECT_EQ(p.fragment, c.fragment) << c.name;
        EXPECT_EQ(p.is_udp(), !c.fragment) << c.name;
        EXPECT_EQ(p.protocol, 17) << c.name;
        EXPECT_EQ(p.payload_length, c.fragment ? 32 : 24) << c.name;
    }
}

TEST(Packet, Ipv6ExtensionHeaders) {
    const Frame pad{17, 0, 1, 4, 0, 0, 0, 0};
    const Frame more_pad{60, 0, 1, 4, 0, 0, 0, 0};
    Packet p{};
    ASSERT_EQ(parse(ipv6_frame(0, join({pad, udp(5)})), false, p), std::nullopt) << "hop-by-hop";
    EXPECT_EQ(p.payload_offset, 14 + 40 + 8 + 8);
    EXPECT_EQ(p.payload_length, 5);
    ASSERT_EQ(parse(ipv6_frame(0, join({more_pad, pad, udp(5)})), false, p), std::nullopt) << "and destination options";
    EXPECT_EQ(p.payload_offset, 14 + 40 + 16 + 8);
    EXPECT_TRUE(p.is_udp());
    const Frame router_alert{58, 0, 5, 2, 0, 0, 1, 0};
    ASSERT_EQ(parse(ipv6_frame(0, join({router_alert, Frame(8)})), false, p), std::nullopt) << "router alert";
    EXPECT_EQ(p.protocol, 58);
    ASSERT_EQ(parse(ipv6_frame(43, join({Frame{17, 0, 1, 0, 0, 0, 0, 0}, udp(5)})), false, p), std::nullopt)
        << "unknown routing type without segments left";
    EXPECT_TRUE(p.is_udp());
    ASSERT_EQ(parse(ipv6_frame(59, Frame(3)), false, p), std::nullopt) << "no next header";
    EXPECT_EQ(p.protocol, 59);

    Frame eight;
    for (int i = 0; i < 7; i++) eight = join({eight, more_pad});
    ASSERT_EQ(parse(ipv6_frame(60, join({eight, pad, udp(5)})), false, p), std::nullopt) << "eight headers";
    EXPECT_EQ(p.payload_length, 5);
    EXPECT_EQ(parse(ipv6_frame(60, join({eight, more_pad, pad, udp(5)})), false, p), Drop::ipv6_malformed) << "nine";
}

TEST(Packet, DropReasons) {
    struct Case {
        const char* name;
        Frame frame;
        Drop drop;
    };
    const Frame v4 = ipv4_frame(17, udp(20));
    const Frame v6 = ipv6_frame(17, udp(20));
    auto cut = [](Frame f, size_t length) {
        f.resize(length);
        return f;
    };
    auto mapped = [&](size_t at) {
        Frame f = v6;
        std::memcpy(&f[at], ip("::ffff:127.0.0.1").octets().data(), 16);
        return f;
    };
    auto routing = [](uint8_t type, uint8_t left) {
        return ipv6_frame(43, join({Frame{17, 2, type, left, 0, 0, 0, 0}, Frame(16), udp(4)}));
    };
    const Case cases[] = {
        {"empty", {}, Drop::ether_short},
        {"13 bytes", cut(v4, 13), Drop::ether_short},
        {"tag cut", cut(ethernet(kEtherTypeIpv4, 5), 17), Drop::ether_short},
        {"LLDP", ethernet(0x88cc), Drop::ether_type},
        {"two tags", join({ethernet(kEtherTypeVlan, 5), Frame{0, 6, 8, 0}, ipv4(17, udp(1))}), Drop::ether_type},
        {"length field of 802.3", ethernet(46), Drop::ether_type},

        {"IPv4 cut in the header", cut(v4, 14 + 19), Drop::ipv4_malformed},
        {"IPv4 with no bytes", cut(v4, 14), Drop::ipv4_malformed},
        {"IPv4 version 6", patched(v4, {{14, 0x65}}), Drop::ipv4_malformed},
        {"IPv4 header length 4", patched(v4, {{14, 0x44}}), Drop::ipv4_malformed},
        {"IPv4 header longer than packet", patched(ipv4_frame(17, Frame(4)), {{14, 0x4f}}), Drop::ipv4_malformed},
        {"IPv4 total length below header", patched(v4, {{16, 0}, {17, 19}}), Drop::ipv4_malformed},
        {"IPv4 total length beyond frame", cut(v4, v4.size() - 1), Drop::ipv4_malformed},
        {"IPv4 total length 65535", patched(v4, {{16, 0xff}, {17, 0xff}}), Drop::ipv4_malformed},
        {"IPv4 checksum", patched(v4, {{22, 63}}), Drop::ipv4_checksum},
        {"IPv4 checksum over options", patched(ipv4_frame(17, udp(4), {1, 1, 1, 1}), {{36, 0}}), Drop::ipv4_checksum},
        {"loose source route", ipv4_frame(17, udp(4), {131, 7, 4, 1, 2, 3, 4, 0}), Drop::ip_options},
        {"strict source route behind others", ipv4_frame(17, udp(4), {1, 7, 3, 4, 137, 3, 4, 0}), Drop::ip_options},
        {"option of length 0", ipv4_frame(17, udp(4), {7, 0, 0, 0}), Drop::ipv4_malformed},
        {"option of length 1", ipv4_frame(17, udp(4), {7, 1, 0, 0}), Drop::ipv4_malformed},
        {"option beyond header", ipv4_frame(17, udp(4), {7, 5, 0, 0}), Drop::ipv4_malformed},
        {"option without length", ipv4_frame(17, udp(4), {1, 1, 1, 7}), Drop::ipv4_malformed},

        {"IPv6 cut in the header", cut(v6, 14 + 39), Drop::ipv6_malformed},
        {"IPv6 version 4", patched(v6, {{14, 0x40}}), Drop::ipv6_malformed},
        {"IPv6 payload beyond frame", cut(v6, v6.size() - 1), Drop::ipv6_malformed},
        {"IPv6 source IPv4-mapped", mapped(14 + 8), Drop::martian_source},
        {"IPv6 destination IPv4-mapped", mapped(14 + 24), Drop::not_for_us},
        {"jumbogram", ipv6_frame(0, {}), Drop::ipv6_malformed},
        {"extension header cut", ipv6_frame(60, Frame(7)), Drop::ipv6_malformed},
        {"extension header beyond payload", ipv6_frame(60, {17, 1, 1, 4, 0, 0, 0, 0}), Drop::ipv6_malformed},
        {"extension header length 255", ipv6_frame(60, {17, 255, 1, 4, 0, 0, 0, 0}), Drop::ipv6_malformed},
        {"option beyond its header", ipv6_frame(60, join({Frame{17, 0, 1, 5, 0, 0, 0, 0}, udp(4)})),
         Drop::ipv6_malformed},
        {"option without length", ipv6_frame(60, join({Frame{17, 0, 1, 3, 0, 0, 0, 1}, udp(4)})), Drop::ipv6_malformed},
        {"option that may not be skipped", ipv6_frame(60, join({Frame{17, 0, 0xc9, 4, 0, 0, 0, 0}, udp(4)})),
         Drop::ip_options},
        {"hop-by-hop not first",
         ipv6_frame(60, join({Frame{0, 0, 1, 4, 0, 0, 0, 0}, Frame{17, 0, 1, 4, 0, 0, 0, 0}, udp(4)})),
         Drop::ipv6_malformed},
        {"routing type 0", routing(0, 0), Drop::ip_options},
        {"routing type 2", routing(2, 1), Drop::ip_options},
        {"routing type 3", routing(3, 0), Drop::ip_options},
        {"routing type 4", routing(4, 1), Drop::ip_options},
        {"unknown routing type with segments left", routing(99, 1), Drop::ip_options},
        {"fragment header cut", ipv6_frame(44, Frame(7)), Drop::ipv6_malformed},

        {"UDP cut", ipv4_frame(17, Frame(7)), Drop::udp_malformed},
        {"UDP length 7", ipv4_frame(17, patched(udp(4), {{5, 7}})), Drop::udp_malformed},
        {"UDP length 0", ipv4_frame(17, patched(udp(4), {{5, 0}})), Drop::udp_malformed},
        {"UDP length beyond IP", ipv4_frame(17, patched(udp(4), {{5, 13}})), Drop::udp_malformed},
        {"UDP length beyond IPv6", ipv6_frame(17, patched(udp(4), {{4, 0xff}})), Drop::udp_malformed},
        {"UDP without checksum over IPv6", ipv6_frame(17, udp(4, 0)), Drop::udp_checksum},
    };
    for (const Case& c : cases) {
        Packet p{};
        auto drop = parse(c.frame, false, p);
        EXPECT_EQ(drop, c.drop) << c.name << ": " << name_of(drop);
    }
}

TEST(Packet, ChecksumKnownGoodIsNotComputed) {
    Packet p{};
    Frame frame = patched(ipv4_frame(17, udp(4)), {{24, 0}, {25, 0}});
    EXPECT_EQ(parse(frame, true, p), std::nullopt);
    EXPECT_EQ(parse(frame, false, p), Drop::ipv4_checksum);
}

TEST(Packet, UdpWithoutChecksumOverIpv4) {
    Packet p{};
    ASSERT_EQ(parse(ipv4_frame(17, udp(4, 0)), false, p), std::nullopt);
    EXPECT_EQ(p.udp_checksum, 0);
}

TEST(Packet, EveryCutOfAGoodFrameIsDropped) {
    const Frame options{17, 0, 1, 4, 0, 0, 0, 0};
    for (const Frame& good : {ipv4_frame(17, udp(9), {1, 1, 1, 0}), ipv6_frame(60, join({options, udp(9)}))}) {
        Packet p{};
        ASSERT_EQ(parse(good, false, p), std::nullopt);
        for (size_t length = 0; length < good.size(); length++) {
            Frame frame(good.begin(), good.begin() + static_cast<ptrdiff_t>(length));
            EXPECT_NE(parse(frame, false, p), std::nullopt) << "cut to " << length;
        }
    }
}

}  // namespace
}  // namespace fedge::wire
