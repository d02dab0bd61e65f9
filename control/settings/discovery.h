// The settings of DNS and of partner discovery: dns.* and discovery.*.
#pragma once

#include <vector>

#include "control/settings/config.h"
#include "control/settings/table.h"

namespace fedge::control {

std::vector<Definition> discovery_definitions();
// `settings` hold canonical keys and values.
void read_discovery(const Settings& settings, Config& config);
void check_discovery(const DnsConfig& dns, std::vector<Problem>& errors);

}  // namespace fedge::control
