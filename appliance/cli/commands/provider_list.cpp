#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"

namespace fedge::cli {
namespace {

std::string provider_state(const Json& row) {
    return true_at(row, "enabled") ? "enabled" : true_at(row, "configured") ? "disabled" : "built in, disabled";
}

Exit run_provider_list(Session& session, const Arguments& arguments) {
    const std::string target = arguments.has("candidate") ? "/v1/providers?candidate=true" : "/v1/providers";
    return show_all_rows(session, {target, "", "There are no providers.", "provider"},
                         {{{"NAME"}, as_text("name")},
                          {{"KIND"}, as_text("kind")},
                          {{"STATE"}, provider_state},
                          {{"PROXY", Column::Align::left, true}, as_text("proxy")},
                          {{"VERIFICATION", Column::Align::left, false, 1}, as_text("verification")},
                          {{"CAPABILITIES", Column::Align::left, false, 2}, as_text("capabilities")}});
}

}  // namespace

Command provider_list() {
    return {.path = "provider list",
            .summary = "list the providers, with those that are built in",
            .description = "What is in force; fedge diff shows what the candidate changes.",
            .options = {{"candidate", nullptr, "as the candidate has them"}},
            .examples = {{"fedge provider list", "which are there, and which are enabled"}},
            .run = run_provider_list};
}

}  // namespace fedge::cli
