#include "appliance/cli/commands/all.h"
#include "appliance/cli/entries.h"
#include "appliance/cli/fields.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

Exit run_policy_user_show(Session& session, const Arguments& arguments) {
    const Json reply = session.api.get("/v1/entries/user/" + encoded(arguments.positional(0)));
    if (session.json) {
        print_json(session.out(), reply);
        return Exit::ok;
    }
    const Json in_force = reply.value("in_force", Json());
    const Json candidate = reply.value("candidate", Json());
    const std::string now = in_force.is_object() ? entry_text(in_force) : "";
    const std::string then = candidate.is_object() ? entry_text(candidate) : "";
    if (now.empty()) {
        session.out() << "Not in force.\n";
    } else {
        session.out() << printable(now) << "\nSince revision " << printable(text_or(in_force, "since", "?")) << " by "
                      << printable(text_or(in_force, "who", "?")) << ", " << as_time("when")(in_force) << ".\n";
    }
    if (now != then) session.out() << "In the candidate: " << (then.empty() ? "removed" : printable(then)) << '\n';
    return Exit::ok;
}

}  // namespace

Command policy_user_show() {
    return {.path = "policy user show",
            .summary = "show the policy of one user, in force and in the candidate",
            .description = "",
            .positionals = {{"USER", Words::policy_users}},
            .examples = {{"fedge policy user show alice@example.org", "what it allows, since when, and by whom"}},
            .run = run_policy_user_show};
}

}  // namespace fedge::cli
