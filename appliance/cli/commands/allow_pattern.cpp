#include "appliance/cli/commands/all.h"
#include "appliance/cli/entries.h"

namespace fedge::cli {
namespace {

Exit run_allow_pattern(Session& session, const Arguments& arguments) {
    return put_entry(session, entry_from(arguments, "pattern", "allow"), arguments.has("replace"));
}

}  // namespace

Command allow_pattern() {
    return {.path = "allow pattern",
            .summary = "allow partners by a pattern of their domains, in the candidate",
            .description =
                "A star as the whole first label stands for one or more labels, elsewhere * and ? stay within one; a\n"
                "regular expression stands between slashes. Patterns fit whole names in any case, and count where no\n"
                "domain has an entry; of several a blocking one wins, then the one with more literal characters.",
            .positionals = {{"PATTERN"}},
            .options = entry_options(),
            .examples = {{"fedge allow pattern '*.contoso.com'", "what is below contoso.com, not itself"},
                         {"fedge allow pattern 'branch-*.contoso.com'", "any characters within the label"},
                         {"fedge allow pattern '/edge[0-9]+\\.contoso\\.(com|net)/'", "a regular expression"}},
            .run = run_allow_pattern};
}

}  // namespace fedge::cli
