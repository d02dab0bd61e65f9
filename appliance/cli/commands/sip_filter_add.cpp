#include <algorithm>

#include "appliance/cli/commands/all.h"
#include "appliance/cli/sip_filter.h"

namespace fedge::cli {
namespace {

Exit run_sip_filter_add(Session& session, const Arguments& arguments) {
    const std::string name = arguments.positional(0);
    std::vector<std::string> values = filter_list(session, name);
    for (size_t i = 1; i < arguments.positionals().size(); i++) {
        const std::string& value = arguments.positionals()[i];
        if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
    }
    return set_filter_list(session, name, values);
}

}  // namespace

Command sip_filter_add() {
    return {.path = "sip filter add",
            .summary = "add to a list of the filters, in the candidate",
            .description = kFilterLists,
            .positionals = {{"LIST"}, {"VALUE", Words::none, true, true}},
            .examples = {{"fedge sip filter add file-extension iso img", "two more kinds of files are refused"},
                         {"fedge sip filter add local-domain corp.example.org", "links to the intranet pass"},
                         {"fedge sip filter add scanner nosy-scanner", "who calls itself so is cut off"}},
            .run = run_sip_filter_add};
}

}  // namespace fedge::cli
