#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "appliance/cli/run.h"
#include "appliance/cli/terminal.h"

int main(int argc, char** argv) {
    namespace cli = fedge::cli;
    const char* socket = std::getenv("FEDGE_SOCKET");
    const cli::TerminalSize size = cli::terminal_size();
    cli::Environment at{.in = std::cin,
                        .out = std::cout,
                        .err = std::cerr,
                        .in_is_terminal = isatty(STDIN_FILENO) != 0,
                        .out_is_terminal = isatty(STDOUT_FILENO) != 0,
                        .width = size.columns,
                        .height = size.lines,
                        .socket = socket && *socket ? socket : "/run/fedge/control.sock",
                        .ask_hidden = cli::ask_hidden,
                        .pause = cli::pause_unless_interrupted,
                        .now = cli::steady_seconds};
    const int exit = cli::run(std::vector<std::string>(argv + 1, argv + argc), at);
    std::cout.flush();
    return exit;
}
