#include "appliance/cli/printable.h"

#include <cstdint>

namespace fedge::cli {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";     // U+2026

bool continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

struct CodePoint {
    uint32_t value;
    size_t length;  // bytes; 0 = not UTF-8 (RFC 3629: no overlong forms, no surrogates)
};

CodePoint decode(std::string_view text) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    const size_t length = lead >= 0xF0 && lead < 0xF5   ? 4
                          : lead >= 0xE0 && lead < 0xF0 ? 3
                          : lead >= 0xC2 && lead < 0xE0 ? 2
                                                        : 0;
    if (length == 0 || text.size() < length) return {0, 0};
    uint32_t value = lead & (0xFFu >> (length + 1));
    for (size_t i = 1; i < length; ++i) {
        if (!continuation(text[i])) return {0, 0};
        value = value << 6 | (byte(i) & 0x3Fu);
    }
    static constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < kLeast[length] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return {0, 0};
    return {value, length};
}

bool harmful(uint32_t c) {
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200E && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

std::string printable(std::string_view text, bool keep_lines) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const CodePoint point = decode(text);
        const bool line = keep_lines && point.length == 1 && point.value == '\n';
        if (point.length == 0 || (harmful(point.value) && !line)) {
            out += kReplacement;
        } else {
            out += text.substr(0, point.length);
        }
        text.remove_prefix(point.length == 0 ? 1 : point.length);
    }
    return out;
}

size_t columns_of(std::string_view text) {
    size_t count = 0;
    for (const char c : text) count += continuation(c) ? 0 : 1;
    return count;
}

std::string clipped(std::string_view text, size_t columns) {
    if (columns_of(text) <= columns) return std::string(text);
    if (columns == 0) return {};
    size_t kept = 0;
    size_t end = 0;
    while (end < text.size() && (kept + 1 < columns || continuation(text[end]))) {
        if (!continuation(text[end])) ++kept;
        ++end;
    }
    while (end < text.size() && continuation(text[end])) ++end;
    return std::string(text.substr(0, end)) + std::string(kEllipsis);
}

}  // namespace fedge::cli
