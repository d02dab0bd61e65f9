#include "dataplane/sip/lexical.h"

#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace fedge::sip {
namespace {

constexpr std::array<uint16_t, 256> make_classes() {
    std::array<uint16_t, 256> t{};
    auto add = [&](std::string_view chars, unsigned bits) {
        for (char c : chars) t[static_cast<uint8_t>(c)] = static_cast<uint16_t>(t[static_cast<uint8_t>(c)] | bits);
    };
    constexpr std::string_view digits = "0123456789";
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    constexpr unsigned everywhere = kToken | kUnreserved | kHostChar | kWordChar | kUriChar;
    add(digits, kDigit | kHex | everywhere);
    add(letters, kAlpha | everywhere);
    add("abcdefABCDEF", kHex);
    add("-.!%*_+`'~", kToken);
    add("-_.!~*'()", kUnreserved);
    add("&=+$,;?/", kUserUnreserved);
    add("&=+$,", kPasswordExtra);
    add("[]/:&+$", kParamUnreserved);
    add("[]/?:+$", kHeaderUnreserved);
    add("-._", kHostChar);
    add("-.!%*_+`'~()<>:\\\"/[]?{}@", kWordChar);
    add("-._~:/?#[]@!$&'()*+,;=%", kUriChar);
    add("\"<>,", kListChar);
    add(" \t", kSpace | kLws);
    add("\r\n", kLws);
    return t;
}

unsigned hex_value(char c) {
    return static_cast<unsigned>(is(c, kDigit) ? c - '0' : lower(c) - 'a' + 10);
}

bool is_escape(std::string_view text, size_t at) {
    return text.size() - at >= 3 && text[at] == '%' && is(text[at + 1], kHex) && is(text[at + 2], kHex);
}

// The next octet of an escaped text; `plain` tells whether it stands there by itself, or might as well.
struct Octet {
    char value;
    bool plain;
};
Octet take_octet(std::string_view text, size_t& at) {
    if (!is_escape(text, at)) return {text[at++], true};
    char value = static_cast<char>(hex_value(text[at + 1]) * 16 + hex_value(text[at + 2]));
    at += 3;
    return {value, is(value, kUnreserved)};
}

}  // namespace

const std::array<uint16_t, 256> kCharClasses = make_classes();

bool escaped_text(std::string_view text, unsigned classes) {
    for (size_t i = 0; i < text.size();) {
        if (is(text[i], classes)) {
            i++;
        } else if (is_escape(text, i)) {
            i += 3;
        } else {
            return false;
        }
    }
    return !text.empty();
}

bool equal_slowly(std::string_view a, std::string_view b) {
    // Nearly everybody writes names as the RFCs do.
    if (std::memcmp(a.data(), b.data(), a.size()) == 0) return true;
    for (size_t i = 0; i < a.size(); i++)
        if (lower(a[i]) != lower(b[i])) return false;
    return true;
}

bool equal_escaped(std::string_view a, std::string_view b) {
    size_t i = 0, j = 0;
    while (i < a.size() && j < b.size()) {
        Octet x = take_octet(a, i), y = take_octet(b, j);
        if (x.plain != y.plain || lower(x.value) != lower(y.value)) return false;
    }
    return i == a.size() && j == b.size();
}

std::optional<uint64_t> parse_number(std::string_view digits, uint64_t max) {
    if (digits.empty()) return std::nullopt;
    uint64_t value = 0;
    for (char c : digits) {
        if (!is(c, kDigit)) return std::nullopt;
        value = value * 10 + static_cast<uint64_t>(c - '0');
        if (value > max) return std::nullopt;
    }
    return value;
}

size_t quoted_end(std::string_view text, size_t at) {
    for (size_t i = at + 1; i < text.size(); i++) {
        if (text[i] == '\\') {
            i++;
        } else if (text[i] == '"') {
            return i + 1;
        }
    }
    return std::string_view::npos;
}

