#include "control/api/router.h"

#include <algorithm>
#include <charconv>
#include <exception>

#include "control/api/json.h"
#include "control/api/routes.h"
#include "control/settings/domain_name.h"

namespace fedge::control::api {
namespace {

using Handler = void (*)(Control&, const Request&, Reply);

// "*" stands for one segment that the handler reads.
struct Route {
    const char* method;
    std::vector<std::string_view> path;
    Handler handler;
};

const std::vector<Route>& routes() {
    static const std::vector<Route> table = {
        {"GET", {"v1", "status"}, get_status},
        {"GET", {"v1", "interfaces"}, get_interfaces},
        {"GET", {"v1", "cores"}, get_cores},
        {"GET", {"v1", "neighbors"}, get_neighbors},
        {"GET", {"v1", "allocations"}, get_allocations},
        {"GET", {"v1", "streams"}, get_streams},
        {"GET", {"v1", "counters"}, get_counters},
        {"GET", {"v1", "drops"}, get_drops},
        {"GET", {"v1", "config"}, get_config},
        {"GET", {"v1", "schema"}, get_schema},
        {"GET", {"v1", "candidate"}, get_candidate},
        {"PATCH", {"v1", "candidate"}, patch_candidate},
        {"DELETE", {"v1", "candidate"}, delete_candidate},
        {"PATCH", {"v1", "candidate", "entries"}, patch_entries},
        {"GET", {"v1", "entries"}, get_entries},
        {"GET", {"v1", "entries", "*", "*"}, get_entry},
        {"GET", {"v1", "verdict"}, get_verdict},
        {"GET", {"v1", "discovered"}, get_discovered},
        {"GET", {"v1", "discovered", "*"}, get_discovered_partner},
        {"GET", {"v1", "providers"}, get_providers},
        {"GET", {"v1", "providers", "*"}, get_provider},
        {"GET", {"v1", "policies"}, get_policies},
        {"GET", {"v1", "diff"}, get_diff},
        {"POST", {"v1", "commit"}, post_commit},
        {"POST", {"v1", "rollback"}, post_rollback},
        {"GET", {"v1", "revisions"}, get_revisions},
        {"GET", {"v1", "turn", "users"}, get_users},
        {"POST", {"v1", "turn", "users"}, post_user},
        {"DELETE", {"v1", "turn", "users", "*"}, delete_user},
        {"GET", {"v1", "turn", "secrets"}, get_secrets},
        {"POST", {"v1", "turn", "secrets"}, post_secret},
        {"POST", {"v1", "turn", "secrets", "rotate"}, post_rotate},
        {"DELETE", {"v1", "turn", "secrets", "*"}, delete_secret},
        {"POST", {"v1", "turn", "disconnect"}, post_disconnect},
        {"PUT", {"v1", "drain"}, put_drain},
        {"GET", {"v1", "audit"}, get_audit},
        {"GET", {"v1", "certificates"}, get_certificates},
        {"POST", {"v1", "certificates"}, post_certificate},
        {"POST", {"v1", "certificates", "generate"}, post_generate},
        {"POST", {"v1", "certificates", "request"}, post_request},
        {"GET", {"v1", "certificates", "*"}, get_certificate},
        {"DELETE", {"v1", "certificates", "*"}, delete_certificate},
        {"PUT", {"v1", "certificates", "*", "ocsp"}, put_ocsp},
        {"GET", {"v1", "trust"}, get_trust},
        {"POST", {"v1", "trust"}, post_trust},
        {"DELETE", {"v1", "trust", "*"}, delete_trust},
        {"GET", {"v1", "crls"}, get_crls},
        {"POST", {"v1", "crls"}, post_crl},
        {"DELETE", {"v1", "crls", "*"}, delete_crl},
        {"GET", {"v1", "tls"}, get_tls},
        {"GET", {"v1", "connections"}, get_connections},
        {"GET", {"v1", "connection"}, get_connection},
        {"GET", {"v1", "endings"}, get_endings},
        {"GET", {"v1", "dialogs"}, get_dialogs},
        {"GET", {"v1", "next-hops"}, get_next_hops},
        {"GET", {"v1", "scanners"}, get_scanners},
        {"POST", {"v1", "traces"}, post_trace},
        {"GET", {"v1", "traces", "*"}, get_trace},
        {"DELETE", {"v1", "traces", "*"}, delete_trace},
        {"GET", {"v1", "discovery"}, get_discovery},
        {"GET", {"v1", "discovery", "test"}, get_discovery_test},
        {"GET", {"v1", "federation", "explain"}, get_federation_explain},
        {"GET", {"v1", "federation", "ports"}, get_federation_ports},
        {"GET", {"v1", "federation", "dns"}, get_federation_dns},
        {"GET", {"v1", "federation", "test"}, get_federation_test},
        {"GET", {"v1", "sip", "filter"}, get_sip_filter},
        {"POST", {"v1", "sip", "filter", "test"}, post_sip_filter_test},
        {"GET", {"metrics"}, get_metrics},
    };
    return table;
}

bool matches(const Route& route, const std::vector<std::string>& path) {
    return std::equal(route.path.begin(), route.path.end(), path.begin(), path.end(),
                      [](std::string_view want, const std::string& have) { return want == "*" || want == have; });
}

}  // namespace

void Router::handle(const Request& request, Reply reply) {
    bool known_path = false;
    for (const auto& route : routes()) {
        if (!matches(route, request.path)) continue;
        known_path = true;
        if (request.method != route.method) continue;
        if (control_.committing() && request.method != "GET")
            return reply(error_response(503, {"", "a large commit is being stored; until then nothing can be changed",
                                              "try again in some seconds"}));
        try {
            return route.handler(control_, request, reply);
        } catch (const std::exception&) {
            return reply(failure_response(std::current_exception()));
        }
    }
    if (known_path)
        return reply(error_response(405, {"", "this path knows no " + request.method, "see control/README.md"}));
    reply(error_response(404, {"", "there is no such path", "see control/README.md"}));
}

std::string query_text(const Request& request, const char* name) {
    auto found = request.query.find(name);
    return found == request.query.end() ? "" : found->second;
}

std::string query_domain(const char* field, const std::string& text) {
    std::string why;
    if (auto name = domain_name(text, &why)) return *name;
    throw Refusal(RefusalKind::invalid,
                  {field, "\"" + text.substr(0, 64) + "\" " + why, "give a domain such as example.org"});
}

uint64_t query_number(const Request& request, const char* name, uint64_t fallback, uint64_t minimum, uint64_t maximum) {
    auto found = request.query.find(name);
    if (found == request.query.end() || found->second.empty()) return fallback;
    uint64_t value;
    auto [end, error] = std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
    bool whole = error == std::errc{} && end == found->second.data() + found->second.size();
    if (whole && value >= minimum && value <= maximum) return value;
    throw Refusal(RefusalKind::invalid, {name, std::string(name) + " is out of range or no number",
                                         "give " + std::to_string(minimum) + " to " + std::to_string(maximum)});
}

}  // namespace fedge::control::api
