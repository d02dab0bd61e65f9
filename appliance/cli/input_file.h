// Files that commands hand over to the edge: certificates, keys, lists.
#pragma once

#include <string>

#include "appliance/cli/arguments.h"
#include "appliance/cli/session.h"

namespace fedge::cli {

// What is in the file that `option` names ("-" is standard input), up to 512 KiB. Throws Failure (Exit::usage) if the
// option was not given, or the file is empty, too long or unreadable.
std::string read_file(Session& session, const Arguments& arguments, const std::string& option);

// The same for text of PEM blocks: says what to do with a file of another format.
std::string read_pem(Session& session, const Arguments& arguments, const std::string& option);

}  // namespace fedge::cli
