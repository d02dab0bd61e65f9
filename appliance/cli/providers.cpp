#include "appliance/cli/providers.h"

#include "appliance/cli/exit.h"

namespace fedge::cli {

Json find_provider(Session& session, const std::string& name) {
    const Json reply = session.api.get("/v1/providers?candidate=true");
    for (const Json& row : reply.value("rows", Json::array()))
        if (text_or(row, "name", "") == name) return row;
    return nullptr;
}

Json provider(Session& session, const std::string& name, bool candidate) {
    return session.api.get("/v1/providers/" + encoded(name) + (candidate ? "?candidate=true" : ""));
}

}  // namespace fedge::cli
