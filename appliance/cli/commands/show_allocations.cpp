#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"

namespace fedge::cli {
namespace {

Exit run_show_allocations(Session& session, const Arguments& arguments) {
    const std::string user = arguments.text("user");
    const Listing listing = {"/v1/allocations", user.empty() ? "" : "user=" + encoded(user),
                             user.empty() ? "There are no allocations." : "User " + user + " has no allocations.",
                             "allocation"};
    return show_rows(session, arguments, listing,
                     {{{"ID", kRight}, as_text("id")},
                      {{"USER", Column::Align::left, true}, as_text("user")},
                      {{"CLIENT", Column::Align::left, true}, as_text("client")},
                      {{"RELAY", Column::Align::left, true}, as_text("relay")},
                      {{"ADVERTISED", Column::Align::left, true, 4}, as_text("advertised")},
                      {{"AGE", kRight}, as_seconds("age_s")},
                      {{"EXPIRES", kRight}, as_seconds("expires_s")},
                      {{"PERM", kRight, false, 2}, as_text("permissions")},
                      {{"CHAN", kRight, false, 2}, as_text("channels")},
                      {{"TO PEER", kRight}, as_scaled("to_peer_packets")},
                      {{"TO CLIENT", kRight}, as_scaled("to_client_packets")},
                      {{"DROPPED", kRight, false, 1}, as_scaled("dropped")},
                      {{"CORE", kRight, false, 3}, as_text("core")},
                      {{"SERVER", Column::Align::left, true, 4}, as_text("server")}});
}

std::vector<Option> allocation_options() {
    std::vector<Option> all = {{"user", "NAME", "only the allocations of this user", Words::users}};
    for (const Option& option : paging_options()) all.push_back(option);
    return all;
}

}  // namespace

Command show_allocations() {
    return {.path = "show allocations",
            .summary = "show the TURN allocations",
            .description = "TO PEER and TO CLIENT count packets. An allocation is ended with fedge turn disconnect.",
            .options = allocation_options(),
            .examples = {{"fedge show allocations", "who is relayed, from where, through which relay address"},
                         {"fedge show allocations --user alice", "those of one user"},
                         {"fedge show allocations --limit 0 --json", "all of them, for scripts"}},
            .run = run_show_allocations};
}

}  // namespace fedge::cli
