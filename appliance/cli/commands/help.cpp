#include "appliance/cli/help.h"

#include "appliance/cli/commands/all.h"

namespace fedge::cli {
namespace {

Exit run_help(Session& session, const Arguments& arguments) {
    const std::vector<std::string>& words = arguments.positionals();
    if (words.empty()) {
        print_overview(session.out());
        return Exit::ok;
    }
    std::string path;
    for (const std::string& word : words) path += (path.empty() ? "" : " ") + word;
    const Found found = find_command(words);
    if (found.command && found.words == words.size()) {
        print_command_help(session.out(), *found.command);
    } else if (is_group(path)) {
        print_group_help(session.out(), path);
    } else {
        throw unknown_command(words);
    }
    return Exit::ok;
}

}  // namespace

Command help() {
    return {.path = "help",
            .summary = "show help for a command, or for all",
            .description = "",
            .positionals = {{"COMMAND", Words::commands, false, true}},
            .examples = {{"fedge help", "all commands"},
                         {"fedge help turn", "the commands that begin with turn"},
                         {"fedge help turn user add", "one command with its options and examples"}},
            .run = run_help};
}

}  // namespace fedge::cli
