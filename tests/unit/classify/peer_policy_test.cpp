#include "dataplane/classify/peer_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace fedge::classify {
namespace {

using enum PeerVerdict;

IpAddress ip(std::string_view text) {
    return IpAddress::parse(text).value();
}
Prefix prefix(std::string_view text) {
    return Prefix::parse(text).value();
}

std::vector<Prefix> prefixes(std::initializer_list<const char*> texts) {
    std::vector<Prefix> list;
    for (const char* t : texts) list.push_back(prefix(t));
    return list;
}

std::string hex16(uint32_t v) {
    char text[5];
    std::snprintf(text, sizeof(text), "%x", v & 0xffff);
    return text;
}

// Every way known to write an IPv4 address as an IPv6 address. An outer form stands for "reaches this IPv4 address".
struct Form {
    const char* name;
    IpAddress (*make)(uint32_t v4);
    bool open;  // the outer form is allowed by default, so that only what is inside can refuse it
};

std::string pair(uint32_t v4) {
    return hex16(v4 >> 16) + ":" + hex16(v4);
}

const Form kForms[] = {
    {"plain", [](uint32_t a) { return IpAddress::v4(a); }, true},
    {"IPv4-mapped", [](uint32_t a) { return ip("::ffff:" + pair(a)); }, true},
    {"IPv4-compatible", [](uint32_t a) { return ip("::" + pair(a)); }, false},
    {"IPv4-translated", [](uint32_t a) { return ip("::ffff:0:" + pair(a)); }, false},
    {"NAT64", [](uint32_t a) { return ip("64:ff9b::" + pair(a)); }, true},
    {"NAT64 local use", [](uint32_t a) { return ip("64:ff9b:1:2:3:4:" + pair(a)); }, false},
    {"6to4", [](uint32_t a) { return ip("2002:" + pair(a) + "::1"); }, true},
    {"6to4 host", [](uint32_t a) { return ip("2002:" + pair(a) + ":ffff:aaaa:bbbb:cccc:dddd"); }, true},
    {"Teredo server", [](uint32_t a) { return ip("2001:0:" + pair(a) + ":0:1234:" + pair(~0x08080808U)); }, true},
    {"Teredo client", [](uint32_t a) { return ip("2001:0:808:808:8000:1234:" + pair(~a)); }, true},
    {"ISATAP", [](uint32_t a) { return ip("2a00:1:2:3:0:5efe:" + pair(a)); }, true},
    {"ISATAP universal", [](uint32_t a) { return ip("2a00:1:2:3:200:5efe:" + pair(a)); }, true},
    {"ISATAP link-local", [](uint32_t a) { return ip("fe80::5efe:" + pair(a)); }, false},
    {"ISATAP in 6to4", [](uint32_t a) { return ip("2002:808:808:0:0:5efe:" + pair(a)); }, true},
};

struct Range {
    const char* name;
    const char* first;
    const char* last;
};

// TURN threats: CVE-2020-26262, CVE-2026-27624, "coturn 4.13.1 fixes", and the rest of the IANA registry.
const Range kDeniedIpv4[] = {
    {"CVE-2020-26262 this network", "0.0.0.0", "0.255.255.255"},
    {"CVE-2020-26262 loopback", "127.0.0.0", "127.255.255.255"},
    {"4.13.1 link-local", "169.254.0.0", "169.254.255.255"},
    {"4.13.1 metadata service", "169.254.169.254", "169.254.169.254"},
    {"private 10", "10.0.0.0", "10.255.255.255"},
    {"carrier NAT", "100.64.0.0", "100.127.255.255"},
    {"private 172", "172.16.0.0", "172.31.255.255"},
    {"protocol assignments", "192.0.0.0", "192.0.0.255"},
    {"6to4 anycast", "192.88.99.0", "192.88.99.255"},
    {"private 192", "192.168.0.0", "192.168.255.255"},
    {"benchmarking", "198.18.0.0", "198.19.255.255"},
    {"multicast", "224.0.0.0", "239.255.255.255"},
    {"reserved", "240.0.0.0", "255.255.255.254"},
    {"broadcast", "255.255.255.255", "255.255.255.255"},
};

TEST(PeerPolicyThreats, DeniedIpv4RangesInEveryForm) {
    PeerPolicy policy{{}, {}, {}};
    for (const Range& range : kDeniedIpv4)
        for (const Form& form : kForms)
            for (const char* text : {range.first, range.last})
                EXPECT_EQ(policy.verdict(form.make(ip(text).v4_host_order())), denied_special)
                    << range.name << ", " << form.name << " of " << text;
}

TEST(PeerPolicyThreats, CVE_2020_26262_zero_and_loopback) {
    PeerPolicy policy{{}, {}, {}};
    for (const char* peer : {"0.0.0.0", "0.0.0.1", "127.0.0.1", "127.1.2.3", "::", "::1"})
        EXPECT_EQ(policy.verdict(ip(peer)), denied_special) << peer;
}

TEST(PeerPolicyThreats, CVE_2026_27624_mapped_loopback) {
    PeerPolicy policy{{}, {}, {}};
    EXPECT_EQ(policy.verdict(ip("::ffff:127.0.0.1")), denied_special);
    EXPECT_EQ(policy.verdict(ip("::ffff:7f00:1")), denied_special);
}

TEST(PeerPolicyThreats, Coturn_4_13_1_ipv6_ranges_and_own_addresses) {
    const std::vector<IpAddress> own = {ip("192.0.2.1"), ip("2001:db8::1"), ip("198.51.100.7")};
    PeerPolicy policy{{}, {}, own};
    const char* denied[] = {"fe80::",       "fe80::1",      "febf:ffff::1", "fc00::1",
                            "fd12:3456::1", "fdff:ffff::1", "fec0::1",      "feff:ffff::1"};
    for (const char* peer : denied) EXPECT_EQ(policy.verdict(ip(peer)), denied_special) << peer;
    for (const IpAddress& peer : own) EXPECT_EQ(policy.verdict(peer), denied_own) << peer.text();
    EXPECT_EQ(policy.verdict(ip("192.0.2.2")), allowed);
    EXPECT_EQ(policy.verdict(ip("192.0.2.0")), allowed);
    EXPECT_EQ(policy.verdict(ip("2001:db8::2")), allowed);
    for (const Form& form : kForms) {
        PeerVerdict expected = form.open ? denied_own : denied_special;
        EXPECT_EQ(policy.verdict(form.make(ip("192.0.2.1").v4_host_order())), expected) << form.name;
    }
}

TEST(PeerPolicy, Ipv6SpecialPurposeRegistry) {
    PeerPolicy policy{{}, {}, {}};
    const char* denied[] = {
        "::2",
        "::ffff:0:0:1",
        "64:ff9b:1::1",
        "100::1",
        "100:0:0:1::1",
        "2001:1::1",
        "2001:2::1",
        "2001:3::1",
        "2001:10::1",
        "2001:20::1",
        "2001:1ff:ffff::1",
        "5f00::1",
        "1fff:ffff::1",
        "4000::1",
        "ff02::1",
        "ff0e::101",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    };
    for (const char* peer : denied) EXPECT_EQ(policy.verdict(ip(peer)), denied_special) << peer;
}

// What must stay reachable: global unicast right beside the denied ranges, and documentation ranges (labs).
TEST(PeerPolicy, GlobalUnicastAndDocumentationRangesAreOpen) {
    PeerPolicy policy{{}, {}, {}};
    const char* open[] = {
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.88.98.255",
        "192.88.100.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "2000::1",
        "2001:200::1",
        "2001:db8::1",
        "3fff::1",
        "2a00:1450::1",
        "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    };
    for (const char* peer : open) EXPECT_EQ(policy.verdict(ip(peer)), allowed) << peer;
    for (const Form& form : kForms) {
        PeerVerdict expected = form.open ? allowed : denied_special;
        EXPECT_EQ(policy.verdict(form.make(ip("9.9.9.9").v4_host_order())), expected) << form.name;
    }
}

TEST(PeerPolicy, ConfiguredPrefixes) {
    const std::vector<Prefix> allow =
        prefixes({"10.1.0.0/16", "203.0.113.128/25", "198.51.100.0/24", "fd00:1::/32", "10.2.3.4"});
    const std::vector<Prefix> deny =
        prefixes({"203.0.113.0/24", "10.1.2.0/24", "198.51.100.0/24", "2001:db8:bad::/48", "9.9.9.9"});
    PeerPolicy policy{allow, deny, std::vector<IpAddress>{ip("10.1.0.1")}};
    struct Case {
        const char* name;
        const char* peer;
        PeerVerdict verdict;
    };
    const Case cases[] = {
        {"allow beats the built-in list", "10.1.5.5", allowed},
        {"a longer deny inside an allow", "10.1.2.3", denied_configured},
        {"own addresses beat allow", "10.1.0.1", denied_own},
        {"beside the allow", "10.2.0.0", denied_special},
        {"one host", "10.2.3.4", allowed},
        {"behind the one host", "10.2.3.5", denied_special},
        {"deny", "203.0.113.127", denied_configured},
        {"a longer allow inside a deny", "203.0.113.128", allowed},
        {"last of it", "203.0.113.255", allowed},
        {"behind it", "203.0.114.0", allowed},
        {"the same prefix in both: allow is the exception", "198.51.100.9", allowed},
        {"ULA opened", "fd00:1::7", allowed},
        {"ULA beside it", "fd00:2::7", denied_special},
        {"IPv6 denied", "2001:db8:bad::1", denied_configured},
        {"IPv6 beside it", "2001:db8:bae::1", allowed},
        {"configured deny inside NAT64", "64:ff9b::909:909", denied_configured},
        {"allowed private address inside NAT64", "64:ff9b::a01:505", allowed},
        {"allowed private address inside an unopened form", "::a01:505", denied_special},
    };
    for (const Case& c : cases) EXPECT_EQ(policy.verdict(ip(c.peer)), c.verdict) << c.name;
}

// An operator's allow opens an outer form, never what is inside.
TEST(PeerPolicy, AllowingAnOuterFormDoesNotOpenWhatIsInside) {
    const std::vector<Prefix> allow = prefixes({"::/0"});
    PeerPolicy policy{allow, {}, {}};
    for (const Form& form : kForms) {
        EXPECT_EQ(policy.verdict(form.make(ip("9.9.9.9").v4_host_order())), allowed) << form.name;
        EXPECT_EQ(policy.verdict(form.make(ip("10.0.0.1").v4_host_order())), denied_special) << form.name;
    }
    EXPECT_EQ(policy.verdict(ip("fd00::1")), allowed);
}

TEST(PeerPolicy, NothingMakesTheseUnicastPeers) {
    const std::vector<Prefix> allow =
        prefixes({"::/0", "0.0.0.0/0", "127.0.0.1", "::1", "::", "224.0.0.1", "ff02::1", "255.255.255.255"});
    PeerPolicy policy{allow, {}, {}};
    for (const char* peer : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.1.1.1", "255.255.255.255",
                             "::", "::1", "ff02::1", "64:ff9b::7f00:1", "2002:e000:1::1"})
        EXPECT_EQ(policy.verdict(ip(peer)), denied_special) << peer;
    for (const char* peer : {"10.0.0.1", "240.0.0.1", "255.255.255.254", "fe80::1"})
        EXPECT_EQ(policy.verdict(ip(peer)), allowed) << peer;
}

TEST(PeerPolicy, HostBitsOfPrefixesAreIgnored) {
    const std::vector<Prefix> deny = prefixes({"203.0.113.77/24", "2001:db8:1:2:3:4:5:6/48"});
    PeerPolicy policy{{}, deny, {}};
    EXPECT_EQ(policy.verdict(ip("203.0.113.1")), denied_configured);
    EXPECT_EQ(policy.verdict(ip("2001:db8:1::")), denied_configured);
    EXPECT_EQ(policy.verdict(ip("2001:db8:2::")), allowed);
}

TEST(PeerPolicy, DenyingAWholeFamily) {
    const std::vector<Prefix> deny = prefixes({"::/0"});
    PeerPolicy policy{{}, deny, {}};
    EXPECT_EQ(policy.verdict(ip("2001:db8::1")), denied_configured);
    EXPECT_EQ(policy.verdict(ip("192.0.2.1")), allowed);
}

TEST(PeerPolicy, RelayAddressesOfOurs) {
    const std::vector<IpAddress> own = {ip("192.0.2.1"), ip("192.0.2.10")};
    const std::vector<IpAddress> relays = {ip("192.0.2.10"),   ip("10.0.0.10"),    ip("2001:db8::10"), ip("192.0.2.20"),
                                           ip("198.51.100.5"), ip("198.51.100.6"), ip("127.0.0.1")};
    const std::vector<Prefix> allow = prefixes({"198.51.100.5"});
    const std::vector<Prefix> deny = prefixes({"192.0.2.20", "198.51.100.0/24"});
    PeerPolicy policy{allow, deny, own, relays};
    struct Case {
        const char* name;
        const char* peer;
        PeerVerdict verdict;
    };
    const Case cases[] = {
        {"shared with an interface", "192.0.2.10", own_relay},
        {"an interface alone", "192.0.2.1", denied_own},
        {"private", "10.0.0.10", own_relay},
        {"beside it", "10.0.0.11", denied_special},
        {"IPv6", "2001:db8::10", own_relay},
        {"denied", "192.0.2.20", denied_configured},
        {"denied with its network, but for one", "198.51.100.5", own_relay},
        {"denied with its network", "198.51.100.6", denied_configured},
        {"never a peer", "127.0.0.1", denied_special},
        {"inside NAT64 it leaves the machine", "64:ff9b::c000:20a", denied_own},
        {"inside 6to4", "2002:c000:20a::1", denied_own},
    };
    for (const Case& c : cases) EXPECT_EQ(policy.verdict(ip(c.peer)), c.verdict) << c.name;
}

TEST(PeerPolicy, WordsForPeople) {
    EXPECT_EQ(words(allowed), "allowed");
    EXPECT_EQ(words(own_relay), "relay address of this edge");
    EXPECT_EQ(words(denied_special), "special-purpose address");
    EXPECT_EQ(words(denied_configured), "denied by configuration");
    EXPECT_EQ(words(denied_own), "address of this edge");
}

// A crowded corner of the address space, so that prefixes nest, touch and coincide.
struct Corner {
    std::mt19937 random;

