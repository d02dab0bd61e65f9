// The lists of the filters of SIP messages, as fedge sip filter add and remove change them in the candidate.
#pragma once

#include <string>
#include <vector>

#include "appliance/cli/command.h"
#include "appliance/cli/fields.h"

namespace fedge::cli {

// The list as it is in the candidate, defaults included. Throws Failure (Exit::usage) for a list that there is not.
std::vector<std::string> filter_list(Session& session, const std::string& name);

// Puts it into the candidate; an empty one only where nothing is the default, otherwise throws Failure (Exit::refused).
Exit set_filter_list(Session& session, const std::string& name, const std::vector<std::string>& values);

inline constexpr const char* kFilterLists =
    "LIST is link-prefix (how links begin), file-extension (files that are refused), local-domain (the intranet) or\n"
    "scanner (words by which scanners are known).";

}  // namespace fedge::cli
