#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"

namespace fedge::cli {
namespace {

Exit run_show_neighbors(Session& session, const Arguments& arguments) {
    return show_rows(
        session, arguments,
        {"/v1/neighbors", "", "There are no neighbours: the edge has sent to nobody on its links yet.", "neighbour"},
        {{{"INTERFACE"}, as_text("interface")},
         {{"ADDRESS", Column::Align::left, true}, as_text("address")},
         {{"MAC"}, as_text("mac")},
         {{"STATE"}, as_text("state")},
         {{"AGE", kRight}, as_seconds("age_s")},
         {{"QUEUED", kRight, false, 1}, as_text("queued")},
         {{"CORE", kRight, false, 1}, as_text("core")}});
}

}  // namespace

Command show_neighbors() {
    return {
        .path = "show neighbors",
        .summary = "show the ARP and neighbour discovery caches",
        .description = "Every core keeps its own cache. QUEUED counts packets that wait for the neighbour's answer.",
        .options = paging_options(),
        .examples = {{"fedge show neighbors", "whether the gateways answer"},
                     {"fedge show neighbors --json", "the same for scripts"}},
        .run = run_show_neighbors};
}

}  // namespace fedge::cli
