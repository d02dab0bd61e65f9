#include "appliance/cli/commands/all.h"
#include "appliance/cli/importing.h"

namespace fedge::cli {
namespace {

Exit run_policy_user_import(Session& session, const Arguments& arguments) {
    return import_entries(session, arguments, {{"kind", "user"}});
}

}  // namespace

Command policy_user_import() {
    return {.path = "policy user import",
            .summary = "give users policies from a file, CSV or JSON, in the candidate",
            .description =
                "CSV: the first line names the columns: name, access, comment. The flags of access are separated\n"
                "by spaces; none of them allows nothing. What is wrong is told as by fedge partner import.",
            .positionals = {{"FILE", Words::files}},
            .options = import_options(),
            .examples = {{"fedge policy user import users.csv --replace", "also for users that have one"}},
            .run = run_policy_user_import};
}

}  // namespace fedge::cli
