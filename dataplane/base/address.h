// IP addresses in one canonical form. IPv4 is kept IPv4-mapped (RFC 4291 section 2.5.5.2), so that there is one type, one
// comparison and one place where a family is decided.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/base/bytes.h"

namespace fedge {

enum class Family : uint8_t { ipv4, ipv6 };

class IpAddress {
  public:
    constexpr IpAddress() = default;  // ::

    static IpAddress v4(uint32_t host_order) {
        uint8_t b[4];
        store_be32(b, host_order);
        return v4_bytes(b);
    }
    static IpAddress v4_bytes(const uint8_t* four) {
        IpAddress a;
        a.octets_[10] = a.octets_[11] = 0xff;
        std::memcpy(a.octets_.data() + 12, four, 4);
        return a;
    }
    static IpAddress v6_bytes(const uint8_t* sixteen) {
        IpAddress a;
        std::memcpy(a.octets_.data(), sixteen, 16);
        return a;
    }
    // "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"; nothing else.
    static std::optional<IpAddress> parse(std::string_view text);

    Family family() const { return is_v4() ? Family::ipv4 : Family::ipv6; }
    bool is_v4() const { return high() == 0 && load_be32(octets_.data() + 8) == 0xffff; }
    bool is_unspecified() const;  // 0.0.0.0 or ::
    bool is_multicast() const;
    bool is_loopback() const;
    bool is_link_local() const;
    uint32_t v4_host_order() const { return load_be32(octets_.data() + 12); }

    // Wire form: 4 bytes for IPv4, 16 for IPv6.
    Bytes wire() const { return is_v4() ? Bytes{octets_.data() + 12, 4} : Bytes{octets_}; }
    const std::array<uint8_t, 16>& octets() const { return octets_; }
    uint64_t high() const { return load_be64(octets_.data()); }
    uint64_t low() const { return load_be64(octets_.data() + 8); }

    std::string text() const;

    friend bool operator==(const IpAddress& a, const IpAddress& b) { return std::memcmp(&a, &b, 16) == 0; }
    friend std::strong_ordering operator<=>(const IpAddress& a, const IpAddress& b) { return a.octets_ <=> b.octets_; }

  private:
    std::array<uint8_t, 16> octets_{};
};
static_assert(sizeof(IpAddress) == 16);

struct Endpoint {
    IpAddress address;
    uint16_t port = 0;  // host order

    std::string text() const;  // 192.0.2.1:3478, [2001:db8::1]:3478
    static std::optional<Endpoint> parse(std::string_view text);
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
    friend std::strong_ordering operator<=>(const Endpoint&, const Endpoint&) = default;
};

// Length counts 128 bits: an IPv4 /24 has length 120.
struct Prefix {
    IpAddress address;
    uint8_t length = 128;

    bool contains(const IpAddress& a) const;
    // "192.0.2.0/24", "2001:db8::/32", or an address alone. Host bits are kept (an interface address is a Prefix too).
    static std::optional<Prefix> parse(std::string_view text);
    std::string text() const;
    friend bool operator==(const Prefix&, const Prefix&) = default;
};

struct MacAddress {
    std::array<uint8_t, 6> octets{};

    bool is_multicast() const { return octets[0] & 1; }
    std::string text() const;
    static std::optional<MacAddress> parse(std::string_view text);
    friend bool operator==(const MacAddress&, const MacAddress&) = default;
};

}  // namespace fedge
