// Explanations as the API gives them.
#pragma once

#include <string>

#include "control/api/json.h"
#include "control/federation/explain.h"

namespace fedge::control {

// `edge`: our access FQDN, for what is written on the wire; empty: none.
api::Json explanation_json(const ExplainQuery& query, const Explanation& explanation, const std::string& edge);

}  // namespace fedge::control
