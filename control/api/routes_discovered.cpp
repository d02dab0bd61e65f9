#include "control/api/json.h"
#include "control/api/routes.h"
#include "control/settings/domain_name.h"

namespace fedge::control::api {
namespace {

constexpr uint64_t kDiscoveredByDefault = 100;
constexpr uint64_t kMaxDiscovered = 5000;

Json discovered_json(const DiscoveredPartner& p) {
    return {{"domain", p.domain},         {"first", p.first},     {"last", p.last},
            {"messages", p.messages},     {"limited", p.limited}, {"contacts", p.contacts},
            {"suspicious", p.suspicious}, {"watch", p.watch}};
}

}  // namespace

void get_discovered(Control& control, const Request& request, Reply reply) {
    auto limit = static_cast<size_t>(query_number(request, "limit", kDiscoveredByDefault, 1, kMaxDiscovered));
    auto text = [&](const char* name) {
        auto found = request.query.find(name);
        return found == request.query.end() ? std::string() : found->second;
    };
    DiscoveredFilter filter{text("suspicious") == "true", text("watch") == "true", text("contains")};
    Json rows = Json::array();
    std::string next;
    for (const auto& partner : control.discovered().page(text("after"), limit, filter)) {
        rows.push_back(discovered_json(partner));
        next = partner.domain;
    }
    if (rows.size() < limit) next.clear();
    send(reply, {{"rows", rows}, {"next", next}});
}

void get_discovered_partner(Control& control, const Request& request, Reply reply) {
    std::string name = domain_name(request.path.back()).value_or(request.path.back());
    auto partner = control.discovered().find(name);
    if (!partner) {
        throw Refusal(RefusalKind::not_found, {"domain", name.substr(0, 256) + " was not discovered",
                                               "`fedge discovered list` shows those that were"});
    }
    send(reply, discovered_json(*partner));
}

}  // namespace fedge::control::api
