#include "appliance/cli/adoption.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/fields.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

Exit run_turn_secret_rotate(Session& session, const Arguments& arguments) {
    const uint64_t keep = parse_duration(arguments.text("keep", "24h"), "--keep");
    const Json reply = session.api.send("POST", "/v1/turn/secrets/rotate", {{"keep_s", keep}});
    return report_secret(session, reply, ". Older secrets work for " + duration_text(keep) + " more.");
}

}  // namespace

Command turn_secret_rotate() {
    return {.path = "turn secret rotate",
            .summary = "make a new shared secret and let the old ones run out",
            .description =
                "Credentials made with the old secrets stay valid for the time of --keep, so that nobody is cut off.",
            .options = {{"keep", "DURATION", "how long older secrets still work: 90s, 15m, 24h, 7d (default: 24h)"}},
            .examples = {{"fedge turn secret rotate", "the old secrets work for another day"},
                         {"fedge turn secret rotate --keep 15m", "after a leak: the old ones end soon"}},
            .run = run_turn_secret_rotate};
}

}  // namespace fedge::cli
