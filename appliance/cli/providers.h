// Providers, as commands look them up.
#pragma once

#include <string>

#include "appliance/cli/fields.h"
#include "appliance/cli/session.h"

namespace fedge::cli {

// In the candidate; null if there is none.
Json find_provider(Session& session, const std::string& name);
// Throws Failure (Exit::refused) if there is none.
Json provider(Session& session, const std::string& name, bool candidate);

}  // namespace fedge::cli
