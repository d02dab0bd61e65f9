// Files of entries into the candidate, and entries in force into files, in pieces: see records.h.
#pragma once

#include <string>
#include <vector>

#include "appliance/cli/command.h"

namespace fedge::cli {

// --csv, --as-json, --dry-run, --replace, --report.
std::vector<Option> import_options();
// Reads the file that the first positional names. `defaults` are fields for records without them. Ends with
// Exit::refused if a record was rejected.
Exit import_entries(Session& session, const Arguments& arguments, const Json& defaults);

std::vector<Option> export_options();
// Writes the entries of `kind`; empty: domains and patterns.
Exit export_entries(Session& session, const Arguments& arguments, const std::string& kind);

}  // namespace fedge::cli
