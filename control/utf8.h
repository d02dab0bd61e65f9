// UTF-8 (RFC 3629 section 4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fedge::control {

// Length of the sequence at the start of `text`, which is not empty, and its code point; 0 if it is malformed.
size_t decode_utf8(std::string_view text, uint32_t& point);

// C0, DEL and C1.
inline bool is_control(uint32_t point) {
    return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

}  // namespace fedge::control
