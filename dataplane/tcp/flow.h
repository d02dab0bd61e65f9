// A connection's identity on this core.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/base/address.h"

namespace fedge::tcp {

struct FlowKey {
    std::array<uint8_t, 16> local;
    std::array<uint8_t, 16> remote;
    uint16_t local_port;
    uint16_t remote_port;
    uint32_t zero;

    static FlowKey of(const Endpoint& local, const Endpoint& remote) {
        return {local.address.octets(), remote.address.octets(), local.port, remote.port, 0};
    }
    IpAddress local_address() const { return IpAddress::v6_bytes(local.data()); }
    IpAddress remote_address() const { return IpAddress::v6_bytes(remote.data()); }
    Endpoint local_endpoint() const { return {local_address(), local_port}; }
    Endpoint remote_endpoint() const { return {remote_address(), remote_port}; }
    friend bool operator==(const FlowKey&, const FlowKey&) = default;
};
static_assert(sizeof(FlowKey) == 40);

}  // namespace fedge::tcp
