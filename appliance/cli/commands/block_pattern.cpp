#include "appliance/cli/commands/all.h"
#include "appliance/cli/entries.h"

namespace fedge::cli {
namespace {

Exit run_block_pattern(Session& session, const Arguments& arguments) {
    return put_entry(session, entry_from(arguments, "pattern", "block"), arguments.has("replace"));
}

}  // namespace

Command block_pattern() {
    return {.path = "block pattern",
            .summary = "block domains by a pattern, in the candidate",
            .description = "fedge help allow pattern says how patterns are written.",
            .positionals = {{"PATTERN"}},
            .options = plain_entry_options(),
            .examples = {{"fedge block pattern '*.example'", "all that end with it"},
                         {"fedge block pattern '/.*(casino|lottery).*/' --comment spam", "a regular expression"}},
            .run = run_block_pattern};
}

}  // namespace fedge::cli
