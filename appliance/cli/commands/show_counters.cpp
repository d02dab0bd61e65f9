#include "appliance/cli/commands/all.h"
#include "appliance/cli/counter_rows.h"

namespace fedge::cli {
namespace {

Exit run_show_counters(Session& session, const Arguments& arguments) {
    const Json reply = session.api.get("/v1/counters");
    if (session.json) {
        print_json(session.out(), reply);
        return Exit::ok;
    }
    const std::string prefix = arguments.positional(0);
    const bool all = arguments.has("all") || !prefix.empty();
    const std::string empty = prefix.empty() ? "Nothing was counted yet." : "No counter has such a name.";
    print_counters(session, reply.value("rows", Json::array()),
                   {prefix, all, arguments.has("per-core"), "COUNTS", empty});
    return Exit::ok;
}

}  // namespace

Command show_counters() {
    return {
        .path = "show counters",
        .summary = "show the counters of the dataplane, with what they count",
        .description =
            "Counters start at 0 with the dataplane and never go back; those that are still there are hidden unless "
            "--all or a prefix is given. Drops have a listing of their own.",
        .positionals = {{"PREFIX", Words::none, false}},
        .options = {{"all", nullptr, "show those that are 0, too"}, {"per-core", nullptr, "a column for every core"}},
        .examples = {{"fedge show counters", "what has been counted"},
                     {"fedge show counters --all", "every counter, explained"},
                     {"fedge show counters turn_", "those whose names begin with turn_"},
                     {"fedge show counters relay_ --per-core", "how the cores share the work"}},
        .run = run_show_counters};
}

}  // namespace fedge::cli
