#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"

namespace fedge::cli {
namespace {

std::string partner_filter(const Arguments& arguments) {
    std::string filter;
    const auto add = [&](const std::string& pair) { filter += (filter.empty() ? "" : "&") + pair; };
    if (arguments.has("allowed") && arguments.has("blocked"))
        throw Failure(Exit::usage, "fedge partner list: --allowed and --blocked exclude each other",
                      "give one, or none for both");
    if (arguments.has("allowed")) add("list=allow");
    if (arguments.has("blocked")) add("list=block");
    if (arguments.has("patterns")) add("kind=pattern");
    if (arguments.has("monitored")) add("monitor=true");
    for (const char* name : {"via", "under", "contains"})
        if (arguments.has(name)) add(std::string(name) + "=" + encoded(arguments.text(name)));
    return filter;
}

std::string partner_options(const Json& row) {
    std::string text;
    for (const char* field : {"verification", "purpose", "srv"})
        if (row.contains(field)) text += (text.empty() ? "" : " ") + text_or(row, field, "");
    if (true_at(row, "monitor")) text += text.empty() ? "monitor" : " monitor";
    return text;
}

Exit run_partner_list(Session& session, const Arguments& arguments) {
    return show_rows(session, arguments,
                     {"/v1/entries", partner_filter(arguments), "There is no such partner in force.", "partner"},
                     {{{"NAME", Column::Align::left, true}, as_text("name")},
                      {{"LIST"}, as_text("list")},
                      {{"VIA", Column::Align::left, true, 1}, as_text("via")},
                      {{"OPTIONS", Column::Align::left, true, 3}, partner_options},
                      {{"SINCE", kRight, false, 4}, as_text("since")},
                      {{"COMMENT", Column::Align::left, true, 2}, as_text("comment")}});
}

std::vector<Option> partner_list_options() {
    std::vector<Option> all = {{"allowed", nullptr, "only what is allowed"},
                               {"blocked", nullptr, "only what is blocked"},
                               {"patterns", nullptr, "only patterns"},
                               {"monitored", nullptr, "only what is marked for monitoring"},
                               {"via", "FQDN", "only partners of this server"},
                               {"under", "DOMAIN", "only this domain and those below it"},
                               {"contains", "TEXT", "only those with this in name or comment"}};
    for (const Option& option : paging_options()) all.push_back(option);
    return all;
}

}  // namespace

Command partner_list() {
    return {.path = "partner list",
            .summary = "list the domains and patterns that are allowed or blocked",
            .description =
                "What is in force, sorted by name, domains before patterns; fedge diff shows what the candidate\n"
                "changes. SINCE is the revision. fedge partner export writes all of it to a file.",
            .options = partner_list_options(),
            .examples = {{"fedge partner list --blocked", "the blocked list"},
                         {"fedge partner list --under contoso.com", "a domain with all below it"},
                         {"fedge partner list --contains 'ticket 4711' --json", "for scripts"}},
            .run = run_partner_list};
}

}  // namespace fedge::cli
