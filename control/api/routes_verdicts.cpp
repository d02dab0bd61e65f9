#include <algorithm>

#include "control/api/json.h"
#include "control/api/routes.h"
#include "control/settings/domain_name.h"
#include "message_generated.h"

namespace fedge::control::api {
namespace {

std::string text(const flatbuffers::String* s) {
    return s ? s->str() : std::string();
}

// As verdict tables have it: A-labels, or a user's address, in lower case.
std::string name_of(const Request& request) {
    auto found = request.query.find("name");
    std::string name = found == request.query.end() ? "" : found->second;
    if (name.find('@') != std::string::npos) {
        std::ranges::transform(name, name.begin(),
                               [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        return name;
    }
    std::string why;
    auto domain = domain_name(name, &why);
    if (!domain)
        throw Refusal(RefusalKind::invalid,
                      {"name", "\"" + name.substr(0, 64) + "\" " + (why.empty() ? "is no domain" : why),
                       "give a domain, or a user as USER@DOMAIN"});
    return *domain;
}

Json row_json(const contract::LookupRow& row) {
    Json out{{"core", row.core()},
             {"revision", row.revision()},
             {"base", row.base()},
             {"delta", row.delta()},
             {"rule", text(row.rule())}};
    if (std::string entry = text(row.entry()); !entry.empty()) out["entry"] = entry;
    if (std::string via = text(row.via()); !via.empty()) out["via"] = via;
    if (text(row.rule()) != "user") return out;
    Json access = Json::array();
    for (auto flag : contract::EnumValuesAccess())
        if ((row.access() & flag) == flag) access.push_back(contract::EnumNameAccess(flag));
    out["access"] = access;
    return out;
}

}  // namespace

void get_verdict(Control& control, const Request& request, Reply reply) {
    std::string name = name_of(request);
    control.dataplane().lookup(
        name, control.time().steady(),
        [reply = std::move(reply), name](const contract::LookedUp* found, const std::string& error) {
            if (!found) return reply(unreachable(error));
            Json rows = Json::array();
            if (found->rows())
                for (const auto* row : *found->rows()) rows.push_back(row_json(*row));
            send(reply, {{"name", name}, {"cores", rows}});
        });
}

}  // namespace fedge::control::api
