#include "appliance/cli/arguments.h"

#include <boost/program_options.hpp>

#include "appliance/cli/command.h"
#include "appliance/cli/help.h"
#include "appliance/cli/suggest.h"
#include "appliance/cli/units.h"

namespace fedge::cli {
namespace {

namespace po = boost::program_options;

constexpr const char* kPositional = "positional";  // the name the library wants for what has none

std::string long_name(const Option& option) {
    const std::string name = option.name;
    return name.substr(0, name.find(','));
}

void describe(po::options_description& description, const std::vector<Option>& options) {
    for (const Option& option : options) {
        if (option.value) {
            description.add_options()(option.name, po::value<std::string>(), option.help);
        } else {
            description.add_options()(option.name, option.help);
        }
    }
}

std::string see_help(const Command& command) {
    return "see: fedge help " + command.path;
}

Failure unknown_option(const Command& command, const std::string& given) {
    std::vector<std::string> names;
    for (const auto* list : {&command.options, &common_options()})
        for (const Option& option : *list) names.push_back("--" + long_name(option));
    const std::string near = nearest(given, names);
    return {Exit::usage, "fedge " + command.path + " has no option " + given,
            near.empty() ? see_help(command) : "did you mean " + near + "? " + see_help(command)};
}

void judge_positionals(const Command& command, const std::vector<std::string>& given) {
    size_t required = 0;
    bool repeated = false;
    for (const Positional& positional : command.positionals) {
        required += positional.required ? 1 : 0;
        repeated |= positional.repeated;
    }
    if (given.size() < required)
        throw Failure(Exit::usage,
                      "fedge " + command.path + ": " + command.positionals[given.size()].name + " is missing",
                      "usage: " + usage_line(command));
    if (given.size() > command.positionals.size() && !repeated)
        throw Failure(Exit::usage,
                      "fedge " + command.path + ": '" + given[command.positionals.size()] + "' is one word too many",
                      "usage: " + usage_line(command));
}

}  // namespace

const std::vector<Option>& common_options() {
    static const std::vector<Option> options = {
        {"json", nullptr, "print the API's JSON instead of text; errors go to stderr as JSON"},
        {"socket", "PATH", "socket of fedge-control (default: $FEDGE_SOCKET, else /run/fedge/control.sock)",
         Words::files},
        {"help,h", nullptr, "show help for the command"},
    };
    return options;
}

std::string Arguments::text(const std::string& option, const std::string& otherwise) const {
    const auto at = options_.find(option);
    return at == options_.end() ? otherwise : at->second;
}

uint64_t Arguments::number(const std::string& option, uint64_t otherwise, uint64_t least, uint64_t most) const {
    const auto at = options_.find(option);
    return at == options_.end() ? otherwise : parse_number(at->second, "--" + option, least, most);
}

Arguments parse_arguments(const Command& command, const std::vector<std::string>& words) {
    po::options_description description;
    describe(description, command.options);
    describe(description, common_options());
    description.add_options()(kPositional, po::value<std::vector<std::string>>());
    po::positional_options_description positional_description;
    positional_description.add(kPositional, -1);
    std::vector<std::string> positionals;
    std::map<std::string, std::string> options;
    try {
        using namespace po::command_line_style;
        // No guessing: an abbreviation that is right today would change its meaning with the next option.
        const auto parsed = po::command_line_parser(words)
                                .options(description)
                                .positional(positional_description)
                                .style(unix_style & ~allow_guessing)
                                .run();
        for (const auto& option : parsed.options) {
            if (option.position_key >= 0) {
                positionals.insert(positionals.end(), option.value.begin(), option.value.end());
            } else if (option.string_key == kPositional) {
                throw po::unknown_option("--" + option.string_key);
            } else if (!options.emplace(option.string_key, option.value.empty() ? "" : option.value.front()).second) {
                throw Failure(Exit::usage, "fedge " + command.path + ": --" + option.string_key + " is given twice",
                              see_help(command));
            }
        }
    } catch (const po::unknown_option& error) {
        throw unknown_option(command, error.get_option_name());
    } catch (const po::error& error) {
        throw Failure(Exit::usage, "fedge " + command.path + ": " + error.what(), see_help(command));
    }
    if (!options.contains("help")) judge_positionals(command, positionals);
    return {std::move(positionals), std::move(options)};
}

}  // namespace fedge::cli
