// One row of a connection as sentences: what it is, how its TCP and TLS do, what it is for, why it ended, and what the
// operator can do about it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace fedge::cli {

std::vector<std::string> connection_story(const nlohmann::json& row);

}  // namespace fedge::cli
