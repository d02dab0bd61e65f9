// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fedge::cli {

std::string grouped(uint64_t value);                     // 1234567 -> "1,234,567"
std::string scaled(double value);                        // 1234567 -> "1.23M", 950 -> "950"
std::string bytes_text(double bytes);                    // 1536 -> "1.5 KiB"
std::string bit_rate(double bits_per_second);            // 64000 -> "64.0 kbit/s"
std::string duration_text(uint64_t seconds);             // 3725 -> "1h02m", 90061 -> "1d01h"
std::string milliseconds_text(uint64_t ms);              // 350 -> "350ms", 61000 -> "1m01s"
std::string decimal(double value, int digits);           // 1.25, 1 -> "1.2" or "1.3" as printf rounds
std::string utc_text(int64_t unix_seconds);              // "2026-01-31 23:59:59Z"
std::string counted(uint64_t n, std::string_view noun);  // 1 -> "1 error", 2 -> "2 errors"

// "90", "90s", "15m", "24h", "7d" -> seconds. Throws Failure (Exit::usage) that names `what`.
uint64_t parse_duration(std::string_view text, std::string_view what);
// A whole number within the bounds. Throws Failure (Exit::usage) that names `what`.
uint64_t parse_number(std::string_view text, std::string_view what, uint64_t least, uint64_t most);

}  // namespace fedge::cli
