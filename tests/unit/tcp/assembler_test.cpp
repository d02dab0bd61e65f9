#include "dataplane/tcp/assembler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace fedge::tcp {
namespace {

using testing::ElementsAre;

struct Ranges : Assembler {
    Ranges() { reset(); }
    Added put(uint32_t left, uint32_t right) { return add(Seq{left}, Seq{right}); }
    std::vector<std::pair<uint32_t, uint32_t>> told(size_t most = 4) const {
        std::vector<wire::SackRange> out(most);
        out.resize(report(out));
        std::vector<std::pair<uint32_t, uint32_t>> pairs;
        for (const auto& r : out) pairs.emplace_back(r.left, r.right);
        return pairs;
    }
};
using Pair = std::pair<uint32_t, uint32_t>;

// RFC 2018 section 4, case 2 of the examples: the first of eight segments of 500 bytes from 5000 on is lost.
TEST(Assembler, GrowsOneRangeWhileTheFirstSegmentIsMissing) {
    Ranges r;
    for (uint32_t seq = 5500; seq < 9000; seq += 500) {
        EXPECT_EQ(r.put(seq, seq + 500), Assembler::Added::fresh);
        EXPECT_THAT(r.told(), ElementsAre(Pair{5500, seq + 500}));
    }
    EXPECT_EQ(r.advance(Seq{5500}), Seq{9000});
    EXPECT_TRUE(r.empty());
}

// RFC 2018 section 4, case 3: the 2nd, 4th, 6th and 8th of eight segments are lost, then the 4th and the 2nd come.
TEST(Assembler, TellsTheLatestRangeFirst) {
    Ranges r;
    r.put(6000, 6500);
    EXPECT_THAT(r.told(), ElementsAre(Pair{6000, 6500}));
    r.put(7000, 7500);
    EXPECT_THAT(r.told(), ElementsAre(Pair{7000, 7500}, Pair{6000, 6500}));
    r.put(8000, 8500);
    EXPECT_THAT(r.told(), ElementsAre(Pair{8000, 8500}, Pair{7000, 7500}, Pair{6000, 6500}));
    r.put(6500, 7000);
    EXPECT_THAT(r.told(), ElementsAre(Pair{6000, 7500}, Pair{8000, 8500}));
    EXPECT_EQ(r.advance(Seq{6000}), Seq{7500});
    EXPECT_THAT(r.told(), ElementsAre(Pair{8000, 8500}));
}

TEST(Assembler, KnowsWhatIsNew) {
    Ranges r;
    r.put(100, 200);
    r.put(300, 400);
    EXPECT_EQ(r.put(120, 180), Assembler::Added::known);
    EXPECT_EQ(r.put(150, 250), Assembler::Added::partly);
    EXPECT_EQ(r.put(250, 300), Assembler::Added::fresh);
    EXPECT_THAT(r.told(), ElementsAre(Pair{100, 400}));
    EXPECT_EQ(r.put(50, 500), Assembler::Added::partly);
    EXPECT_THAT(r.told(), ElementsAre(Pair{50, 500}));
}

TEST(Assembler, WorksAcrossTheWrap) {
    Ranges r;
    r.put(0xffffff00, 0x100);
    r.put(0x200, 0x300);
    EXPECT_EQ(r.count(), 2u);
    EXPECT_EQ(r.advance(Seq{0xffffff00}), Seq{0x100});
    EXPECT_THAT(r.told(), ElementsAre(Pair{0x200, 0x300}));
}

TEST(Assembler, IsBounded) {
    Ranges r;
    for (uint32_t i = 0; i < Assembler::kMaxRanges; i++) EXPECT_EQ(r.put(i * 10, i * 10 + 1), Assembler::Added::fresh);
    EXPECT_EQ(r.put(5000, 5001), Assembler::Added::full);
    EXPECT_EQ(r.put(1, 5), Assembler::Added::fresh) << "touches a range and needs no other";
    EXPECT_EQ(r.count(), Assembler::kMaxRanges);
}

}  // namespace
}  // namespace fedge::tcp
