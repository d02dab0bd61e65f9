#include "control/settings/values.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "control/settings/domain_name.h"
#include "control/utf8.h"
#include "dataplane/sip/filters.h"

namespace fedge::control {
namespace {

constexpr size_t kMaxName = 32;
constexpr size_t kMaxRealm = 127;
constexpr size_t kMaxHost = 253;
constexpr size_t kMaxLabel = 63;
constexpr size_t kMaxAnchor = 1024;
constexpr uint16_t kDnsPort = 53;

bool is_name(std::string_view text) {
    auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    };
    return !text.empty() && text.size() <= kMaxName && std::all_of(text.begin(), text.end(), fits);
}

bool is_realm(std::string_view text) {
    auto fits = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
    return !text.empty() && text.size() <= kMaxRealm && text.front() != ' ' && text.back() != ' ' &&
           std::all_of(text.begin(), text.end(), fits);
}

std::optional<std::string> canonical_text(std::string_view text, int64_t minimum, int64_t maximum) {
    auto size = static_cast<int64_t>(text.size());
    if (size < minimum || size > maximum) return std::nullopt;
    uint32_t point;
    for (std::string_view rest = text; !rest.empty();) {
        size_t length = decode_utf8(rest, point);
        if (length == 0 || is_control(point)) return std::nullopt;
        rest.remove_prefix(length);
    }
    return std::string(text);
}

std::string lower_case(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

std::optional<std::string> canonical_boolean(std::string_view text) {
    if (text == "on" || text == "true" || text == "yes") return "on";
    if (text == "off" || text == "false" || text == "no") return "off";
    return std::nullopt;
}

bool is_number(std::string_view text, int64_t most) {
    auto value = parse_integer(text);
    return value && *value >= 0 && *value <= most;
}

bool all_of(std::string_view text, std::string_view set) {
    return !text.empty() && text.find_first_not_of(set) == std::string_view::npos;
}

// OWNER [TTL] [IN] DS TAG ALGORITHM DIGEST-TYPE DIGEST (RFC 4034 section 5.3), or DNSKEY FLAGS 3 ALGORITHM KEY (section
// 2.2); digest and key may be in pieces.
std::optional<std::string> canonical_record(std::string_view text) {
    std::vector<std::string> words;
    for (size_t at = 0; (at = text.find_first_not_of(" \t", at)) != std::string_view::npos;) {
        size_t end = std::min(text.find_first_of(" \t", at), text.size());
        words.emplace_back(text.substr(at, end - at));
        at = end;
    }
    auto is_class_or_ttl = [](const std::string& word) { return word == "IN" || is_number(word, 0x7fffffff); };
    while (words.size() > 1 && is_class_or_ttl(words[1])) words.erase(words.begin() + 1);
    if (words.size() < 6) return std::nullopt;
    std::string last;
    for (size_t i = 5; i < words.size(); i++) last += words[i];
    bool ds = words[1] == "DS" && is_number(words[2], 65535) && is_number(words[3], 255) && is_number(words[4], 255) &&
              all_of(last, "0123456789abcdefABCDEF") && last.size() % 2 == 0;
    bool key = words[1] == "DNSKEY" && is_number(words[2], 65535) && words[3] == "3" && is_number(words[4], 255) &&
               all_of(last, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=");
    bool owner =
        words[0] == "." || all_of(words[0], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    if (!owner || (!ds && !key)) return std::nullopt;
    return words[0] + " " + words[1] + " " + words[2] + " " + words[3] + " " + words[4] + " " + last;
}

std::optional<std::string> canonical_anchor(std::string_view text) {
    auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; };
    if (text.empty() || text.size() > kMaxAnchor || std::any_of(text.begin(), text.end(), control)) return std::nullopt;
    return text.front() == '/' ? std::optional(std::string(text)) : canonical_record(text);
}

std::string text_of_range(const AddressRange& range, std::string_view text) {
    if (text.find('-') != std::string_view::npos) return range.first.text() + "-" + range.last.text();
    if (text.find('/') == std::string_view::npos) return range.first.text();
    return Prefix::parse(text)->text();
}

}  // namespace

const char* name_of(ValueType type) {
    switch (type) {
        case ValueType::boolean: return "boolean";
        case ValueType::integer: return "integer";
        case ValueType::choice: return "choice";
        case ValueType::name: return "name";
        case ValueType::realm: return "realm";
        case ValueType::address: return "address";
        case ValueType::prefix: return "prefix";
        case ValueType::cidr: return "interface-address";
        case ValueType::endpoint: return "endpoint";
        case ValueType::addresses: return "addresses";
        case ValueType::host: return "host-name";
        case ValueType::server: return "server";
        case ValueType::anchor: return "trust-anchor";
        case ValueType::domain: return "domain";
        case ValueType::text: return "text";
        case ValueType::link_prefix: return "link-prefix";
        case ValueType::extension: return "extension";
    }
    return "";
}

uint64_t AddressRange::size() const {
    constexpr uint64_t kMost = uint64_t{1} << 32;
    if (first.high() != last.high()) return kMost;
    uint64_t distance = last.low() - first.low();
    return distance >= kMost ? kMost : distance + 1;
}

IpAddress advance(const IpAddress& a, uint64_t offset) {
    uint8_t octets[16];
    uint64_t low = a.low() + offset;
    store_be64(octets, a.high() + (low < offset ? 1 : 0));
    store_be64(octets + 8, low);
    return IpAddress::v6_bytes(octets);
}

AddressRange range_of(const Prefix& prefix) {
    uint64_t high_mask = prefix.length == 0    ? 0
                         : prefix.length >= 64 ? ~uint64_t{0}
                                               : ~uint64_t{0} << (64 - prefix.length);
    uint64_t low_mask = prefix.length <= 64    ? 0
                        : prefix.length >= 128 ? ~uint64_t{0}
                                               : ~uint64_t{0} << (128 - prefix.length);
    auto address = [](uint64_t high, uint64_t low) {
        uint8_t octets[16];
        store_be64(octets, high);
        store_be64(octets + 8, low);
        return IpAddress::v6_bytes(octets);
    };
    return {address(prefix.address.high() & high_mask, prefix.address.low() & low_mask),
            address(prefix.address.high() | ~high_mask, prefix.address.low() | ~low_mask)};
}

std::optional<AddressRange> parse_addresses(std::string_view text) {
    if (auto dash = text.find('-'); dash != std::string_view::npos) {
        auto first = IpAddress::parse(text.substr(0, dash));
        auto last = IpAddress::parse(text.substr(dash + 1));
        if (!first || !last || first->is_v4() != last->is_v4() || *last < *first) return std::nullopt;
        return AddressRange{*first, *last};
    }
    auto prefix = Prefix::parse(text);
    if (!prefix) return std::nullopt;
    AddressRange range = range_of(*prefix);
    if (range.first != prefix->address) return std::nullopt;
    return range;
}

std::optional<int64_t> parse_integer(std::string_view text) {
    int64_t value;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<std::string> parse_host(std::string_view text) {
    if (text.size() > kMaxHost || IpAddress::parse(text)) return std::nullopt;
    std::string out;
    size_t labels = 0;
    while (true) {
        size_t end = std::min(text.find('.'), text.size());
        std::string_view label = text.substr(0, end);
        if (label.empty() || label.size() > kMaxLabel || label.front() == '-' || label.back() == '-')
            return std::nullopt;
        for (char c : label) {
            bool upper = c >= 'A' && c <= 'Z';
            bool fits = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
            if (!fits) return std::nullopt;
            out += upper ? static_cast<char>(c - 'A' + 'a') : c;
        }
        labels++;
        if (end == text.size()) break;
        out += '.';
        text.remove_prefix(end + 1);
    }
    return labels >= 2 ? std::optional(out) : std::nullopt;
}

std::optional<Endpoint> parse_server(std::string_view text) {
    if (auto address = IpAddress::parse(text)) return Endpoint{*address, kDnsPort};
    auto endpoint = Endpoint::parse(text);
    return endpoint && endpoint->port != 0 ? endpoint : std::nullopt;
}

std::optional<std::string> canonical(ValueType type, std::string_view text, int64_t minimum, int64_t maximum,
                                     const std::vector<std::string>& choices) {
    switch (type) {
        case ValueType::boolean: return canonical_boolean(text);
        case ValueType::integer:
            if (auto value = parse_integer(text); value && *value >= minimum && *value <= maximum)
                return std::to_string(*value);
            return std::nullopt;
        case ValueType::choice:
            if (std::find(choices.begin(), choices.end(), text) != choices.end()) return std::string(text);
            return std::nullopt;
        case ValueType::name: return is_name(text) ? std::optional(std::string(text)) : std::nullopt;
        case ValueType::realm: return is_realm(text) ? std::optional(std::string(text)) : std::nullopt;
        case ValueType::address:
            if (auto address = IpAddress::parse(text)) return address->text();
            return std::nullopt;
        case ValueType::prefix:
            if (auto prefix = Prefix::parse(text); prefix && range_of(*prefix).first == prefix->address)
                return prefix->text();
            return std::nullopt;
        case ValueType::cidr:
            if (auto prefix = Prefix::parse(text); prefix && text.find('/') != std::string_view::npos)
                return prefix->text();
            return std::nullopt;
        case ValueType::endpoint:
            if (auto endpoint = Endpoint::parse(text); endpoint && endpoint->port != 0) return endpoint->text();
            return std::nullopt;
        case ValueType::addresses:
            if (auto range = parse_addresses(text)) return text_of_range(*range, text);
            return std::nullopt;
        case ValueType::host: return parse_host(text);
        case ValueType::server:
            if (auto server = parse_server(text))
                return server->port == kDnsPort ? server->address.text() : server->text();
            return std::nullopt;
        case ValueType::anchor: return canonical_anchor(text);
        case ValueType::domain: return domain_name(text);
        case ValueType::text: return canonical_text(text, minimum, maximum);
        case ValueType::link_prefix:
            if (std::string prefix = lower_case(text); sip::is_link_prefix(prefix)) return prefix;
            return std::nullopt;
        case ValueType::extension:
            if (text.starts_with('.')) text.remove_prefix(1);
            if (std::string extension = lower_case(text); sip::is_file_extension(extension)) return extension;
            return std::nullopt;
    }
    return std::nullopt;
}

std::string wanted(ValueType type, int64_t minimum, int64_t maximum, const std::vector<std::string>& choices) {
    switch (type) {
        case ValueType::boolean: return "on or off";
        case ValueType::integer:
            return "a whole number from " + std::to_string(minimum) + " to " + std::to_string(maximum);
        case ValueType::choice: {
            std::string list;
            for (const auto& choice : choices) list += (list.empty() ? "" : " or ") + choice;
            return list;
        }
        case ValueType::name: return "a name of 1 to 32 letters, digits, '-' or '_'";
        case ValueType::realm: return "1 to 127 printable ASCII characters without '\"' and '\\'";
        case ValueType::address: return "an IPv4 or IPv6 address";
        case ValueType::prefix: return "ADDRESS/LENGTH with no bits set behind the prefix length";
        case ValueType::cidr: return "ADDRESS/LENGTH, the address of the interface and the length of its subnet";
        case ValueType::endpoint: return "ADDRESS:PORT, or [ADDRESS]:PORT for IPv6";
        case ValueType::addresses: return "ADDRESS, ADDRESS/LENGTH with no bits set behind the length, or FIRST-LAST";
        case ValueType::host: return "a DNS name such as turn.example.org";
        case ValueType::server: return "ADDRESS, ADDRESS:PORT, or [ADDRESS]:PORT";
        case ValueType::anchor:
            return "a record such as \". DS 20326 8 2 E06D...\" (or DNSKEY) in one value, or the absolute path of a "
                   "file";
        case ValueType::domain: return "a domain such as example.org";
        case ValueType::text:
            return "text in UTF-8 on one line, of " + std::to_string(minimum) + " to " + std::to_string(maximum) +
                   " octets";
        case ValueType::link_prefix:
            return "letters, digits and #*+/=@^_`|~ with . or : at the end, such as http: or www*. ; or href";
        case ValueType::extension: return "a file extension such as exe";
    }
    return "";
}

}  // namespace fedge::control
