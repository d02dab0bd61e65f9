// Rows of /v1/dialogs as people read them.
#pragma once

#include <vector>

#include "appliance/cli/command.h"
#include "appliance/cli/fields.h"

namespace fedge::cli {

// A dialog that more than one core has seen is one row: its ends and its age from where it was seen first, what became
// of it from where it was seen last.
Json merged_dialogs(const Json& rows);

// Options of `show calls` and `show dialogs`.
std::vector<Option> dialog_options();
// Fetches and prints; `filter`: of the API, or empty.
Exit show_dialog_rows(Session& session, const Arguments& arguments, std::string filter, bool with_method,
                      std::string_view empty);

}  // namespace fedge::cli
