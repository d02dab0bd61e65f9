#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"

namespace fedge::cli {
namespace {

Exit run_turn_user_list(Session& session, const Arguments&) {
    return show_all_rows(session,
                         {"/v1/turn/users", "", "There are no users: add one with fedge turn user add NAME.", "user"},
                         {{{"NAME", Column::Align::left, true}, as_text("name")},
                          {{"CREATED"}, as_time("created")},
                          {{"BY"}, as_text("who")}});
}

}  // namespace

Command turn_user_list() {
    return {.path = "turn user list",
            .summary = "list the TURN users",
            .description = "Users of the shared-secret scheme are not stored and not listed.",
            .examples = {{"fedge turn user list", "names, when added and by whom"},
                         {"fedge turn user list --json", "the same for scripts"}},
            .run = run_turn_user_list};
}

}  // namespace fedge::cli
