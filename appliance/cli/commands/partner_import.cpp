#include "appliance/cli/commands/all.h"
#include "appliance/cli/importing.h"

namespace fedge::cli {
namespace {

Exit run_partner_import(Session& session, const Arguments& arguments) {
    if (arguments.has("allow") && arguments.has("block"))
        throw Failure(Exit::usage, "fedge partner import: --allow and --block exclude each other",
                      "give the list of records that name none");
    Json defaults = {{"kind", "domain"}};
    if (arguments.has("allow")) defaults["list"] = "allow";
    if (arguments.has("block")) defaults["list"] = "block";
    return import_entries(session, arguments, defaults);
}

std::vector<Option> partner_import_options() {
    std::vector<Option> all = {{"allow", nullptr, "records that name no list are allowed"},
                               {"block", nullptr, "records that name no list are blocked"}};
    for (const Option& option : import_options()) all.push_back(option);
    return all;
}

}  // namespace

Command partner_import() {
    return {
        .path = "partner import",
        .summary = "add domains and patterns from a file, CSV or JSON, to the candidate",
        .description =
            "CSV: the first line names the columns: name (or domain), list, kind, via, verification, purpose, srv,\n"
            "monitor, comment, in any order; only the name is needed, with --allow or --block. JSON: an array of "
            "objects\n"
            "with these fields. What is right is taken, every other record is told with its line and the reason, and\n"
            "the run then ends with 1. Nothing is in force before fedge commit; fedge discard takes it back.",
        .positionals = {{"FILE", Words::files}},
        .options = partner_import_options(),
        .examples = {{"fedge partner import partners.csv", "as fedge partner export wrote it"},
                     {"fedge partner import spammers.csv --block --report rejected.csv",
                      "a list of names, all to be blocked"},
                     {"fedge partner import partners.json --dry-run", "only tells what would be rejected"},
                     {"fedge partner import - --csv", "from standard input: zcat partners.csv.gz | fedge ..."}},
        .run = run_partner_import};
}

}  // namespace fedge::cli
