#include "dataplane/sip/uri.h"

#include <algorithm>

#include "dataplane/base/address.h"
#include "dataplane/sip/lexical.h"

namespace fedge::sip {
namespace {

constexpr unsigned kUserChars = kUnreserved | kUserUnreserved;
constexpr unsigned kPasswordChars = kUnreserved | kPasswordExtra;
constexpr unsigned kParamChars = kUnreserved | kParamUnreserved;
constexpr unsigned kHeaderChars = kUnreserved | kHeaderUnreserved;

struct Pair {
    std::string_view name;
    std::string_view value;
};

// Takes the pair in front of the next separator; `rest` begins with a separator or a question mark, and so it stays.
Pair take_pair(std::string_view& rest, char separator) {
    rest.remove_prefix(1);
    std::string_view pair = rest.substr(0, rest.find(separator));
    rest.remove_prefix(pair.size());
    size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return {pair, {}};
    return {pair.substr(0, equals), pair.substr(equals + 1)};
}

bool sound_params(std::string_view params) {
    while (!params.empty()) {
        size_t before = params.size();
        Pair p = take_pair(params, ';');
        if (!escaped_text<kParamChars>(p.name)) return false;
        bool equals = before - params.size() > p.name.size() + 1;
        if (equals && !escaped_text<kParamChars>(p.value)) return false;
    }
    return true;
}

bool sound_headers(std::string_view headers) {
    while (!headers.empty()) {
        size_t before = headers.size();
        Pair p = take_pair(headers, '&');
        bool equals = before - headers.size() > p.name.size() + 1;
        if (!equals || !escaped_text<kHeaderChars>(p.name)) return false;
        if (!p.value.empty() && !escaped_text<kHeaderChars>(p.value)) return false;
    }
    return true;
}

bool parse_sip(std::string_view rest, Uri& uri) {
    // No @ may stand in a host, its parameters or headers, so the first ends the user.
    if (size_t at = rest.find('@'); at != std::string_view::npos) {
        std::string_view userinfo = rest.substr(0, at);
        rest.remove_prefix(at + 1);
        size_t colon = userinfo.find(':');
        uri.user = userinfo.substr(0, colon);
        if (!escaped_text<kUserChars>(uri.user)) return false;
        if (colon != std::string_view::npos) {
            uri.password = userinfo.substr(colon + 1);
            if (!uri.password.empty() && !escaped_text<kPasswordChars>(uri.password)) return false;
        }
    }
    size_t end = std::min(rest.find(';'), rest.find('?'));
    auto where = parse_host_port(rest.substr(0, end));
    if (!where) return false;
    uri.host = where->host;
    uri.port = where->port;
    if (end == std::string_view::npos) return true;
    rest.remove_prefix(end);
    size_t question = rest.find('?');
    uri.params = rest.substr(0, question);
    if (question != std::string_view::npos) uri.headers = rest.substr(question);
    return sound_params(uri.params) && sound_headers(uri.headers);
}

// RFC 3966 section 3: digits with visual separators, global with a plus, local with hexadecimal digits, * and #.
bool parse_tel(std::string_view rest, Uri& uri) {
    size_t end = rest.find(';');
    uri.user = rest.substr(0, end);
    if (end != std::string_view::npos) uri.params = rest.substr(end);
    std::string_view digits = uri.user;
    bool global = digits.starts_with('+');
    if (global) digits.remove_prefix(1);
    bool any = false;
    for (char c : digits) {
        bool separator = c == '-' || c == '.' || c == '(' || c == ')';
        bool digit = is(c, kDigit) || (!global && (is(c, kHex) || c == '*' || c == '#'));
        if (!separator && !digit) return false;
        any |= digit;
    }
    return any && sound_params(uri.params);
}

std::string_view without_dot(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    return host;
}

}  // namespace

bool is_host(std::string_view host) {
    if (host.empty() || host.size() > 255) return false;
    if (host.front() == '[') {
        if (host.back() != ']') return false;
        return host.find(':') != std::string_view::npos && IpAddress::parse(host.substr(1, host.size() - 2));
    }
    return all<kHostChar>(host) && host.front() != '.' && host.front() != '-' &&
           host.find("..") == std::string_view::npos;
}

std::optional<HostPort> parse_host_port(std::string_view text) {
    size_t bracket = text.starts_with('[') ? text.find(']') : 0;
    if (bracket == std::string_view::npos) return std::nullopt;
    size_t colon = text.find(':', bracket);
    HostPort out{text.substr(0, colon), 0};
    if (!is_host(out.host)) return std::nullopt;
    if (colon == std::string_view::npos) return out;
    auto port = parse_number(text.substr(colon + 1), 65535);
    if (!port || *port == 0) return std::nullopt;
    out.port = static_cast<uint16_t>(*port);
    return out;
}

std::optional<Uri> Uri::parse(std::string_view text) {
    size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return std::nullopt;
    std::string_view scheme = text.substr(0, colon), rest = text.substr(colon + 1);
    Uri uri;
    uri.text = text;
    bool sound = false;
    if (equal_nocase(scheme, "sip") || equal_nocase(scheme, "sips")) {
        uri.scheme = scheme.size() == 3 ? Scheme::sip : Scheme::sips;
        sound = parse_sip(rest, uri);
    } else if (equal_nocase(scheme, "tel")) {
        uri.scheme = Scheme::tel;
        sound = parse_tel(rest, uri);
    } else {
        sound = is(scheme.front(), kAlpha) && all<kUriChar>(rest);
        for (char c : scheme) sound &= is(c, kAlpha | kDigit) || c == '+' || c == '-' || c == '.';
    }
    if (!sound) return std::nullopt;
    return uri;
}

std::optional<std::string_view> Uri::param(std::string_view name) const {
    std::string_view rest = params;
    while (!rest.empty()) {
        Pair p = take_pair(rest, ';');
        if (equal_escaped(p.name, name)) return p.value;
    }
    return std::nullopt;
}

bool same_host(std::string_view a, std::string_view b) {
    return equal_nocase(without_dot(a), without_dot(b));
}

}  // namespace fedge::sip
