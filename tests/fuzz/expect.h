// What a fuzz target promises beside not crashing. Unlike assert() it does not depend on NDEBUG.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "dataplane/base/bytes.h"

namespace fedge::fuzz {

inline void expect(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "invariant broken: %s\n", what);
    std::abort();
}

// `part` lies inside `whole`, or is an empty view of nothing.
inline bool inside(Bytes whole, Bytes part) {
    if (part.data() == nullptr) return part.empty();
    return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

}  // namespace fedge::fuzz
