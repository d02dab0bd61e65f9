#include "appliance/cli/commands/all.h"
#include "appliance/cli/fields.h"
#include "appliance/cli/policy.h"
#include "appliance/cli/settings.h"

namespace fedge::cli {
namespace {

Exit run_policy_site_set(Session& session, const Arguments& arguments) {
    const std::string head = "policy.site." + arguments.positional(0) + ".";
    Json settings = access_settings(head, access_words(arguments, 1));
    if (arguments.has("domains")) settings[head + "domain"] = separated(arguments.text("domains"));
    return report_edit(session, edit_candidate(session, {{"set", settings}}, {head + "federation"}));
}

}  // namespace

Command policy_site_set() {
    return {.path = "policy site set",
            .summary = "make or change the policy of a site, in the candidate",
            .description = kAccessHelp,
            .positionals = {{"SITE", Words::sites}, {"FLAG", Words::access, true, true}},
            .options = {{"domains", "DOMAINS", "domains of ours that the site is, separated by commas"}},
            .examples = {{"fedge policy site set berlin federation --domains berlin.example.org", "makes it"},
                         {"fedge policy site set berlin nothing", "its users stay inside"}},
            .run = run_policy_site_set};
}

}  // namespace fedge::cli
