// What the commands about certificates share.
#pragma once

#include <string>
#include <vector>

#include "appliance/cli/command.h"
#include "appliance/cli/fields.h"

namespace fedge::cli {

// --rsa and --ecdsa.
std::vector<Option> algorithm_options();
// {"name","hosts","algorithm"} from NAME HOST... and those options. Throws Failure (Exit::usage) if both are given.
Json hosts_request(const Arguments& arguments);

// Prints what some partners may dislike, then how it ended: {"name","replaced","notes","served","adopted",...}.
Exit report_certificate(Session& session, const Json& reply, const std::string& done);
// The same for what has no notes. `done` is the sentence when it is in force.
Exit report_tls_change(Session& session, const Json& reply, const std::string& done, const std::string& stored);

// Cells of rows of certificates.
std::string names_cell(const Json& row);  // without "DNS:"; other kinds keep theirs
std::string ends_cell(const Json& row);   // "2026-01-31, in 30 days"
std::string state_cell(const Json& row);  // "in 30 days", "ENDED", "requested"

}  // namespace fedge::cli
