#include "dataplane/tcp/secrets.h"

#include <gtest/gtest.h>

namespace fedge::tcp {
namespace {

class TcpSecrets : public testing::Test {
  protected:
    SeededRandom random{7};
    Secrets secrets{random};
    FlowKey flow = FlowKey::of({IpAddress::v4(0xc0000201), 443}, {IpAddress::v4(0xc6336401), 50000});
    FlowKey other = FlowKey::of({IpAddress::v4(0xc0000201), 443}, {IpAddress::v4(0xc6336401), 50001});
    Instant now{1h};
};

// RFC 6528 section 3.
TEST_F(TcpSecrets, SequenceNumbersGrowWithTheClockAndDifferByFlow) {
    uint32_t first = secrets.initial_sequence(flow, now);
    EXPECT_EQ(secrets.initial_sequence(flow, now + 4ms) - first, 1000u);
    EXPECT_NE(secrets.initial_sequence(other, now), first);
    Secrets reboot{random};
    EXPECT_NE(reboot.initial_sequence(flow, now), first);
}

struct MssCase {
    uint16_t offered;
    uint16_t kept;
};
class CookieMss : public TcpSecrets, public testing::WithParamInterface<MssCase> {};
INSTANTIATE_TEST_SUITE_P(Rounded, CookieMss,
                         testing::Values(MssCase{536, 536}, MssCase{535, 256}, MssCase{1220, 1220}, MssCase{1380, 1360},
                                         MssCase{1460, 1460}, MssCase{9000, 8940}, MssCase{65535, 8940}));

TEST_P(CookieMss, ComesBackRoundedDown) {
    uint32_t cookie = secrets.cookie(flow, 1234, GetParam().offered, now);
    EXPECT_EQ(secrets.check_cookie(flow, 1234, cookie, now), GetParam().kept);
}

TEST_F(TcpSecrets, CookiesAreForOneFlowAndOneSequenceNumber) {
    uint32_t cookie = secrets.cookie(flow, 1234, 1460, now);
    EXPECT_FALSE(secrets.check_cookie(other, 1234, cookie, now));
    EXPECT_FALSE(secrets.check_cookie(flow, 1235, cookie, now));
    EXPECT_FALSE(secrets.check_cookie(flow, 1234, cookie ^ 1, now));
    EXPECT_FALSE(secrets.check_cookie(flow, 1234, cookie ^ (1U << 24), now)) << "another MSS";
}

TEST_F(TcpSecrets, CookiesGetOldAndKeysRotate) {
    Instant start{64s * 16 * 100};  // a key begins here
    uint32_t cookie = secrets.cookie(flow, 1, 1460, start);
    EXPECT_TRUE(secrets.check_cookie(flow, 1, cookie, start + 127s));
    EXPECT_FALSE(secrets.check_cookie(flow, 1, cookie, start + 128s));
    uint32_t last = secrets.cookie(flow, 1, 1460, start + 64s * 15);
    secrets.cookie(flow, 1, 1460, start + 64s * 16);  // makes the next key
    EXPECT_TRUE(secrets.check_cookie(flow, 1, last, start + 64s * 16));
    EXPECT_FALSE(secrets.check_cookie(flow, 1, last, start + 64s * 32 + 64s * 15)) << "same digits, another key";
}

}  // namespace
}  // namespace fedge::tcp
