#include "appliance/cli/help.h"

#include <algorithm>

#include "appliance/cli/printable.h"
#include "appliance/cli/suggest.h"

namespace fedge::cli {
namespace {

std::string joined(const std::vector<std::string>& words, size_t count) {
    std::string text;
    for (size_t i = 0; i < count && i < words.size(); ++i) text += (i ? " " : "") + words[i];
    return text;
}

std::string option_text(const Option& option) {
    const std::string name = option.name;
    const size_t comma = name.find(',');
    std::string text =
        comma == std::string::npos ? "    --" + name : "-" + name.substr(comma + 1) + ", --" + name.substr(0, comma);
    if (option.value) text += std::string(" ") + option.value;
    return text;
}

void print_pairs(std::ostream& out, const std::vector<std::pair<std::string, std::string>>& pairs) {
    size_t width = 0;
    for (const auto& pair : pairs) width = std::max(width, pair.first.size());
    for (const auto& [left, right] : pairs)
        out << "  " << left << std::string(width - left.size() + 2, ' ') << right << '\n';
}

void print_options(std::ostream& out, const std::vector<Option>& options) {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const Option& option : options) pairs.emplace_back(option_text(option), option.help);
    print_pairs(out, pairs);
}

void print_commands(std::ostream& out, const std::string& prefix) {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const Command& command : all_commands())
        if (!command.hidden && (prefix.empty() || command.path.starts_with(prefix + " ")))
            pairs.emplace_back(command.path, command.summary);
    print_pairs(out, pairs);
}

}  // namespace

std::string usage_line(const Command& command) {
    std::string line = "fedge " + command.path;
    for (const Positional& positional : command.positionals) {
        const std::string name = std::string(positional.name) + (positional.repeated ? "..." : "");
        line += " " + (positional.required ? name : "[" + name + "]");
    }
    return line + " [OPTIONS]";
}

void print_exit_codes(std::ostream& out) {
    out << "Exit codes:\n";
    print_pairs(out, {{"0", "done"},
                      {"1", "refused by the edge: the message says why"},
                      {"2", "usage: the command line is wrong"},
                      {"3", "fedge-control is not reachable"},
                      {"4", "fedge-dataplane is not reachable, or did not adopt the configuration"}});
}

void print_overview(std::ostream& out) {
    out << "fedge " FEDGE_VERSION
           ": configure, show and operate a federation edge\n\n"
           "Usage: fedge COMMAND [ARGUMENTS] [OPTIONS]\n\nCommands:\n";
    print_commands(out, "");
    out << "\nOptions of every command:\n";
    print_options(out, common_options());
    out << "\nMore about a command, with examples: fedge help COMMAND, or fedge COMMAND --help\n\n";
    print_exit_codes(out);
}

void print_command_help(std::ostream& out, const Command& command) {
    out << "fedge " << command.path << ": " << command.summary << "\n\nUsage: " << usage_line(command) << '\n';
    if (!command.description.empty()) out << '\n' << command.description << '\n';
    if (!command.options.empty()) {
        out << "\nOptions:\n";
        print_options(out, command.options);
    }
    out << "\nOptions of every command:\n";
    print_options(out, common_options());
    out << "\nExamples:\n";
    for (const Example& example : command.examples) out << "  " << example.line << "\n      " << example.what << '\n';
    out << "\nExit codes: 0 done, 1 refused, 2 usage, 3 control not reachable, 4 dataplane not reachable or not "
           "adopted\n";
}

void print_group_help(std::ostream& out, const std::string& prefix) {
    out << "Commands of fedge " << prefix << ":\n";
    print_commands(out, prefix);
    out << "\nMore about one, with examples: fedge help " << prefix << " COMMAND\n";
}

Found find_command(const std::vector<std::string>& words) {
    Found best;
    for (const Command& command : all_commands()) {
        const size_t length = static_cast<size_t>(std::count(command.path.begin(), command.path.end(), ' ')) + 1;
        if (length > best.words && length <= words.size() && joined(words, length) == command.path)
            best = {&command, length};
    }
    return best;
}

bool is_group(const std::string& prefix) {
    return std::any_of(all_commands().begin(), all_commands().end(), [&](const Command& command) {
        return !command.hidden && command.path.starts_with(prefix + " ");
    });
}

Failure unknown_command(const std::vector<std::string>& words) {
    size_t known = 0;
    while (known < words.size() && is_group(joined(words, known + 1))) ++known;
    const std::string group = joined(words, known);
    if (known == words.size())
        return {Exit::usage, "fedge " + group + " needs one more word", "see: fedge help " + group};
    std::vector<std::string> next;
    for (const Command& command : all_commands()) {
        if (command.hidden || (known && !command.path.starts_with(group + " "))) continue;
        const std::string rest = command.path.substr(known ? group.size() + 1 : 0);
        next.push_back(rest.substr(0, rest.find(' ')));
    }
    const std::string near = nearest(words[known], next);
    const std::string before = known ? group + " " : "";
    return {Exit::usage, "there is no command 'fedge " + before + printable(words[known]) + "'",
            near.empty() ? "see: fedge help" + (known ? " " + group : std::string())
                         : "did you mean fedge " + before + near + "?"};
}

}  // namespace fedge::cli
