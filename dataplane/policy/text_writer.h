// Texts into a buffer of the caller: whole, or not at all.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <span>
#include <string_view>

namespace fedge::policy {

// The parts one after the other; empty if they do not fit.
inline std::string_view join(std::span<char> out, std::initializer_list<std::string_view> parts) {
    size_t length = 0;
    for (std::string_view part : parts) {
        if (part.size() > out.size() - length) return {};
        std::copy(part.begin(), part.end(), out.begin() + static_cast<std::ptrdiff_t>(length));
        length += part.size();
    }
    return {out.data(), length};
}

}  // namespace fedge::policy
