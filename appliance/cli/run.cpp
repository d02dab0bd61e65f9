#include "appliance/cli/run.h"

#include "appliance/cli/help.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

struct CommandLine {
    std::vector<std::string> path;  // leading words that are not options: the command and maybe its positionals
    std::vector<std::string> all;
    bool json = false;  // known early, so that even a usage error is JSON
    bool help = false;
    bool version = false;
};

CommandLine look_over(const std::vector<std::string>& words) {
    CommandLine line;
    line.all = words;
    bool options_end = false;
    for (size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (options_end || word.empty() || word[0] != '-') {
            line.path.push_back(word);
            continue;
        }
        options_end = word == "--";
        line.json |= word == "--json";
        line.help |= word == "--help" || word == "-h";
        line.version |= word == "--version";
        if (word == "--socket") ++i;
    }
    return line;
}

// Takes the command's own words out, so that options may stand before, between and behind them.
std::vector<std::string> without_path(const std::vector<std::string>& words, size_t path_words) {
    std::vector<std::string> rest;
    for (size_t i = 0; i < words.size(); ++i) {
        const bool option = !words[i].empty() && words[i][0] == '-';
        if (!option && path_words > 0) {
            --path_words;
            continue;
        }
        rest.push_back(words[i]);
        if (words[i] == "--socket" && path_words > 0 && i + 1 < words.size()) rest.push_back(words[++i]);
    }
    return rest;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

Exit dispatch(const CommandLine& line, Environment& at) {
    const Found found = find_command(line.path);
    if (!found.command) {
        if (line.version) {
            at.out << "fedge " FEDGE_VERSION "\n";
            return Exit::ok;
        }
        if (line.path.empty()) {
            print_overview(line.help ? at.out : at.err);
            return line.help ? Exit::ok : Exit::usage;
        }
        if (line.help && is_group(joined(line.path))) {
            print_group_help(at.out, joined(line.path));
            return Exit::ok;
        }
        throw unknown_command(line.path);
    }
    const Arguments arguments = parse_arguments(*found.command, without_path(line.all, found.words));
    if (arguments.has("help")) {
        print_command_help(at.out, *found.command);
        return Exit::ok;
    }
    Session session{at, Api(arguments.text("socket", at.socket)), arguments.has("json")};
    return found.command->run(session, arguments);
}

void print_failure(const Failure& failure, bool json, std::ostream& err) {
    if (json) {
        Json body = {{"error", failure.text}, {"exit", static_cast<int>(failure.exit)}};
        if (!failure.fix.empty()) body["fix"] = failure.fix;
        print_json(err, body);
        return;
    }
    err << "fedge: " << printable(failure.text, true) << '\n';
    if (!failure.fix.empty()) err << "  fix: " << printable(failure.fix, true) << '\n';
}

}  // namespace

void print_json(std::ostream& out, const Json& json) {
    out << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

int run(const std::vector<std::string>& words, Environment& at) {
    const CommandLine line = look_over(words);
    try {
        return static_cast<int>(dispatch(line, at));
    } catch (const Failure& failure) {
        print_failure(failure, line.json, at.err);
        return static_cast<int>(failure.exit);
    } catch (const Json::exception& error) {
        // A reply of another shape than agreed: a version mismatch, most likely.
        print_failure({Exit::control, std::string("control's reply is not as expected: ") + error.what(),
                       "check that fedge and fedge-control are of the same version"},
                      line.json, at.err);
        return static_cast<int>(Exit::control);
    }
}

}  // namespace fedge::cli
