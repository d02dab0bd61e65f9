#include "appliance/cli/commands/all.h"
#include "appliance/cli/settings.h"

namespace fedge::cli {
namespace {

Exit run_unset(Session& session, const Arguments& arguments) {
    const Json reply = edit_candidate(session, {{"unset", arguments.positionals()}}, arguments.positionals());
    return report_edit(session, reply);
}

}  // namespace

Command unset() {
    return {.path = "unset",
            .summary = "take settings back to their defaults in the candidate",
            .description = "Takes effect with fedge commit.",
            .positionals = {{"KEY", Words::settings, true, true}},
            .examples = {{"fedge unset turn.quota-user", "back to the default"},
                         {"fedge unset interface.old.role interface.old.port interface.old.address",
                          "removes an interface"}},
            .run = run_unset};
}

}  // namespace fedge::cli
