#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"
#include "appliance/cli/policy.h"

namespace fedge::cli {
namespace {

Exit run_policy_show(Session& session, const Arguments& arguments) {
    const std::string target = arguments.has("candidate") ? "/v1/policies?candidate=true" : "/v1/policies";
    return show_all_rows(session, {target, "", "There are no policies.", "policy"},
                         {{{"SCOPE"}, as_text("scope")},
                          {{"NAME"}, as_text("name")},
                          {{"MAY"}, [](const Json& row) { return access_text(row.value("access", Json::array())); }},
                          {{"DOMAINS", Column::Align::left, true}, as_text("domains")}});
}

}  // namespace

Command policy_show() {
    return {.path = "policy show",
            .summary = "show the global policy and those of sites",
            .description =
                "Those of users are in fedge policy user list. The edge as a whole has a lock of its own:\n"
                "federation.enabled.",
            .options = {{"candidate", nullptr, "as the candidate has them"}},
            .examples = {{"fedge policy show", "what is in force"}},
            .run = run_policy_show};
}

}  // namespace fedge::cli
