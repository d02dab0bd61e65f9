// Providers and policies, which are settings, as the objects that operators think of.
#include "control/api/json.h"
#include "control/api/routes.h"

namespace fedge::control::api {
namespace {

template <size_t N>
Json bits_json(uint8_t bits, const std::array<AccessName, N>& names) {
    Json out = Json::array();
    for (const auto& n : names) {
        if (bits & n.bit) out.push_back(n.name);
    }
    return out;
}

// Of the revision in force, or of the candidate with ?candidate=true.
FederationConfig wanted(Control& control, const Request& request) {
    auto found = request.query.find("candidate");
    bool candidate = found != request.query.end() && found->second == "true";
    return candidate ? compile(control.candidate()).config.federation : control.config().federation;
}

std::string title_of(const ProviderConfig& provider) {
    for (const auto& preset : provider_presets()) {
        if (provider.name == preset.name) return preset.title;
    }
    return "";
}

Json provider_json(const ProviderConfig& p) {
    Json out{{"name", p.name},
             {"kind", p.public_im ? "public" : "hosting"},
             {"proxy", p.proxy},
             {"enabled", p.enabled},
             {"verification", name_of(p.verification)},
             {"purpose", name_of(p.purpose)},
             {"built_in", p.built_in},
             {"configured", p.configured}};
    if (p.built_in) out["title"] = title_of(p);
    if (p.public_im) {
        out["capabilities"] = bits_json(p.capabilities, kCapabilities);
        out["wants_client_auth"] = p.wants_client_auth;
        if (!p.decoration_routing_domain.empty()) {
            out["decoration"] = {
                {"routing_domain", p.decoration_routing_domain},
                {"domain", p.decoration_domain.empty() ? p.decoration_routing_domain : p.decoration_domain},
                {"excluded", p.decoration_excluded}};
        }
    } else {
        out["shared_address_space"] = p.shared_address_space;
        out["hosts_users"] = p.hosts_users;
    }
    return out;
}

}  // namespace

void get_providers(Control& control, const Request& request, Reply reply) {
    Json rows = Json::array();
    for (const auto& provider : wanted(control, request).providers) rows.push_back(provider_json(provider));
    send(reply, {{"rows", rows}});
}

void get_provider(Control& control, const Request& request, Reply reply) {
    const std::string& name = request.path.back();
    FederationConfig federation = wanted(control, request);
    const ProviderConfig* provider = find_provider(federation, name);
    if (!provider) {
        throw Refusal(RefusalKind::not_found,
                      {"name", "there is no provider " + name.substr(0, 64), "`fedge provider list` shows them"});
    }
    send(reply, provider_json(*provider));
}

void get_policies(Control& control, const Request& request, Reply reply) {
    FederationConfig federation = wanted(control, request);
    Json rows = Json::array();
    rows.push_back({{"scope", "global"}, {"access", bits_json(federation.global_access, kAccess)}});
    for (const auto& site : federation.sites) {
        rows.push_back({{"scope", "site"},
                        {"name", site.name},
                        {"access", bits_json(site.access, kAccess)},
                        {"domains", site.domains}});
    }
    send(reply, {{"rows", rows}});
}

}  // namespace fedge::control::api
