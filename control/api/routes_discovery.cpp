// What discovery knows, and looking a partner up at once.
#include <algorithm>
#include <optional>

#include "control/api/json.h"
#include "control/api/routes.h"
#include "control/settings/values.h"

namespace fedge::control::api {
namespace {

using discovery::Query;
using discovery::Route;

constexpr uint64_t kRowsByDefault = 100;
constexpr uint64_t kMaxRows = 1000;
constexpr auto kTestTime = std::chrono::seconds(12);  // the command line waits for 15

constexpr auto kServices = {discovery::Service::sip, discovery::Service::xmpp, discovery::Service::tlsa};
constexpr auto kModes = {SipMode::microsoft_then_sips, SipMode::microsoft, SipMode::sips};

int64_t seconds_until(discovery::Time end, discovery::Time now) {
    return std::chrono::ceil<std::chrono::seconds>(end - now).count();
}

std::string host_in(const Request& request, const char* field) {
    std::string text = query_text(request, field);
    if (text.empty()) return "";
    if (auto host = parse_host(text)) return *host;
    throw Refusal(RefusalKind::invalid, {field, "\"" + text.substr(0, 64) + "\" is no domain name",
                                         "give a name such as example.org, with A-labels (xn--...)"});
}

template <typename Enum>
Enum choice_in(const Request& request, const char* field, std::initializer_list<Enum> choices, Enum otherwise) {
    std::string text = query_text(request, field);
    if (text.empty()) return otherwise;
    std::string names;
    for (Enum choice : choices) {
        if (text == name_of(choice)) return choice;
        names += (names.empty() ? "" : ", ") + std::string(name_of(choice));
    }
    throw Refusal(RefusalKind::invalid, {field, "\"" + text.substr(0, 32) + "\" is unknown", "give one of " + names});
}

Query query_in(Control& control, const Request& request) {
    using discovery::Service;
    auto service = choice_in(request, "service", kServices, Service::sip);
    std::string via = host_in(request, "via");
    std::string domain = host_in(request, "domain");
    if (service == Service::tlsa) std::swap(domain, via);
    Query query = control.discovery().usual(domain, service);
    query.via = via;
    if (service == Service::sip) {
        query.mode = choice_in(request, "records", kModes, query.mode);
        query.namespace_rule = query_text(request, "namespace") != "off";
    }
    query.port = static_cast<uint16_t>(query_number(request, "port", service == Service::tlsa ? 5269 : 0, 0, 65535));
    if (query.name().empty())
        throw Refusal(RefusalKind::invalid, {"domain", "there is no domain", "give domain=example.org"});
    return query;
}

Json query_json(const Query& query) {
    Json out{{"domain", query.domain}, {"service", name_of(query.service)}};
    if (query.service == discovery::Service::sip && query.via.empty()) {
        out["records"] = name_of(query.mode);
        out["namespace_rule"] = query.namespace_rule;
    }
    if (!query.via.empty()) out["via"] = query.via;
    if (query.port) out["port"] = query.port;
    return out;
}

Json target_json(Control& control, const discovery::Target& target, discovery::Time now) {
    Json addresses = Json::array();
    for (const auto& address : target.addresses) {
        auto state = control.discovery().health().of({address, target.port});
        addresses.push_back({{"address", address.text()},
                             {"failures", state.failures},
                             {"code", state.failure.code},
                             {"error", state.failure.words},
                             {"last_for_s", state.until > now ? seconds_until(state.until, now) : 0}});
    }
    return {{"host", target.host},     {"port", target.port},        {"priority", target.priority},
            {"weight", target.weight}, {"validated", target.secure}, {"direct_tls", target.direct_tls},
            {"addresses", addresses}};
}

void add_route(Json& out, Control& control, const Route& route, discovery::Time now) {
    out["outcome"] = name_of(route.outcome);
    out["code"] = route.code;
    out["reason"] = route.reason;
    out["validated"] = route.secure;
    out["targets"] = Json::array();
    for (const auto& target : route.targets) out["targets"].push_back(target_json(control, target, now));
    if (!route.tlsa.empty()) {
        out["tlsa"] = Json::array();
        for (const auto& t : route.tlsa)
            out["tlsa"].push_back(
                {{"usage", t.usage}, {"selector", t.selector}, {"matching", t.matching}, {"bytes", t.data.size()}});
    }
    out["refused"] = Json::array();
    for (const auto& r : route.refused)
        out["refused"].push_back(
            {{"host", r.host}, {"port", r.port}, {"address", r.address}, {"code", r.code}, {"why", r.why}});
}

Json steps_json(const Route& route) {
    Json out = Json::array();
    for (const auto& step : route.steps) {
        Json records = Json::array();
        for (const auto& record : step.records) records.push_back(record);
        out.push_back({{"name", step.name},
                       {"type", name_of(step.type)},
                       {"result", step.result},
                       {"records", records},
                       {"validated", step.secure},
                       {"ttl_s", step.ttl}});
    }
    return out;
}

// A query as a place in the list: what the next page's `after` says.
std::string place_of(const Query& query) {
    return query.domain + "/" + name_of(query.service) + "/" + name_of(query.mode) + "/" + query.via + "/" +
           std::to_string(query.port) + "/" + (query.namespace_rule ? "1" : "0");
}

std::optional<Query> place_in(const Request& request) {
    std::string text = query_text(request, "after");
    if (text.empty()) return std::nullopt;
    std::vector<std::string> parts;
    for (size_t at = 0; at <= text.size() && parts.size() < 7;) {
        size_t end = std::min(text.find('/', at), text.size());
        parts.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    Query query;
    bool good = parts.size() == 6;
    if (good) {
        query.domain = parts[0];
        query.via = parts[3];
        for (auto service : kServices) query.service = parts[1] == name_of(service) ? service : query.service;
        for (auto mode : kModes) query.mode = parts[2] == name_of(mode) ? mode : query.mode;
        query.port = static_cast<uint16_t>(parse_integer(parts[4]).value_or(0));
        query.namespace_rule = parts[5] == "1";
        good = place_of(query) == text;
    }
    if (good) return query;
    throw Refusal(RefusalKind::invalid, {"after", "that is no place in the list", "give \"next\" of the page before"});
}

Json entry_json(Control& control, const Query& query, const discovery::Entry& entry, discovery::Time now) {
    Json row = query_json(query);
    bool stale = !entry.fresh(now) && entry.usable_stale(now);
    if (entry.known && (entry.fresh(now) || stale || entry.failures == 0)) {
        add_route(row, control, entry.route, now);
    } else {
        add_route(row, control, entry.failure, now);
    }
    row["expires_s"] = entry.known ? seconds_until(entry.expires, now) : 0;
    row["stale"] = stale;
    row["age_s"] = entry.known ? seconds_until(now, entry.resolved) : 0;
    row["failures"] = entry.failures;
    if (entry.failures) {
        row["next_try_s"] = std::max<int64_t>(0, seconds_until(entry.next_try, now));
        row["failure"] = entry.failure.reason;
    }
    return row;
}

}  // namespace

void get_discovery(Control& control, const Request& request, Reply reply) {
    const auto now = control.time().steady();
    const uint64_t limit = query_number(request, "limit", kRowsByDefault, 1, kMaxRows);
    const std::optional<Query> after = place_in(request);
    const discovery::Discovery& known = control.discovery();
    Json rows = Json::array();
    std::string last, next;
    known.cache().walk(after ? &*after : nullptr, [&](const Query& query, const discovery::Entry& entry) {
        if (rows.size() == limit) next = last;
        if (!next.empty()) return false;
        rows.push_back(entry_json(control, query, entry, now));
        last = place_of(query);
        return true;
    });
    const auto& counts = known.counts();
    send(reply, {{"rows", std::move(rows)},
                 {"next", next},
                 {"entries", known.cache().size()},
                 {"under_way", known.under_way()},
                 {"waiting", known.waiting()},
                 {"asked", counts.asked},
                 {"cached", counts.cached},
                 {"stale", counts.stale},
                 {"lookups", counts.lookups}});
}

void get_discovery_test(Control& control, const Request& request, Reply reply) {
    const Query query = query_in(control, request);
    const auto now = control.time().steady();
    control.discovery().look_up(
        query, now, now + kTestTime, [&control, query, now, reply](const Route& route, discovery::Time then) {
            Json out = query_json(query);
            add_route(out, control, route, then);
            out["keep_s"] = std::max<int64_t>(0, seconds_until(route.expires, then));
            out["took_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(then - now).count();
            out["steps"] = steps_json(route);
            send(reply, out);
        });
}

}  // namespace fedge::control::api
