#include "appliance/cli/commands/all.h"
#include "appliance/cli/entries.h"

namespace fedge::cli {
namespace {

Exit run_discovered_promote(Session& session, const Arguments& arguments) {
    // Refused if there is none: a typing error would make an entry that nobody wants.
    session.api.get("/v1/discovered/" + encoded(arguments.positional(0)));
    return put_entry(session, entry_from(arguments, "domain", "allow"), arguments.has("replace"));
}

}  // namespace

Command discovered_promote() {
    return {.path = "discovered promote",
            .summary = "put a discovered partner on the allowed list, in the candidate",
            .description = "Lifts its limits: what is allowed is not counted. Takes effect with fedge commit.",
            .positionals = {{"DOMAIN", Words::discovered}},
            .options = entry_options(),
            .examples = {{"fedge discovered promote fabrikam.com", "without limits from the commit on"}},
            .run = run_discovered_promote};
}

}  // namespace fedge::cli
