// Rows of /v1/dialogs as people read them.
#pragma once

#include <vector>

#include "appliance/cli/command.h"
#include "appliance/cli/fields.h"

namespace fedge::cli {

// A dialog that more than one core has seen is one row: its ends and its age from where it was seen first, what became
// of it from where its end was seen. "cores" has all that saw it.
Json merged_dialogs(const Json& rows);

// Options of `show calls` and `show dialogs`.
std::vector<Option> dialog_options();
// Fetches and prints; of one method, with which they began, or of all if it is empty.
Exit show_dialog_rows(Session& session, const Arguments& arguments, std::string_view method, std::string_view empty);

}  // namespace fedge::cli
