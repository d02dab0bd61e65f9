// Values of the header fields that a proxy reads (RFC 3261 sections 20 and 25.1): addresses, Via, CSeq. Views into the
// field; white space and folds inside stay where they are.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dataplane/sip/uri.h"

namespace fedge::sip {

// From, To, Route, Record-Route, Contact: name-addr or addr-spec, and parameters of the field.
struct Address {
    std::string_view text;     // all of it
    std::string_view display;  // quotes included; empty without
    Uri uri;
    std::string_view params;  // from the semicolon on
    bool bracketed = false;   // <uri>

    // One value, surrounding white space allowed. Without brackets a URI ends at the first semicolon and must not hold
    // a comma or question mark (section 20); inside brackets no white space is allowed.
    static std::optional<Address> parse(std::string_view value);
    // The tag; empty without. `parse` refuses two of them, and an empty one.
    std::string_view tag;
};

struct Via {
    std::string_view text;       // all of it
    std::string_view transport;  // UDP, TCP, TLS, ... as written
    std::string_view host;       // sent-by
    uint16_t port = 0;           // sent-by; 0: none given
    std::string_view params;     // from the semicolon on
    std::string_view branch;     // empty without
    std::string_view received;   // empty without
    bool has_rport = false;
    uint16_t rport = 0;  // RFC 3581; 0: asked for without a value, or not asked for
    bool alias = false;  // RFC 5923

    // One value. Refuses two branches, and branch, received or rport that cannot be right.
    static std::optional<Via> parse(std::string_view value);
    // The branch is one of RFC 3261 (section 8.1.1.7), and not the cookie alone.
    bool has_cookie() const;
    std::optional<std::string_view> param(std::string_view name) const;
};

struct CSeq {
    uint32_t number = 0;
    std::string_view method;

    static std::optional<CSeq> parse(std::string_view value);
};

}  // namespace fedge::sip
