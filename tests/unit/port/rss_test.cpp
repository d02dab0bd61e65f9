#include "dataplane/port/rss.h"

#include <gtest/gtest.h>

namespace fedge::port {
namespace {

Endpoint at(const char* address, uint16_t port) {
    return {*IpAddress::parse(address), port};
}

// The verification suite that was published with the RSS specification; every NIC agrees with it.
TEST(Rss, HashesAsTheSpecificationDoes) {
    struct Row {
        Endpoint source, destination;
        uint32_t hash;
    };
    const Row rows[] = {
        {at("66.9.149.187", 2794), at("161.142.100.80", 1766), 0x51ccc178},
        {at("199.92.111.2", 14230), at("65.69.140.83", 4739), 0xc626b0ea},
        {at("24.19.198.95", 12898), at("12.22.207.184", 38024), 0x5c2b394a},
        {at("38.27.205.30", 48228), at("209.142.163.6", 2217), 0xafc7327f},
        {at("153.39.163.191", 44251), at("202.188.127.2", 1303), 0x10e828a2},
        {at("3ffe:2501:200:1fff::7", 2794), at("3ffe:2501:200:3::1", 1766), 0x40207d3d},
        {at("3ffe:501:8::260:97ff:fe40:efab", 14230), at("ff02::1", 4739), 0xdde51bbf},
        {at("3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251), at("fe80::200:f8ff:fe21:67cf", 38024), 0x02d1feef},
    };
    for (const Row& row : rows) EXPECT_EQ(rss_hash(row.source, row.destination), row.hash) << row.source.text();
}

}  // namespace
}  // namespace fedge::port
