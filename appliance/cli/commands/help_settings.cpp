#include "appliance/cli/commands/all.h"
#include "appliance/cli/fields.h"
#include "appliance/cli/printable.h"
#include "appliance/cli/settings.h"
#include "appliance/cli/suggest.h"

namespace fedge::cli {
namespace {

bool wanted(const std::string& key, const std::string& prefix) {
    return key.starts_with(prefix) || key_in_pattern(key, prefix) == prefix;
}

std::string type_text(const Json& setting) {
    std::string text = text_or(setting, "type", "text");
    if (const std::string values = text_or(setting, "values", ""); !values.empty()) text += ": " + values;
    return true_at(setting, "list") ? text + " (list)" : text;
}

void print_setting(Session& session, const Json& setting) {
    std::ostream& out = session.out();
    const std::string key = text_or(setting, "key", "?");
    out << printable(key) << "\n    " << printable(text_or(setting, "help", ""))
        << "\n    type:    " << printable(type_text(setting))
        << "\n    default: " << printable(text_or(setting, "default", "none")) << '\n';
    const std::string example = text_or(setting, "example", "");
    if (example.empty()) return;
    const std::string named = example.substr(0, example.find(' '));
    const bool with_key = named != example && key_in_pattern(key, named) == named;
    out << "    example: fedge set " << printable(with_key ? example : key + " " + example) << '\n';
}

Exit run_help_settings(Session& session, const Arguments& arguments) {
    const Json schema = session.api.get("/v1/schema");
    if (session.json) {
        print_json(session.out(), schema);
        return Exit::ok;
    }
    const std::string prefix = arguments.positional(0);
    size_t shown = 0;
    for (const Json& setting : schema.value("settings", Json::array())) {
        if (!wanted(text_or(setting, "key", ""), prefix)) continue;
        if (shown++) session.out() << '\n';
        print_setting(session, setting);
    }
    if (shown == 0) {
        const std::string near = nearest_key(prefix, key_patterns(schema));
        throw Failure(Exit::usage, "no setting begins with '" + prefix + "'",
                      near.empty() ? "fedge help settings lists all of them" : "did you mean " + near + "?");
    }
    return Exit::ok;
}

}  // namespace

Command help_settings() {
    return {.path = "help settings",
            .summary = "explain every settings key, from the running control",
            .description = "Parts of a key in capitals stand for a name or an address of your choice.",
            .positionals = {{"PREFIX", Words::settings, false}},
            .examples = {{"fedge help settings", "every key"},
                         {"fedge help settings turn.quota", "the keys that begin so"},
                         {"fedge help settings interface.outside.vlan", "one key"}},
            .run = run_help_settings};
}

}  // namespace fedge::cli
