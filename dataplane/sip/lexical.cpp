#include "dataplane/sip/lexical.h"

#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace fedge::sip {
namespace {

unsigned hex_value(char c) {
    return static_cast<unsigned>(is(c, kDigit) ? c - '0' : lower(c) - 'a' + 10);
}

void skip_space(std::string_view& text) {
    while (!text.empty() && is(text.front(), kLws)) text.remove_prefix(1);
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

constexpr uint64_t kEach = 0x0101010101010101;

// Eight octets of each text, the same without case.
bool same_letters(uint64_t a, uint64_t b) {
    uint64_t differs = a ^ b;
    if (differs == 0) return true;
    if ((differs & ~(kEach * 0x20)) != 0) return false;
    // Where they differ there must be a letter: bit 7 of each sum tells that the octet is not below, or is beyond.
    uint64_t low = (a | kEach * 0x20) & kEach * 0x7f;
    uint64_t letters = (low + kEach * (0x80 - 'a')) & ~(low + kEach * (0x80 - 'z' - 1)) & ~a;
    return ((differs << 2) & ~letters) == 0;
}

uint64_t load64(const char* at) {
    uint64_t word;
    std::memcpy(&word, at, sizeof(word));
    return word;
}
uint64_t load32(const char* at) {
    uint32_t word;
    std::memcpy(&word, at, sizeof(word));
    return word;
}

}  // namespace

// The last words overlap those in front of them.
bool equal_letters(std::string_view a, std::string_view b) {
    size_t size = a.size();
    const char *x = a.data(), *y = b.data();
    if (size >= 8) {
        for (size_t i = 0; i + 8 < size; i += 8)
            if (!same_letters(load64(x + i), load64(y + i))) return false;
        return same_letters(load64(x + size - 8), load64(y + size - 8));
    }
    if (size >= 4) return same_letters(load32(x) | load32(x + size - 4) << 32, load32(y) | load32(y + size - 4) << 32);
    for (size_t i = 0; i < size; i++)
        if (lower(x[i]) != lower(y[i])) return false;
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
        i += find_of<kListChar>(rest_.substr(i));
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
    skip_space(rest_);
    if (rest_.empty() || !ok_) return std::nullopt;
    auto fail = [&] {
        ok_ = false;
        return std::nullopt;
    };
    if (rest_.front() != ';') return fail();
    rest_.remove_prefix(1);
    skip_space(rest_);
    size_t n = span_of<kToken>(rest_);
    if (n == 0) return fail();
    Parameter p{rest_.substr(0, n), {}, false};
    rest_.remove_prefix(n);
    skip_space(rest_);
    if (rest_.empty() || rest_.front() != '=') return p;
    rest_.remove_prefix(1);
    skip_space(rest_);
    p.has_value = true;
    if (rest_.empty()) return fail();
    size_t end = 0;
    if (rest_.front() == '"') {
        end = quoted_end(rest_, 0);
        if (end == std::string_view::npos) return fail();
    } else {
        // token / host: an IPv6 reference has brackets and colons; UTF-8 is met though it is not allowed bare.
        for (;; end++) {
            end += span_of<kToken | kReference>(rest_.substr(end));
            if (end == rest_.size() || static_cast<uint8_t>(rest_[end]) < 0x80) break;
        }
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
    size_t n = span_of<kToken>(line);
    colon = n;
    while (colon < line.size() && is(line[colon], kSpace)) colon++;
    if (n == 0 || colon == line.size() || line[colon] != ':') return std::nullopt;
    return line.substr(0, n);
}

size_t find_control(std::string_view text, size_t from) {
    size_t i = from;
#ifdef __SSE2__
    // Bit i: octet i of the sixteen is one.
    auto controls = [&](size_t at) {
        __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x);
        control = _mm_andnot_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('\t')), control);
        control = _mm_or_si128(control, _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f)));
        return static_cast<unsigned>(_mm_movemask_epi8(control));
    };
    for (; text.size() - i >= 16; i += 16)
        if (unsigned mask = controls(i)) return i + static_cast<size_t>(__builtin_ctz(mask));
    if (text.size() >= 16) {
        // The last sixteen, without what stands in front of `i`.
        unsigned mask = controls(text.size() - 16) >> (i - (text.size() - 16));
        return mask ? i + static_cast<size_t>(__builtin_ctz(mask)) : text.size();
    }
#endif
    for (; i < text.size(); i++) {
        auto c = static_cast<uint8_t>(text[i]);
        if ((c < 0x20 && c != '\t') || c == 0x7f) return i;
    }
    return text.size();
}

}  // namespace fedge::sip
