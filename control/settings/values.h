// The types of setting values: each turns operator's text into its one canonical form, or says what it wants.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/address.h"

namespace fedge::control {

enum class ValueType : uint8_t {
    boolean,      // on | off
    integer,      // within minimum..maximum
    choice,       // one of a list
    name,         // label of an object: letters, digits, '-', '_'; 1 to 32 of them
    realm,        // 1 to 127 printable characters, no '"' or '\'  (RFC 8489 section 14.9: fewer than 128 characters)
    address,      // IPv4 or IPv6
    prefix,       // ADDRESS/LENGTH, host bits zero; an address alone is a prefix of full length
    cidr,         // ADDRESS/LENGTH of an interface: host bits kept
    endpoint,     // ADDRESS:PORT, [ADDRESS]:PORT
    addresses,    // ADDRESS, ADDRESS/LENGTH or FIRST-LAST
    host,         // a DNS name in A-labels, lower case, without wildcard and closing dot
    domain,       // the same, also given in other scripts (domain_name.h)
    server,       // ADDRESS or ADDRESS:PORT, [ADDRESS]:PORT; port 53 is left out
    text,         // printable UTF-8 on one line, of minimum to maximum octets
    link_prefix,  // how a link begins: letters, digits and #*+/=@^_`|~, with . or : at the end; or href
    extension,    // of files, without the dot, in lower case
    anchor,       // a DS or DNSKEY record on one line, or the absolute path of a file of them
};

const char* name_of(ValueType type);

// Inclusive, one family.
struct AddressRange {
    IpAddress first;
    IpAddress last;

    bool contains(const IpAddress& a) const { return first <= a && a <= last; }
    // Saturates at 2^32.
    uint64_t size() const;
};

std::optional<AddressRange> parse_addresses(std::string_view text);
// The address that is `offset` behind `a`; wraps, so keep within a range.
IpAddress advance(const IpAddress& a, uint64_t offset);
std::optional<int64_t> parse_integer(std::string_view text);
// A DNS name of letters, digits, '-' and '_' with at least two labels (RFC 1123 section 2.1), in lower case.
std::optional<std::string> parse_host(std::string_view text);
// An address with a port; without one, 53.
std::optional<Endpoint> parse_server(std::string_view text);
// The first and the last address of a prefix.
AddressRange range_of(const Prefix& prefix);

// The canonical form of `text`, or nothing if it is not of the type. `choices` serves choice, the bounds serve integer.
std::optional<std::string> canonical(ValueType type, std::string_view text, int64_t minimum, int64_t maximum,
                                     const std::vector<std::string>& choices);
// What the type wants, to end the sentence "wants ...".
std::string wanted(ValueType type, int64_t minimum, int64_t maximum, const std::vector<std::string>& choices);

}  // namespace fedge::control
