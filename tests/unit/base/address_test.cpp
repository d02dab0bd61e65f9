#include "dataplane/base/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "dataplane/base/random.h"

namespace fedge {
namespace {

IpAddress ip(const char* text) {
    return IpAddress::parse(text).value();
}

IpAddress random_address(Random& random) {
    if (random.below(2)) return IpAddress::v4(random.u32());
    uint8_t octets[16];
    random.fill(octets);
    return IpAddress::v6_bytes(octets);
}

TEST(IpAddress, ParsesAndPrints) {
    struct Case {
        const char* text;
        const char* printed;  // null: refused
        bool v4;
    };
    const Case cases[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"0.0.0.0", "0.0.0.0", true},
        {"255.255.255.255", "255.255.255.255", true},
        {"2001:db8::1", "2001:db8::1", false},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1", false},
        {"::", "::", false},
        {"::1", "::1", false},
        {"::ffff:192.0.2.1", "192.0.2.1", true},
        {"::ffff:c000:201", "192.0.2.1", true},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
        {"", nullptr, false},
        {"192.0.2", nullptr, false},
        {"192.0.2.256", nullptr, false},
        {"192.0.2.1 ", nullptr, false},
        {" 192.0.2.1", nullptr, false},
        {"192.0.2.1/24", nullptr, false},
        {"2001:db8::1::2", nullptr, false},
        {"2001:db8::1%eth0", nullptr, false},
        {"[2001:db8::1]", nullptr, false},
        {"1:2:3:4:5:6:7:8:9", nullptr, false},
        {"example.org", nullptr, false},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555555555555", nullptr, false},
    };
    for (const Case& c : cases) {
        auto address = IpAddress::parse(c.text);
        ASSERT_EQ(address.has_value(), c.printed != nullptr) << c.text;
        if (!address) continue;
        EXPECT_EQ(address->text(), c.printed);
        EXPECT_EQ(address->is_v4(), c.v4) << c.text;
        EXPECT_EQ(address->family(), c.v4 ? Family::ipv4 : Family::ipv6) << c.text;
        EXPECT_EQ(address->wire().size(), c.v4 ? 4U : 16U) << c.text;
    }
    EXPECT_FALSE(IpAddress::parse(std::string_view("192.0.2.1\0", 10))) << "a NUL inside is not an end";
}

TEST(IpAddress, RandomAddressesRoundTrip) {
    SeededRandom random{1};
    for (int i = 0; i < 20000; i++) {
        IpAddress a = random_address(random);
        ASSERT_EQ(IpAddress::parse(a.text()), a) << a.text();
        ASSERT_EQ(a.is_v4() ? IpAddress::v4_bytes(a.wire().data()) : IpAddress::v6_bytes(a.wire().data()), a);
    }
}

TEST(IpAddress, Kinds) {
    struct Case {
        const char* text;
        bool unspecified, multicast, loopback, link_local;
    };
    const Case cases[] = {
        {"0.0.0.0", true, false, false, false},
        {"::", true, false, false, false},
        {"0.0.0.1", false, false, false, false},
        {"127.0.0.1", false, false, true, false},
        {"127.255.255.255", false, false, true, false},
        {"::ffff:127.0.0.1", false, false, true, false},
        {"128.0.0.1", false, false, false, false},
        {"::1", false, false, true, false},
        {"::2", false, false, false, false},
        {"223.255.255.255", false, false, false, false},
        {"224.0.0.0", false, true, false, false},
        {"239.255.255.255", false, true, false, false},
        {"240.0.0.0", false, false, false, false},
        {"ff02::1", false, true, false, false},
        {"fe80::1", false, false, false, true},
        {"febf:ffff::1", false, false, false, true},
        {"fec0::1", false, false, false, false},
        {"fe7f::1", false, false, false, false},
        {"169.254.169.254", false, false, false, true},
        {"169.255.0.1", false, false, false, false},
        {"192.0.2.1", false, false, false, false},
        {"2001:db8::1", false, false, false, false},
    };
    for (const Case& c : cases) {
        IpAddress a = ip(c.text);
        EXPECT_EQ(a.is_unspecified(), c.unspecified) << c.text;
        EXPECT_EQ(a.is_multicast(), c.multicast) << c.text;
        EXPECT_EQ(a.is_loopback(), c.loopback) << c.text;
        EXPECT_EQ(a.is_link_local(), c.link_local) << c.text;
    }
}

TEST(IpAddress, OrderIsThatOfTheOctets) {
    SeededRandom random{2};
    for (int i = 0; i < 5000; i++) {
        IpAddress a = random_address(random);
        IpAddress b = random_address(random);
        bool less =
            std::lexicographical_compare(a.octets().begin(), a.octets().end(), b.octets().begin(), b.octets().end());
        ASSERT_EQ(a < b, less);
        ASSERT_EQ(a == b, a.octets() == b.octets());
    }
}

TEST(Endpoint, ParsesAndPrints) {
    struct Case {
        const char* text;
        bool valid;
    };
    const Case cases[] = {
        {"192.0.2.1:3478", true},
        {"192.0.2.1:0", true},
        {"192.0.2.1:65535", true},
        {"[2001:db8::1]:3478", true},
        {"[::]:1", true},
        {"192.0.2.1", false},
        {"192.0.2.1:", false},
        {"192.0.2.1:65536", false},
        {"192.0.2.1:-1", false},
        {"192.0.2.1:+1", false},
        {"192.0.2.1: 1", false},
        {"192.0.2.1:1x", false},
        {"[192.0.2.1]:1", false},
        {"2001:db8::1:3478", false},
        {"[2001:db8::1]", false},
        {"[2001:db8::1:3478", false},
        {"[]:1", false},
        {":1", false},
        {"", false},
        {"192.0.2.1:99999999999", false},
    };
    for (const Case& c : cases) {
        auto endpoint = Endpoint::parse(c.text);
        ASSERT_EQ(endpoint.has_value(), c.valid) << c.text;
        if (!endpoint) continue;
        EXPECT_EQ(endpoint->text(), c.text);
    }
}

TEST(Prefix, ParsesAndPrints) {
    struct Case {
        const char* text;
        int length;  // -1: refused
        const char* printed;
    };
    const Case cases[] = {
        {"192.0.2.0/24", 120, "192.0.2.0/24"},
        {"0.0.0.0/0", 96, "0.0.0.0/0"},
        {"192.0.2.1", 128, "192.0.2.1/32"},
        {"192.0.2.1/24", 120, "192.0.2.1/24"},
        {"2001:db8::/32", 32, "2001:db8::/32"},
        {"::/0", 0, "::/0"},
        {"2001:db8::1", 128, "2001:db8::1/128"},
        {"192.0.2.0/33", -1, ""},
        {"2001:db8::/129", -1, ""},
        {"192.0.2.0/", -1, ""},
        {"192.0.2.0/x", -1, ""},
        {"192.0.2.0/-1", -1, ""},
        {"192.0.2.0/24/24", -1, ""},
        {"/24", -1, ""},
        {"", -1, ""},
        {"192.0.2.0/256", -1, ""},
    };
    for (const Case& c : cases) {
        auto prefix = Prefix::parse(c.text);
        ASSERT_EQ(prefix.has_value(), c.length >= 0) << c.text;
        if (!prefix) continue;
        EXPECT_EQ(prefix->length, c.length) << c.text;
        EXPECT_EQ(prefix->text(), c.printed);
    }
}

// Bit by bit, against the arithmetic on 64-bit halves.
bool contains_bit_by_bit(const Prefix& prefix, const IpAddress& a) {
    for (size_t bit = 0; bit < prefix.length; bit++) {
        uint8_t mask = static_cast<uint8_t>(0x80 >> (bit % 8));
        if ((prefix.address.octets()[bit / 8] ^ a.octets()[bit / 8]) & mask) return false;
    }
    return true;
}

TEST(Prefix, ContainsWhatSharesItsBits) {
    SeededRandom random{3};
    for (int i = 0; i < 2000; i++) {
        IpAddress base = random_address(random);
        for (unsigned length = 0; length <= 128; length++) {
            Prefix prefix{base, static_cast<uint8_t>(length)};
            auto octets = base.octets();
            size_t bit = random.below(128);
            octets[bit / 8] ^= static_cast<uint8_t>(0x80 >> (bit % 8));
            IpAddress other = IpAddress::v6_bytes(octets.data());
            ASSERT_TRUE(prefix.contains(base));
            ASSERT_EQ(prefix.contains(other), contains_bit_by_bit(prefix, other))
                << prefix.text() << " " << other.text();
        }
    }
    EXPECT_FALSE(Prefix::parse("0.0.0.0/0")->contains(ip("2001:db8::1")));
    EXPECT_TRUE(Prefix::parse("0.0.0.0/0")->contains(ip("203.0.113.9")));
}

TEST(MacAddress, ParsesAndPrints) {
    struct Case {
        const char* text;
        bool valid;
    };
    const Case cases[] = {{"02:00:00:00:00:01", true},   {"ff:ff:ff:ff:ff:ff", true},
                          {"02:00:00:00:00:0", false},   {"02-00-00-00-00-01", false},
                          {"02:00:00:00:00:0g", false},  {"02:00:00:00:00:01:", false},
                          {"02:00:00:00:00:+1", false},  {"", false},
                          {"0200.0000.0001....", false}, {"02:00:00:00:00:-1", false},
                          {"0x:00:00:00:00:01", false}};
    for (const Case& c : cases) {
        auto mac = MacAddress::parse(c.text);
        ASSERT_EQ(mac.has_value(), c.valid) << c.text;
        if (!mac) continue;
        EXPECT_EQ(mac->text(), c.text);
    }
    EXPECT_EQ(MacAddress::parse("AA:BB:CC:DD:EE:FF")->text(), "aa:bb:cc:dd:ee:ff");
    EXPECT_TRUE(MacAddress::parse("01:00:5e:00:00:01")->is_multicast());
    EXPECT_FALSE(MacAddress::parse("02:00:5e:00:00:01")->is_multicast());
}

}  // namespace
}  // namespace fedge
