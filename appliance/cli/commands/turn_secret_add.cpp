#include "appliance/cli/adoption.h"
#include "appliance/cli/commands/all.h"

namespace fedge::cli {
namespace {

Exit run_turn_secret_add(Session& session, const Arguments&) {
    return report_secret(session, session.api.send("POST", "/v1/turn/secrets", Json::object()),
                         ": give it to the service that issues TURN credentials.");
}

}  // namespace

Command turn_secret_add() {
    return {.path = "turn secret add",
            .summary = "make a new shared secret for time-limited TURN credentials",
            .description =
                "The service that issues credentials uses it: user name EXPIRY:USER, password\n"
                "base64(HMAC-SHA1(secret, user name)). The secret is printed once on standard output.",
            .examples = {{"fedge turn secret add", "prints the new secret"},
                         {"fedge turn secret add --json", "with its id and fingerprint"}},
            .run = run_turn_secret_add};
}

}  // namespace fedge::cli
