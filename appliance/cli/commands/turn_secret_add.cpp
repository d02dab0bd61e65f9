#include "appliance/cli/commands/all.h"
#include "appliance/cli/fields.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

Exit run_turn_secret_add(Session& session, const Arguments&) {
    const Json reply = session.api.send("POST", "/v1/turn/secrets", Json::object());
    if (session.json) {
        print_json(session.out(), reply);
        return Exit::ok;
    }
    // The secret alone on standard output, so that it can be piped to where it is needed and nowhere else.
    session.out() << printable(text_or(reply, "secret", "")) << '\n';
    session.err() << "Secret " << printable(text_or(reply, "id", "?"))
                  << " is in force. It is shown this once: give it to the service that issues TURN credentials.\n";
    return Exit::ok;
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
