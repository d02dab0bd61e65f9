#include "appliance/cli/units.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "appliance/cli/exit.h"

namespace fedge::cli {
namespace {

std::string two(uint64_t value) {
    return {static_cast<char>('0' + value / 10 % 10), static_cast<char>('0' + value % 10)};
}

// Chooses the unit after rounding, so that 999,999 is 1.00M and never 1000k.
std::string with_unit(double value, double step, const char* const* units, size_t count, int digits, const char* gap) {
    size_t unit = 0;
    while (unit + 1 < count && std::abs(value) >= step - 0.5) {
        value /= step;
        ++unit;
    }
    return decimal(value, unit == 0 ? 0 : digits) + gap + units[unit];
}

}  // namespace

std::string grouped(uint64_t value) {
    const std::string digits = std::to_string(value);
    std::string text;
    for (size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
        text += digits[i];
    }
    return text;
}

std::string decimal(double value, int digits) {
    if (!std::isfinite(value)) return "-";
    char buffer[64];
    std::snprintf(buffer, sizeof(buffer), "%.*f", digits, value);
    return buffer;
}

std::string scaled(double value) {
    static constexpr const char* kUnits[] = {"", "k", "M", "G", "T", "P"};
    return with_unit(value, 1000, kUnits, 6, 2, "");
}

std::string bytes_text(double bytes) {
    static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    return with_unit(bytes, 1024, kUnits, 6, 1, " ");
}

std::string bit_rate(double bits_per_second) {
    static constexpr const char* kUnits[] = {"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"};
    return with_unit(bits_per_second, 1000, kUnits, 5, 1, " ");
}

std::string duration_text(uint64_t seconds) {
    if (seconds < 60) return std::to_string(seconds) + "s";
    if (seconds < 3600) return std::to_string(seconds / 60) + "m" + two(seconds % 60) + "s";
    if (seconds < 86400) return std::to_string(seconds / 3600) + "h" + two(seconds / 60 % 60) + "m";
    return std::to_string(seconds / 86400) + "d" + two(seconds / 3600 % 24) + "h";
}

std::string milliseconds_text(uint64_t ms) {
    if (ms < 1000) return std::to_string(ms) + "ms";
    return duration_text(ms / 1000);
}

std::string utc_text(int64_t unix_seconds) {
    const std::time_t time = unix_seconds;
    std::tm parts{};
    if (!gmtime_r(&time, &parts)) return "-";
    char buffer[64];
    return std::strftime(buffer, sizeof(buffer), "%Y-%m-%d %H:%M:%SZ", &parts) ? buffer : "-";
}

std::string counted(uint64_t n, std::string_view noun) {
    return grouped(n) + " " + std::string(noun) + (n == 1 ? "" : "s");
}

uint64_t parse_number(std::string_view text, std::string_view what, uint64_t least, uint64_t most) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value < least || value > most)
        throw Failure(Exit::usage, std::string(what) + ": '" + std::string(text) + "' is not a whole number from " +
                                       std::to_string(least) + " to " + std::to_string(most));
    return value;
}

uint64_t parse_duration(std::string_view text, std::string_view what) {
    uint64_t unit = 1;
    std::string_view digits = text;
    if (!text.empty()) {
        switch (text.back()) {
            case 's': unit = 1; break;
            case 'm': unit = 60; break;
            case 'h': unit = 3600; break;
            case 'd': unit = 86400; break;
            default: unit = 0;
        }
        if (unit == 0) {
            unit = 1;
        } else {
            digits.remove_suffix(1);
        }
    }
    constexpr uint64_t kYear = 366 * 86400;
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() || value > kYear / unit)
        throw Failure(Exit::usage, std::string(what) + ": '" + std::string(text) + "' is not a duration up to a year",
                      "write seconds or a unit: 90, 90s, 15m, 24h, 7d");
    return value * unit;
}

}  // namespace fedge::cli
