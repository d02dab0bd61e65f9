// The real terminal behind Environment: size, prompts without echo, interruptible pauses.
#pragma once

#include <cstddef>
#include <string>

namespace fedge::cli {

struct TerminalSize {
    size_t columns = 0;  // 0 = not a terminal
    size_t lines = 0;
};

// Of standard output; COLUMNS, if set to a number, overrides the width.
TerminalSize terminal_size();

// Asks on /dev/tty with echo off, so that it works while standard input is something else. Throws Failure
// (Exit::usage) when there is no terminal.
std::string ask_hidden(const std::string& prompt);

// Sleeps; false as soon as the user asks to stop (SIGINT, SIGTERM). The first call installs the handlers.
bool pause_unless_interrupted(double seconds);

// Seconds of a clock that is never set.
double steady_seconds();

}  // namespace fedge::cli
