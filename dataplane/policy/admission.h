// Whether a discovered partner may send one more message.
#pragma once

#include <cstdint>

namespace fedge::policy {

// What a discovered partner has left of what it may send.
enum class Admission : uint8_t {
    not_asked,
    admitted,
    rate,      // too many messages per second
    contacts,  // too many users of ours addressed
    full,      // no room to count for one more partner
};

}  // namespace fedge::policy
