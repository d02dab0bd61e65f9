#include "dataplane/sip/normal_text.h"

#include <algorithm>
#include <cstring>

#include "dataplane/sip/lexical.h"

namespace fedge::sip {
namespace {

// The longest item that is waited for, and looked at: "&#x0000041;", or a control word of RTF (32 letters) with its
// number.
constexpr size_t kLongest = Normalizer::kHeld;

struct Named {
    std::string_view name;
    char c;
};
// References of HTML to what prefixes, hosts and paths are written with; 0: to what is invisible.
constexpr Named kReferences[] = {{"colon;", ':'},
                                 {"period;", '.'},
                                 {"sol;", '/'},
                                 {"bsol;", '\\'},
                                 {"amp;", '&'},
                                 {"lt;", '<'},
                                 {"gt;", '>'},
                                 {"quot;", '"'},
                                 {"apos;", '\''},
                                 {"nbsp;", ' '},
                                 {"tab;", '\t'},
                                 {"newline;", '\n'},
                                 {"commat;", '@'},
                                 {"num;", '#'},
                                 {"lowbar;", '_'},
                                 {"zerowidthspace;", 0},
                                 {"zwnj;", 0},
                                 {"zwj;", 0},
                                 {"shy;", 0},
                                 {"lrm;", 0},
                                 {"rlm;", 0},
                                 {"nobreak;", 0},
                                 {"invisibletimes;", 0},
                                 {"invisiblecomma;", 0},
                                 {"applyfunction;", 0}};

unsigned hex_value(char c) {
    return static_cast<unsigned>(is(c, kDigit) ? c - '0' : lower(c) - 'a' + 10);
}

bool is_invisible(uint32_t code) {
    return code == 0xad || code == 0x34f || code == 0x61c || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x202a && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
           (code >= 0xfe00 && code <= 0xfe0f) || code == 0xfeff || (code >= 0xe0000 && code <= 0xe0fff);
}

// ASCII that looks like this character, or 0.
char lookalike(uint32_t code) {
    if (code >= 0xff01 && code <= 0xff5e) return static_cast<char>(code - 0xff01 + '!');
    switch (code) {
        case 0x2024:
        case 0x3002:
        case 0xfe52:
        case 0xff61: return '.';
        case 0x2236:
        case 0xa789:
        case 0xfe13:
        case 0xfe55: return ':';
        case 0x2044:
        case 0x2215: return '/';
        case 0xa0:
        case 0x3000: return ' ';
        default: return 0;
    }
}

bool is_shown(char c) {
    auto u = static_cast<uint8_t>(c);
    return (u >= 0x20 && u != 0x7f) || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace

void Normalizer::Sink::put(char c, uint32_t at) {
    if (size == out.size()) return;
    if (!origin.empty()) origin[size] = at;
    out[size++] = static_cast<uint8_t>(c);
}

void Normalizer::Sink::put(std::string_view text, uint32_t at) {
    text = text.substr(0, out.size() - size);
    text.copy(reinterpret_cast<char*>(out.data() + size), text.size());
    if (!origin.empty())
        for (size_t i = 0; i < text.size(); i++) origin[size + i] = at + static_cast<uint32_t>(i);
    size += text.size();
}

void Normalizer::put(char c, Sink& sink) {
    if (is_shown(c)) {
        sink.put(c, at_);
    } else {
        put_gap(sink);
    }
}

void Normalizer::put_gap(Sink& sink) {
    had_gaps_ = true;
    if (gaps_ == Gaps::spaces) sink.put(' ', at_);
}

void Normalizer::put_code_point(uint32_t code, size_t size, std::string_view text, Sink& sink) {
    if (is_invisible(code)) return put_gap(sink);
    if (char c = lookalike(code)) return sink.put(c, at_);
    for (char c : text.substr(0, size)) sink.put(c, at_);
}

size_t Normalizer::take_utf8(std::string_view text, bool last, Sink& sink) {
    auto first = static_cast<uint8_t>(text[0]);
    size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    if (text.size() < size && !last) return 0;
    uint32_t code = size == 1 ? first : first & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        if (i >= text.size() || (static_cast<uint8_t>(text[i]) & 0xc0) != 0x80) {
            // No UTF-8: the octet stands for itself.
            sink.put(text[0], at_);
            return 1;
        }
        code = code << 6 | (static_cast<uint8_t>(text[i]) & 0x3f);
    }
    put_code_point(code, size, text, sink);
    return size;
}

size_t Normalizer::take_entity(std::string_view text, bool last, Sink& sink) {
    bool may_go_on = !last && text.size() < kLongest;
    text = text.substr(0, kLongest);
    if (text.size() < 2 && may_go_on) return 0;
    if (text.size() >= 2 && text[1] == '#') {
        bool hex = text.size() > 2 && lower(text[2]) == 'x';
        size_t i = hex ? 3 : 2;
        uint32_t code = 0;
        size_t digits = 0;
        for (; i < text.size() && is(text[i], hex ? kHex : kDigit); i++, digits++)
            code = code > 0x110000 ? code : code * (hex ? 16 : 10) + hex_value(text[i]);
        if (i == text.size() && may_go_on) return 0;
        if (digits > 0) {
            if (i < text.size() && text[i] == ';') i++;
            if (code < 0x80) {
                put(static_cast<char>(code), sink);
            } else if (is_invisible(code)) {
                put_gap(sink);
            } else {
                char c = lookalike(code);
                sink.put(c ? c : '?', at_);
            }
            return i;
        }
    } else {
        for (const Named& named : kReferences) {
            std::string_view rest = text.substr(1, named.name.size());
            if (equal_nocase(rest, named.name)) {
                put(named.c, sink);
                return 1 + named.name.size();
            }
            if (may_go_on && equal_nocase(rest, named.name.substr(0, rest.size()))) return 0;
        }
    }
    sink.put('&', at_);
    return 1;
}

size_t Normalizer::take_rtf(std::string_view text, bool last, Sink& sink) {
    if (text[0] == '{' || text[0] == '}') return 1;
    bool may_go_on = !last && text.size() < kLongest;
    text = text.substr(0, kLongest);
    if (text.size() < 2) {
        if (may_go_on) return 0;
        return 1;
    }
    if (text[1] == '\'') {
        if (text.size() < 4 && may_go_on) return 0;
        if (text.size() >= 4 && is(text[2], kHex) && is(text[3], kHex)) {
            put(static_cast<char>(hex_value(text[2]) * 16 + hex_value(text[3])), sink);
            return 4;
        }
        return 2;
    }
    if (!is(text[1], kAlpha)) {
        if (text[1] == '\\' || text[1] == '{' || text[1] == '}') sink.put(text[1], at_);
        return 2;
    }
    size_t i = 1;
    while (i < text.size() && is(text[i], kAlpha)) i++;
    size_t number = i;
    if (i < text.size() && text[i] == '-') i++;
    while (i < text.size() && is(text[i], kDigit)) i++;
    if (i == text.size() && may_go_on) return 0;
    // \uN: a character, behind which one octet stands for readers that do not know it.
    if (number == 2 && text[1] == 'u' && i > number) {
        auto code = parse_number(text.substr(number, i - number), 0xffff);
        if (code && *code < 0x80) put(static_cast<char>(*code), sink);
        if (code && is_invisible(static_cast<uint32_t>(*code))) put_gap(sink);
        if (char c = code ? lookalike(static_cast<uint32_t>(*code)) : '\0') sink.put(c, at_);
        return std::min(i + 1, text.size());
    }
    if (i < text.size() && text[i] == ' ') i++;
    return i;
}

size_t Normalizer::take(std::string_view text, bool last, Sink& sink) {
    char c = text[0];
    if (markup_ == Markup::html) {
        if (in_tag_) {
            in_tag_ = c != '>';
            return 1;
        }
        if (c == '<') {
            in_tag_ = true;
            return 1;
        }
    }
    if (markup_ == Markup::rtf && (c == '\\' || c == '{' || c == '}')) return take_rtf(text, last, sink);
    if (c == '%') {
        if (text.size() < 3 && !last) return 0;
        if (text.size() >= 3 && is(text[1], kHex) && is(text[2], kHex)) {
            put(static_cast<char>(hex_value(text[1]) * 16 + hex_value(text[2])), sink);
            return 3;
        }
    }
    if (c == '&') return take_entity(text, last, sink);
    if (static_cast<uint8_t>(c) >= 0x80) return take_utf8(text, last, sink);
    put(c, sink);
    return 1;
}

void Normalizer::run(std::string_view text, bool last, Sink& sink) {
    while (!text.empty()) {
        size_t n = in_tag_ ? 0 : span_of<kPlainText>(text);
        if (n > 0) {
            sink.put(text.substr(0, n), at_);
        } else {
            n = take(text, last, sink);
            if (n == 0) break;
        }
        at_ += static_cast<uint32_t>(n);
        text.remove_prefix(n);
    }
    std::memmove(held_, text.data(), text.size());
    held_size_ = text.size();
}

size_t Normalizer::feed(std::string_view piece, MutableBytes out, std::span<uint32_t> origin) {
    Sink sink{out, origin};
    // What was held goes on with as much of the piece as it can need, octet by octet.
    while (held_size_ > 0 && !piece.empty()) {
        size_t n = std::min(piece.size(), kHeld - held_size_);
        char joined[kHeld];
        std::memcpy(joined, held_, held_size_);
        std::memcpy(joined + held_size_, piece.data(), n);
        std::string_view text{joined, held_size_ + n};
        size_t taken = take(text, false, sink);
        if (taken == 0) {
            std::memcpy(held_, joined, text.size());
            held_size_ = text.size();
            return sink.size;  // the piece is used up: a full memory is never held back
        }
        at_ += static_cast<uint32_t>(taken);
        if (taken >= held_size_) {
            piece.remove_prefix(taken - held_size_);
            held_size_ = 0;
        } else {
            held_size_ -= taken;
            std::memcpy(held_, joined + taken, held_size_);
        }
    }
    if (!piece.empty()) run(piece, false, sink);
    return sink.size;
}

size_t Normalizer::finish(MutableBytes out, std::span<uint32_t> origin) {
    Sink sink{out, origin};
    char text[kHeld];
    size_t size = held_size_;
    std::memcpy(text, held_, size);
    run({text, size}, true, sink);
    held_size_ = 0;
    return sink.size;
}

std::string_view normalize(std::string_view text, Normalizer& normalizer, MutableBytes out,
                           std::span<uint32_t> origin) {
    size_t size = normalizer.feed(text, out, origin);
    size += normalizer.finish(out.subspan(size), origin.empty() ? origin : origin.subspan(size));
    return text_of(Bytes{out}.first(size));
}

TransferEncoding transfer_encoding(std::string_view value) {
    value = trim(value);
    if (equal_nocase(value, "base64")) return TransferEncoding::base64;
    if (equal_nocase(value, "quoted-printable")) return TransferEncoding::quoted_printable;
    return TransferEncoding::none;
}

namespace {

size_t decode_base64(std::string_view text, MutableBytes out) {
    uint32_t bits = 0;
    unsigned count = 0;
    size_t size = 0;
    for (char c : text) {
        unsigned value = 0;
        if (is(c, kDigit)) {
            value = static_cast<unsigned>(c - '0') + 52;
        } else if (c >= 'A' && c <= 'Z') {
            value = static_cast<unsigned>(c - 'A');
        } else if (c >= 'a' && c <= 'z') {
            value = static_cast<unsigned>(c - 'a') + 26;
        } else if (c == '+' || c == '-') {
            value = 62;
        } else if (c == '/' || c == '_') {
            value = 63;
        } else {
            continue;  // RFC 2045 section 6.8: what is not of the alphabet is ignored
        }
        bits = bits << 6 | value;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        out[size++] = static_cast<uint8_t>(bits >> count);
    }
    return size;
}

size_t decode_quoted_printable(std::string_view text, MutableBytes out) {
    size_t size = 0;
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] != '=') {
            out[size++] = static_cast<uint8_t>(text[i]);
        } else if (text.size() - i > 2 && is(text[i + 1], kHex) && is(text[i + 2], kHex)) {
            out[size++] = static_cast<uint8_t>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        } else {
            // A soft line break, with the white space that may stand before its end.
            size_t end = i + 1;
            while (end < text.size() && is(text[end], kSpace)) end++;
            if (end < text.size() && text[end] == '\r') end++;
            if (end < text.size() && text[end] == '\n') {
                i = end;
            } else {
                out[size++] = '=';
            }
        }
    }
    return size;
}

}  // namespace

std::string_view decode(TransferEncoding encoding, std::string_view text, MutableBytes out) {
    switch (encoding) {
        case TransferEncoding::none: return text;
        case TransferEncoding::base64: return text_of(Bytes{out}.first(decode_base64(text, out)));
        case TransferEncoding::quoted_printable: return text_of(Bytes{out}.first(decode_quoted_printable(text, out)));
    }
    return text;
}

}  // namespace fedge::sip
