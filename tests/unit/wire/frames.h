// Frames for tests, built from parts.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/wire/headers.h"

namespace fedge::wire::test {

using Frame = std::vector<uint8_t>;

inline IpAddress ip(const char* text) {
    return IpAddress::parse(text).value();
}

inline Frame join(std::initializer_list<Frame> parts) {
    Frame whole;
    for (const Frame& part : parts) whole.insert(whole.end(), part.begin(), part.end());
    return whole;
}

inline Frame ethernet(uint16_t ether_type, uint16_t vlan = 0) {
    Frame out(18);
    out.resize(write_ethernet(out.data(), {{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}, vlan, ether_type));
    return out;
}

inline Frame udp(size_t payload, uint16_t checksum = 0x1234) {
    Frame out(kUdpHeader + payload, 0x55);
    write_udp(out.data(), 5000, 3478, static_cast<uint16_t>(payload), checksum);
    return out;
}

// Header (with options, whose length is a multiple of 4) and what is behind it.
inline Frame ipv4(uint8_t protocol, const Frame& payload, const Frame& options = {}) {
    Frame out(kIpv4Header);
    IpFields fields{.protocol = protocol, .payload_length = static_cast<uint16_t>(payload.size() + options.size())};
    write_ipv4(out.data(), ip("192.0.2.1"), ip("198.51.100.7"), fields);
    out[0] = static_cast<uint8_t>(0x45 + options.size() / 4);
    out.insert(out.end(), options.begin(), options.end());
    store_be16(&out[10], 0);
    store_be16(&out[10], checksum(out));
    return join({out, payload});
}

inline Frame ipv6(uint8_t next, const Frame& payload) {
    Frame out(kIpv6Header);
    IpFields fields{.protocol = next, .payload_length = static_cast<uint16_t>(payload.size())};
    write_ipv6(out.data(), ip("2001:db8::1"), ip("2001:db8::2"), fields);
    return join({out, payload});
}

inline Frame ipv4_frame(uint8_t protocol, const Frame& payload, const Frame& options = {}) {
    return join({ethernet(kEtherTypeIpv4), ipv4(protocol, payload, options)});
}
inline Frame ipv6_frame(uint8_t next, const Frame& payload) {
    return join({ethernet(kEtherTypeIpv6), ipv6(next, payload)});
}

// A copy with some bytes changed.
struct Patch {
    size_t at;
    uint8_t value;
};
inline Frame patched(Frame frame, std::initializer_list<Patch> patches) {
    for (const Patch& patch : patches) frame.at(patch.at) = patch.value;
    return frame;
}

}  // namespace fedge::wire::test
