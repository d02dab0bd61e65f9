#include "appliance/cli/commands/all.h"
#include "appliance/cli/dialog_rows.h"

namespace fedge::cli {
namespace {

Exit run_show_dialogs(Session& session, const Arguments& arguments) {
    return show_dialog_rows(
        session, arguments, "",
        arguments.has("all") ? "There are no dialogs, and none is remembered." : "There are no dialogs.");
}

}  // namespace

Command show_dialogs() {
    return {
        .path = "show dialogs",
        .summary = "show dialogs and transactions of SIP",
        .description =
            "Calls, subscriptions, and single requests such as MESSAGE while they wait for their answer; with --all\n"
            "those that are over, refusals with their reason included.",
        .options = dialog_options(),
        .examples = {{"fedge show dialogs", "what is going on"},
                     {"fedge show dialogs --all --limit 50", "also what is over"},
                     {"fedge show dialogs --domain partner.example --json", "of one partner, for scripts"}},
        .run = run_show_dialogs};
}

}  // namespace fedge::cli
