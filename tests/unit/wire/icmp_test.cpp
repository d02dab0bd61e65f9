#include "dataplane/wire/icmp.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "dataplane/wire/checksum.h"
#include "tests/support/hex.h"
#include "tests/unit/wire/frames.h"

namespace fedge::wire {
namespace {

using fedge::test::from_hex;
using test::Frame;
using test::ip;
using test::ipv4;
using test::ipv6;
using test::join;
using test::udp;

const IpAddress kSource = ip("2001:db8::1");
const IpAddress kDestination = ip("2001:db8::2");

Frame sealed_v4(Frame message) {
    store_be16(&message[2], 0);
    store_be16(&message[2], checksum(message));
    return message;
}

Frame sealed_v6(Frame message) {
    store_be16(&message[2], 0);
    store_be16(&message[2], transport_checksum(kSource, kDestination, 58, message));
    return message;
}

TEST(Icmp, EchoRequest) {
    // 0800 + 0001 + 0009 + 6162 + 6364 + 6566 + 6768 = 1999e, folded 999f, complemented 6660.
    auto bytes = from_hex("0800 6660 0001 0009 6162636465666768");
    auto echo = Icmp::parse_v4(bytes);
    ASSERT_TRUE(echo);
    EXPECT_EQ(echo->kind(), Icmp::Kind::echo_request);
    EXPECT_EQ(echo->identifier(), 1);
    EXPECT_EQ(echo->sequence(), 9);
    EXPECT_EQ(text_of(echo->data()), "abcdefgh");
    EXPECT_FALSE(echo->quoted());
    EXPECT_EQ(echo->mtu(), 0U);
}

TEST(Icmp, ReplyInPlaceHasARightChecksum) {
    for (uint32_t word = 0; word < 0x10000; word += 0x101) {
        Frame v4 = sealed_v4(join(
            {from_hex("0800 0000 0001 0009"), Frame{static_cast<uint8_t>(word >> 8), static_cast<uint8_t>(word)}}));
        turn_into_echo_reply(Family::ipv4, v4);
        auto reply = Icmp::parse_v4(v4);
        ASSERT_TRUE(reply) << word;
        EXPECT_EQ(reply->kind(), Icmp::Kind::echo_reply);
        EXPECT_EQ(reply->identifier(), 1);

        Frame v6 = sealed_v6(join(
            {from_hex("8000 0000 0001 0009"), Frame{static_cast<uint8_t>(word >> 8), static_cast<uint8_t>(word)}}));
        turn_into_echo_reply(Family::ipv6, v6);
        auto reply6 = Icmp::parse_v6(kDestination, kSource, v6);
        ASSERT_TRUE(reply6) << word;
        EXPECT_EQ(reply6->kind(), Icmp::Kind::echo_reply);
    }
}

// RFC 1624 cannot tell the two zeros of ones' complement apart; a reply of nothing but zeros needs the other one.
TEST(Icmp, ReplyOfAllZerosHasARightChecksum) {
    Frame message = sealed_v4(from_hex("0800 0000 0000 0000"));
    turn_into_echo_reply(Family::ipv4, message);
    EXPECT_EQ(message, from_hex("0000 ffff 0000 0000"));
    EXPECT_TRUE(Icmp::parse_v4(message));
}

TEST(Icmp, ShortOrWrongChecksumIsRefused) {
    Frame v4 = sealed_v4(from_hex("0800 0000 0001 0009 616263"));
    ASSERT_TRUE(Icmp::parse_v4(v4));
    for (size_t length = 0; length < 8; length++) {
        Frame cut = sealed_v4(from_hex("0800 0000 0001 0009"));
        cut.resize(length);
        EXPECT_FALSE(Icmp::parse_v4(cut)) << length;
        EXPECT_FALSE(Icmp::parse_v6(kSource, kDestination, cut)) << length;
    }
    for (size_t i = 0; i < v4.size(); i++) {
        v4[i] ^= 1;
        EXPECT_FALSE(Icmp::parse_v4(v4)) << "byte " << i;
        v4[i] ^= 1;
    }
    Frame v6 = sealed_v6(from_hex("8000 0000 0001 0009 616263"));
    ASSERT_TRUE(Icmp::parse_v6(kSource, kDestination, v6));
    EXPECT_FALSE(Icmp::parse_v6(kSource, ip("2001:db8::3"), v6)) << "the pseudo header counts";
    EXPECT_FALSE(Icmp::parse_v4(v6));
}

TEST(Icmp, KindsByFamily) {
    struct Case {
        uint8_t type;
        Icmp::Kind v4, v6;
    };
    using Kind = Icmp::Kind;
    const Case cases[] = {
        {0, Kind::echo_reply, Kind::error},     {3, Kind::error, Kind::error},        {4, Kind::other, Kind::error},
        {5, Kind::other, Kind::error},          {8, Kind::echo_request, Kind::error}, {11, Kind::error, Kind::error},
        {12, Kind::error, Kind::error},         {13, Kind::other, Kind::error},       {127, Kind::other, Kind::error},
        {128, Kind::other, Kind::echo_request}, {129, Kind::other, Kind::echo_reply}, {134, Kind::other, Kind::other},
        {135, Kind::other, Kind::other},        {137, Kind::other, Kind::other},
    };
    for (const Case& c : cases) {
        Frame message(8);
        message[0] = c.type;
        EXPECT_EQ(Icmp::parse_v4(sealed_v4(message))->kind(), c.v4) << int{c.type};
        EXPECT_EQ(Icmp::parse_v6(kSource, kDestination, sealed_v6(message))->kind(), c.v6) << int{c.type};
    }
}

TEST(Icmp, QuotedPacket) {
    struct Case {
        const char* name;
        Family family;
        Frame quote;
        bool readable;
        bool has_ports;
    };
    auto cut = [](Frame f, size_t length) {
        f.resize(length);
        return f;
    };
    Frame fragment = ipv4(17, udp(8));
    fragment[7] = 1;
    Frame long_header = ipv4(17, udp(8), {1, 1, 1, 0});
    Frame mapped = ipv6(17, udp(8));
    std::copy_n(ip("::ffff:192.0.2.1").octets().begin(), 16, mapped.begin() + 8);
    const Case cases[] = {
        {"IPv4 UDP", Family::ipv4, ipv4(17, udp(8)), true, true},
        {"IPv4 UDP with options", Family::ipv4, long_header, true, true},
        {"IPv4 as short as RFC 792 allows", Family::ipv4, cut(ipv4(17, udp(8)), 28), true, true},
        {"IPv4 ports cut", Family::ipv4, cut(ipv4(17, udp(8)), 23), true, false},
        {"IPv4 header cut", Family::ipv4, cut(ipv4(17, udp(8)), 19), false, false},
        {"IPv4 options cut", Family::ipv4, cut(long_header, 23), false, false},
        {"IPv4 later fragment", Family::ipv4, fragment, true, false},
        {"IPv4 ICMP", Family::ipv4, ipv4(1, Frame(8)), true, false},
        {"nothing", Family::ipv4, {}, false, false},
        {"IPv6 in ICMP for IPv4", Family::ipv4, ipv6(17, udp(8)), false, false},
        {"IPv6 UDP", Family::ipv6, ipv6(17, udp(8)), true, true},
        {"IPv6 header cut", Family::ipv6, cut(ipv6(17, udp(8)), 39), false, false},
        {"IPv6 ports cut", Family::ipv6, cut(ipv6(17, udp(8)), 43), true, false},
        {"IPv6 extension header", Family::ipv6, ipv6(60, Frame(8)), true, false},
        {"IPv6 IPv4-mapped", Family::ipv6, mapped, false, false},
        {"IPv4 in ICMPv6", Family::ipv6, ipv4(17, udp(40)), false, false},
    };
    for (const Case& c : cases) {
        bool v4 = c.family == Family::ipv4;
        Frame message = join({v4 ? from_hex("0303 0000 00000000") : from_hex("0104 0000 00000000"), c.quote});
        message = v4 ? sealed_v4(message) : sealed_v6(message);
        auto error = v4 ? Icmp::parse_v4(message) : Icmp::parse_v6(kSource, kDestination, message);
        ASSERT_TRUE(error) << c.name;
        ASSERT_EQ(error->kind(), Icmp::Kind::error) << c.name;
        auto quoted = error->quoted();
        ASSERT_EQ(quoted.has_value(), c.readable) << c.name;
        if (!quoted) continue;
        EXPECT_EQ(quoted->source, ip(v4 ? "192.0.2.1" : "2001:db8::1")) << c.name;
        EXPECT_EQ(quoted->destination, ip(v4 ? "198.51.100.7" : "2001:db8::2")) << c.name;
        ASSERT_EQ(quoted->has_ports, c.has_ports) << c.name;
        EXPECT_EQ(quoted->source_port, c.has_ports ? 5000 : 0) << c.name;
        EXPECT_EQ(quoted->destination_port, c.has_ports ? 3478 : 0) << c.name;
    }
}

TEST(Icmp, MtuOnlyWhereItIsOne) {
    EXPECT_EQ(Icmp::parse_v4(sealed_v4(from_hex("0304 0000 0000 0578")))->mtu(), 1400U);
    EXPECT_EQ(Icmp::parse_v4(sealed_v4(from_hex("0303 0000 0000 0578")))->mtu(), 0U) << "port unreachable";
    EXPECT_EQ(Icmp::parse_v4(sealed_v4(from_hex("0b04 0000 0000 0578")))->mtu(), 0U) << "time exceeded";
    EXPECT_EQ(Icmp::parse_v6(kSource, kDestination, sealed_v6(from_hex("0200 0000 00000514")))->mtu(), 1300U);
    EXPECT_EQ(Icmp::parse_v6(kSource, kDestination, sealed_v6(from_hex("0400 0000 00000514")))->mtu(), 0U) << "pointer";
}

TEST(Icmp, WrittenErrorsParseAndAreBounded) {
    struct Case {
        const char* name;
        bool v4;
        size_t payload;
        size_t room;
        size_t expected;
    };
    const Case cases[] = {
        {"small IPv4", true, 20, 2000, 8 + 28 + 20},
        {"large IPv4", true, 1400, 2000, 576 - 20},
        {"small IPv6", false, 20, 2000, 8 + 48 + 20},
        {"large IPv6", false, 1400, 2000, 1280 - 40},
        {"little room", true, 1400, 40, 40},
        {"room for the header", true, 1400, 8, 8},
        {"no room", true, 1400, 7, 0},
    };
    for (const Case& c : cases) {
        Frame offending = c.v4 ? ipv4(17, udp(c.payload)) : ipv6(17, udp(c.payload));
        IpAddress us = c.v4 ? ip("198.51.100.7") : kDestination;
        IpAddress them = c.v4 ? ip("192.0.2.1") : kSource;
        Frame out(c.room + 4, 0xee);
        size_t length = write_icmp_error(MutableBytes{out}.first(c.room), us, them,
                                         c.v4 ? icmp::kUnreachable : icmpv6::kUnreachable,
                                         c.v4 ? icmp::kPortUnreachable : icmpv6::kPortUnreachable, 0, offending);
        ASSERT_EQ(length, c.expected) << c.name;
        for (size_t i = length; i < out.size(); i++) ASSERT_EQ(out[i], 0xee) << c.name;
        if (length == 0) continue;
        Bytes message = Bytes{out}.first(length);
        auto error = c.v4 ? Icmp::parse_v4(message) : Icmp::parse_v6(us, them, message);
        ASSERT_TRUE(error) << c.name;
        EXPECT_EQ(error->kind(), Icmp::Kind::error) << c.name;
        if (length < 40) continue;
        ASSERT_TRUE(error->quoted()) << c.name;
        EXPECT_EQ(error->quoted()->source_port, 5000) << c.name;
    }
}

}  // namespace
}  // namespace fedge::wire
