#include <algorithm>

#include "appliance/cli/commands/all.h"
#include "appliance/cli/sip_filter.h"

namespace fedge::cli {
namespace {

Exit run_sip_filter_remove(Session& session, const Arguments& arguments) {
    const std::string name = arguments.positional(0);
    std::vector<std::string> values = filter_list(session, name);
    for (size_t i = 1; i < arguments.positionals().size(); i++) {
        const auto at = std::find(values.begin(), values.end(), arguments.positionals()[i]);
        if (at == values.end())
            throw Failure(Exit::refused, "'" + arguments.positionals()[i] + "' is not in the list " + name,
                          "fedge sip filter show --candidate shows it");
        values.erase(at);
    }
    return set_filter_list(session, name, values);
}

}  // namespace

Command sip_filter_remove() {
    return {.path = "sip filter remove",
            .summary = "take out of a list of the filters, in the candidate",
            .description = kFilterLists,
            .positionals = {{"LIST"}, {"VALUE", Words::none, true, true}},
            .examples = {{"fedge sip filter remove link-prefix mailto: tel:", "addresses and numbers are no links"},
                         {"fedge sip filter remove file-extension mdb", "databases may be offered"}},
            .run = run_sip_filter_remove};
}

}  // namespace fedge::cli
