#include "appliance/cli/commands/all.h"
#include "appliance/cli/policy.h"
#include "appliance/cli/settings.h"

namespace fedge::cli {
namespace {

Exit run_policy_global_set(Session& session, const Arguments& arguments) {
    const Json settings = access_settings("policy.global.", access_words(arguments, 0));
    return report_edit(session, edit_candidate(session, {{"set", settings}}, {}));
}

}  // namespace

Command policy_global_set() {
    return {.path = "policy global set",
            .summary = "say what users without another policy may do, in the candidate",
            .description = kAccessHelp,
            .positionals = {{"FLAG", Words::access, true, true}},
            .examples = {{"fedge policy global set federation outside", "partners, and from outside"},
                         {"fedge policy global set nothing", "as it is at first"}},
            .run = run_policy_global_set};
}

}  // namespace fedge::cli
