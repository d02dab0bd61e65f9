// Values as they stand in packet scripts: numbers with wildcards and ranges, and times.
#pragma once

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>

#include "dataplane/base/time.h"

namespace fedge::packet {

// Something in a script cannot be understood. what() says what; whoever knows the line puts it in front.
class ScriptError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// What a script demands of a number: "1460", "100~200", ">=100", "<=100", "10x1460" (a product) or "*".
struct Number {
    int64_t low = std::numeric_limits<int64_t>::min();
    int64_t high = std::numeric_limits<int64_t>::max();

    bool holds(int64_t value) const { return low <= value && value <= high; }
    bool any() const {
        return low == std::numeric_limits<int64_t>::min() && high == std::numeric_limits<int64_t>::max();
    }
    // The number itself. Throws ScriptError when the script gave a range or a wildcard.
    int64_t exact() const;
};

// All throw ScriptError. A plain number may be negative and may end in K (1024).
int64_t parse_integer(std::string_view text);
Number parse_number(std::string_view text);
// "10s", "1.5s", "200ms", "50us", "2min".
Duration parse_duration(std::string_view text);
// Seconds as they stand in front of a line: "0.25".
Duration parse_seconds(std::string_view text);

// Seconds with six digits.
std::string seconds_text(Duration d);

}  // namespace fedge::packet
