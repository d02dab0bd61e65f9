// The middle of what rounds of a benchmark measured: what else the machine did in some of them does not count.
#pragma once

#include <algorithm>
#include <vector>

namespace fedge::perf {

inline double median(std::vector<double> values) {
    auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

}  // namespace fedge::perf
