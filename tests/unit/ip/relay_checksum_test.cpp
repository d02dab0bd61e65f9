#include "dataplane/ip/relay_checksum.h"

#include <gtest/gtest.h>

#include <vector>

#include "dataplane/base/random.h"
#include "dataplane/wire/headers.h"

namespace fedge::ip {
namespace {

using Payload = std::vector<uint8_t>;

Payload random_bytes(Random& random, size_t length) {
    Payload p(length);
    if (length) random.fill(p);
    return p;
}

// Computed over every byte: the oracle.
uint16_t full(const Endpoint& source, const Endpoint& destination, const Payload& payload) {
    std::vector<uint8_t> segment(wire::kUdpHeader);
    wire::write_udp(segment.data(), source.port, destination.port, static_cast<uint16_t>(payload.size()), 0);
    segment.insert(segment.end(), payload.begin(), payload.end());
    uint16_t c = wire::transport_checksum(source.address, destination.address, 17, segment);
    return c ? c : 0xffff;
}

Payload join(const Payload& a, const Payload& b, const Payload& c) {
    Payload out = a;
    out.insert(out.end(), b.begin(), b.end());
    out.insert(out.end(), c.begin(), c.end());
    return out;
}

Endpoint random_endpoint(Random& random, bool v4) {
    auto b = random_bytes(random, 16);
    b[0] = 0x20;
    return {v4 ? IpAddress::v4_bytes(b.data()) : IpAddress::v6_bytes(b.data()), static_cast<uint16_t>(random.u32())};
}

TEST(RelayedUdpChecksum, EqualsFullComputationForAnyStep) {
    SeededRandom random(1);
    for (int i = 0; i < 20000; i++) {
        bool v4_in = random.below(2), v4_out = random.below(2);
        Endpoint from = random_endpoint(random, v4_in), to = random_endpoint(random, v4_in);
        Endpoint source = random_endpoint(random, v4_out), destination = random_endpoint(random, v4_out);
        Payload data = random_bytes(random, random.below(200));
        if (random.below(8) == 0) data.assign(data.size(), 0);
        // MS-TURN heads are not padded, so odd lengths in front of the data are legal too.
        Payload before = random_bytes(random, random.below(60)), after = random_bytes(random, random.below(4));
        Payload before_out = random_bytes(random, random.below(60)), after_out = random_bytes(random, random.below(4));

        uint16_t received = full(from, to, join(before, data, after));
        auto got = relayed_udp_checksum(received, {endpoint_sum(from, to), before, after},
                                        {endpoint_sum(source, destination), before_out, after_out},
                                        static_cast<uint16_t>(data.size()));
        ASSERT_EQ(got, full(source, destination, join(before_out, data, after_out)))
            << "step " << i << ": data " << data.size() << ", before " << before.size() << " -> " << before_out.size();
    }
}

TEST(RelayedUdpChecksum, KeepsDamageVisible) {
    SeededRandom random(2);
    Endpoint a = random_endpoint(random, true), b = random_endpoint(random, true), c = random_endpoint(random, true);
    Payload header{0x40, 0x01, 0, 101}, data = random_bytes(random, 101);
    uint16_t received = full(a, b, join(header, data, {}));
    data[17] ^= 0x20;  // on the way to us
    auto sent = relayed_udp_checksum(received, {endpoint_sum(a, b), header, {}}, {endpoint_sum(b, c), {}, {}}, 101);
    EXPECT_NE(sent, full(b, c, data));
}

TEST(RelayedUdpChecksum, HasNothingToCarryOverWithoutOne) {
    EXPECT_EQ(relayed_udp_checksum(0, {}, {}, 100), 0);
}

TEST(Ipv4EndpointSum, IsTheGeneralOneForIpv4) {
    SeededRandom random(3);
    for (int i = 0; i < 1000; i++) {
        Endpoint a = random_endpoint(random, true), b = random_endpoint(random, true);
        ASSERT_EQ(wire::fold(ipv4_endpoint_sum(a.address, a.port, b.address, b.port)) % 0xffff,
                  wire::fold(endpoint_sum(a, b)) % 0xffff);
    }
}

TEST(RelayedUdpChecksum, IsNeverZero) {
    // Choose the outgoing port so that the sum comes to 0xffff, whose complement must be sent as 0xffff.
    Endpoint a{IpAddress::v4(0xc0000201), 1000}, b{IpAddress::v4(0xc0000202), 2000};
    Payload data{1, 2, 3, 4};
    uint16_t received = full(a, b, data);
    int found = 0;
    for (uint32_t port = 0; port < 65536; port++) {
        Endpoint out{a.address, static_cast<uint16_t>(port)};
        auto c = relayed_udp_checksum(received, {endpoint_sum(a, b), {}, {}}, {endpoint_sum(out, b), {}, {}}, 4);
        ASSERT_EQ(c, full(out, b, data));
        ASSERT_NE(c, 0);
        found += c == 0xffff;
    }
    EXPECT_EQ(found, 1);
}

}  // namespace
}  // namespace fedge::ip
