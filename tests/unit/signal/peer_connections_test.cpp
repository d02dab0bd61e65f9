#include "dataplane/signal/sip/peer_connections.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace fedge::signal {
namespace {

using sip::Side;

constexpr FlowId kNothing{};

TEST(PeerConnections, FindsTheLatestThatIsStillThere) {
    PeerConnections index(8);
    index.add(7, Side::outside, {1, 100});
    index.add(7, Side::outside, {2, 100});
    index.add(7, Side::outside, {3, 100});
    EXPECT_EQ(index.find(7, Side::outside), (FlowId{3, 100}));
    index.remove({2, 100});
    index.remove({3, 100});
    EXPECT_EQ(index.find(7, Side::outside), (FlowId{1, 100}));
    index.remove({1, 100});
    EXPECT_EQ(index.find(7, Side::outside), kNothing);
}

TEST(PeerConnections, SidesAndPeersAreNotMixedUp) {
    PeerConnections index(8);
    index.add(7, Side::outside, {1, 1});
    EXPECT_EQ(index.find(7, Side::inside), kNothing);
    EXPECT_EQ(index.find(8, Side::outside), kNothing);
}

TEST(PeerConnections, AnEarlierConnectionOfASlotTakesNothingAway) {
    PeerConnections index(8);
    index.add(7, Side::outside, {1, 2});
    index.remove({1, 1});
    index.remove({5, 1});
    EXPECT_EQ(index.find(7, Side::outside), (FlowId{1, 2}));
}

// Beside the plainest way to keep the same.
TEST(PeerConnections, KeepsTrackOfMany) {
    constexpr uint32_t kSlots = 500;
    PeerConnections index(kSlots);
    std::map<uint32_t, uint64_t> peers;                 // by slot
    std::map<uint64_t, std::vector<uint32_t>> by_peer;  // oldest first
    std::mt19937 random(1);
    for (int i = 0; i < 20000; i++) {
        uint32_t slot = random() % kSlots;
        FlowId id{slot, 3};
        if (auto there = peers.find(slot); there != peers.end()) {
            index.remove(id);
            std::erase(by_peer[there->second], slot);
            peers.erase(there);
        } else {
            uint64_t peer = 10 + random() % 40;
            index.add(peer, Side::inside, id);
            by_peer[peer].push_back(slot);
            peers[slot] = peer;
        }
        uint64_t asked = 10 + random() % 40;
        FlowId expected = by_peer[asked].empty() ? kNothing : FlowId{by_peer[asked].back(), 3};
        ASSERT_EQ(index.find(asked, Side::inside), expected) << i;
    }
}

}  // namespace
}  // namespace fedge::signal
