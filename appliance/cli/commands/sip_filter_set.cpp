#include "appliance/cli/commands/all.h"
#include "appliance/cli/settings.h"

namespace fedge::cli {
namespace {

Exit run_sip_filter_set(Session& session, const Arguments& arguments) {
    const std::string key = "sip.filter." + arguments.positional(0);
    const std::vector<std::string> values(arguments.positionals().begin() + 1, arguments.positionals().end());
    const Json value = values.size() == 1 ? Json(values.front()) : Json(values);
    return report_edit(session, edit_candidate(session, {{"set", {{key, value}}}}, {key}));
}

}  // namespace

Command sip_filter_set() {
    return {
        .path = "sip filter set",
        .summary = "change the filters of messages, in the candidate",
        .description =
            "KEY is links, files, scan, file-links or ignore-local (on or off), link-action (block, warn, allow),\n"
            "file-action (block-listed, block-all), warn-message, allow-message, or a list as a whole: see fedge\n"
            "sip filter add. The same as fedge set sip.filter.KEY; fedge unset sip.filter.KEY restores the default.",
        .positionals = {{"KEY"}, {"VALUE", Words::none, true, true}},
        .examples = {{"fedge sip filter set link-action warn", "let links pass, with a warning in front"},
                     {"fedge sip filter set warn-message 'This message has links: think before you click.'",
                      "the warning"},
                     {"fedge sip filter set files off", "let offers of files pass"}},
        .run = run_sip_filter_set};
}

}  // namespace fedge::cli
