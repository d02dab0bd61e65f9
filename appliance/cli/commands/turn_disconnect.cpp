#include <cstdint>

#include "appliance/cli/commands/all.h"
#include "appliance/cli/fields.h"

namespace fedge::cli {
namespace {

Exit run_turn_disconnect(Session& session, const Arguments& arguments) {
    if (arguments.has("user") == arguments.has("allocation"))
        throw Failure(Exit::usage, "fedge turn disconnect needs either --user or --allocation",
                      "see: fedge help turn disconnect");
    Json body;
    if (arguments.has("user")) {
        if (arguments.text("user").empty()) throw Failure(Exit::usage, "--user is empty", "name a user");
        body["user"] = arguments.text("user");
    } else {
        body["allocation"] = arguments.number("allocation", 0, 1, UINT64_MAX);
    }
    const Json reply = session.api.send("POST", "/v1/turn/disconnect", body);
    if (session.json) {
        print_json(session.out(), reply);
    } else {
        const auto count = static_cast<uint64_t>(number_or(reply, "disconnected", 0));
        session.out() << (count == 0 ? "There was nothing to disconnect." : counted(count, "allocation") + " ended.")
                      << '\n';
    }
    return Exit::ok;
}

}  // namespace

Command turn_disconnect() {
    return {
        .path = "turn disconnect",
        .summary = "end allocations: one, or all of a user",
        .description = "A client that still has credentials may allocate again: remove the user first to keep it out.",
        .options = {{"user", "NAME", "all allocations of this user", Words::users},
                    {"allocation", "ID", "the one with this id (fedge show allocations)", Words::allocations}},
        .examples = {{"fedge turn disconnect --user alice", "ends everything of alice"},
                     {"fedge turn disconnect --allocation 42", "ends one allocation"}},
        .run = run_turn_disconnect};
}

}  // namespace fedge::cli
