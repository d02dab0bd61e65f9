// Text from the network (user names, addresses in errors) must not drive the operator's terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fedge::cli {

// Replaces control characters (C0, DEL, C1), bidirectional overrides and broken UTF-8 by U+FFFD. With `keep_lines`,
// line feeds stay.
std::string printable(std::string_view text, bool keep_lines = false);

// Number of code points; what printable() returned occupies that many columns (wide scripts are not measured).
size_t columns_of(std::string_view text);

// The first `columns` code points; if anything was cut, the last of them is an ellipsis.
std::string clipped(std::string_view text, size_t columns);

}  // namespace fedge::cli
