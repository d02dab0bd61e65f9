#include "dataplane/ip/interfaces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/support/ip_lab.h"

namespace fedge::ip {
namespace {

using test::compile;
using test::ip;
using testing::HasSubstr;

const test::SnapshotText kTwoSides{
    .interfaces =
        {{"outside", "wan", {"192.0.2.1/24", "192.0.2.9/24", "2001:db8:1::1/64"}, {"192.0.2.254", "fe80::99"}},
         {"inside", "lan", {"198.51.100.1/25", "2001:db8:2::1/64"}, {}, 7}},
    .routes = {{"10.0.0.0/8", "198.51.100.2", "inside"}, {"10.1.0.0/16", "192.0.2.253", "outside"}},
    .relays = {"192.0.2.1", "192.0.2.50", "203.0.113.5", "2001:db8:1::50"}};

// The plain case of owner().
uint16_t ipv4_owner(const Interfaces& t, const char* address) {
    uint32_t place = t.find_ipv4(ip(address).v4_wire_order());
    return place == Interfaces::kNoLocal ? kNoInterface : t.ipv4_locals()[place].interface;
}

TEST(Interfaces, KnowsOwnAddressesAndTheirInterfaces) {
    auto t = compile(kTwoSides);
    ASSERT_EQ(t->count(), 2);
    const std::pair<const char*, uint16_t> cases[] = {
        {"192.0.2.1", 0},     {"192.0.2.9", 0},          {"2001:db8:1::1", 0},          {"198.51.100.1", 1},
        {"192.0.2.50", 0},    {"203.0.113.5", 0},        {"2001:db8:1::50", 0},         {"192.0.2.2", kNoInterface},
        {"::", kNoInterface}, {"0.0.0.0", kNoInterface}, {"192.0.2.254", kNoInterface},
    };
    for (auto [address, interface] : cases) {
        EXPECT_EQ(t->owner(ip(address)), interface) << address;
        if (ip(address).is_v4()) {
            EXPECT_EQ(ipv4_owner(*t, address), interface) << address;
        }
    }
    EXPECT_TRUE(t->has(0, ip("192.0.2.1")));
    EXPECT_FALSE(t->has(1, ip("192.0.2.1")));
    EXPECT_EQ((*t)[0].link_local, ip("fe80::ff:fe00:a0"));
    EXPECT_TRUE(t->has(0, ip("fe80::ff:fe00:a0")));
    EXPECT_FALSE(t->has(1, ip("fe80::ff:fe00:a0")));
}

TEST(Interfaces, FindsByPortAndVlan) {
    auto t = compile(kTwoSides);
    EXPECT_EQ(t->find(0, 0), 0);
    EXPECT_EQ(t->find(1, 7), 1);
    EXPECT_EQ(t->find(1, 0), kNoInterface);
    EXPECT_EQ(t->find(0, 7), kNoInterface);
    EXPECT_EQ(t->find(5, 0), kNoInterface);
    EXPECT_EQ(t->find(999, 0), kNoInterface);
}

TEST(Interfaces, LongestPrefixWins) {
    auto t = compile(kTwoSides);
    struct Case {
        const char* destination;
        NextHop hop;
    };
    const Case cases[] = {
        {"192.0.2.77", {0, ip("192.0.2.77"), false}},     {"198.51.100.77", {1, ip("198.51.100.77"), false}},
        {"198.51.100.200", {0, ip("192.0.2.254"), true}},  // outside the /25
        {"10.2.3.4", {1, ip("198.51.100.2"), true}},      {"10.1.3.4", {0, ip("192.0.2.253"), true}},
        {"203.0.113.99", {0, ip("192.0.2.254"), true}},   {"2001:db8:2::5", {1, ip("2001:db8:2::5"), false}},
        {"2001:db8:3::5", {0, ip("fe80::99"), true}},
    };
    for (const Case& c : cases) EXPECT_EQ(t->route(ip(c.destination), kNoInterface), c.hop) << c.destination;
    EXPECT_EQ(t->route(ip("fe80::5"), 1), (NextHop{1, ip("fe80::5"), false}));
    EXPECT_EQ(t->route(ip("fe80::5"), kNoInterface), std::nullopt);
}

TEST(Interfaces, AnIpv6DefaultRouteCarriesNoIpv4) {
    auto t = compile({.interfaces = {{"a", "wan", {"2001:db8::1/64", "192.0.2.1/24"}, {"2001:db8::fe"}}}});
    EXPECT_EQ(t->route(ip("203.0.113.1"), 0), std::nullopt);
    EXPECT_EQ(t->route(ip("2001:db8:5::1"), 0), (NextHop{0, ip("2001:db8::fe"), true}));
}

TEST(Interfaces, EachUplinkAnswersForItsOwnAddresses) {
    auto t = compile({.interfaces = {{"a", "wan", {"192.0.2.1/24"}, {"192.0.2.254"}},
                                     {"b", "lan", {"198.51.100.1/24"}, {"198.51.100.254"}}}});
    EXPECT_EQ(t->route(ip("203.0.113.1"), 0), (NextHop{0, ip("192.0.2.254"), true}));
    EXPECT_EQ(t->route(ip("203.0.113.1"), 1), (NextHop{1, ip("198.51.100.254"), true}));
}

TEST(Interfaces, AsksWithAnAddressOfTheNeighborsSubnet) {
    auto t = compile({.interfaces = {{"a", "wan", {"192.0.2.1/24", "198.51.100.1/24", "2001:db8::1/64"}}}});
    EXPECT_EQ(t->source_for(0, ip("198.51.100.7")), ip("198.51.100.1"));
    EXPECT_EQ(t->source_for(0, ip("203.0.113.7")), ip("192.0.2.1"));
    EXPECT_EQ(t->source_for(0, ip("2001:db8::7")), ip("2001:db8::1"));
    EXPECT_EQ(t->source_for(0, ip("fe80::7")), (*t)[0].link_local);
}

TEST(Interfaces, RemembersPrefixesOfOtherInterfacesOnly) {
    auto t = compile(kTwoSides);
    EXPECT_EQ((*t)[0].foreign, (std::vector{*Prefix::parse("198.51.100.0/25"), *Prefix::parse("2001:db8:2::/64")}));
    auto shared = compile({.interfaces = {{"a", "wan", {"192.0.2.1/24"}}, {"b", "lan", {"192.0.2.2/25"}}}});
    EXPECT_TRUE((*shared)[0].foreign.empty());
    EXPECT_TRUE((*shared)[1].foreign.empty());
}

TEST(Interfaces, HoldsThousandsOfRelayAddresses) {
    std::vector<std::string> texts;
    for (int i = 0; i < 4000; i++)
        texts.push_back("198.18." + std::to_string(i / 250) + "." + std::to_string(1 + i % 250));
    test::SnapshotText text{.interfaces = {{"a", "wan", {"198.18.255.1/16"}}}};
    for (const auto& t : texts) text.relays.push_back(t.c_str());
    auto t = compile(text);
    for (const auto& a : texts) {
        ASSERT_EQ(t->owner(ip(a.c_str())), 0) << a;
        ASSERT_EQ(ipv4_owner(*t, a.c_str()), 0) << a;
    }
    EXPECT_EQ(t->owner(ip("198.18.200.1")), kNoInterface);
    EXPECT_EQ(ipv4_owner(*t, "198.18.200.1"), kNoInterface);
    EXPECT_EQ(t->announcements().size(), 4001U);
}

TEST(Interfaces, TellsWhatIsNewAndWhatStayed) {
    test::SnapshotText text{.interfaces = {{"a", "wan", {"192.0.2.1/24"}}, {"b", "lan", {"198.51.100.1/24"}}}};
    auto before = compile(text);
    EXPECT_EQ(before->announcements().size(), 2U);
    std::swap(text.interfaces[0], text.interfaces[1]);
    text.interfaces[0].addresses.push_back("198.51.100.2/24");
    auto after = compile(text, before.get());
    EXPECT_EQ(after->renumber(0), 1);
    EXPECT_EQ(after->renumber(1), 0);
    EXPECT_EQ(after->renumber(9), kNoInterface);
    ASSERT_EQ(after->announcements().size(), 1U);
    EXPECT_EQ(after->announcements()[0].address, ip("198.51.100.2"));
    text.interfaces.erase(text.interfaces.begin() + 1);
    EXPECT_EQ(compile(text, after.get())->renumber(1), kNoInterface);
}

TEST(Interfaces, RefusalsNameTheInterfaceAndTheFix) {
    struct Case {
        test::SnapshotText text;
        const char* words;
    };
    using I = test::InterfaceText;
    const I good{"a", "wan", {"192.0.2.1/24"}};
    const Case cases[] = {
        {{{good, {"a", "lan", {}}}}, "interface a: the name is used twice"},
        {{{{"a", "dmz", {}}}}, "interface a: no port dmz in the boot configuration; there are: wan, lan"},
        {{{good, {"b", "wan", {}}}}, "interface b: has the port and VLAN of interface a; give one of them a VLAN"},
        {{{{"a", "wan", {}, {}, 4095}}}, "interface a: VLAN 4095; use 1 to 4094"},
        {{{{"a", "wan", {}, {}, 0, 9000}}}, "interface a: MTU 9000 is more than the 1500 of port wan"},
        {{{{"a", "wan", {}, {}, 0, 500}}}, "interface a: MTU 500; the least is 576"},
        {{{{"a", "wan", {"2001:db8::1/64"}, {}, 0, 1000}}}, "IPv6 needs an MTU of 1280"},
        {{{{"a", "wan", {"224.0.0.1/24"}}}}, "address 224.0.0.1/24: not an address that a host can have"},
        {{{{"a", "wan", {"127.0.0.1/8"}}}}, "not an address that a host can have"},
        {{{{"a", "wan", {"fe80::1/64"}}}}, "link-local addresses are made from the MAC address"},
        {{{good, {"b", "lan", {"192.0.2.1/24"}}}}, "interface b: address 192.0.2.1/24: interface a has it already"},
        {{{{"a", "wan", {"192.0.2.1/24"}, {"198.51.100.1"}}}}, "gateway 198.51.100.1 is not on-link of interface a"},
        {{{{"a", "wan", {"192.0.2.1/24"}, {"192.0.2.1"}}}}, "gateway 192.0.2.1 is not the address of another host"},
        {{{{"a", "wan", {"192.0.2.1/24"}, {"fe80::1"}}}}, "gateway fe80::1 is not on-link"},
        {{{{"a", "wan", {"192.0.2.1/24"}, {"192.0.2.2", "192.0.2.3"}}}},
         "there is a route to this prefix on interface a already"},
        {{{good}, {{"10.0.0.0/8", "192.0.2.2", "b"}}}, "route 10.0.0.0/8: no interface b"},
        {{{good}, {{"10.0.0.0/8", "203.0.113.2", "a"}}}, "route 10.0.0.0/8: gateway 203.0.113.2 is not on-link"},
        {{{good}, {{"2001:db8::/32", "192.0.2.2", "a"}}}, "gateway 192.0.2.2 is of the other address family"},
        {{{good}, {}, {"203.0.113.1"}},
         "relay address 203.0.113.1: on-link of no interface, and no route leads out of one"},
        {{{good}, {}, {"127.0.0.1"}}, "relay address 127.0.0.1: not an address that a relay can have"},
    };
    for (const Case& c : cases) {
        try {
            compile(c.text);
            ADD_FAILURE() << "accepted, expected: " << c.words;
        } catch (const std::invalid_argument& e) {
            EXPECT_THAT(e.what(), HasSubstr(c.words));
        }
    }
}

}  // namespace
}  // namespace fedge::ip
