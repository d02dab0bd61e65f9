#include "dataplane/classify/access_list.h"

#include <gtest/gtest.h>
#include <rte_eal.h>

#include <array>
#include <random>
#include <stdexcept>
#include <string>

namespace fedge::classify {
namespace {

// rte_acl takes its memory from the EAL.
class Eal : public testing::Environment {
  public:
    void SetUp() override {
        std::array<std::string, 8> words = {"unit-classify", "--no-huge",      "-m",          "256",
                                            "--no-pci",      "--no-telemetry", "--no-shconf", "--log-level=error"};
        std::array<char*, 8> argv;
        for (size_t i = 0; i < words.size(); i++) argv[i] = words[i].data();
        ASSERT_GE(rte_eal_init(static_cast<int>(argv.size()), argv.data()), 0);
    }
    void TearDown() override { rte_eal_cleanup(); }
};
const auto* const kEal = testing::AddGlobalTestEnvironment(new Eal);

IpAddress ip(std::string_view text) {
    return IpAddress::parse(text).value();
}
AccessEntry allow(std::string_view prefix) {
    return {Prefix::parse(prefix).value(), true};
}
AccessEntry deny(std::string_view prefix) {
    return {Prefix::parse(prefix).value(), false};
}

bool first_match_allows(std::span<const AccessEntry> entries, const IpAddress& source) {
    for (const AccessEntry& e : entries) {
        bool ipv4_rule = e.source.length >= 96 && e.source.address.is_v4();
        if (ipv4_rule == source.is_v4() && e.source.contains(source)) return e.allow;
    }
    return true;
}

TEST(AccessList, NoRulesAllowEverything) {
    AccessList none;
    EXPECT_TRUE(none.empty());
    EXPECT_TRUE(none.allows(ip("192.0.2.1")));
    EXPECT_TRUE(AccessList{std::span<const AccessEntry>{}}.empty());
}

TEST(AccessList, FirstMatchWins) {
    const std::vector<AccessEntry> entries = {
        deny("192.0.2.66"),       allow("192.0.2.0/24"), deny("192.0.2.67"),
        deny("192.0.0.0/16"),     deny("10.0.0.0/8"),    allow("10.1.0.0/16"),
        allow("2001:db8:1::/48"), deny("2001:db8::/32"), deny("203.0.113.128/25"),
    };
    AccessList list{entries};
    struct Case {
        const char* source;
        bool allowed;
    };
    const Case cases[] = {
        {"192.0.2.66", false},        {"192.0.2.67", true},     {"192.0.2.1", true},        {"192.0.3.1", false},
        {"10.1.2.3", false},          {"198.51.100.1", true},   {"203.0.113.127", true},    {"203.0.113.128", false},
        {"2001:db8:1::1", true},      {"2001:db8:2::1", false}, {"2001:db7:ffff::1", true}, {"2001:db9::", true},
        {"2001:db8:0:ffff::", false},
    };
    for (const Case& c : cases) EXPECT_EQ(list.allows(ip(c.source)), c.allowed) << c.source;
}

TEST(AccessList, DefaultRulesSpeakOfOneFamily) {
    const std::vector<AccessEntry> no_ipv6 = {deny("::/0")};
    AccessList list{no_ipv6};
    EXPECT_FALSE(list.allows(ip("2001:db8::1")));
    EXPECT_TRUE(list.allows(ip("192.0.2.1")));
    const std::vector<AccessEntry> no_ipv4 = {deny("0.0.0.0/0")};
    list = AccessList{no_ipv4};
    EXPECT_TRUE(list.allows(ip("2001:db8::1")));
    EXPECT_FALSE(list.allows(ip("192.0.2.1")));
}

TEST(AccessList, ABurstOfBothFamiliesAnswersBitByBit) {
    const std::vector<AccessEntry> entries = {deny("192.0.2.0/25"), deny("2001:db8::/65")};
    AccessList list{entries};
    std::vector<IpAddress> sources;
    for (uint32_t i = 0; i < kMaxAccessBurst; i++)
        sources.push_back(i % 3 ? IpAddress::v4(0xc0000200 + i * 4)
                                : ip(i % 2 ? "2001:db8:0:0:8000::1" : "2001:db8::1"));
    std::vector<const IpAddress*> pointers;
    for (const IpAddress& s : sources) pointers.push_back(&s);
    uint64_t refused = list.refused(pointers);
    for (size_t i = 0; i < sources.size(); i++)
        EXPECT_EQ((refused >> i & 1) == 0, first_match_allows(entries, sources[i])) << sources[i].text();
    EXPECT_EQ(list.refused({}), 0U);
}

TEST(AccessList, AgreesWithFirstMatchOnRandomRules) {
    std::mt19937 random{11};
    for (int run = 0; run < 20; run++) {
        std::vector<AccessEntry> entries;
        for (int i = 0; i < 60; i++) {
            bool ipv4 = random() % 2;
            IpAddress base = ipv4 ? IpAddress::v4(0x0a000000 | (random() & 0xffff)) : ip("2001:db8::");
            auto octets = base.octets();
            if (!ipv4) store_be32(octets.data() + 4, static_cast<uint32_t>(random() & 0xf));
            auto length = static_cast<uint8_t>(ipv4 ? 96 + 16 + random() % 17 : 32 + random() % 40);
            entries.push_back({{IpAddress::v6_bytes(octets.data()), length}, random() % 2 == 0});
        }
        AccessList list{entries};
        for (int i = 0; i < 500; i++) {
            IpAddress source = IpAddress::v4(0x0a000000 | (random() & 0xffff));
            if (random() % 2) {
                auto octets = ip("2001:db8::").octets();
                store_be32(octets.data() + 4, static_cast<uint32_t>(random() & 0xf));
                source = IpAddress::v6_bytes(octets.data());
            }
            ASSERT_EQ(list.allows(source), first_match_allows(entries, source)) << source.text();
        }
    }
}

TEST(AccessList, HoldsTenThousandRulesAndNoMore) {
    std::vector<AccessEntry> entries;
    for (uint32_t i = 0; i < kMaxAccessEntries; i++)
        entries.push_back({{IpAddress::v4(0x0a000000 + 2 * i), 128}, false});
    AccessList list{entries};
    EXPECT_FALSE(list.allows(IpAddress::v4(0x0a000000)));
    EXPECT_TRUE(list.allows(IpAddress::v4(0x0a000001)));
    EXPECT_FALSE(list.allows(IpAddress::v4(0x0a000000 + 2 * (kMaxAccessEntries - 1))));
    entries.push_back(allow("192.0.2.1"));
    EXPECT_THROW(AccessList{entries}, std::invalid_argument);
}

// A new snapshot's list is built while the old one is in use, and outlives it.
TEST(AccessList, ListsAreIndependent) {
    const std::vector<AccessEntry> one = {deny("192.0.2.1")};
    const std::vector<AccessEntry> other = {deny("192.0.2.2")};
    AccessList current{one};
    {
        AccessList next{other};
        EXPECT_FALSE(current.allows(ip("192.0.2.1")));
        EXPECT_TRUE(next.allows(ip("192.0.2.1")));
        current = std::move(next);
    }
    EXPECT_TRUE(current.allows(ip("192.0.2.1")));
    EXPECT_FALSE(current.allows(ip("192.0.2.2")));
}

}  // namespace
}  // namespace fedge::classify
