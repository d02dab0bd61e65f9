#include "appliance/cli/commands/all.h"
#include "appliance/cli/entries.h"

namespace fedge::cli {
namespace {

Exit run_discovered_block(Session& session, const Arguments& arguments) {
    // Refused if there is none: a typing error would make an entry that nobody wants.
    session.api.get("/v1/discovered/" + encoded(arguments.positional(0)));
    return put_entry(session, entry_from(arguments, "domain", "block"), arguments.has("replace"));
}

}  // namespace

Command discovered_block() {
    return {.path = "discovered block",
            .summary = "put a discovered partner on the blocked list, in the candidate",
            .description = "Takes effect with fedge commit.",
            .positionals = {{"DOMAIN", Words::discovered}},
            .options = plain_entry_options(),
            .examples = {{"fedge discovered block fabrikam.com", "nothing comes from it any more"}},
            .run = run_discovered_block};
}

}  // namespace fedge::cli
