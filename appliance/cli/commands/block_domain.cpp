#include "appliance/cli/commands/all.h"
#include "appliance/cli/entries.h"

namespace fedge::cli {
namespace {

Exit run_block_domain(Session& session, const Arguments& arguments) {
    return put_entry(session, entry_from(arguments, "domain", "block"), arguments.has("replace"));
}

}  // namespace

Command block_domain() {
    return {.path = "block domain",
            .summary = "put a domain on the blocked list, in the candidate",
            .description =
                "Nothing comes from the domain or one below it, and nothing goes there. Takes effect with\n"
                "fedge commit. A name is on one list only: --replace moves it.",
            .positionals = {{"DOMAIN"}},
            .options = plain_entry_options(),
            .examples = {{"fedge block domain evil.example --comment 'spam, ticket 4711'", "with the reason"},
                         {"fedge block domain contoso.com --replace", "although it was allowed"}},
            .run = run_block_domain};
}

}  // namespace fedge::cli
