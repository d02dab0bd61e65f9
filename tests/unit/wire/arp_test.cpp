#include "dataplane/wire/arp.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "tests/support/hex.h"

namespace fedge::wire {
namespace {

using fedge::test::from_hex;

constexpr char kRequest[] = "0001 0800 06 04 0001  020000000001 c0000201  000000000000 c00002fe";

TEST(Arp, RequestRoundTrip) {
    auto bytes = from_hex(kRequest);
    auto arp = Arp::parse(bytes);
    ASSERT_TRUE(arp);
    EXPECT_EQ(arp->operation, ArpOperation::request);
    EXPECT_EQ(arp->sender_mac.text(), "02:00:00:00:00:01");
    EXPECT_EQ(arp->sender.text(), "192.0.2.1");
    EXPECT_EQ(arp->target.text(), "192.0.2.254");
    EXPECT_FALSE(arp->gratuitous());
    std::array<uint8_t, kArpLength> out;
    arp->write(out);
    EXPECT_EQ(std::vector<uint8_t>(out.begin(), out.end()), bytes);
}

TEST(Arp, PaddingOfTheFrameIsIgnored) {
    auto bytes = from_hex(kRequest);
    bytes.resize(46, 0xee);
    EXPECT_TRUE(Arp::parse(bytes));
}

TEST(Arp, ProbeAndAnnouncement) {
    auto probe = Arp::parse(from_hex("0001 0800 06 04 0001  020000000001 00000000  000000000000 c00002fe"));
    ASSERT_TRUE(probe);
    EXPECT_TRUE(probe->sender.is_unspecified());
    EXPECT_FALSE(probe->gratuitous());
    auto announcement = Arp::parse(from_hex("0001 0800 06 04 0002  020000000001 c0000201  ffffffffffff c0000201"));
    ASSERT_TRUE(announcement);
    EXPECT_EQ(announcement->operation, ArpOperation::reply);
    EXPECT_TRUE(announcement->gratuitous());
}

TEST(Arp, MalformedIsRefused) {
    struct Case {
        const char* name;
        const char* bytes;
    };
    const Case cases[] = {
        {"empty", ""},
        {"27 bytes", "0001 0800 06 04 0001  020000000001 c0000201  000000000000 c00002"},
        {"hardware type 6", "0006 0800 06 04 0001  020000000001 c0000201  000000000000 c00002fe"},
        {"protocol IPv6", "0001 86dd 06 04 0001  020000000001 c0000201  000000000000 c00002fe"},
        {"hardware length 8", "0001 0800 08 04 0001  020000000001 c0000201  000000000000 c00002fe"},
        {"protocol length 16", "0001 0800 06 10 0001  020000000001 c0000201  000000000000 c00002fe"},
        {"operation 0", "0001 0800 06 04 0000  020000000001 c0000201  000000000000 c00002fe"},
        {"operation RARP", "0001 0800 06 04 0003  020000000001 c0000201  000000000000 c00002fe"},
        {"sender MAC broadcast", "0001 0800 06 04 0002  ffffffffffff c0000201  000000000000 c00002fe"},
        {"sender MAC multicast", "0001 0800 06 04 0002  01005e000001 c0000201  000000000000 c00002fe"},
        {"sender MAC zero", "0001 0800 06 04 0002  000000000000 c0000201  000000000000 c00002fe"},
        {"sender multicast", "0001 0800 06 04 0002  020000000001 e0000001  000000000000 c00002fe"},
        {"sender broadcast", "0001 0800 06 04 0002  020000000001 ffffffff  000000000000 c00002fe"},
    };
    for (const Case& c : cases) EXPECT_FALSE(Arp::parse(from_hex(c.bytes))) << c.name;
}

}  // namespace
}  // namespace fedge::wire
