#include "appliance/cli/commands/all.h"
#include "appliance/cli/importing.h"

namespace fedge::cli {
namespace {

Exit run_policy_user_export(Session& session, const Arguments& arguments) {
    return export_entries(session, arguments, "user");
}

}  // namespace

Command policy_user_export() {
    return {.path = "policy user export",
            .summary = "write the policies of all users that have one, as CSV or JSON",
            .description = "As fedge partner export.",
            .positionals = {{"FILE", Words::files, false}},
            .options = export_options(),
            .examples = {{"fedge policy user export users.csv", "fedge policy user import reads it back"}},
            .run = run_policy_user_export};
}

}  // namespace fedge::cli
