// Rows of /v1/federation/ports as a ruleset of nftables, for a firewall between the edge and one of its sides.
#pragma once

#include <string>

#include "appliance/cli/fields.h"

namespace fedge::cli {

// A table of its own with one chain in forward; `nft -f` of it replaces an earlier one.
std::string nftables_ruleset(const Json& rows);

}  // namespace fedge::cli
