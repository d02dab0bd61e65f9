#include "appliance/cli/adoption.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

Exit run_turn_user_remove(Session& session, const Arguments& arguments) {
    const std::string name = arguments.positional(0);
    const std::string user = "User " + printable(name);
    return report_change(
        session, session.api.send("DELETE", "/v1/turn/users/" + encoded(name)),
        user + " can no longer authenticate. To end what is running: fedge turn disconnect --user " + printable(name),
        user + " is removed");
}

}  // namespace

Command turn_user_remove() {
    return {.path = "turn user remove",
            .summary = "remove a TURN user",
            .description =
                "Takes effect at once for new requests; fedge turn disconnect ends the allocations that are running.",
            .positionals = {{"NAME", Words::users}},
            .examples = {{"fedge turn user remove alice", "alice can no longer authenticate"}},
            .run = run_turn_user_remove};
}

}  // namespace fedge::cli
