// Reads and checks the settings of federation, providers and policies.
#pragma once

#include <vector>

#include "control/problem.h"
#include "control/settings/federation.h"

namespace fedge::control {

class Reader;

FederationConfig read_federation(const Reader& reader);

// The rules that span several keys. Each problem names the key and the fix.
void check_federation(const FederationConfig& federation, std::vector<Problem>& errors);
void collect_federation_warnings(const FederationConfig& federation, std::vector<Problem>& warnings);

}  // namespace fedge::control
