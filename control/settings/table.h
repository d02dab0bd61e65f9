// The one table of every setting: key pattern, type, default, help and example. Validation of single values, the schema
// that the API serves, and the help of the command line all come from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/settings/settings.h"
#include "control/settings/values.h"

namespace fedge::control {

struct Definition {
    std::string pattern;  // a key, with at most one of NAME, PREFIX, ADDRESS in it
    ValueType type;
    bool list;              // several values allowed
    std::string initially;  // default; empty: none, or as the help says
    std::string help;
    std::string example;  // a whole `fedge set` argument list: KEY VALUE...
    int64_t minimum = 0;
    int64_t maximum = 0;
    std::vector<std::string> choices = {};
};

const std::vector<Definition>& definitions();
// Those of federation, providers and policies, which are part of it (federation_table.cpp).
std::vector<Definition> federation_definitions();

struct Setting {
    const Definition* definition;
    std::string key;   // canonical
    std::string name;  // what stood for NAME, PREFIX or ADDRESS
};

// Throws Refusal (invalid) that names the nearest key when nothing matches.
Setting find_setting(std::string_view key);

// Values in canonical form, checked one by one; throws Refusal (invalid).
Values checked_values(const Setting& setting, const Values& values);

// The keys to unset for `key`: itself, or everything that is set below it ("interface.outside").
std::vector<std::string> keys_to_unset(std::string_view key, const Settings& settings);

}  // namespace fedge::control
