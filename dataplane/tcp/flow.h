// A connection's identity on this core.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "dataplane/base/address.h"

namespace fedge::tcp {

struct FlowKey {
    std::array<uint8_t, 16> local;
    std::array<uint8_t, 16> remote;
    uint64_t ports;  // one word: it is hashed and compared as such right after it was written

    static FlowKey of(const Endpoint& local, const Endpoint& remote) {
        return {local.address.octets(), remote.address.octets(), uint64_t{local.port} << 16 | remote.port};
    }
    // `ports`: the first word of the TCP header, source and destination.
    static FlowKey of_arrival(const IpAddress& local, const IpAddress& remote, uint32_t ports) {
        return {local.octets(), remote.octets(), std::rotl(ports, 16)};
    }
    uint16_t local_port() const { return static_cast<uint16_t>(ports >> 16); }
    uint16_t remote_port() const { return static_cast<uint16_t>(ports); }
    IpAddress local_address() const { return IpAddress::v6_bytes(local.data()); }
    IpAddress remote_address() const { return IpAddress::v6_bytes(remote.data()); }
    Endpoint local_endpoint() const { return {local_address(), local_port()}; }
    Endpoint remote_endpoint() const { return {remote_address(), remote_port()}; }
    friend bool operator==(const FlowKey& a, const FlowKey& b) {
        auto x = std::bit_cast<std::array<uint64_t, 5>>(a);
        auto y = std::bit_cast<std::array<uint64_t, 5>>(b);
        return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4])) == 0;
    }
};
static_assert(sizeof(FlowKey) == 40);

}  // namespace fedge::tcp
