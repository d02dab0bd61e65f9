// The start-up configuration of fedge-control: command line and INI file, the command line first.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>

#include "control/log.h"

namespace fedge::control {

struct Options {
    std::string state_dir;
    std::string run_dir;
    std::string api_socket;
    std::string dataplane_socket;
    std::string api_group;
    Severity log_level = Severity::info;
};

// The sentence names the key and the fix.
class OptionError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Nothing: --help or --version was asked for and answered on stdout. Throws OptionError.
std::optional<Options> read_options(int argc, const char* const* argv);

}  // namespace fedge::control
