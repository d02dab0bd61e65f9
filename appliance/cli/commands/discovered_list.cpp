#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"

namespace fedge::cli {
namespace {

std::string discovered_notes(const Json& row) {
    std::string text = true_at(row, "suspicious") ? "suspicious" : "";
    if (true_at(row, "watch")) text += text.empty() ? "watch" : ", watch";
    return text;
}

Exit run_discovered_list(Session& session, const Arguments& arguments) {
    std::string filter;
    const auto add = [&](const std::string& pair) { filter += (filter.empty() ? "" : "&") + pair; };
    if (arguments.has("suspicious")) add("suspicious=true");
    if (arguments.has("watch")) add("watch=true");
    if (arguments.has("contains")) add("contains=" + encoded(arguments.text("contains")));
    return show_rows(session, arguments, {"/v1/discovered", filter, "No such partner was discovered.", "partner"},
                     {{{"DOMAIN", Column::Align::left, true}, as_text("domain")},
                      {{"NOTES"}, discovered_notes},
                      {{"MESSAGES", kRight}, as_count("messages")},
                      {{"LIMITED", kRight}, as_count("limited")},
                      {{"CONTACTS", kRight, false, 1}, as_count("contacts")},
                      {{"FIRST", Column::Align::left, false, 3}, as_time("first")},
                      {{"LAST", Column::Align::left, false, 2}, as_time("last")}});
}

std::vector<Option> discovered_list_options() {
    std::vector<Option> all = {{"suspicious", nullptr, "only those with too many failures"},
                               {"watch", nullptr, "only those that reached the limit of contacts"},
                               {"contains", "TEXT", "only those with this in their name"}};
    for (const Option& option : paging_options()) all.push_back(option);
    return all;
}

}  // namespace

Command discovered_list() {
    return {.path = "discovered list",
            .summary = "list the partners that nobody configured and DNS found, and what they did",
            .description =
                "MESSAGES were let through, LIMITED refused by the rate; CONTACTS is how many users of ours a partner\n"
                "wrote to at most. A partner that is good for more is promoted, one that is not is blocked.",
            .options = discovered_list_options(),
            .examples = {{"fedge discovered list --suspicious", "who guesses addresses"},
                         {"fedge discovered list --watch", "who wrote to too many users of ours"}},
            .run = run_discovered_list};
}

}  // namespace fedge::cli
