#include "dataplane/base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "dataplane/base/hash.h"

namespace fedge {
namespace {

TEST(Random, SameSeedSameSequence) {
    SeededRandom a{42};
    SeededRandom b{42};
    SeededRandom c{43};
    bool differs = false;
    for (int i = 0; i < 5000; i++) {
        uint64_t x = a.u64();
        ASSERT_EQ(x, b.u64());
        differs |= x != c.u64();
    }
    EXPECT_TRUE(differs);
}

TEST(Random, FillDoesNotDependOnHowItIsCut) {
    SeededRandom whole{7};
    SeededRandom parts{7};
    std::vector<uint8_t> expected(10000);
    whole.fill(expected);
    std::vector<uint8_t> got(10000);
    size_t at = 0;
    for (size_t n = 1; at < got.size(); n = n * 3 % 997) {
        size_t take = std::min(n, got.size() - at);
        parts.fill(MutableBytes{got}.subspan(at, take));
        at += take;
    }
    EXPECT_EQ(got, expected);
    whole.fill({});
}

TEST(Random, BelowStaysBelowAndReachesAll) {
    SeededRandom random{3};
    for (uint32_t bound : {1U, 2U, 3U, 7U, 255U, 10000U}) {
        std::set<uint32_t> seen;
        for (uint32_t i = 0; i < bound * 20 + 100; i++) {
            uint32_t v = random.below(bound);
            ASSERT_LT(v, bound);
            seen.insert(v);
        }
        EXPECT_EQ(seen.size(), bound);
    }
    for (int i = 0; i < 1000; i++) EXPECT_LT(random.below(0xffffffff), 0xffffffffU);
}

// Chi-square with 99 degrees of freedom; a value above 160 has a probability below 0.0001. The bound is where the bias
// of a plain multiplication would be worst.
TEST(Random, BelowIsUniform) {
    SeededRandom random{4};
    constexpr uint32_t kBound = 3U << 30;
    constexpr int kDraws = 200000;
    std::array<int, 100> bins{};
    for (int i = 0; i < kDraws; i++) bins[random.below(kBound) / (kBound / 100 + 1)]++;
    double expected = kDraws / 100.0;
    double chi = 0;
    for (int n : bins) chi += (n - expected) * (n - expected) / expected;
    EXPECT_LT(chi, 160);
}

// CVE-2025-69217: nonces and ports must not follow from earlier ones. Not a proof, but it catches a counter or a
// constant.
TEST(SystemRandom, LooksRandom) {
    SystemRandom random;
    std::vector<uint8_t> bytes(1 << 16);
    random.fill(bytes);
    std::array<int, 256> counts{};
    for (uint8_t b : bytes) counts[b]++;
    double expected = static_cast<double>(bytes.size()) / 256;
    double chi = 0;
    for (int n : counts) chi += (n - expected) * (n - expected) / expected;
    EXPECT_LT(chi, 400) << "255 degrees of freedom: above 400 once in 10^8 runs";

    std::set<uint64_t> seen;
    for (int i = 0; i < 100000; i++) seen.insert(random.u64());
    EXPECT_EQ(seen.size(), 100000U);
    SystemRandom other;
    EXPECT_FALSE(seen.contains(other.u64()));
}

TEST(KeyedHash, DependsOnTheKeyAndOnEveryBit) {
    SeededRandom random{5};
    HashKey one = HashKey::random(random);
    HashKey two = HashKey::random(random);
    int same = 0;
    for (int i = 0; i < 2000; i++) {
        uint64_t word[3] = {random.u64(), random.u64(), random.u64()};
        uint32_t h = keyed_hash(one, word[0], word[1], word[2]);
        same += h == keyed_hash(two, word[0], word[1], word[2]);
        word[random.below(3)] ^= uint64_t{1} << random.below(64);
        same += h == keyed_hash(one, word[0], word[1], word[2]);
    }
    EXPECT_LE(same, 1);
}

// Sequential addresses and ports, as real traffic has them, spread over a table's low bits.
TEST(KeyedHash, SequentialKeysSpread) {
    SeededRandom random{6};
    HashKey key = HashKey::random(random);
    std::vector<int> slots(1024);
    constexpr int kKeys = 64 * 1024;
    for (uint32_t i = 0; i < kKeys; i++)
        slots[keyed_hash(key, 0xffffU, 0xc0000200 + (i >> 12), 50000 + (i & 4095)) & 1023]++;
    double chi = 0;
    for (int n : slots) chi += (n - 64.0) * (n - 64.0) / 64.0;
    EXPECT_LT(chi, 1300) << "1023 degrees of freedom";
}

}  // namespace
}  // namespace fedge
