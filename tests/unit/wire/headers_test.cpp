#include "dataplane/wire/headers.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "dataplane/wire/packet.h"
#include "tests/support/hex.h"

namespace fedge::wire {
namespace {

using fedge::test::from_hex;
using Buffer = std::vector<uint8_t>;

IpAddress ip(const char* text) {
    return IpAddress::parse(text).value();
}

const MacAddress kTo{{2, 0, 0, 0, 0, 1}};
const MacAddress kFrom{{2, 0, 0, 0, 0, 2}};

TEST(Headers, Ethernet) {
    Buffer out(18, 0xee);
    EXPECT_EQ(write_ethernet(out.data(), kTo, kFrom, 0, kEtherTypeIpv4), 14U);
    EXPECT_EQ(out, from_hex("020000000001 020000000002 0800 eeeeeeee"));
    EXPECT_EQ(write_ethernet(out.data(), kTo, kFrom, 4094, kEtherTypeIpv6), 18U);
    EXPECT_EQ(out, from_hex("020000000001 020000000002 8100 0ffe 86dd"));
}

TEST(Headers, Ipv4) {
    Buffer out(20, 0xee);
    IpFields fields{.protocol = 17, .ttl = 64, .dont_fragment = true, .payload_length = 0x73 - 20};
    EXPECT_EQ(write_ip(out.data(), ip("192.168.0.1"), ip("192.168.0.199"), fields), 20U);
    EXPECT_EQ(out, from_hex("4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7"));
    fields.checksum_by_device = true;
    fields.dscp_ecn = 0xb8;
    fields.dont_fragment = false;
    fields.identification = 0x1234;
    write_ipv4(out.data(), ip("192.168.0.1"), ip("192.168.0.199"), fields);
    EXPECT_EQ(out, from_hex("45b8 0073 1234 0000 4011 0000 c0a8 0001 c0a8 00c7"));
}

TEST(Headers, Ipv6) {
    Buffer out(40, 0xee);
    IpFields fields{.protocol = 58, .ttl = 255, .dscp_ecn = 0xb8, .payload_length = 24};
    EXPECT_EQ(write_ip(out.data(), ip("fe80::1"), ip("ff02::1"), fields), 40U);
    EXPECT_EQ(out, from_hex("6b80 0000 0018 3aff fe800000000000000000000000000001 ff020000000000000000000000000001"));
}

TEST(Headers, Udp) {
    Buffer out(8);
    EXPECT_EQ(write_udp(out.data(), 3478, 50000, 172, 0xffff), 8U);
    EXPECT_EQ(out, from_hex("0d96 c350 00b4 ffff"));
}

TEST(Headers, GroupMacAddresses) {
    EXPECT_EQ(multicast_mac(ip("224.0.0.1")).text(), "01:00:5e:00:00:01");
    EXPECT_EQ(multicast_mac(ip("239.255.1.2")).text(), "01:00:5e:7f:01:02");
    EXPECT_EQ(multicast_mac(ip("ff02::1:ffab:cdef")).text(), "33:33:ff:ab:cd:ef");
}

TEST(Headers, WhatIsWrittenParses) {
    struct Case {
        const char* source;
        const char* destination;
        uint16_t vlan;
    };
    const Case cases[] = {{"192.0.2.1", "198.51.100.7", 0},
                          {"192.0.2.1", "198.51.100.7", 100},
                          {"2001:db8::1", "2001:db8::2", 0},
                          {"2001:db8::1", "2001:db8::2", 100}};
    for (const Case& c : cases) {
        Buffer frame(18 + 40 + 8 + 5);
        IpAddress source = ip(c.source);
        size_t at = write_ethernet(frame.data(), kTo, kFrom, c.vlan, ether_type(source.family()));
        IpFields fields{.ttl = 63, .dscp_ecn = 0x2e, .payload_length = 8 + 5};
        size_t ip_header = write_ip(&frame[at], source, ip(c.destination), fields);
        EXPECT_EQ(ip_header, ip_header_length(source.family()));
        at += ip_header;
        at += write_udp(&frame[at], 1, 2, 5, 3);
        frame.resize(at + 5);
        Packet p{};
        ASSERT_EQ(parse(frame, false, p), std::nullopt);
        EXPECT_EQ(p.source, source);
        EXPECT_EQ(p.destination, ip(c.destination));
        EXPECT_EQ(p.vlan, c.vlan);
        EXPECT_EQ(p.ttl, 63);
        EXPECT_EQ(p.dscp_ecn, 0x2e);
        EXPECT_EQ(p.source_port, 1);
        EXPECT_EQ(p.destination_port, 2);
        EXPECT_EQ(p.udp_checksum, 3);
        EXPECT_EQ(p.payload_length, 5);
        EXPECT_EQ(p.payload_offset, at);
    }
}

}  // namespace
}  // namespace fedge::wire
