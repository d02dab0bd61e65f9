#include <cstdint>

#include "appliance/cli/adoption.h"
#include "appliance/cli/commands/all.h"
#include "appliance/cli/units.h"

namespace fedge::cli {
namespace {

Exit run_rollback(Session& session, const Arguments& arguments) {
    const uint64_t revision = parse_number(arguments.positional(0), "REV", 0, INT64_MAX);
    Json body = {{"revision", revision}};
    if (arguments.has("weaker")) body["weaker"] = true;
    return report_revision(session, session.api.patient().send("POST", "/v1/rollback", body));
}

}  // namespace

Command rollback() {
    return {
        .path = "rollback",
        .summary = "put the settings of an earlier revision into force",
        .description =
            "Makes a new revision with the settings and partners of REV. Users and secrets are not part of revisions:\n"
            "a rollback never brings a removed one back. If REV lets through what is kept out now, that is said and\n"
            "refused, unless --weaker says that it is meant; the audit keeps what got weaker.",
        .positionals = {{"REV", Words::revisions}},
        .options = {{"weaker", nullptr, "also to a policy that keeps less out"}},
        .examples = {{"fedge rollback 3", "the settings of revision 3, as a new revision"},
                     {"fedge rollback 3 --weaker", "although it keeps less out"},
                     {"fedge diff 3", "look first at what will be undone (old and new change places)"}},
        .run = run_rollback};
}

}  // namespace fedge::cli
