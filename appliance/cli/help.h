// The help texts, made from the table of commands.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "appliance/cli/command.h"

namespace fedge::cli {

std::string usage_line(const Command& command);  // "fedge turn user add NAME [OPTIONS]"
void print_overview(std::ostream& out);
void print_exit_codes(std::ostream& out);
void print_command_help(std::ostream& out, const Command& command);
// The commands that begin with the words of `prefix` ("turn", "turn user").
void print_group_help(std::ostream& out, const std::string& prefix);

// The command whose path is the longest match with the first words, and how many of them; nullptr if none.
struct Found {
    const Command* command = nullptr;
    size_t words = 0;
};
Found find_command(const std::vector<std::string>& words);

// True if some command's path begins with these words and goes on.
bool is_group(const std::string& prefix);

// For words that are no command: what is wrong, and what may have been meant. Always Exit::usage.
Failure unknown_command(const std::vector<std::string>& words);

}  // namespace fedge::cli
