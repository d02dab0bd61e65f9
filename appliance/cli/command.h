// What a command of `fedge` is: data for help, parsing and completion, and the function that does it.
#pragma once

#include <string>
#include <vector>

#include "appliance/cli/arguments.h"
#include "appliance/cli/exit.h"
#include "appliance/cli/session.h"

namespace fedge::cli {

// What can be typed at a place, for completion.
enum class Words {
    none,
    settings,
    users,
    secrets,
    revisions,
    allocations,
    connections,
    certificates,
    authorities,
    crl_issuers,
    commands,
    files,
    on_off,
    partners,
    verifications,
    purposes,
    srv_modes,
    providers,
    access,
    sites,
    policy_users,
    discovered,
    shells
};

struct Positional {
    const char* name;
    Words words = Words::none;
    bool required = true;
    bool repeated = false;  // last one only: takes all that follow
};

struct Option {
    const char* name;   // "limit", or with a letter "message,m"
    const char* value;  // placeholder in help; nullptr = a switch
    const char* help;
    Words words = Words::none;
};

struct Example {
    const char* line;  // as typed, beginning with "fedge"
    const char* what;
};

struct Command {
    std::string path;  // "turn user add"
    std::string summary;
    std::string description;
    std::vector<Positional> positionals;
    std::vector<Option> options;
    std::vector<Example> examples;
    Exit (*run)(Session&, const Arguments&);
    bool hidden = false;  // for the completion script: not listed in help
};

// All commands, in the order in which help lists them.
const std::vector<Command>& all_commands();

}  // namespace fedge::cli
