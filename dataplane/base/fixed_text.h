// A text of bounded length that lives where it stands: for rows that cross threads without heap.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fedge {

template <size_t N>
class FixedText {
  public:
    FixedText() = default;
    // What goes beyond N bytes is cut off. Bytes that are not printable ASCII become '?': what a stranger chose never
    // reaches a terminal raw.
    FixedText(std::string_view text) : length_(static_cast<uint16_t>(std::min(text.size(), N))) {
        std::transform(text.begin(), text.begin() + length_, text_.begin(),
                       [](char c) { return c >= 0x20 && c < 0x7f ? c : '?'; });
    }
    std::string_view view() const { return {text_.data(), length_}; }

  private:
    static_assert(N < 0x10000);
    std::array<char, N> text_{};
    uint16_t length_ = 0;
};

}  // namespace fedge
