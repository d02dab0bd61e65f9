// Where a password comes from: never from the command line, which every process may read.
#pragma once

#include <string>

#include "appliance/cli/arguments.h"
#include "appliance/cli/session.h"

namespace fedge::cli {

// From --password-file (first line; "-" is standard input), else asked twice on the terminal, else the first line of
// standard input. Throws Failure (Exit::usage) if it is empty, unreadable, or the two answers differ.
std::string read_password(Session& session, const Arguments& arguments, const std::string& user);

}  // namespace fedge::cli
