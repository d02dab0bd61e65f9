#include "dataplane/sip/masking.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "dataplane/sip/lexical.h"

namespace fedge::sip {
namespace {

using Text = std::span<char>;

std::string_view view(Text text) {
    return {text.data(), text.size()};
}

void hide(Text text) {
    for (char& c : text)
        if (c != '\r' && c != '\n') c = '*';
}

bool starts_nocase(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() && equal_nocase(text.substr(0, prefix.size()), prefix);
}

size_t find_nocase(std::string_view text, std::string_view wanted, size_t from = 0) {
    for (size_t at = from; at + wanted.size() <= text.size(); at++)
        if (equal_nocase(text.substr(at, wanted.size()), wanted)) return at;
    return std::string_view::npos;
}

// Up to and without its line end.
size_t line_end(std::string_view text, size_t from) {
    size_t end = text.find_first_of("\r\n", from);
    return end == std::string_view::npos ? text.size() : end;
}

size_t next_line(std::string_view text, size_t end) {
    if (end < text.size() && text[end] == '\r') end++;
    if (end < text.size() && text[end] == '\n') end++;
    return end;
}

struct Lines {
    size_t end;   // without the last line end
    size_t next;  // behind it
};

// The line at `from`, with those that begin with white space behind it: a header field goes on there.
Lines folded_lines(std::string_view text, size_t from) {
    size_t end = line_end(text, from);
    size_t next = next_line(text, end);
    while (next < text.size() && is(text[next], kSpace)) {
        end = line_end(text, next);
        next = next_line(text, end);
    }
    return {end, next};
}

bool is_credentials(std::string_view name) {
    constexpr std::array<std::string_view, 6> kNames{"authorization",       "proxy-authorization",
                                                     "www-authenticate",    "proxy-authenticate",
                                                     "authentication-info", "proxy-authentication-info"};
    return std::ranges::any_of(kNames, [&](std::string_view one) { return equal_nocase(name, one); });
}

bool tells_no_secret(std::string_view parameter) {
    constexpr std::array<std::string_view, 10> kNames{"username", "realm", "uri",    "algorithm",  "qop",
                                                      "nc",       "stale", "domain", "targetname", "version"};
    return std::ranges::any_of(kNames, [&](std::string_view one) { return equal_nocase(parameter, one); });
}

// Scheme and parameters (RFC 3261 section 25.1, MS-SIPAE); what is neither is hidden as a whole.
void mask_credentials(Text value) {
    std::string_view text = view(value);
    size_t at = text.find_first_not_of(" \t\r\n");
    if (at == std::string_view::npos) return;
    size_t word = std::min(text.find_first_of(" \t\r\n=,", at), text.size());
    bool scheme = word < text.size() && is(text[word], kLws);
    if (scheme) {
        std::string_view name = text.substr(at, word - at);
        bool known = equal_nocase(name, "Digest") || equal_nocase(name, "NTLM") || equal_nocase(name, "Kerberos") ||
                     equal_nocase(name, "TLS-DSK");
        at = word;
        if (!known) return hide(value.subspan(at));
    }
    while (at < text.size()) {
        if (is(text[at], kLws) || text[at] == ',') {
            at++;
            continue;
        }
        size_t end = std::min(text.find_first_of("=,", at), text.size());
        if (end == text.size() || text[end] == ',') {
            hide(value.subspan(at, end - at));
            at = end;
            continue;
        }
        bool plain = tells_no_secret(trim(text.substr(at, end - at)));
        at = end + 1;
        while (at < text.size() && is(text[at], kLws)) at++;
        size_t begin = at;
        if (at < text.size() && text[at] == '"') {
            begin = ++at;
            while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
            at = std::min(at, text.size());
            end = at;
            if (at < text.size()) at++;
        } else {
            end = at = std::min(text.find(',', at), text.size());
        }
        if (!plain) hide(value.subspan(begin, end - begin));
    }
}

// sip:USER:PASSWORD@HOST. Cut off at its end: of what may be a password the rest is missing.
void mask_uri_passwords(Text line, bool cut) {
    std::string_view text = view(line);
    for (size_t at = find_nocase(text, "sip"); at != std::string_view::npos; at = find_nocase(text, "sip", at)) {
        at += 3;
        if (at < text.size() && lower(text[at]) == 's') at++;
        if (at >= text.size() || text[at] != ':') continue;
        size_t colon = std::string_view::npos;
        for (at++; at < text.size() && !is(text[at], kLws) && text[at] != '<' && text[at] != '>'; at++) {
            if (text[at] == '@') break;
            if (text[at] == ':' && colon == std::string_view::npos) colon = at;
        }
        bool password = at < text.size() ? text[at] == '@' : cut;
        if (colon != std::string_view::npos && password) hide(line.subspan(colon + 1, at - colon - 1));
    }
}

// a=candidate:FOUNDATION COMPONENT TRANSPORT ..., and of old: USER COMPONENT PASSWORD TRANSPORT ...
void mask_candidate(Text line) {
    std::string_view text = view(line);
    size_t at = 0;
    for (int word = 0; word < 2; word++) {
        at = text.find(' ', at);
        if (at == std::string_view::npos) return;
        at++;
    }
    size_t end = std::min(text.find(' ', at), text.size());
    std::string_view third = text.substr(at, end - at);
    constexpr std::array<std::string_view, 4> kTransports{"UDP", "TCP", "TCP-ACT", "TCP-PASS"};
    if (std::ranges::none_of(kTransports, [&](std::string_view one) { return equal_nocase(third, one); }))
        hide(line.subspan(at, end - at));
}

void mask_body_line(Text line) {
    std::string_view text = view(line);
    if (starts_nocase(text, "k=")) return hide(line.subspan(2));
    if (starts_nocase(text, "a=candidate:")) return mask_candidate(line);
    for (std::string_view attribute : {"a=ice-pwd:", "a=key-mgmt:", "a=crypto"}) {
        if (!starts_nocase(text, attribute)) continue;
        size_t from = find_nocase(text, "inline:");
        return hide(line.subspan(from == std::string_view::npos ? attribute.size() : from + 7));
    }
}

// <password>...</password>, under any prefix of a namespace.
void mask_elements(Text body) {
    constexpr std::string_view kName = "password>";
    std::string_view text = view(body);
    for (size_t at = find_nocase(text, kName); at != std::string_view::npos; at = find_nocase(text, kName, at)) {
        size_t before = at;
        while (before > 0 && (is(text[before - 1], kAlpha | kDigit) || text[before - 1] == ':')) before--;
        at += kName.size();
        if (before == 0 || text[before - 1] != '<') continue;
        size_t end = std::min(text.find('<', at), text.size());
        hide(body.subspan(at, end - at));
        at = end;
    }
}

bool cannot_be_read(std::string_view name, std::string_view value) {
    if (equal_nocase(name, "content-encoding") || equal_nocase(name, "e")) return !equal_nocase(value, "identity");
    return equal_nocase(name, "content-transfer-encoding") && !equal_nocase(value, "7bit") &&
           !equal_nocase(value, "8bit") && !equal_nocase(value, "binary");
}

void mask_body(Text body) {
    std::string_view text = view(body);
    for (size_t at = 0; at < text.size();) {
        size_t end = line_end(text, at);
        std::string_view line = text.substr(at, end - at);
        size_t colon = line.find(':');
        std::string_view name = colon == std::string_view::npos ? std::string_view{} : trim(line.substr(0, colon));
        if (!name.empty() && cannot_be_read(name, trim(line.substr(colon + 1)))) return hide(body.subspan(end));
        if (is_credentials(name)) {  // of a message in a body (message/sip, message/sipfrag)
            Lines field = folded_lines(text, at);
            mask_credentials(body.subspan(at + colon + 1, field.end - at - colon - 1));
            at = field.next;
            continue;
        }
        mask_body_line(body.subspan(at, end - at));
        at = next_line(text, end);
    }
    mask_elements(body);
}

}  // namespace

void mask_secrets(std::span<char> message) {
    std::string_view text = view(message);
    bool hidden_body = false;
    size_t at = 0;
    while (at < text.size()) {
        if (line_end(text, at) == at) break;
        const auto [end, next] = folded_lines(text, at);
        Text field = message.subspan(at, end - at);
        mask_uri_passwords(field, end == text.size());
        if (size_t colon = view(field).find(':'); colon != std::string_view::npos) {
            std::string_view name = trim(view(field).substr(0, colon));
            if (is_credentials(name)) mask_credentials(field.subspan(colon + 1));
            hidden_body |= cannot_be_read(name, trim(view(field).substr(colon + 1)));
        }
        at = next;
    }
    if (at >= text.size()) return;
    Text body = message.subspan(next_line(text, at));
    if (hidden_body) return hide(body);
    mask_uri_passwords(body, true);
    mask_body(body);
}

}  // namespace fedge::sip