std::optional<std::string_view> ValueCursor::next() {
    if (done_ || !ok_) return std::nullopt;
    bool bracket = false;
    size_t i = 0;
    for (;; i++) {
        while (i < rest_.size() && !is(rest_[i], kListChar)) i++;
        if (i == rest_.size()) break;
        char c = rest_[i];
        if (c == '<') bracket = true;
        if (c == '>') bracket = false;
        if (c == ',' && !bracket) break;
        if (c != '"' || bracket) continue;
        i = quoted_end(rest_, i);
        if (i == std::string_view::npos) {
            ok_ = false;
            return std::nullopt;
        }
        i--;
    }
    std::string_view value = trim(rest_.substr(0, i));
    if (bracket || value.empty()) {
        ok_ = false;
        return std::nullopt;
    }
    done_ = i == rest_.size();
    rest_ = done_ ? std::string_view{} : rest_.substr(i + 1);
    return value;
}

std::optional<Parameter> ParameterCursor::next() {
    rest_ = trim(rest_);
    if (rest_.empty() || !ok_) return std::nullopt;
    auto fail = [&] {
        ok_ = false;
        return std::nullopt;
    };
    if (rest_.front() != ';') return fail();
    rest_ = trim(rest_.substr(1));
    size_t n = 0;
    while (n < rest_.size() && is(rest_[n], kToken)) n++;
    if (n == 0) return fail();
    Parameter p{rest_.substr(0, n), {}, false};
    rest_ = trim(rest_.substr(n));
    if (rest_.empty() || rest_.front() != '=') return p;
    rest_ = trim(rest_.substr(1));
    p.has_value = true;
    if (rest_.empty()) return fail();
    size_t end = 0;
    if (rest_.front() == '"') {
        end = quoted_end(rest_, 0);
        if (end == std::string_view::npos) return fail();
    } else {
        // token / host: an IPv6 reference has brackets and colons; UTF-8 is met though it is not allowed bare.
        while (end < rest_.size() && (is(rest_[end], kToken) || rest_[end] == '[' || rest_[end] == ']' ||
                                      rest_[end] == ':' || static_cast<uint8_t>(rest_[end]) >= 0x80))
            end++;
        if (end == 0) return fail();
    }
    p.value = rest_.substr(0, end);
    rest_ = rest_.substr(end);
    return p;
}

bool sound_parameters(std::string_view text) {
    ParameterCursor cursor{text};
    while (cursor.next()) {
    }
    return cursor.ok();
}

std::optional<Parameter> find_parameter(std::string_view text, std::string_view name) {
    ParameterCursor cursor{text};
    while (auto p = cursor.next())
        if (equal_nocase(p->name, name)) return p;
    return std::nullopt;
}

std::optional<std::string_view> header_name(std::string_view line, size_t& colon) {
    size_t n = 0;
    while (n < line.size() && is(line[n], kToken)) n++;
    colon = n;
    while (colon < line.size() && is(line[colon], kSpace)) colon++;
    if (n == 0 || colon == line.size() || line[colon] != ':') return std::nullopt;
    return line.substr(0, n);
}

size_t find_control(std::string_view text, size_t from) {
    size_t i = from;
#ifdef __SSE2__
    const __m128i last_control = _mm_set1_epi8(0x1f);
    const __m128i tab = _mm_set1_epi8('\t');
    const __m128i del = _mm_set1_epi8(0x7f);
    for (; text.size() - i >= 16; i += 16) {
        __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i));
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(x, last_control), x);
        control = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(x, tab), control), _mm_cmpeq_epi8(x, del));
        if (int mask = _mm_movemask_epi8(control))
            return i + static_cast<size_t>(__builtin_ctz(static_cast<unsigned>(mask)));
    }
#endif
    for (; i < text.size(); i++) {
        auto c = static_cast<uint8_t>(text[i]);
        if ((c < 0x20 && c != '\t') || c == 0x7f) return i;
    }
    return text.size();
}

}  // namespace fedge::sip
