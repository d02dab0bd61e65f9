#include "appliance/cli/commands/all.h"
#include "appliance/cli/entries.h"
#include "appliance/cli/policy.h"

namespace fedge::cli {
namespace {

Exit run_policy_user_set(Session& session, const Arguments& arguments) {
    Json entry = {{"kind", "user"}, {"name", arguments.positional(0)}, {"access", access_words(arguments, 1)}};
    if (arguments.has("comment")) entry["comment"] = arguments.text("comment");
    return put_entry(session, entry, true);
}

}  // namespace

Command policy_user_set() {
    return {.path = "policy user set",
            .summary = "give a user of ours a policy of its own, in the candidate",
            .description = kAccessHelp,
            .positionals = {{"USER"}, {"FLAG", Words::access, true, true}},
            .options = {{"comment", "TEXT", "why, shown in listings"}},
            .examples = {{"fedge policy user set alice@example.org federation outside", "partners, and from outside"},
                         {"fedge policy user set bob@example.org nothing --comment 'leaves in May'", "inside only"}},
            .run = run_policy_user_set};
}

}  // namespace fedge::cli
