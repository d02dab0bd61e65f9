// One run of `fedge`.
#pragma once

#include <string>
#include <vector>

#include "appliance/cli/session.h"

namespace fedge::cli {

// `words` is the command line without the program's name. Prints results to at.out and failures to at.err; returns the
// exit code of exit.h. Never throws for anything that a command line or a reply can cause.
int run(const std::vector<std::string>& words, Environment& at);

}  // namespace fedge::cli
