#include "dataplane/tcp/blocks.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace fedge::tcp {
namespace {

std::vector<uint8_t> pattern(size_t size, uint8_t first = 0) {
    std::vector<uint8_t> bytes(size);
    std::iota(bytes.begin(), bytes.end(), first);
    return bytes;
}

std::vector<uint8_t> read(PagedRing& ring, BlockPool& pool, uint32_t position, uint32_t size) {
    std::vector<uint8_t> out;
    while (size > 0) {
        Bytes piece = ring.view(pool, position, size);
        out.insert(out.end(), piece.begin(), piece.end());
        position += static_cast<uint32_t>(piece.size());
        size -= static_cast<uint32_t>(piece.size());
    }
    return out;
}

class PagedRings : public testing::TestWithParam<uint32_t> {
  protected:
    BlockPool pool{16, -1};
    PagedRing ring;
};

// Around the wrap of positions, inside one block and across blocks.
INSTANTIATE_TEST_SUITE_P(Start, PagedRings, testing::Values(0U, 2000U, 0xfffffff0U, 0x7ffffff0U));

TEST_P(PagedRings, KeepsBytesByPosition) {
    uint32_t start = GetParam();
    auto bytes = pattern(9000);
    ASSERT_TRUE(ring.reserve(pool, start, start, 9000));
    ring.write(pool, start, bytes);
    EXPECT_EQ(read(ring, pool, start, 9000), bytes);
    ring.release(pool, start + 5000, false);
    EXPECT_EQ(read(ring, pool, start + 5000, 4000), (std::vector<uint8_t>{bytes.begin() + 5000, bytes.end()}));
    ring.release(pool, start + 9000, true);
    EXPECT_EQ(ring.blocks(), 0u);
    EXPECT_EQ(pool.available(), 16u);
}

TEST_P(PagedRings, BeginsWithABlockWhenItWasEmpty) {
    uint32_t at = GetParam();
    for (uint32_t size : {64U, 700U, kBlockSize, 64U}) {
        ASSERT_TRUE(ring.reserve(pool, at, at, size));
        EXPECT_EQ(ring.blocks(), 1u) << size;
        EXPECT_EQ(ring.view(pool, at, size).size(), size);
        EXPECT_EQ(ring.at(pool, at), ring.first(pool));
        at += size;
        ring.release(pool, at, true);
    }
}

TEST_P(PagedRings, LeavesHolesWithoutMemory) {
    uint32_t start = GetParam();
    ASSERT_TRUE(ring.reserve(pool, start, start + 20 * kBlockSize, 10));
    ring.write(pool, start + 20 * kBlockSize, pattern(10));
    EXPECT_LE(ring.blocks(), 3u) << "one or two blocks of bytes and the directory";
    ASSERT_TRUE(ring.reserve(pool, start, start, 100));
    ring.write(pool, start, pattern(100, 7));
    EXPECT_EQ(read(ring, pool, start, 100), pattern(100, 7));
    EXPECT_EQ(read(ring, pool, start + 20 * kBlockSize, 10), pattern(10));
    ring.release(pool, start + 20 * kBlockSize, false);
    EXPECT_EQ(read(ring, pool, start + 20 * kBlockSize, 10), pattern(10));
    ring.release(pool, 0, true);
    EXPECT_EQ(pool.available(), 16u);
}

TEST_P(PagedRings, SaysWhenThePoolIsEmptyAndGivesAllBack) {
    uint32_t start = GetParam();
    EXPECT_FALSE(ring.reserve(pool, start, start, 17 * kBlockSize));
    EXPECT_EQ(pool.available(), 0u);
    ring.release(pool, 0, true);
    EXPECT_EQ(pool.available(), 16u);
}

TEST_P(PagedRings, CarriesAStreamForever) {
    uint32_t at = GetParam();
    for (int i = 0; i < 5000; i++, at += 700) {
        auto bytes = pattern(700, static_cast<uint8_t>(i));
        ASSERT_TRUE(ring.reserve(pool, at, at, 700));
        ring.write(pool, at, bytes);
        ASSERT_EQ(read(ring, pool, at, 700), bytes);
        ring.release(pool, at + 700, i % 3 == 0);
        ASSERT_LE(ring.blocks(), 2u);
    }
}

}  // namespace
}  // namespace fedge::tcp
