// "Did you mean ...?": the nearest of what exists.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fedge::cli {

// Edit distance with transposition of neighbours (optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b);

// The nearest candidate, or "" if none is near enough to be meant (a third of the word's length, at least 2 edits;
// or the word is its beginning).
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

// A settings key pattern such as "interface.NAME.role": parts in capitals stand for anything. What `key` would be if it
// were of this pattern, e.g. ("interface.NAME.role", "interfaces.out.role") -> "interface.out.role"; "" if it has too
// few parts. Equal to `key` exactly when the key is of the pattern.
std::string key_in_pattern(std::string_view pattern, std::string_view key);

// The key nearest to an unknown one among the patterns; "" if the key is of a pattern (so it is known) or nothing is
// near.
std::string nearest_key(std::string_view key, const std::vector<std::string>& patterns);

}  // namespace fedge::cli
