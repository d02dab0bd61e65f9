#include "appliance/cli/commands/all.h"
#include "appliance/cli/providers.h"
#include "appliance/cli/settings.h"

namespace fedge::cli {
namespace {

Exit run_provider_disable(Session& session, const Arguments& arguments) {
    const std::string name = arguments.positional(0);
    provider(session, name, true);
    const std::string key = "provider." + name + ".enabled";
    return report_edit(session, edit_candidate(session, {{"set", {{key, "off"}}}}, {key}));
}

}  // namespace

Command provider_disable() {
    return {.path = "provider disable",
            .summary = "exchange no messages with a provider, and keep it, in the candidate",
            .description = "Takes effect with fedge commit.",
            .positionals = {{"NAME", Words::providers}},
            .examples = {{"fedge provider disable skype", "its settings stay"}},
            .run = run_provider_disable};
}

}  // namespace fedge::cli
