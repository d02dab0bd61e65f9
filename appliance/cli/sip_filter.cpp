#include "appliance/cli/sip_filter.h"

#include <algorithm>
#include <array>

#include "appliance/cli/settings.h"
#include "appliance/cli/suggest.h"

namespace fedge::cli {
namespace {

const std::array<std::string, 4> kNames = {"link-prefix", "file-extension", "local-domain", "scanner"};

// By what a list is switched off that cannot be empty.
const char* switch_of(const std::string& name) {
    return name == "link-prefix" ? "links" : name == "scanner" ? "scan" : "files";
}

}  // namespace

std::vector<std::string> filter_list(Session& session, const std::string& name) {
    if (std::find(kNames.begin(), kNames.end(), name) == kNames.end()) {
        const std::string near = nearest(name, {kNames.begin(), kNames.end()});
        throw Failure(
            Exit::usage, "the filters have no list '" + name + "'",
            near.empty() ? "give link-prefix, file-extension, local-domain or scanner" : "did you mean " + near + "?");
    }
    const Json lists = session.api.get("/v1/sip/filter?candidate=true").value("lists", Json::object());
    std::vector<std::string> out;
    for (const Json& one : lists.value(name, Json::array())) out.push_back(value_text(one));
    return out;
}

Exit set_filter_list(Session& session, const std::string& name, const std::vector<std::string>& values) {
    const std::string key = "sip.filter." + name;
    if (!values.empty()) return report_edit(session, edit_candidate(session, {{"set", {{key, values}}}}, {key}));
    if (name != "local-domain")
        throw Failure(Exit::refused, "nothing would be left, which stands for the default list",
                      std::string("fedge sip filter set ") + switch_of(name) + " off");
    return report_edit(session, edit_candidate(session, {{"unset", {key}}}, {key}));
}

}  // namespace fedge::cli
