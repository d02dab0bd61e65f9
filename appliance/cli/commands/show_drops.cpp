#include "appliance/cli/commands/all.h"
#include "appliance/cli/counter_rows.h"

namespace fedge::cli {
namespace {

Exit run_show_drops(Session& session, const Arguments& arguments) {
    const Json reply = session.api.get("/v1/drops");
    if (session.json) {
        print_json(session.out(), reply);
        return Exit::ok;
    }
    const Json rows = reply.value("rows", Json::array());
    const bool all = arguments.has("all");
    const std::string empty =
        arguments.positional(0).empty() ? "Nothing was dropped." : "Nothing was dropped for a reason of such a name.";
    print_counters(session, rows, {arguments.positional(0), all, arguments.has("per-core"), "WHY", empty});
    return Exit::ok;
}

}  // namespace

Command show_drops() {
    return {.path = "show drops",
            .summary = "show which packets were dropped and why",
            .description =
                "Every drop has a named reason. Reasons that have not occurred are hidden unless --all is given.",
            .positionals = {{"PREFIX", Words::none, false}},
            .options = {{"all", nullptr, "show reasons that have not occurred, too"},
                        {"per-core", nullptr, "a column for every core"}},
            .examples = {{"fedge show drops", "what was dropped since the dataplane started"},
                         {"fedge show drops --all", "every reason that exists, explained"},
                         {"fedge show drops stun_ --per-core", "one group of reasons, core by core"}},
            .run = run_show_drops};
}

}  // namespace fedge::cli