    IpAddress address() {
        if (random() % 2) return IpAddress::v4(0x0a000000 | (random() & 0x3ff));
        auto octets = ip("2001:db8::").octets();
        octets[15] = static_cast<uint8_t>(random());
        octets[7] = static_cast<uint8_t>(random() & 1);
        return IpAddress::v6_bytes(octets.data());
    }
    std::vector<Prefix> some(size_t n) {
        std::vector<Prefix> list;
        for (size_t i = 0; i < n; i++) {
            IpAddress a = address();
            list.push_back({a, static_cast<uint8_t>(a.is_v4() ? 96 + random() % 33 : random() % 129)});
        }
        return list;
    }
};

// The rules of the header, literally, for addresses without embedded forms.
PeerVerdict by_the_book(const std::vector<Prefix>& allow, const std::vector<Prefix>& deny,
                        const std::vector<IpAddress>& own, const IpAddress& peer) {
    if (std::ranges::find(own, peer) != own.end()) return denied_own;
    auto longest = [&](const std::vector<Prefix>& list) {
        int length = -1;
        for (const Prefix& p : list)
            if ((p.length >= 96 && p.address.is_v4()) == peer.is_v4() && p.contains(peer))
                length = std::max(length, int{p.length});
        return length;
    };
    int allow_length = longest(allow);
    int deny_length = longest(deny);
    if (allow_length < 0 && deny_length < 0) return peer.is_v4() ? denied_special : allowed;  // 10/8 and 2001:db8::/32
    return allow_length >= deny_length ? allowed : denied_configured;
}

TEST(PeerPolicy, AgreesWithTheRulesAndOrderNeverMatters) {
    Corner corner{std::mt19937{3}};
    for (int run = 0; run < 200; run++) {
        std::vector<Prefix> allow = corner.some(corner.random() % 20);
        std::vector<Prefix> deny = corner.some(corner.random() % 20);
        std::vector<IpAddress> own;
        for (uint32_t i = corner.random() % 5; i; i--) own.push_back(corner.address());
        PeerPolicy policy{allow, deny, own};
        std::vector<Prefix> allow_shuffled = allow;
        std::vector<Prefix> deny_shuffled = deny;
        std::ranges::shuffle(allow_shuffled, corner.random);
        std::ranges::shuffle(deny_shuffled, corner.random);
        std::ranges::reverse(own);
        PeerPolicy shuffled{allow_shuffled, deny_shuffled, own};
        for (int i = 0; i < 300; i++) {
            IpAddress peer = corner.address();
            ASSERT_EQ(policy.verdict(peer), by_the_book(allow, deny, own, peer)) << "run " << run << " " << peer.text();
            ASSERT_EQ(policy.verdict(peer), shuffled.verdict(peer)) << "run " << run << " " << peer.text();
        }
    }
}

}  // namespace
}  // namespace fedge::classify
