#include <unistd.h>

#include <algorithm>

#include "control/api/json.h"
#include "control/api/routes.h"
#include "control/api/rows.h"
#include "message_generated.h"

namespace fedge::control::api {
namespace {

constexpr uint32_t kAllRows = 1000;  // of what there are few: cores, ports
constexpr uint64_t kMaxCursor = ~uint64_t{0};

Json status_json(Control& control, const Json* cores) {
    Dataplane& dataplane = control.dataplane();
    Json warnings = Json::array();
    for (const auto& warning : control.warnings()) warnings.push_back(warning.what + ": " + warning.fix);
    Json plane{{"connected", dataplane.connected()}};
    if (dataplane.connected()) {
        const DataplaneInfo& info = dataplane.info();
        int64_t started = static_cast<int64_t>(info.started_unix_ns / 1'000'000'000);
        plane["version"] = info.version;
        plane["pid"] = info.pid;
        plane["uptime_s"] = std::max<int64_t>(0, control.time().unix_seconds() - started);
        plane["revision"] = dataplane.adopted_revision();
        plane["adopted"] = control.in_force();
        plane["idle"] = info.idle;
        plane["hugepages"] = info.hugepages;
    }
    if (!dataplane.refused_reason().empty()) plane["refused_reason"] = dataplane.refused_reason();
    Json turn{{"allocations", nullptr},
              {"users", control.store().user_count()},
              {"secrets", control.store().secrets().size()}};
    if (cores) {
        uint64_t allocations = 0;
        for (const auto& core : *cores) allocations += core["allocations"].get<uint64_t>();
        turn["allocations"] = allocations;
    }
    return {{"control",
             {{"version", FEDGE_VERSION},
              {"pid", getpid()},
              {"uptime_s", control.uptime_s()},
              {"revision", control.revision()},
              {"candidate_changes", control.candidate_changes()}}},
            {"dataplane", plane},
            {"drain", control.store().drain()},
            {"turn", turn},
            {"warnings", warnings}};
}

// The names of counters or drops with their values per core.
template <size_t N, typename Read>
Json counter_rows(const CounterView& view, const contract::CounterInfo (&infos)[N], Read read) {
    Json rows = Json::array();
    for (size_t i = 0; i < N; i++) {
        uint64_t total = 0;
        Json cores = Json::array();
        for (uint32_t core = 0; core < view.cores(); core++) {
            uint64_t value = read(core, i);
            total += value;
            cores.push_back(value);
        }
        rows.push_back({{"name", infos[i].name}, {"help", infos[i].help}, {"total", total}, {"cores", cores}});
    }
    return rows;
}

// What the settings put on a port.
Json interfaces_on(const Config& config, const std::string& port) {
    Json out = Json::array();
    for (const auto& interface : config.interfaces) {
        if (interface.port != port) continue;
        Json addresses = Json::array(), gateways = Json::array();
        for (const auto& address : interface.addresses) addresses.push_back(address.text());
        for (const auto& gateway : interface.gateways) gateways.push_back(gateway.text());
        out.push_back({{"name", interface.name},
                       {"role", interface.role == Side::internal ? "internal" : "external"},
                       {"vlan", interface.vlan},
                       {"mtu", interface.mtu},
                       {"addresses", addresses},
                       {"gateways", gateways}});
    }
    return out;
}

}  // namespace

void get_status(Control& control, const Request&, Reply reply) {
    if (!control.dataplane().connected()) return send(reply, status_json(control, nullptr));
    collect_rows(control.dataplane(), {contract::Kind::cores, 0, kAllRows, {}}, control.time().steady,
                 [&control, reply = std::move(reply)](const Json& rows, uint64_t, const std::string& error) {
                     send(reply, status_json(control, error.empty() ? &rows : nullptr));
                 });
}

void get_interfaces(Control& control, const Request&, Reply reply) {
    collect_rows(control.dataplane(), {contract::Kind::ports, 0, kAllRows, {}}, control.time().steady,
                 [&control, reply = std::move(reply)](Json rows, uint64_t, const std::string& error) {
                     if (!error.empty()) return reply(unreachable(error));
                     for (auto& row : rows)
                         row["interfaces"] = interfaces_on(control.config(), row["name"].get<std::string>());
                     send(reply, {{"rows", std::move(rows)}, {"next", ""}});
                 });
}

void get_cores(Control& control, const Request&, Reply reply) {
    send_rows(control, {contract::Kind::cores, 0, kAllRows, {}}, std::move(reply));
}

void get_neighbors(Control& control, const Request& request, Reply reply) {
    send_rows(control, paged(contract::Kind::neighbors, request), std::move(reply));
}

void get_allocations(Control& control, const Request& request, Reply reply) {
    RowRequest rows = paged(contract::Kind::allocations, request);
    if (std::string user = query_text(request, "user"); !user.empty()) {
        rows.filter = [user](const Json& row) { return row["user"] == user; };
    }
    send_rows(control, std::move(rows), std::move(reply));
}

void get_streams(Control& control, const Request& request, Reply reply) {
    RowRequest rows = paged(contract::Kind::streams, request);
    if (uint64_t allocation = query_number(request, "allocation", 0, 0, kMaxCursor)) {
        rows.filter = [allocation](const Json& row) { return row["allocation"] == allocation; };
    }
    send_rows(control, std::move(rows), std::move(reply));
}

void get_counters(Control& control, const Request&, Reply reply) {
    const CounterView* view = control.dataplane().counters();
    if (!view) return reply(unreachable("the dataplane is not connected"));
    auto read = [&](uint32_t core, size_t i) { return view->counter(core, i); };
    send(reply, {{"rows", counter_rows(*view, contract::kCounters, read)}});
}

void get_drops(Control& control, const Request&, Reply reply) {
    const CounterView* view = control.dataplane().counters();
    if (!view) return reply(unreachable("the dataplane is not connected"));
    auto read = [&](uint32_t core, size_t i) { return view->drop(core, i); };
    send(reply, {{"rows", counter_rows(*view, contract::kDrops, read)}});
}

}  // namespace fedge::control::api
