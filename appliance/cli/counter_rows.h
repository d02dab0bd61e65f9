// What `show counters` and `show drops` share: rows of {"name","help","total","cores":[...]}.
#pragma once

#include <string>
#include <string_view>

#include "appliance/cli/fields.h"
#include "appliance/cli/session.h"

namespace fedge::cli {

struct CounterView {
    std::string prefix;      // only names that begin so
    bool zeros = true;       // show rows whose total is 0
    bool per_core = false;   // a column per core
    std::string_view title;  // of the column with the explanation
    std::string_view empty;  // said when no row is left
};

void print_counters(Session& session, const Json& rows, const CounterView& view);

}  // namespace fedge::cli
