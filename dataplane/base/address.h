// IP addresses in one canonical form. IPv4 is kept IPv4-mapped (RFC 4291 section 2.5.5.2), so that there is one type,
// one comparison and one place where a family is decided.
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

    // Both halves are written at once: addresses are made and copied for each packet, and a copy right after piecemeal
    // stores would wait for them.
    static IpAddress words(uint64_t high, uint64_t low) {
        IpAddress a;
        const std::array<uint64_t, 2> wire{swap_if_little(high), swap_if_little(low)};
        std::memcpy(a.octets_.data(), wire.data(), sizeof(wire));
        return a;
    }
    static IpAddress v4(uint32_t host_order) { return words(0, uint64_t{0xffff} << 32 | host_order); }
    static IpAddress v4_bytes(const uint8_t* four) {
        if constexpr (std::endian::native == std::endian::big) return v4(load_be32(four));
        const std::array<uint64_t, 2> halves{0, uint64_t{load_native32(four)} << 32 | 0xffff0000};
        IpAddress a;
        std::memcpy(a.octets_.data(), halves.data(), sizeof(halves));
        return a;
    }
    static IpAddress v6_bytes(const uint8_t* sixteen) { return words(load_be64(sixteen), load_be64(sixteen + 8)); }
    // "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"; nothing else.
    static std::optional<IpAddress> parse(std::string_view text);

    Family family() const { return is_v4() ? Family::ipv4 : Family::ipv6; }
    bool is_v4() const { return high() == 0 && load_be32(octets_.data() + 8) == 0xffff; }
    bool is_unspecified() const { return high() == 0 && (low() == 0 || low() == uint64_t{0xffff} << 32); }
    bool is_multicast() const { return is_v4() ? v4_host_order() >> 28 == 0xe : octets_[0] == 0xff; }
    bool is_loopback() const { return is_v4() ? v4_host_order() >> 24 == 127 : high() == 0 && low() == 1; }
    bool is_link_local() const { return is_v4() ? v4_host_order() >> 16 == 0xa9fe : high() >> 54 == 0xfe80U >> 6; }
    uint32_t v4_host_order() const { return load_be32(octets_.data() + 12); }
    // The four bytes as they stand on the wire, to be copied and summed.
    uint32_t v4_wire_order() const { return load_native32(octets_.data() + 12); }

    // Wire form: 4 bytes for IPv4, 16 for IPv6.
    Bytes wire() const { return is_v4() ? Bytes{octets_.data() + 12, 4} : Bytes{octets_}; }
    const std::array<uint8_t, 16>& octets() const { return octets_; }
    uint64_t high() const { return load_be64(octets_.data()); }
    uint64_t low() const { return load_be64(octets_.data() + 8); }

    std::string text() const;

    // For tables of addresses that no stranger chooses; the upper bits are the good ones.
    uint64_t hash() const {
        auto [high, low] = halves();
        return (high * 0x9e3779b97f4a7c15 ^ low) * 0xbf58476d1ce4e5b9;
    }

    friend bool operator==(const IpAddress& a, const IpAddress& b) {
        auto x = a.halves(), y = b.halves();
        return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
    }
    friend std::strong_ordering operator<=>(const IpAddress& a, const IpAddress& b) { return a.octets_ <=> b.octets_; }

  private:
    // As the machine loads them.
    std::array<uint64_t, 2> halves() const {
        std::array<uint64_t, 2> h;
        std::memcpy(h.data(), octets_.data(), sizeof(h));
        return h;
    }

    alignas(8) std::array<uint8_t, 16> octets_{};
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
