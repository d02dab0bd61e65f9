#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"
#include "appliance/cli/policy.h"

namespace fedge::cli {
namespace {

Exit run_policy_user_list(Session& session, const Arguments& arguments) {
    std::string filter = "kind=user";
    for (const char* name : {"under", "contains"})
        if (arguments.has(name)) filter += std::string("&") + name + "=" + encoded(arguments.text(name));
    return show_rows(session, arguments, {"/v1/entries", filter, "No user in force has a policy of its own.", "user"},
                     {{{"USER", Column::Align::left, true}, as_text("name")},
                      {{"MAY"}, [](const Json& row) { return access_text(row.value("access", Json::array())); }},
                      {{"SINCE", kRight, false, 2}, as_text("since")},
                      {{"COMMENT", Column::Align::left, true, 1}, as_text("comment")}});
}

std::vector<Option> policy_user_list_options() {
    std::vector<Option> all = {{"under", "DOMAIN", "only users of this domain"},
                               {"contains", "TEXT", "only those with this in name or comment"}};
    for (const Option& option : paging_options()) all.push_back(option);
    return all;
}

}  // namespace

Command policy_user_list() {
    return {.path = "policy user list",
            .summary = "list the users that have a policy of their own",
            .description = "What is in force; fedge diff shows what the candidate changes.",
            .options = policy_user_list_options(),
            .examples = {{"fedge policy user list --under example.org", "of one domain of ours"}},
            .run = run_policy_user_list};
}

}  // namespace fedge::cli
