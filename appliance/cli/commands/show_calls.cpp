#include "appliance/cli/commands/all.h"
#include "appliance/cli/dialog_rows.h"

namespace fedge::cli {
namespace {

Exit run_show_calls(Session& session, const Arguments& arguments) {
    return show_dialog_rows(
        session, arguments, "INVITE",
        arguments.has("all") ? "There are no calls, and none is remembered." : "There are no calls.");
}

}  // namespace

Command show_calls() {
    return {
        .path = "show calls",
        .summary = "show calls and sessions of SIP",
        .description =
            "What began with INVITE: calls, conferences, IM sessions. OUTCOME is the latest answer and why it ended.\n"
            "A list for people: it forgets what is over when it is full (boot setting dialogs-per-core).",
        .options = dialog_options(),
        .examples = {{"fedge show calls", "what is going on"},
                     {"fedge show calls --all --domain partner.example", "and how calls with a partner ended"}},
        .run = run_show_calls};
}

}  // namespace fedge::cli
