#include "appliance/cli/commands/all.h"
#include "appliance/cli/entries.h"

namespace fedge::cli {
namespace {

Exit run_partner_remove(Session& session, const Arguments& arguments) {
    Json entries = Json::array();
    for (const std::string& name : arguments.positionals())
        entries.push_back({{"kind", arguments.has("pattern") ? "pattern" : "domain"}, {"name", name}});
    return remove_entries(session, entries);
}

}  // namespace

Command partner_remove() {
    return {.path = "partner remove",
            .summary = "take domains or patterns off their list, in the candidate",
            .description = "Allowed or blocked: the name is on one list only. Takes effect with fedge commit.",
            .positionals = {{"DOMAIN", Words::partners, true, true}},
            .options = {{"pattern", nullptr, "the names are patterns"}},
            .examples = {{"fedge partner remove contoso.com", "neither allowed nor blocked any more"},
                         {"fedge partner remove --pattern '*.contoso.com'", "a pattern"}},
            .run = run_partner_remove};
}

}  // namespace fedge::cli
