#include "appliance/cli/commands/all.h"
#include "appliance/cli/entries.h"

namespace fedge::cli {
namespace {

Exit run_policy_user_remove(Session& session, const Arguments& arguments) {
    Json entries = Json::array();
    for (const std::string& name : arguments.positionals()) entries.push_back({{"kind", "user"}, {"name", name}});
    return remove_entries(session, entries);
}

}  // namespace

Command policy_user_remove() {
    return {.path = "policy user remove",
            .summary = "let the policy of the site count for users again, in the candidate",
            .description = "Or the global one, where there is no site.",
            .positionals = {{"USER", Words::policy_users, true, true}},
            .examples = {{"fedge policy user remove alice@example.org", "takes effect with fedge commit"}},
            .run = run_policy_user_remove};
}

}  // namespace fedge::cli
