// Where a message on a stream ends (RFC 8489 section 6.2.2, RFC 8656 section 12.5).
#include "dataplane/wire/turn_frame.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/hex.h"

namespace fedge::wire {
namespace {

using Kind = TurnFrame::Kind;

struct Case {
    const char* what;
    const char* bytes;
    Kind kind;
    uint32_t size;
};

class Frames : public testing::TestWithParam<Case> {};

TEST_P(Frames, AreMeasuredByTheirFirstBytes) {
    const Case& c = GetParam();
    std::vector<uint8_t> bytes = test::from_hex(c.bytes);
    TurnFrame frame = turn_frame(bytes);
    EXPECT_EQ(frame.kind, c.kind) << c.what;
    EXPECT_EQ(frame.size, c.size) << c.what;
}

INSTANTIATE_TEST_SUITE_P(
    Rfc8656, Frames,
    testing::Values(Case{"nothing yet", "", Kind::incomplete, 1},
                    Case{"the first byte of STUN", "00", Kind::incomplete, 8},
                    Case{"all but the end of the cookie", "0001 0008 2112a4", Kind::incomplete, 8},
                    Case{"a header of STUN", "0001 0008 2112a442", Kind::stun, 28},
                    Case{"STUN without attributes", "0011 0000 2112a442 00", Kind::stun, 20},
                    Case{"the longest STUN", "0001 fffc 2112a442", Kind::stun, 65552},
                    Case{"a length that is no multiple of 4", "0001 0006 2112a442", Kind::broken, 0},
                    Case{"a Binding request of RFC 3489", "0001 0000 2112a443", Kind::broken, 0},
                    Case{"a ClientHello", "16030100 f8010000", Kind::broken, 0},
                    Case{"the first two bits 10", "80", Kind::broken, 0}, Case{"RTP", "8000", Kind::broken, 0},
                    Case{"the first two bits 11", "ff", Kind::broken, 0},
                    Case{"part of a ChannelData header", "4000 00", Kind::incomplete, 4},
                    Case{"empty ChannelData", "4000 0000", Kind::channel_data, 4},
                    Case{"ChannelData with padding", "4001 0001", Kind::channel_data, 8},
                    Case{"ChannelData that needs none", "7fff 0004 01", Kind::channel_data, 8},
                    Case{"the longest ChannelData", "4000 ffff", Kind::channel_data, 65540}));

}  // namespace
}  // namespace fedge::wire
