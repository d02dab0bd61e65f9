// The body of PATCH /v1/candidate: {"set": {key: value or [values]}, "unset": [keys]}.
#pragma once

#include <string_view>

#include "control/settings/settings.h"

namespace fedge::control::api {

// Edits with canonical keys and values. `candidate` says what there is to unset. Throws Refusal (invalid). Safe on any
// bytes.
Edits parse_patch(std::string_view body, const Settings& candidate);

}  // namespace fedge::control::api
