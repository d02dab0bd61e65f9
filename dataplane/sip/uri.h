// URIs as SIP writes them (RFC 3261 section 19.1; RFC 3966): views into the text, nothing is unescaped.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace fedge::sip {

enum class Scheme : uint8_t { sip, sips, tel, other };

struct Uri {
    std::string_view text;  // all of it
    Scheme scheme = Scheme::other;
    std::string_view user;      // sip, sips: empty without; tel: the number
    std::string_view password;  // empty without
    std::string_view host;      // name, IPv4 address or [IPv6 address]; of other schemes empty
    uint16_t port = 0;          // 0: none given
    std::string_view params;    // from the first semicolon on
    std::string_view headers;   // from the question mark on

    // Whole text, no white space around. Of schemes that are not known only the characters are looked at.
    static std::optional<Uri> parse(std::string_view text);

    bool is_sip() const { return scheme == Scheme::sip || scheme == Scheme::sips; }
    // The value of a parameter, empty if it has none; nothing if it is absent. The first counts. `name` in lower case.
    std::optional<std::string_view> param(std::string_view name) const;
    bool loose_router() const { return param("lr").has_value(); }
};

// A host as SIP compares them: without case, without the dot at the end.
bool same_host(std::string_view a, std::string_view b);

// hostname / IPv4address / IPv6reference (section 25.1), with the underscores that are met in the wild.
bool is_host(std::string_view host);

// Takes "host [":" port]" apart. Nothing if it is not one.
struct HostPort {
    std::string_view host;
    uint16_t port = 0;
};
std::optional<HostPort> parse_host_port(std::string_view text);

}  // namespace fedge::sip
