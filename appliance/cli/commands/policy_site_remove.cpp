#include "appliance/cli/commands/all.h"
#include "appliance/cli/settings.h"

namespace fedge::cli {
namespace {

Exit run_policy_site_remove(Session& session, const Arguments& arguments) {
    const std::string key = "policy.site." + arguments.positional(0);
    return report_edit(session, edit_candidate(session, {{"unset", {key}}}, {key + ".domain"}));
}

}  // namespace

Command policy_site_remove() {
    return {.path = "policy site remove",
            .summary = "let the global policy count for a site again, in the candidate",
            .description = "",
            .positionals = {{"SITE", Words::sites}},
            .examples = {{"fedge policy site remove berlin", "takes effect with fedge commit"}},
            .run = run_policy_site_remove};
}

}  // namespace fedge::cli
