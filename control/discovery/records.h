// DNS records in wire form (RFC 1035 section 3.2.1; names uncompressed, as libunbound hands them out) made into types.
// What comes in was written by strangers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/bytes.h"

namespace fedge::control::discovery {

enum class RecordType : uint16_t { a = 1, aaaa = 28, srv = 33, tlsa = 52 };
const char* name_of(RecordType type);

// RFC 2782.
struct Srv {
    uint16_t priority = 0;
    uint16_t weight = 0;
    uint16_t port = 0;
    std::string target;  // lower case, without closing dot; empty: ".", the service is not offered

    friend bool operator==(const Srv&, const Srv&) = default;
};

// RFC 6698 section 2.1.
struct Tlsa {
    uint8_t usage = 0;
    uint8_t selector = 0;
    uint8_t matching = 0;
    std::vector<uint8_t> data;

    friend bool operator==(const Tlsa&, const Tlsa&) = default;
};

// Nothing if the record is malformed, or has a target that is no host name (letters, digits, '-' and '_').
std::optional<Srv> parse_srv(Bytes rdata);
std::optional<IpAddress> parse_address(RecordType type, Bytes rdata);
std::optional<Tlsa> parse_tlsa(Bytes rdata);

// A whole host name in wire form; nothing if it is no host name or if bytes follow. "" is the root.
std::optional<std::string> parse_name(Bytes wire);

}  // namespace fedge::control::discovery
