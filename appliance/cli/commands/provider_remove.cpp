#include "appliance/cli/commands/all.h"
#include "appliance/cli/providers.h"
#include "appliance/cli/settings.h"

namespace fedge::cli {
namespace {

Exit run_provider_remove(Session& session, const Arguments& arguments) {
    const std::string name = arguments.positional(0);
    const Json known = provider(session, name, true);
    if (!true_at(known, "configured"))
        throw Failure(Exit::refused, "provider " + name + " is built in and disabled, as it was shipped",
                      "there is nothing to remove");
    const std::string key = "provider." + name;
    return report_edit(session, edit_candidate(session, {{"unset", {key}}}, {key + ".proxy"}));
}

}  // namespace

Command provider_remove() {
    return {.path = "provider remove",
            .summary = "remove a provider, or take one that is built in back to how it was shipped, in the candidate",
            .description = "Takes effect with fedge commit.",
            .positionals = {{"NAME", Words::providers}},
            .examples = {{"fedge provider remove hosted", "its domains are partners like others then, or unknown"}},
            .run = run_provider_remove};
}

}  // namespace fedge::cli
