#include "appliance/cli/commands/all.h"

namespace fedge::cli {
namespace {

Exit run_discard(Session& session, const Arguments&) {
    const Json reply = session.api.send("DELETE", "/v1/candidate");
    if (session.json) {
        print_json(session.out(), reply);
    } else {
        session.out() << "The candidate is as the configuration in force again.\n";
    }
    return Exit::ok;
}

}  // namespace

Command discard() {
    return {.path = "discard",
            .summary = "drop the changes that are not committed",
            .description = "The candidate is shared: this drops the changes of everybody. fedge diff shows them first.",
            .examples = {{"fedge discard", "starts over from the configuration in force"}},
            .run = run_discard};
}

}  // namespace fedge::cli
