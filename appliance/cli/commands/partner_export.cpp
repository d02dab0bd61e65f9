#include "appliance/cli/commands/all.h"
#include "appliance/cli/importing.h"

namespace fedge::cli {
namespace {

Exit run_partner_export(Session& session, const Arguments& arguments) {
    return export_entries(session, arguments, "");
}

}  // namespace

Command partner_export() {
    return {.path = "partner export",
            .summary = "write all domains and patterns that are in force, as CSV or JSON",
            .description =
                "Sorted, with all options; fedge partner import reads it back. In CSV, a value that a\n"
                "spreadsheet would run as a formula has an apostrophe before it, which import takes away.",
            .positionals = {{"FILE", Words::files, false}},
            .options = export_options(),
            .examples = {{"fedge partner export partners.csv", "the form follows the ending of the name"},
                         {"fedge partner export --csv",
                          "to standard output, as in fedge partner export --csv | gzip > partners.csv.gz"}},
            .run = run_partner_export};
}

}  // namespace fedge::cli
