#include "control/discovery/records.h"

namespace fedge::control::discovery {
namespace {

constexpr size_t kMaxName = 253;
constexpr size_t kMaxLabel = 63;
constexpr size_t kSrvFixed = 6;
constexpr size_t kTlsaFixed = 3;
// SHA-512 is the longest digest; whole certificates and keys (matching type 0) are longer.
constexpr size_t kMaxTlsaData = 8192;

bool fits(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

char lower(uint8_t c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

}  // namespace

const char* name_of(RecordType type) {
    switch (type) {
        case RecordType::a: return "A";
        case RecordType::aaaa: return "AAAA";
        case RecordType::srv: return "SRV";
        case RecordType::tlsa: return "TLSA";
    }
    return "";
}

std::optional<std::string> parse_name(Bytes wire) {
    std::string name;
    size_t at = 0;
    while (at < wire.size() && wire[at] != 0) {
        size_t length = wire[at++];
        if (length > kMaxLabel || length > wire.size() - at) return std::nullopt;
        if (!name.empty()) name += '.';
        for (size_t i = 0; i < length; i++) {
            char c = lower(wire[at + i]);
            if (!fits(c)) return std::nullopt;
            name += c;
        }
        at += length;
        if (name.size() > kMaxName) return std::nullopt;
    }
    return at + 1 == wire.size() ? std::optional(name) : std::nullopt;
}

std::optional<Srv> parse_srv(Bytes rdata) {
    if (rdata.size() <= kSrvFixed) return std::nullopt;
    auto target = parse_name(rdata.subspan(kSrvFixed));
    if (!target) return std::nullopt;
    return Srv{load_be16(rdata.data()), load_be16(rdata.data() + 2), load_be16(rdata.data() + 4), std::move(*target)};
}

std::optional<IpAddress> parse_address(RecordType type, Bytes rdata) {
    if (type == RecordType::a && rdata.size() == 4) return IpAddress::v4_bytes(rdata.data());
    if (type == RecordType::aaaa && rdata.size() == 16) return IpAddress::v6_bytes(rdata.data());
    return std::nullopt;
}

std::optional<Tlsa> parse_tlsa(Bytes rdata) {
    if (rdata.size() <= kTlsaFixed || rdata.size() > kTlsaFixed + kMaxTlsaData) return std::nullopt;
    return Tlsa{rdata[0], rdata[1], rdata[2], {rdata.begin() + kTlsaFixed, rdata.end()}};
}

}  // namespace fedge::control::discovery
