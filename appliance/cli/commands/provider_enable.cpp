#include "appliance/cli/commands/all.h"
#include "appliance/cli/providers.h"
#include "appliance/cli/settings.h"

namespace fedge::cli {
namespace {

Exit run_provider_enable(Session& session, const Arguments& arguments) {
    const std::string name = arguments.positional(0);
    provider(session, name, true);
    const std::string key = "provider." + name + ".enabled";
    return report_edit(session, edit_candidate(session, {{"set", {{key, "on"}}}}, {key}));
}

}  // namespace

Command provider_enable() {
    return {.path = "provider enable",
            .summary = "exchange messages with a provider, in the candidate",
            .description = "Takes effect with fedge commit.",
            .positionals = {{"NAME", Words::providers}},
            .examples = {{"fedge provider enable skype", "one that is built in, or was disabled"}},
            .run = run_provider_enable};
}

}  // namespace fedge::cli
