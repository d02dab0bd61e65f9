// A hash of a text by which work is spread. Whoever chooses the text can choose the hash as well, and with it only who
// serves him.
#pragma once

#include <cstdint>
#include <string_view>

#include "dataplane/base/hash.h"

namespace fedge::signal {

inline uint64_t text_hash(std::string_view text) {
    uint64_t hash = 0xcbf29ce484222325;
    for (char c : text) hash = fold_multiply(hash ^ static_cast<uint8_t>(c), 0x9e3779b97f4a7c15);
    return hash;
}

}  // namespace fedge::signal
