// What a command works with: the edge's API, and the place where it was typed.
#pragma once

#include <functional>
#include <istream>
#include <ostream>
#include <string>

#include "appliance/cli/api.h"

namespace fedge::cli {

// The outside of a run, so that tests can stand in for it.
struct Environment {
    std::istream& in;
    std::ostream& out;
    std::ostream& err;
    bool in_is_terminal = false;
    bool out_is_terminal = false;
    size_t width = 0;                                           // columns; 0 = not a terminal: no limit
    size_t height = 0;                                          // lines; 0 = no limit
    std::string socket;                                         // default of --socket
    std::function<std::string(const std::string&)> ask_hidden;  // prompts on the terminal, without echo
    std::function<bool(double seconds)> pause;                  // false = interrupted by the user
    std::function<double()> now;                                // seconds, steady
};

struct Session {
    Environment& at;
    Api api;
    bool json = false;

    std::ostream& out() const { return at.out; }
    // Notes for the person, kept apart from results.
    std::ostream& err() const { return at.err; }
};

// Prints the reply of the API as it is.
void print_json(std::ostream& out, const Json& json);

}  // namespace fedge::cli
