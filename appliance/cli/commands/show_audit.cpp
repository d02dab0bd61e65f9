#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"

namespace fedge::cli {
namespace {

Exit run_show_audit(Session& session, const Arguments&) {
    return show_all_rows(session, {"/v1/audit", "", "Nothing has been changed yet.", "entry"},
                         {{{"WHEN"}, as_time("when")},
                          {{"WHO"}, as_text("who")},
                          {{"WHAT", Column::Align::left, true}, as_text("what")},
                          {{"OBJECT", Column::Align::left, true}, as_text("object")}});
}

}  // namespace

Command show_audit() {
    return {.path = "show audit",
            .summary = "show who changed users, secrets and the operating state",
            .description = "Changes of settings are in fedge show revisions. Passwords and secrets are never recorded.",
            .examples = {{"fedge show audit", "who added, rotated, removed, disconnected or drained"},
                         {"fedge show audit --json", "the same for scripts"}},
            .run = run_show_audit};
}

}  // namespace fedge::cli
