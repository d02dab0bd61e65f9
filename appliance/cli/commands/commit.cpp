#include "appliance/cli/adoption.h"
#include "appliance/cli/commands/all.h"

namespace fedge::cli {
namespace {

Exit run_commit(Session& session, const Arguments& arguments) {
    return report_revision(session,
                           session.api.patient().send("POST", "/v1/commit", {{"comment", arguments.text("message")}}));
}

}  // namespace

Command commit() {
    return {.path = "commit",
            .summary = "check the candidate and put it into force",
            .description =
                "The whole configuration is checked first; if anything is wrong, nothing changes. Running allocations\n"
                "stay. Ends with 4 if the revision is stored but the dataplane has not adopted it (yet).",
            .options = {{"message,m", "TEXT", "why: shown by fedge show revisions"}},
            .examples = {{"fedge commit -m 'second relay address'", "commits with a reason"},
                         {"fedge commit --json", "for scripts: the new revision, and whether it is in force"}},
            .run = run_commit};
}

}  // namespace fedge::cli
