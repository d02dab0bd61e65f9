#include "control/discovery/rules.h"

#include <gtest/gtest.h>

#include <random>

namespace fedge::control::discovery {
namespace {

TEST(Rules, Ports) {
    struct Case {
        uint16_t port;
        bool used;
    };
    const Case cases[] = {{0, false},   {22, false},  {25, false},   {80, false},  {442, false},
                          {443, true},  {444, false}, {1023, false}, {1024, true}, {5060, false},
                          {5061, true}, {5269, true}, {5270, true},  {65535, true}};
    for (const auto& c : cases) EXPECT_EQ(!port_refusal(c.port), c.used) << c.port;
}

TEST(Rules, Addresses) {
    std::vector<IpAddress> own{*IpAddress::parse("192.0.2.10")};
    std::vector<Prefix> allow{*Prefix::parse("10.9.0.0/16")};
    std::vector<Prefix> deny{*Prefix::parse("203.0.113.128/25")};
    AddressRules rules(allow, deny, own, true, true);
    struct Case {
        const char* address;
        bool used;
    };
    const Case cases[] = {
        {"198.51.100.7", true},
        {"2001:db8::7", true},
        {"127.0.0.1", false},
        {"0.0.0.0", false},
        {"10.1.2.3", false},
        {"10.9.2.3", true},
        {"172.16.0.1", false},
        {"192.168.1.1", false},
        {"169.254.1.1", false},
        {"100.64.0.1", false},
        {"224.0.0.1", false},
        {"255.255.255.255", false},
        {"192.0.2.10", false},
        {"192.0.2.11", true},
        {"203.0.113.1", true},
        {"203.0.113.129", false},
        {"::1", false},
        {"::", false},
        {"fe80::1", false},
        {"fc00::1", false},
        {"fec0::1", false},
        {"ff02::1", false},
        {"::ffff:127.0.0.1", false},
        {"64:ff9b::7f00:1", false},
        {"64:ff9b::a00:1", false},
        {"2002:7f00:1::1", false},
        {"2002:c000:20a::1", false},
        {"64:ff9b::c633:6407", true},
    };
    for (const auto& c : cases) EXPECT_EQ(!rules.refusal(*IpAddress::parse(c.address)), c.used) << c.address;
    AddressRules only4({}, {}, {}, true, false);
    EXPECT_FALSE(only4.refusal(*IpAddress::parse("198.51.100.7")));
    EXPECT_EQ(*only4.refusal(*IpAddress::parse("2001:db8::7")), "this edge has no IPv6 address outside");
}

std::vector<Target> targets(std::initializer_list<std::pair<uint16_t, uint16_t>> priorities_and_weights) {
    std::vector<Target> out;
    for (auto [priority, weight] : priorities_and_weights) {
        Target target;
        target.host = "h" + std::to_string(out.size());
        target.priority = priority;
        target.weight = weight;
        out.push_back(target);
    }
    return out;
}

std::string order(const std::vector<Target>& targets) {
    std::string out;
    for (const auto& target : targets) out += target.host;
    return out;
}

TEST(Rules, PriorityFirst) {
    auto list = targets({{30, 1}, {10, 1}, {20, 1}});
    order_by_weight(list, [](uint32_t) { return 0; });
    EXPECT_EQ(order(list), "h1h2h0");
}

TEST(Rules, TheNumberDrawnDecidesAmongEqualPriorities) {
    // Running sums 10, 30, 100: RFC 2782 takes the first that is not below the number drawn.
    struct Case {
        uint32_t drawn;
        const char* first;
    };
    for (const auto& c :
         {Case{0, "h0"}, Case{10, "h0"}, Case{11, "h1"}, Case{30, "h1"}, Case{31, "h2"}, Case{100, "h2"}}) {
        auto list = targets({{1, 10}, {1, 20}, {1, 70}});
        bool first = true;
        order_by_weight(list, [&](uint32_t most) {
            if (!first) return 0U;
            first = false;
            EXPECT_EQ(most, 100U);
            return c.drawn;
        });
        EXPECT_EQ(list.front().host, c.first) << c.drawn;
    }
}

TEST(Rules, WeightsAreShares) {
    std::mt19937 engine(42);
    Random random = [&](uint32_t most) { return std::uniform_int_distribution<uint32_t>(0, most)(engine); };
    std::map<std::string, int> first;
    for (int i = 0; i < 10000; i++) {
        auto list = targets({{1, 0}, {1, 10}, {1, 30}, {1, 60}, {2, 1000}});
        order_by_weight(list, random);
        EXPECT_EQ(list.back().host, "h4");
        first[list.front().host]++;
    }
    EXPECT_NEAR(first["h1"], 1000, 150);
    EXPECT_NEAR(first["h2"], 3000, 250);
    EXPECT_NEAR(first["h3"], 6000, 250);
    EXPECT_LT(first["h0"], 250);
    EXPECT_GT(first["h0"], 0) << "weight 0 has a small chance";
}

}  // namespace
}  // namespace fedge::control::discovery
