// Classes of the octets of SIP grammar (RFC 3261 section 25.1), and scanning by them: sixteen octets at a time where
// the processor can, since most of what parsing costs is to find where things end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#ifdef __SSSE3__
#include <tmmintrin.h>
#endif

namespace fedge::sip {

// A set is the sum of its bits. No octet beyond ASCII is in any.
enum CharClass : uint32_t {
    kDigit = 1,
    kAlpha = 2,
    kToken = 4,               // token
    kUnreserved = 8,          // alphanum / mark
    kUserUnreserved = 16,     // & = + $ , ; ? /
    kPasswordExtra = 32,      // & = + $ ,
    kParamUnreserved = 64,    // [ ] / : & + $
    kHeaderUnreserved = 128,  // hnv-unreserved: [ ] / ? : + $
    kHostChar = 256,          // alphanum - .  and _, which is no host character but is met in the wild
    kWordChar = 512,          // word, and @: Call-ID
    kHex = 1024,
    kSpace = 2048,       // SP HTAB
    kLws = 4096,         // SP HTAB CR LF: what folds and surrounds, once line ends have been checked
    kUriChar = 8192,     // what may stand in a URI of a scheme that is not known here (RFC 3986 section 2)
    kListChar = 16384,   // what matters where lists are taken apart: " < > ,
    kReference = 32768,  // [ ] : of an IPv6 reference
    kPlainText = 65536,  // text that is shown as it stands there in all markup
};

namespace detail {

constexpr std::array<uint32_t, 256> make_classes() {
    std::array<uint32_t, 256> t{};
    auto add = [&](std::string_view chars, unsigned bits) {
        for (char c : chars) t[static_cast<uint8_t>(c)] |= bits;
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
    add("[]:", kReference);
    add(" \t", kSpace | kLws);
    add("\r\n", kLws);
    for (char c = 0x20; c < 0x7f; c++) add({&c, 1}, kPlainText);
    add("\t\r\n", kPlainText);
    for (char c : std::string_view("%&<\\{}")) t[static_cast<uint8_t>(c)] &= ~unsigned{kPlainText};
    return t;
}
inline constexpr std::array<uint32_t, 256> kClasses = make_classes();

// Bit h of entry l: octet 16 * h + l is of the classes.
template <unsigned kSet>
inline constexpr std::array<uint8_t, 16> kRows = [] {
    std::array<uint8_t, 16> rows{};
    for (unsigned c = 0; c < 128; c++)
        if (kClasses[c] & kSet) rows[c % 16] = static_cast<uint8_t>(rows[c % 16] | 1U << (c / 16));
    return rows;
}();

#ifdef __SSSE3__
// Bit i: octet i of the sixteen is of the classes.
template <unsigned kSet>
inline unsigned members(__m128i text) {
    __m128i rows = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kRows<kSet>.data()));
    const __m128i bits = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0);
    __m128i high = _mm_and_si128(_mm_srli_epi16(text, 4), _mm_set1_epi8(0x0f));
    __m128i bit = _mm_shuffle_epi8(bits, high);
    // Beyond ASCII there is no bit.
    __m128i none = _mm_cmpeq_epi8(_mm_and_si128(_mm_shuffle_epi8(rows, text), bit), _mm_setzero_si128());
    return ~static_cast<unsigned>(_mm_movemask_epi8(none)) & 0xffff;
}
// The same of eight.
template <unsigned kSet>
inline unsigned members8(const char* at) {
    return members<kSet>(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at))) & 0xff;
}
template <unsigned kSet>
inline unsigned members16(const char* at) {
    return members<kSet>(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
}
#endif

}  // namespace detail

inline bool is(char c, unsigned classes) {
    return (detail::kClasses[static_cast<uint8_t>(c)] & classes) != 0;
}

// Where the first octet of the classes stands (`kWanted`), or the first that is of none of them; size() without.
template <unsigned kSet, bool kWanted>
size_t scan(std::string_view text) {
    size_t i = 0;
#ifdef __SSSE3__
    // What is left of a longer text is looked at together with what stands in front of it, which is known not to be it.
    size_t size = text.size();
    if (size >= 16) {
        constexpr unsigned kFlip = kWanted ? 0 : 0xffff;
        for (;; i = i + 32 <= size ? i + 16 : size - 16) {
            if (unsigned mask = detail::members16<kSet>(text.data() + i) ^ kFlip)
                return i + static_cast<size_t>(__builtin_ctz(mask));
            if (i == size - 16) return size;
        }
    }
    if (size >= 8) {
        constexpr unsigned kFlip = kWanted ? 0 : 0xff;
        for (;; i = size - 8) {
            if (unsigned mask = detail::members8<kSet>(text.data() + i) ^ kFlip)
                return i + static_cast<size_t>(__builtin_ctz(mask));
            if (i == size - 8) return size;
        }
    }
#endif
    while (i < text.size() && is(text[i], kSet) != kWanted) i++;
    return i;
}
// How many octets at the front are of the classes.
template <unsigned kSet>
size_t span_of(std::string_view text) {
    return scan<kSet, false>(text);
}
template <unsigned kSet>
size_t find_of(std::string_view text) {
    return scan<kSet, true>(text);
}
template <unsigned kSet>
bool all(std::string_view text) {
    return span_of<kSet>(text) == text.size();
}

}  // namespace fedge::sip
