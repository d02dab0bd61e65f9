// How fast our TCP is on paths of various kinds, as a table of text: kept in expected_throughput.txt, so that a change
// of loss recovery or congestion control shows what it does as a difference of lines.
#pragma once

#include <string>

namespace fedge::sim {

// Depends on nothing but the code: seeds are fixed.
std::string throughput_table();

}  // namespace fedge::sim
