#include "dataplane/relay/quota.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace fedge::relay {
namespace {

using Admission = SharedQuota::Admission;

TEST(SharedQuota, LimitsPerUserAndInTotal) {
    SharedQuota quota(100);
    auto a = quota.admit(0x1234567890abcdef, 2, 3);
    ASSERT_EQ(a.admission, Admission::admitted);
    EXPECT_EQ(quota.admit(0x1234567890abcdef, 2, 3).admission, Admission::admitted);
    EXPECT_EQ(quota.admit(0x1234567890abcdef, 2, 3).admission, Admission::user_quota);
    EXPECT_EQ(quota.of_user(0x1234567890abcdef), 2U);
    EXPECT_EQ(quota.admit(0xfedcba0987654321, 2, 3).admission, Admission::admitted);
    EXPECT_EQ(quota.admit(0x5555555555555555, 2, 3).admission, Admission::total_quota);
    EXPECT_EQ(quota.total(), 3U);
    quota.release(a.user_slot);
    EXPECT_EQ(quota.admit(0x5555555555555555, 2, 3).admission, Admission::admitted);
    EXPECT_EQ(quota.of_user(0x1234567890abcdef), 1U);
}

TEST(SharedQuota, EndingAllocationsDoesNotFillTheBucket) {
    SharedQuota quota(100);
    Instant now{std::chrono::seconds{5}};
    auto a = quota.admit(1ULL << 40, 0, 0);
    EXPECT_TRUE(quota.lease(a.user_slot, Direction::to_peer, now, 100ms, 100ms));
    EXPECT_FALSE(quota.lease(a.user_slot, Direction::to_peer, now, 10ms, 100ms));
    EXPECT_TRUE(quota.lease(a.user_slot, Direction::to_client, now, 100ms, 100ms));
    quota.release(a.user_slot);
    auto again = quota.admit(1ULL << 40, 0, 0);
    EXPECT_FALSE(quota.lease(again.user_slot, Direction::to_peer, now, 10ms, 100ms));
    EXPECT_TRUE(quota.lease(again.user_slot, Direction::to_peer, now + 10ms, 10ms, 100ms));
}

TEST(SharedQuota, PortsInQuarantineStayTheUsers) {
    SharedQuota quota(100);
    Instant now{std::chrono::seconds{5}};
    for (int i = 1; i <= 3; i++) {
        auto a = quota.admit(1ULL << 40, 0, 0);
        quota.release_to_quarantine(a.user_slot, now, 10s);
        EXPECT_EQ(quota.in_quarantine(1ULL << 40, now), i * 10s);
    }
    EXPECT_EQ(quota.total(), 0U);
    EXPECT_EQ(quota.in_quarantine(2ULL << 40, now), 0s);
    EXPECT_EQ(quota.in_quarantine(1ULL << 40, now + 25s), 5s);
    EXPECT_EQ(quota.in_quarantine(1ULL << 40, now + 31s), 0s);
}

TEST(SharedQuota, CoresNeverAdmitMoreThanTheLimits) {
    SharedQuota quota(64);
    std::atomic<uint32_t> inside{0};
    std::atomic<uint32_t> most{0};
    auto core = [&](uint64_t seed) {
        std::vector<uint32_t> held;
        for (int i = 0; i < 20'000; i++) {
            seed = seed * 6364136223846793005 + 1442695040888963407;
            if (held.size() < 8 && seed >> 63) {
                auto admitted = quota.admit((seed >> 40 & 7) << 40 | 7, 0, 10);
                if (admitted.admission != Admission::admitted) continue;
                held.push_back(admitted.user_slot);
                uint32_t count = inside.fetch_add(1) + 1;
                for (uint32_t old = most; count > old && !most.compare_exchange_weak(old, count);) {
                }
            } else if (!held.empty()) {
                inside.fetch_sub(1);
                quota.release(held.back());
                held.pop_back();
            }
        }
        for (uint32_t slot : held) {
            inside.fetch_sub(1);
            quota.release(slot);
        }
    };
    std::vector<std::thread> cores;
    for (uint64_t i = 0; i < 4; i++) cores.emplace_back(core, i + 1);
    for (auto& c : cores) c.join();
    EXPECT_LE(most, 10U);
    EXPECT_EQ(quota.total(), 0U);
    for (uint64_t user = 0; user < 8; user++) EXPECT_EQ(quota.of_user(user << 40 | 7), 0U);
}

}  // namespace
}  // namespace fedge::relay
