// The smallest parts of SIP grammar (RFC 3261 section 25.1): linear white space with its folds, numbers, comparisons
// without case, cursors over lists and parameters. Nothing here allocates or keeps state.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dataplane/sip/char_classes.h"

namespace fedge::sip {

// %HH stands at text[at].
inline bool is_escape(std::string_view text, size_t at) {
    return text.size() - at >= 3 && text[at] == '%' && is(text[at + 1], kHex) && is(text[at + 2], kHex);
}
// Not empty, every octet of the classes, or %HH.
template <unsigned kSet>
bool escaped_text(std::string_view text) {
    if (text.empty()) return false;
    for (size_t at = 0;; at += 3) {
        at += span_of<kSet>(text.substr(at));
        if (at == text.size()) return true;
        if (!is_escape(text, at)) return false;
    }
}

inline char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
bool equal_letters(std::string_view a, std::string_view b);  // of one size
inline bool equal_nocase(std::string_view a, std::string_view b) {
    return a.size() == b.size() && equal_letters(a, b);
}
// Without case, after %HH has been undone on both sides where it stands for a character that needs no escape (section
// 19.1.4).
bool equal_escaped(std::string_view a, std::string_view b);

// Without linear white space at both ends.
inline std::string_view trim(std::string_view text) {
    while (!text.empty() && is(text.front(), kLws)) text.remove_prefix(1);
    while (!text.empty() && is(text.back(), kLws)) text.remove_suffix(1);
    return text;
}

// 1*DIGIT, at most `max`; empty otherwise. Leading zeros count for nothing.
std::optional<uint64_t> parse_number(std::string_view digits, uint64_t max);

// End of the quoted string that begins at text[at] == '"': behind its closing quote, or npos (unterminated).
size_t quoted_end(std::string_view text, size_t at);

// The values of a header field that may hold several, divided by commas outside of quotes and angle brackets (section
// 7.3.1). Malformed is what leaves a quote or a bracket open, and an empty value.
class ValueCursor {
  public:
    explicit ValueCursor(std::string_view field) : rest_(field) {}
    // The next value without surrounding white space; empty at the end or behind malformed text, see ok().
    std::optional<std::string_view> next();
    bool ok() const { return ok_; }
    // What comes behind the value that next() gave last; empty behind the last one.
    std::string_view rest() const { return rest_; }

  private:
    std::string_view rest_;
    bool done_ = false;
    bool ok_ = true;
};

struct Parameter {
    std::string_view name;
    std::string_view value;  // quotes included; empty without
    bool has_value = false;
};

// Parameters of a header field (";name=value", white space allowed around both signs; section 25.1 generic-param). The
// text begins with a semicolon, or is empty.
class ParameterCursor {
  public:
    explicit ParameterCursor(std::string_view text) : rest_(text) {}
    std::optional<Parameter> next();
    bool ok() const { return ok_; }

  private:
    std::string_view rest_;
    bool ok_ = true;
};
// True if the text is a sound list of parameters, none of them twice as far as `once` names it.
bool sound_parameters(std::string_view text);
// The first parameter of this name (lower case), of text that is sound.
std::optional<Parameter> find_parameter(std::string_view text, std::string_view name);

// The name of a header line "name *WSP : value" (section 25.1: header-name, HCOLON), or nothing if it has none that is
// a token. `colon` is set to where the colon stands.
std::optional<std::string_view> header_name(std::string_view line, size_t& colon);

// Position of the first octet at or behind `from` that is a control character other than HTAB, or DEL; size() without.
size_t find_control(std::string_view text, size_t from);

}  // namespace fedge::sip
