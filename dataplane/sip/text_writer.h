// Text into memory of the caller. What does not fit writes nothing and makes ok() false for good.
#pragma once

#include <charconv>
#include <concepts>
#include <span>
#include <string_view>

#include "dataplane/base/bytes.h"

namespace fedge::sip {

// Memory for text, as memory for bytes.
inline MutableBytes writable(std::span<char> text) {
    return {reinterpret_cast<uint8_t*>(text.data()), text.size()};
}

class TextWriter {
  public:
    explicit TextWriter(MutableBytes out) : bytes_(out) {}

    TextWriter& operator<<(std::string_view text) {
        bytes_.bytes(bytes_of(text));
        return *this;
    }
    TextWriter& operator<<(std::unsigned_integral auto number) {
        char digits[20];
        auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
        return *this << std::string_view{digits, static_cast<size_t>(end - digits)};
    }

    bool ok() const { return bytes_.ok(); }
    size_t size() const { return bytes_.size(); }
    // Empty unless ok().
    std::string_view text() const { return ok() ? text_of(bytes_.written()) : std::string_view{}; }

  private:
    ByteWriter bytes_;
};

}  // namespace fedge::sip
