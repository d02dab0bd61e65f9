#include "dataplane/wire/ndp.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <vector>

#include "dataplane/wire/checksum.h"
#include "tests/support/hex.h"

namespace fedge::wire {
namespace {

using fedge::test::from_hex;
using Buffer = std::vector<uint8_t>;

IpAddress ip(const char* text) {
    return IpAddress::parse(text).value();
}

const IpAddress kHost = ip("fe80::1");
const IpAddress kTarget = ip("2001:db8::ab:cdef");
const MacAddress kMac{{2, 0, 0, 0, 0, 1}};

// A message with its checksum, parsed as far as ICMPv6.
struct Sealed {
    Buffer bytes;
    std::optional<Icmp> icmp;

    Sealed(Buffer message, const IpAddress& source, const IpAddress& destination) : bytes(std::move(message)) {
        store_be16(&bytes[2], 0);
        store_be16(&bytes[2], transport_checksum(source, destination, 58, bytes));
        icmp = Icmp::parse_v6(source, destination, bytes);
    }
};

constexpr char kSolicitation[] = "8700 0000 00000000 20010db8000000000000000000abcdef";
constexpr char kAdvertisement[] = "8800 0000 60000000 20010db8000000000000000000abcdef";
constexpr char kSourceOption[] = "0101 020000000001";
constexpr char kTargetOption[] = "0201 020000000001";

TEST(Ndp, SolicitedNodeGroup) {
    EXPECT_EQ(solicited_node_multicast(kTarget), ip("ff02::1:ffab:cdef"));
    EXPECT_EQ(solicited_node_multicast(ip("fe80::")), ip("ff02::1:ff00:0"));
    EXPECT_EQ(all_nodes_multicast(), ip("ff02::1"));
}

TEST(Ndp, WrittenSolicitationParses) {
    std::array<uint8_t, kNdpLength> out;
    IpAddress group = solicited_node_multicast(kTarget);
    write_neighbor_solicitation(out, kHost, group, kTarget, kMac);
    auto icmp = Icmp::parse_v6(kHost, group, out);
    ASSERT_TRUE(icmp);
    auto solicitation = NeighborSolicitation::parse(kHost, group, 255, *icmp);
    ASSERT_TRUE(solicitation);
    EXPECT_EQ(solicitation->target, kTarget);
    EXPECT_EQ(solicitation->source_mac, kMac);
    EXPECT_FALSE(NeighborAdvertisement::parse(group, 255, *icmp)) << "it is the other message";
}

TEST(Ndp, WrittenAdvertisementParses) {
    for (bool solicited : {true, false}) {
        std::array<uint8_t, kNdpLength> out;
        IpAddress to = solicited ? kHost : all_nodes_multicast();
        write_neighbor_advertisement(out, kTarget, to, kTarget, kMac, solicited);
        auto icmp = Icmp::parse_v6(kTarget, to, out);
        ASSERT_TRUE(icmp);
        auto advertisement = NeighborAdvertisement::parse(to, 255, *icmp);
        ASSERT_TRUE(advertisement);
        EXPECT_EQ(advertisement->target, kTarget);
        EXPECT_EQ(advertisement->target_mac, kMac);
        EXPECT_EQ(advertisement->solicited, solicited);
        EXPECT_TRUE(advertisement->override_cached);
        EXPECT_FALSE(advertisement->router);
        EXPECT_FALSE(NeighborSolicitation::parse(kTarget, to, 255, *icmp));
    }
}

TEST(Ndp, SolicitationValidation) {  // RFC 4861 section 7.1.1
    struct Case {
        const char* name;
        std::string message;
        const char* source;
        const char* destination;
        uint8_t hop_limit;
        bool valid;
    };
    const std::string plain = kSolicitation;
    const char* group = "ff02::1:ffab:cdef";
    const Case cases[] = {
        {"with option", plain + kSourceOption, "fe80::1", group, 255, true},
        {"without option", plain, "fe80::1", "2001:db8::ab:cdef", 255, true},
        {"duplicate address detection", plain, "::", group, 255, true},
        {"unknown option first", plain + "0e02 0000000000000000000000000000" + kSourceOption, "fe80::1", group, 255,
         true},
        {"hop limit 254", plain + kSourceOption, "fe80::1", group, 254, false},
        {"hop limit 0", plain + kSourceOption, "fe80::1", group, 0, false},
        {"code 1", "8701 0000 00000000 20010db8000000000000000000abcdef", "fe80::1", group, 255, false},
        {"short", "8700 0000 00000000 20010db8000000000000000000abcd", "fe80::1", group, 255, false},
        {"multicast target", "8700 0000 00000000 ff020000000000000000000000000001", "fe80::1", group, 255, false},
        {"unspecified target", "8700 0000 00000000 00000000000000000000000000000000", "fe80::1", group, 255, false},
        {"IPv4-mapped target", "8700 0000 00000000 00000000000000000000ffffc0000201", "fe80::1", group, 255, false},
        {"option of length 0", plain + "0100 020000000001", "fe80::1", group, 255, false},
        {"option beyond the message", plain + "0102 020000000001", "fe80::1", group, 255, false},
        {"half an option", plain + "0101 0200", "fe80::1", group, 255, false},
        {"one byte of an option", plain + "01", "fe80::1", group, 255, false},
        {"unspecified source with option", plain + kSourceOption, "::", group, 255, false},
        {"unspecified source to unicast", plain, "::", "2001:db8::ab:cdef", 255, false},
        {"unspecified source to all nodes", plain, "::", "ff02::1", 255, false},
        {"multicast MAC", plain + "0101 010000000001", "fe80::1", group, 255, false},
        {"zero MAC", plain + "0101 000000000000", "fe80::1", group, 255, false},
    };
    for (const Case& c : cases) {
        Sealed sealed{from_hex(c.message), ip(c.source), ip(c.destination)};
        ASSERT_TRUE(sealed.icmp) << c.name;
        auto parsed = NeighborSolicitation::parse(ip(c.source), ip(c.destination), c.hop_limit, *sealed.icmp);
        EXPECT_EQ(parsed.has_value(), c.valid) << c.name;
    }
}

TEST(Ndp, AdvertisementValidation) {  // RFC 4861 section 7.1.2
    struct Case {
        const char* name;
        std::string message;
        const char* destination;
        uint8_t hop_limit;
        bool valid;
    };
    const std::string plain = kAdvertisement;
    const std::string unsolicited = "8800 0000 20000000 20010db8000000000000000000abcdef";
    const Case cases[] = {
        {"solicited", plain + kTargetOption, "fe80::2", 255, true},
        {"without option", plain, "fe80::2", 255, true},
        {"unsolicited to all nodes", unsolicited + kTargetOption, "ff02::1", 255, true},
        {"solicited to all nodes", plain + kTargetOption, "ff02::1", 255, false},
        {"hop limit 64", plain + kTargetOption, "fe80::2", 64, false},
        {"code 1", "8801 0000 60000000 20010db8000000000000000000abcdef", "fe80::2", 255, false},
        {"short", "8800 0000 60000000 20010db8000000000000000000abcd", "fe80::2", 255, false},
        {"multicast target", "8800 0000 60000000 ff020000000000000000000000000001", "fe80::2", 255, false},
        {"option of length 0", plain + "0200 020000000001", "fe80::2", 255, false},
        {"broadcast MAC", plain + "0201 ffffffffffff", "fe80::2", 255, false},
    };
    for (const Case& c : cases) {
        Sealed sealed{from_hex(c.message), kHost, ip(c.destination)};
        ASSERT_TRUE(sealed.icmp) << c.name;
        EXPECT_EQ(NeighborAdvertisement::parse(ip(c.destination), c.hop_limit, *sealed.icmp).has_value(), c.valid)
            << c.name;
    }
}

TEST(Ndp, FirstOptionCounts) {
    Sealed sealed{from_hex(std::string(kAdvertisement) + kTargetOption + "0201 020000000002"), kHost, kTarget};
    EXPECT_EQ(NeighborAdvertisement::parse(kTarget, 255, *sealed.icmp)->target_mac, kMac);
    Sealed other{from_hex(std::string(kAdvertisement) + kSourceOption), kHost, kTarget};
    EXPECT_FALSE(NeighborAdvertisement::parse(kTarget, 255, *other.icmp)->target_mac)
        << "a source option is not a target option";
}

}  // namespace
}  // namespace fedge::wire
