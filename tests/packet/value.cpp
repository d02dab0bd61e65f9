#include "tests/packet/value.h"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace fedge::packet {
namespace {

[[noreturn]] void refuse(std::string_view what, std::string_view text) {
    throw ScriptError("not " + std::string(what) + ": '" + std::string(text) + "'");
}

double parse_decimal(std::string_view text) {
    double value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) refuse("a decimal number", text);
    return value;
}

}  // namespace

int64_t Number::exact() const {
    if (low != high) throw ScriptError("one number is needed here, not a range or a wildcard");
    return low;
}

int64_t parse_integer(std::string_view text) {
    std::string_view digits = text;
    int64_t unit = 1;
    if (digits.ends_with('K')) {
        unit = 1024;
        digits.remove_suffix(1);
    }
    int64_t value = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) refuse("a number", text);
    return value * unit;
}

Number parse_number(std::string_view text) {
    if (text == "*") return {};
    Number n;
    if (text.starts_with(">=")) {
        n.low = parse_integer(text.substr(2));
    } else if (text.starts_with("<=")) {
        n.high = parse_integer(text.substr(2));
    } else if (size_t tilde = text.find('~'); tilde != std::string_view::npos) {
        n = {parse_integer(text.substr(0, tilde)), parse_integer(text.substr(tilde + 1))};
        if (n.low > n.high) refuse("a range", text);
    } else if (size_t times = text.find('x'); times != std::string_view::npos) {
        n.low = n.high = parse_integer(text.substr(0, times)) * parse_integer(text.substr(times + 1));
    } else {
        n.low = n.high = parse_integer(text);
    }
    return n;
}

Duration parse_duration(std::string_view text) {
    struct Unit {
        std::string_view name;
        double nanoseconds;
    };
    // Longest names first: "ms" ends in "s", too.
    constexpr Unit kUnits[] = {{"min", 60e9}, {"ms", 1e6}, {"us", 1e3}, {"s", 1e9}};
    for (const Unit& unit : kUnits) {
        if (!text.ends_with(unit.name)) continue;
        double count = parse_decimal(text.substr(0, text.size() - unit.name.size()));
        return Duration{std::llround(count * unit.nanoseconds)};
    }
    refuse("a duration (s, ms, us, min)", text);
}

Duration parse_seconds(std::string_view text) {
    return Duration{std::llround(parse_decimal(text) * 1e9)};
}

std::string seconds_text(Duration d) {
    char text[40];
    std::snprintf(text, sizeof(text), "%.6f", static_cast<double>(d.count()) / 1e9);
    return text;
}

}  // namespace fedge::packet
