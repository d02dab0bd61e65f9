#include <cstdint>

#include "appliance/cli/adoption.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/units.h"

namespace fedge::cli {
namespace {

Exit run_rollback(Session& session, const Arguments& arguments) {
    const uint64_t revision = parse_number(arguments.positional(0), "REV", 0, INT64_MAX);
    return report_revision(session, session.api.send("POST", "/v1/rollback", {{"revision", revision}}));
}

}  // namespace

Command rollback() {
    return {
        .path = "rollback",
        .summary = "put the settings of an earlier revision into force",
        .description =
            "Makes a new revision with the settings of REV. Users and secrets are not part of revisions: a rollback\n"
            "never brings a removed one back.",
        .positionals = {{"REV", Words::revisions}},
        .examples = {{"fedge rollback 3", "the settings of revision 3, as a new revision"},
                     {"fedge diff 3", "look first at what will be undone (old and new change places)"}},
        .run = run_rollback};
}

}  // namespace fedge::cli
