// Settings are flat keys with one or several text values. Only what differs from the defaults is kept.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fedge::control {

using Values = std::vector<std::string>;
using Settings = std::map<std::string, Values>;
// Changes to settings: new values, or nothing to go back to the default.
using Edits = std::map<std::string, std::optional<Values>>;

struct Change {
    std::string key;
    Values before;  // empty: was not set
    Values after;   // empty: is not set any more
};

Settings with_edits(Settings settings, const Edits& edits);
std::vector<Change> difference(const Settings& before, const Settings& after);

}  // namespace fedge::control
