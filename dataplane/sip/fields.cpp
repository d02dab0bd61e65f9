#include "dataplane/sip/fields.h"

#include "dataplane/base/address.h"
#include "dataplane/sip/lexical.h"

namespace fedge::sip {
namespace {

constexpr std::string_view kCookie = "z9hG4bK";

// display-name: tokens with white space between them; UTF-8 is met though it belongs into quotes.
bool is_display(std::string_view text) {
    for (char c : text)
        if (!is(c, kToken | kLws) && static_cast<uint8_t>(c) < 0x80) return false;
    return true;
}

// Takes a token off the front, and the white space behind it.
std::string_view take_token(std::string_view& text) {
    size_t n = span_of<kToken>(text);
    std::string_view token = text.substr(0, n);
    text = trim(text.substr(n));
    return token;
}

bool take_slash(std::string_view& text) {
    if (text.empty() || text[0] != '/') return false;
    text = trim(text.substr(1));
    return true;
}

// host [COLON port], with the white space that COLON allows.
std::optional<HostPort> parse_sent_by(std::string_view text) {
    size_t bracket = text.starts_with('[') ? text.find(']') : 0;
    if (bracket == std::string_view::npos) return std::nullopt;
    size_t colon = text.find(':', bracket);
    if (colon == std::string_view::npos) return parse_host_port(trim(text));
    auto host = parse_host_port(trim(text.substr(0, colon)));
    auto port = parse_number(trim(text.substr(colon + 1)), 65535);
    if (!host || !port || *port == 0) return std::nullopt;
    host->port = static_cast<uint16_t>(*port);
    return host;
}

bool is_address(std::string_view text) {
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    return !text.empty() && IpAddress::parse(text).has_value();
}

}  // namespace

std::optional<Address> Address::parse(std::string_view value) {
    value = trim(value);
    Address out;
    out.text = value;
    size_t open = 0;
    if (value.starts_with('"')) {
        size_t end = quoted_end(value, 0);
        if (end == std::string_view::npos) return std::nullopt;
        out.display = value.substr(0, end);
        open = end;
        while (open < value.size() && is(value[open], kLws)) open++;
        if (open == value.size() || value[open] != '<') return std::nullopt;
    } else {
        open = value.find('<');
        if (open != std::string_view::npos) {
            out.display = trim(value.substr(0, open));
            if (!is_display(out.display)) return std::nullopt;
        }
    }
    std::string_view uri;
    if (open != std::string_view::npos) {
        size_t close = value.find('>', open);
        if (close == std::string_view::npos) return std::nullopt;
        uri = value.substr(open + 1, close - open - 1);
        out.params = trim(value.substr(close + 1));
        out.bracketed = true;
    } else {
        size_t end = value.find(';');
        uri = trim(value.substr(0, end));
        if (end != std::string_view::npos) out.params = value.substr(end);
        if (uri.find(',') != std::string_view::npos || uri.find('?') != std::string_view::npos) return std::nullopt;
    }
    auto parsed = Uri::parse(uri);
    if (!parsed) return std::nullopt;
    out.uri = *parsed;
    ParameterCursor params{out.params};
    while (auto p = params.next()) {
        if (!equal_nocase(p->name, "tag")) continue;
        if (!out.tag.empty() || p->value.empty() || !all<kToken>(p->value)) return std::nullopt;
        out.tag = p->value;
    }
    if (!params.ok()) return std::nullopt;
    return out;
}

std::optional<Via> Via::parse(std::string_view value) {
    Via out;
    out.text = value = trim(value);
    std::string_view protocol = take_token(value);
    if (!equal_nocase(protocol, "SIP") || !take_slash(value) || take_token(value).empty() || !take_slash(value))
        return std::nullopt;
    // White space divides transport and sent-by; of the two only the transport is a token in every case.
    size_t n = span_of<kToken>(value);
    out.transport = value.substr(0, n);
    if (n == 0 || n == value.size() || !is(value[n], kLws)) return std::nullopt;
    value = trim(value.substr(n));
    size_t end = value.find(';');
    auto sent_by = parse_sent_by(value.substr(0, end));
    if (!sent_by) return std::nullopt;
    out.host = sent_by->host;
    out.port = sent_by->port;
    if (end != std::string_view::npos) out.params = value.substr(end);
    ParameterCursor params{out.params};
    bool branch = false;
    while (auto p = params.next()) {
        if (equal_nocase(p->name, "branch")) {
            if (branch || p->value.empty() || !all<kToken>(p->value)) return std::nullopt;
            branch = true;
            out.branch = p->value;
        } else if (equal_nocase(p->name, "received")) {
            if (!out.received.empty() || !is_address(p->value)) return std::nullopt;
            out.received = p->value;
        } else if (equal_nocase(p->name, "rport")) {
            auto port = parse_number(p->value, 65535);
            if (out.has_rport || (p->has_value && (!port || *port == 0))) return std::nullopt;
            out.has_rport = true;
            out.rport = static_cast<uint16_t>(port.value_or(0));
        } else if (equal_nocase(p->name, "alias")) {
            out.alias = true;
        }
    }
    if (!params.ok()) return std::nullopt;
    return out;
}

bool Via::has_cookie() const {
    return branch.size() > kCookie.size() && equal_nocase(branch.substr(0, kCookie.size()), kCookie);
}

std::optional<std::string_view> Via::param(std::string_view name) const {
    auto p = find_parameter(params, name);
    if (!p) return std::nullopt;
    return p->value;
}

std::optional<CSeq> CSeq::parse(std::string_view value) {
    value = trim(value);
    size_t n = span_of<kDigit>(value);
    auto digits = parse_number(value.substr(0, n), 0x7fffffff);  // section 8.1.1.5: less than 2^31
    std::string_view method = trim(value.substr(n));
    if (!digits || method.empty() || method.size() == value.size() - n || !all<kToken>(method)) return std::nullopt;
    return CSeq{static_cast<uint32_t>(*digits), method};
}

}  // namespace fedge::sip
