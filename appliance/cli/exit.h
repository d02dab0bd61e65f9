// How a run of `fedge` ends: the exit codes that scripts rely on, and the failure that carries one to the top.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace fedge::cli {

// Part of the interface: documented in `fedge help exit-codes` and in appliance/README.md.
enum class Exit : int {
    ok = 0,
    refused = 1,    // the edge understood and said no
    usage = 2,      // the command line is wrong
    control = 3,    // fedge-control is not reachable
    dataplane = 4,  // fedge-dataplane is not reachable, or did not adopt the configuration
};

// Thrown by anything below run(), which prints it. `fix` says what to do and may be empty.
struct Failure : std::exception {
    Failure(Exit how, std::string error, std::string remedy = {})
        : exit(how), text(std::move(error)), fix(std::move(remedy)) {}
    const char* what() const noexcept override { return text.c_str(); }

    Exit exit;
    std::string text;
    std::string fix;
};

}  // namespace fedge::cli
