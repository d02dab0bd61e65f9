#include "appliance/cli/commands/all.h"
#include "appliance/cli/help.h"

namespace fedge::cli {
namespace {

Exit run_help_exit_codes(Session& session, const Arguments&) {
    print_exit_codes(session.out());
    return Exit::ok;
}

}  // namespace

Command help_exit_codes() {
    return {.path = "help exit-codes",
            .summary = "show what the exit codes mean",
            .description = "",
            .examples = {{"fedge help exit-codes", "for writing scripts"}},
            .run = run_help_exit_codes};
}

}  // namespace fedge::cli
