#include "appliance/cli/adoption.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

Exit run_turn_secret_remove(Session& session, const Arguments& arguments) {
    const std::string id = arguments.positional(0);
    const std::string removed = "Secret " + printable(id) + " is removed";
    return report_change(session, session.api.send("DELETE", "/v1/turn/secrets/" + encoded(id)),
                         removed + ": credentials made with it no longer work.", removed);
}

}  // namespace

Command turn_secret_remove() {
    return {
        .path = "turn secret remove",
        .summary = "remove a shared secret at once",
        .description = "Credentials made with it fail from now on. fedge turn secret rotate lets them run out instead.",
        .positionals = {{"ID", Words::secrets}},
        .examples = {{"fedge turn secret remove 2", "removes the secret with id 2 (fedge turn secret list)"}},
        .run = run_turn_secret_remove};
}

}  // namespace fedge::cli
