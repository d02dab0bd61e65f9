#include "control/discovery/records.h"

#include <gtest/gtest.h>

#include "tests/unit/discovery/fake_resolver.h"

namespace fedge::control::discovery {
namespace {

using test::srv;
using test::wire_name;

TEST(Records, SrvIsRead) {
    auto record = parse_srv(srv(10, 60, 5061, "SIP.Partner.example"));
    ASSERT_TRUE(record);
    EXPECT_EQ(*record, (Srv{10, 60, 5061, "sip.partner.example"}));
    auto none = parse_srv(srv(0, 0, 0, ""));
    ASSERT_TRUE(none);
    EXPECT_EQ(none->target, "");
}

TEST(Records, CutShortIsRefusedAtEveryLength) {
    auto whole = srv(1, 2, 5061, "sip.partner.example");
    for (size_t length = 0; length < whole.size(); length++)
        EXPECT_FALSE(parse_srv(Bytes(whole).first(length))) << length;
    whole.push_back(0);
    EXPECT_FALSE(parse_srv(whole)) << "bytes behind the name";
}

TEST(Records, NamesThatAreNoHostNamesAreRefused) {
    struct Case {
        const char* what;
        std::vector<uint8_t> wire;
        bool good;
    };
    std::vector<uint8_t> long_label{64};
    long_label.insert(long_label.end(), 64, 'a');
    long_label.push_back(0);
    std::string deep;
    for (int i = 0; i < 126; i++) deep += deep.empty() ? "a" : ".a";
    const Case cases[] = {
        {"the root", {0}, true},
        {"a label", {1, 'a', 0}, true},
        {"digits and signs", {4, 'a', '-', '_', '9', 0}, true},
        {"nothing at all", {}, false},
        {"no end", {1, 'a'}, false},
        {"a label that promises more", {5, 'a', 0}, false},
        {"compression", {0xc0, 0x0c}, false},
        {"a dot inside of a label", {3, 'a', '.', 'b', 0}, false},
        {"a zero byte", {3, 'a', 0, 'b', 0}, false},
        {"a space", {3, 'a', ' ', 'b', 0}, false},
        {"UTF-8", {3, 'a', 0xc3, 0xa4, 0}, false},
        {"an escape sequence", {4, 0x1b, '[', '2', 'J', 0}, false},
        {"a label of 64", long_label, false},
        {"127 labels", wire_name(deep), true},
        {"more than 253", wire_name(deep + "." + deep), false},
    };
    for (const auto& c : cases) EXPECT_EQ(parse_name(c.wire).has_value(), c.good) << c.what;
}

TEST(Records, AddressesHaveTheirLength) {
    EXPECT_EQ(parse_address(RecordType::a, test::address("192.0.2.1"))->text(), "192.0.2.1");
    EXPECT_EQ(parse_address(RecordType::aaaa, test::address("2001:db8::1"))->text(), "2001:db8::1");
    EXPECT_FALSE(parse_address(RecordType::a, test::address("2001:db8::1")));
    EXPECT_FALSE(parse_address(RecordType::aaaa, test::address("192.0.2.1")));
    EXPECT_FALSE(parse_address(RecordType::srv, test::address("192.0.2.1")));
    // An AAAA record that hides an IPv4 address is that address, so that no rule for IPv4 is evaded.
    std::vector<uint8_t> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
    EXPECT_EQ(parse_address(RecordType::aaaa, mapped)->text(), "127.0.0.1");
}

TEST(Records, TlsaIsRead) {
    auto record = parse_tlsa(std::vector<uint8_t>{3, 1, 1, 0xab, 0xcd});
    ASSERT_TRUE(record);
    EXPECT_EQ(*record, (Tlsa{3, 1, 1, {0xab, 0xcd}}));
    EXPECT_FALSE(parse_tlsa(std::vector<uint8_t>{3, 1, 1}));
    EXPECT_FALSE(parse_tlsa(std::vector<uint8_t>(20000, 1)));
}

}  // namespace
}  // namespace fedge::control::discovery
