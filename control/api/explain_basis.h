// The settings and entries that explanations work on, from the store.
#pragma once

#include <memory>

#include "control/control.h"
#include "control/federation/explain.h"

namespace fedge::control::api {

// Of the revision in force, or of the candidate. Throws Refusal (invalid) for what the dataplane would refuse.
std::shared_ptr<ExplainBasis> explain_basis(Control& control, const ExplainQuery& query, bool candidate);

// The user of ours, as entries have it.
std::string user_of(const ExplainQuery& query);
// What discovery is asked for an explanation.
discovery::Query query_of(const RouteQuestion& question);

}  // namespace fedge::control::api
