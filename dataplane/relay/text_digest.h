// MD5 and SHA-256 of short text, for the keys and hashes of RFC 8489 sections 9.2.2 and 14.4. Take no heap and keep no
// state.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/base/bytes.h"

namespace fedge::relay {

// Of the parts put one behind the other.
std::array<uint8_t, 16> md5(std::span<const Bytes> parts);
std::array<uint8_t, 32> sha256(std::span<const Bytes> parts);

}  // namespace fedge::relay
