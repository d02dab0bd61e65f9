#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"

namespace fedge::cli {
namespace {

Exit run_show_revisions(Session& session, const Arguments&) {
    return show_all_rows(session, {"/v1/revisions", "", "Nothing has been committed yet.", "revision"},
                         {{{"REVISION", kRight}, as_text("revision")},
                          {{"WHEN"}, as_time("when")},
                          {{"WHO"}, as_text("who")},
                          {{"FROM", kRight, false, 1}, as_text("parent")},
                          {{"COMMENT", Column::Align::left, true}, as_text("comment")}});
}

}  // namespace

Command show_revisions() {
    return {.path = "show revisions",
            .summary = "show the committed configurations: when, who, why",
            .description = "No revision is ever lost: a rollback makes a new one.",
            .examples = {{"fedge show revisions", "the history of the configuration"},
                         {"fedge show revisions --json", "the same for scripts"}},
            .run = run_show_revisions};
}

}  // namespace fedge::cli
