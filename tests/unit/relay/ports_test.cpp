#include "dataplane/relay/ports.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

namespace fedge::relay {
namespace {

constexpr Instant kNow{std::chrono::seconds{100}};

TEST(PortShare, PairsHaveOneOwnerAndEveryPortHasOne) {
    for (uint16_t cores : {1, 2, 3, 7, 16, 255, 256}) {
        std::vector<PortShare> shares;
        for (uint16_t core = 0; core < cores; core++) shares.emplace_back(core, cores);
        std::vector<std::set<uint32_t>> indices(cores);
        for (uint32_t port = 0; port < 65536; port++) {
            uint16_t owner = shares[0].owner(static_cast<uint16_t>(port));
            ASSERT_EQ(owner, (port >> 1) % cores);
            uint32_t index = shares[owner].index(static_cast<uint16_t>(port));
            ASSERT_LT(index, shares[owner].pairs() * 2);
            ASSERT_EQ(shares[owner].port(index), port);
            ASSERT_TRUE(indices[owner].insert(index).second);
        }
    }
}

// Random takes and releases against a plain model.
TEST(Ports, AgreesWithAPlainModel) {
    SeededRandom random{7};
    Ports ports(1, PortShare{1, 3}, -1);
    PortRange range{50001, 50200};
    ports.open(0, range);
    std::set<uint16_t> free;
    for (uint32_t p = range.first; p <= range.last; p++)
        if (ports.share().mine(static_cast<uint16_t>(p))) free.insert(static_cast<uint16_t>(p));
    std::set<uint16_t> taken;
    for (int step = 0; step < 20'000; step++) {
        ASSERT_EQ(ports.free_ports(0), free.size());
        if (random.below(2) && !taken.empty()) {
            auto it = taken.begin();
            std::advance(it, random.below(static_cast<uint32_t>(taken.size())));
            ports.release_unused(0, *it);
            free.insert(*it);
            taken.erase(it);
            continue;
        }
        auto wish = static_cast<PortWish>(random.below(3));
        auto port = ports.take(0, wish, kNow, 0s, random);
        auto fits = [&](uint16_t p) {
            auto next = static_cast<uint16_t>(p + 1);
            return wish == PortWish::any || (p % 2 == 0 && (wish == PortWish::even || free.contains(next)));
        };
        ASSERT_EQ(port.has_value(), std::any_of(free.begin(), free.end(), fits));
        if (!port) continue;
        ASSERT_TRUE(free.contains(*port) && fits(*port));
        free.erase(*port);
        taken.insert(*port);
        if (wish != PortWish::pair) continue;
        free.erase(static_cast<uint16_t>(*port + 1));
        taken.insert(static_cast<uint16_t>(*port + 1));
    }
}

TEST(Ports, EveryFreePortIsEquallyLikely) {
    SeededRandom random{3};
    Ports ports(1, PortShare{0, 1}, -1);
    ports.open(0, {50001, 50012});  // singles at both ends, pairs between
    std::map<uint16_t, int> seen;
    for (int i = 0; i < 12'000; i++) {
        uint16_t port = *ports.take(0, PortWish::any, kNow, 0s, random);
        seen[port]++;
        ports.release_unused(0, port);
    }
    ASSERT_EQ(seen.size(), 12U);
    for (auto [port, times] : seen) EXPECT_NEAR(times, 1000, 150) << port;
}

TEST(Ports, QuarantineIsFirstInFirstOut) {
    SeededRandom random{3};
    Ports ports(1, PortShare{0, 1}, -1);
    ports.open(0, {50000, 50001});
    ports.take(0, PortWish::pair, kNow, 10s, random);
    ports.release(0, 50001, kNow);
    ports.release(0, 50000, kNow + 5s);
    EXPECT_FALSE(ports.take(0, PortWish::any, kNow + 9s, 10s, random));
    EXPECT_EQ(ports.take(0, PortWish::any, kNow + 12s, 10s, random), 50001);
    EXPECT_FALSE(ports.take(0, PortWish::any, kNow + 12s, 10s, random));
    EXPECT_EQ(ports.take(0, PortWish::any, kNow + 17s, 10s, random), 50000);
    EXPECT_EQ(ports.quarantined(0), 0U);
}

TEST(Ports, RangeMayChangeUnderPortsInUse) {
    SeededRandom random{3};
    Ports ports(1, PortShare{0, 1}, -1);
    ports.open(0, {50000, 50003});
    for (int i = 0; i < 4; i++) ASSERT_TRUE(ports.take(0, PortWish::any, kNow, 0s, random));
    ports.assign(0, 50000, 77);
    ports.open(0, {50002, 50005});
    EXPECT_EQ(ports.cell(0, 50000), 77U);
    EXPECT_EQ(ports.free_ports(0), 2U);
    ports.release(0, 50000, kNow);
    ports.release(0, 50002, kNow);
    ports.end_quarantine(0, kNow + 10s, 0s, 8);
    EXPECT_EQ(ports.free_ports(0), 3U);  // 50000 is outside now
}

}  // namespace
}  // namespace fedge::relay
