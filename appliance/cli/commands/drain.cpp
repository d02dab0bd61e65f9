#include "appliance/cli/adoption.h"
#include "appliance/cli/commands/all.h"

namespace fedge::cli {
namespace {

Exit run_drain(Session& session, const Arguments& arguments) {
    const std::string word = arguments.positional(0);
    if (word != "on" && word != "off") throw Failure(Exit::usage, "fedge drain takes on or off, not '" + word + "'");
    const bool on = word == "on";
    return report_change(
        session, session.api.send("PUT", "/v1/drain", {{"on", on}}),
        on ? "Draining: new allocations are refused, existing ones go on. fedge show allocations shows them."
           : "New allocations are accepted.",
        on ? "Drain is on" : "Drain is off");
}

}  // namespace

Command drain() {
    return {.path = "drain",
            .summary = "refuse new allocations before maintenance, or accept them again",
            .description = "Existing allocations go on until their clients end them. The state survives restarts.",
            .positionals = {{"on|off", Words::on_off}},
            .examples = {{"fedge drain on", "before maintenance"}, {"fedge drain off", "after it"}},
            .run = run_drain};
}

}  // namespace fedge::cli
