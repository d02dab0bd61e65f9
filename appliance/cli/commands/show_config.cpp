#include <cstdint>

#include "appliance/cli/commands/all.h"
#include "appliance/cli/fields.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

// A word that a POSIX shell takes as it is, or in single quotes.
std::string shell_word(const std::string& word) {
    constexpr auto kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:,@+=";
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
    std::string quoted = "'";
    for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

void print_settings(Session& session, const Json& settings) {
    Json rows = Json::array();
    for (const auto& [key, value] : settings.items()) rows.push_back({{"key", key}, {"value", value}});
    print_rows(session.out(), session.at.width, {{{"KEY"}, as_text("key")}, {{"VALUE"}, as_text("value")}}, rows,
               "Nothing is set: the edge runs on its defaults (see fedge help settings).");
}

void print_commands(Session& session, const Json& settings) {
    for (const auto& [key, value] : settings.items()) {
        std::string line = "fedge set " + shell_word(key);
        for (const Json& one : value.is_array() ? value : Json::array({value}))
            line += " " + shell_word(value_text(one));
        session.out() << printable(line) << '\n';
    }
}

Exit run_show_config(Session& session, const Arguments& arguments) {
    if (arguments.has("candidate") && arguments.has("revision"))
        throw Failure(Exit::usage, "--candidate and --revision exclude each other", "give one of them");
    std::string target = arguments.has("candidate") ? "/v1/candidate" : "/v1/config";
    if (arguments.has("revision"))
        target += "?revision=" + std::to_string(arguments.number("revision", 0, 0, UINT64_MAX));
    const Json reply = session.api.get(target);
    if (session.json) {
        print_json(session.out(), reply);
        return Exit::ok;
    }
    const Json settings = reply.value("settings", Json::object());
    if (arguments.has("commands")) {
        print_commands(session, settings);
        return Exit::ok;
    }
    if (!arguments.has("candidate")) session.out() << "revision " << text_or(reply, "revision", "-") << "\n\n";
    print_settings(session, settings);
    return Exit::ok;
}

}  // namespace

Command show_config() {
    return {.path = "show config",
            .summary = "show the settings in force, or those of another revision",
            .description = "Settings that are not listed have their defaults: see fedge help settings.",
            .options = {{"candidate", nullptr, "the settings as fedge commit would make them"},
                        {"revision", "REV", "the settings of an earlier revision", Words::revisions},
                        {"commands", nullptr, "as fedge set commands, to copy to another edge"}},
            .examples = {{"fedge show config", "the settings in force"},
                         {"fedge show config --candidate", "what would be in force after fedge commit"},
                         {"fedge show config --revision 3", "what was in force as revision 3"},
                         {"fedge show config --commands", "a script that configures another edge alike"}},
            .run = run_show_config};
}

}  // namespace fedge::cli
