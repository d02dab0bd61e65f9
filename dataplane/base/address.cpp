#include "dataplane/base/address.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstdio>

namespace fedge {
namespace {

template <typename T>
std::optional<T> parse_number(std::string_view text, T max) {
    T value{};
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > max) return std::nullopt;
    return value;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    char buffer[INET6_ADDRSTRLEN];
    // inet_pton stops at a NUL: one inside the text must not hide what follows.
    if (text.size() >= sizeof(buffer) || text.find('\0') != std::string_view::npos) return std::nullopt;
    std::memcpy(buffer, text.data(), text.size());
    buffer[text.size()] = 0;
    uint8_t raw[16];
    if (inet_pton(AF_INET, buffer, raw) == 1) return v4_bytes(raw);
    if (inet_pton(AF_INET6, buffer, raw) == 1) return v6_bytes(raw);
    return std::nullopt;
}

std::string IpAddress::text() const {
    char buffer[INET6_ADDRSTRLEN];
    if (is_v4()) {
        inet_ntop(AF_INET, octets_.data() + 12, buffer, sizeof(buffer));
    } else {
        inet_ntop(AF_INET6, octets_.data(), buffer, sizeof(buffer));
    }
    return buffer;
}

std::string Endpoint::text() const {
    return (address.is_v4() ? address.text() : "[" + address.text() + "]") + ":" + std::to_string(port);
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
    auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view host = text.substr(0, colon);
    bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    auto address = IpAddress::parse(host);
    auto port = parse_number<uint16_t>(text.substr(colon + 1), 65535);
    if (!address || !port || bracketed == address->is_v4()) return std::nullopt;
    return Endpoint{*address, *port};
}

bool Prefix::contains(const IpAddress& a) const {
    if (length == 0) return true;
    uint64_t high_mask = length >= 64 ? ~uint64_t{0} : ~uint64_t{0} << (64 - length);
    uint64_t low_mask = length <= 64 ? 0 : length >= 128 ? ~uint64_t{0} : ~uint64_t{0} << (128 - length);
    return ((a.high() ^ address.high()) & high_mask) == 0 && ((a.low() ^ address.low()) & low_mask) == 0;
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
    auto slash = text.find('/');
    auto address = IpAddress::parse(text.substr(0, slash));
    if (!address) return std::nullopt;
    if (slash == std::string_view::npos) return Prefix{*address, 128};
    bool mapped = text.find(':') == std::string_view::npos;
    auto length = parse_number<uint8_t>(text.substr(slash + 1), mapped ? 32 : 128);
    if (!length) return std::nullopt;
    return Prefix{*address, static_cast<uint8_t>(mapped ? *length + 96 : *length)};
}

std::string Prefix::text() const {
    bool mapped = address.is_v4() && length >= 96;
    return address.text() + "/" + std::to_string(mapped ? length - 96 : length);
}

std::string MacAddress::text() const {
    char buffer[18];
    std::snprintf(buffer, sizeof(buffer), "%02x:%02x:%02x:%02x:%02x:%02x", octets[0], octets[1], octets[2], octets[3],
                  octets[4], octets[5]);
    return buffer;
}

std::optional<MacAddress> MacAddress::parse(std::string_view text) {
    if (text.size() != 17) return std::nullopt;
    MacAddress mac;
    for (size_t i = 0; i < 6; i++) {
        if (i && text[3 * i - 1] != ':') return std::nullopt;
        auto digits = text.substr(3 * i, 2);
        auto [end, error] = std::from_chars(digits.data(), digits.data() + 2, mac.octets[i], 16);
        if (error != std::errc{} || end != digits.data() + 2) return std::nullopt;
    }
    return mac;
}

}  // namespace fedge
