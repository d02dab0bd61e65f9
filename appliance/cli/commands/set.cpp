#include "appliance/cli/commands/all.h"
#include "appliance/cli/settings.h"

namespace fedge::cli {
namespace {

Exit run_set(Session& session, const Arguments& arguments) {
    const std::string key = arguments.positional(0);
    const std::vector<std::string> values(arguments.positionals().begin() + 1, arguments.positionals().end());
    const Json value = values.size() == 1 ? Json(values.front()) : Json(values);
    const Json reply = edit_candidate(session, {{"set", {{key, value}}}}, {key});
    return report_edit(session, reply);
}

}  // namespace

Command set() {
    return {.path = "set",
            .summary = "change a setting in the candidate",
            .description =
                "Takes effect with fedge commit. A list setting takes all its values at once and replaces the list.\n"
                "fedge help settings explains every key.",
            .positionals = {{"KEY", Words::settings}, {"VALUE", Words::none, true, true}},
            .examples = {{"fedge set interface.outside.role external", "makes or changes an interface"},
                         {"fedge set interface.outside.address 192.0.2.10/26 2001:db8:0:1::10/64",
                          "a list of two addresses"},
                         {"fedge set turn.realm example.org", "the realm that TURN clients are asked in"}},
            .run = run_set};
}

}  // namespace fedge::cli
