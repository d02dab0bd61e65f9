#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"

namespace fedge::cli {
namespace {

Exit run_turn_secret_list(Session& session, const Arguments&) {
    return show_all_rows(
        session,
        {"/v1/turn/secrets", "", "There are no shared secrets: make one with fedge turn secret add.", "secret"},
        {{{"ID", Column::Align::right}, as_text("id")},
         {{"CREATED"}, as_time("created")},
         {{"EXPIRES"}, as_time("expires")},
         {{"FINGERPRINT", Column::Align::left, true}, as_text("fingerprint")}});
}

}  // namespace

Command turn_secret_list() {
    return {.path = "turn secret list",
            .summary = "list the shared secrets by fingerprint",
            .description = "Secrets themselves are never shown again after they were made.",
            .examples = {{"fedge turn secret list", "ids, ages and fingerprints"},
                         {"fedge turn secret list --json", "the same for scripts"}},
            .run = run_turn_secret_list};
}

}  // namespace fedge::cli
