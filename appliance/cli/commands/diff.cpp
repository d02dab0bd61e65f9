#include <cstdint>

#include "appliance/cli/commands/all.h"
#include "appliance/cli/entries.h"
#include "appliance/cli/settings.h"
#include "appliance/cli/units.h"

namespace fedge::cli {
namespace {

std::string revision(const std::string& text) {
    return std::to_string(parse_number(text, "REV", 0, INT64_MAX));
}

Exit run_diff(Session& session, const Arguments& arguments) {
    std::string target = "/v1/diff";
    if (!arguments.positional(0).empty()) target += "?from=" + revision(arguments.positional(0));
    if (!arguments.positional(1).empty()) target += "&to=" + revision(arguments.positional(1));
    const Json reply = session.api.get(target);
    if (session.json) {
        print_json(session.out(), reply);
    } else {
        const Json changes = reply.value("changes", Json::array());
        const Json entries = reply.value("entries", Json::object());
        if (!changes.empty() || entries.value("first", Json::array()).empty()) print_changes(session, changes);
        print_entry_changes(session, entries);
    }
    return Exit::ok;
}

}  // namespace

Command diff() {
    return {.path = "diff",
            .summary = "show what fedge commit would change, or what differs between revisions",
            .description =
                "Without REV: from the configuration in force to the candidate. With one: from that revision to the\n"
                "configuration in force. With two: from the first to the second. Old values have '-', new ones '+'.",
            .positionals = {{"REV", Words::revisions, false}, {"REV", Words::revisions, false}},
            .examples = {{"fedge diff", "what is not committed yet"},
                         {"fedge diff 3", "what has changed since revision 3"},
                         {"fedge diff 3 5", "from revision 3 to revision 5"}},
            .run = run_diff};
}

}  // namespace fedge::cli
