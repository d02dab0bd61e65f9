// Settings keys: what control's schema says about them, and edits of the candidate.
#pragma once

#include <string>
#include <vector>

#include "appliance/cli/exit.h"
#include "appliance/cli/session.h"

namespace fedge::cli {

// The key patterns of GET /v1/schema.
std::vector<std::string> key_patterns(const Json& schema);

// PATCHes the candidate. If control refuses a key that no pattern knows, the failure names the nearest one that exists.
Json edit_candidate(Session& session, const Json& patch, const std::vector<std::string>& keys);

// How an edit ends: "1 change not committed: fedge diff shows, fedge commit puts into force".
Exit report_edit(Session& session, const Json& reply);

// Prints {"changes":[{"key","old","new"}]} as lines of "-" and "+".
void print_changes(Session& session, const Json& changes);

}  // namespace fedge::cli
