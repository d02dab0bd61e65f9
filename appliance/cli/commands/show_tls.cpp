#include <map>

#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

// Connections that are looked at for what counters do not tell.
constexpr uint64_t kConnections = 10000;

// Counters of what went wrong, as against those of what was done.
constexpr const char* kTrouble[] = {
    "tls_handshake_failed", "tls_handshake_timeout", "tls_handshake_limit", "tls_prefix_limit",
    "tls_hello_refused",    "tls_peer_refused",      "tls_no_certificate",  "tls_tickets_refused",
    "tls_records_limit",    "tls_alerts_received",   "tls_broken"};

uint64_t of_core(const Json& counter, size_t core) {
    const Json cores = counter.value("cores", Json::array());
    return core < cores.size() && cores[core].is_number_unsigned() ? cores[core].get<uint64_t>() : 0;
}

struct Connections {
    std::map<uint64_t, uint64_t> handshakes;  // in progress, by core
    std::map<std::string, uint64_t> versions;
    uint64_t seen = 0;
    bool all = true;
};

Connections look_at(const Json& page) {
    Connections out;
    for (const Json& row : page.value("rows", Json::array())) {
        out.seen++;
        if (text_or(row, "state", "") == "handshake")
            out.handshakes[static_cast<uint64_t>(number_or(row, "core", 0))]++;
        if (const std::string version = text_or(row, "tls_version", ""); !version.empty()) out.versions[version]++;
    }
    out.all = !page.contains("next");
    return out;
}

Json result_of(const Json& counters, const Connections& connections) {
    std::map<std::string, Json> named;
    size_t cores = 0;
    for (const Json& row : counters.value("rows", Json::array())) {
        const std::string name = text_or(row, "name", "");
        if (!name.starts_with("tls_")) continue;
        named[name] = row;
        cores = std::max(cores, row.value("cores", Json::array()).size());
    }
    Json out = {{"cores", Json::array()}, {"trouble", Json::array()}, {"versions", connections.versions}};
    for (size_t core = 0; core < cores; ++core) {
        const auto at = connections.handshakes.find(core);
        Json row = {{"core", core}, {"in_progress", at == connections.handshakes.end() ? 0 : at->second}};
        uint64_t sum = row["in_progress"].get<uint64_t>();
        for (const auto& [name, counter] : named) {
            row[name.substr(4)] = of_core(counter, core);
            sum += of_core(counter, core);
        }
        if (sum > 0) out["cores"].push_back(row);
    }
    for (const char* name : kTrouble)
        if (named.contains(name) && number_or(named[name], "total", 0) > 0) out["trouble"].push_back(named[name]);
    out["connections"] = connections.seen;
    out["complete"] = connections.all;
    return out;
}

std::string resumed(const Json& row) {
    const double done = number_or(row, "accepted", 0) + number_or(row, "connected", 0);
    const std::string count = as_count("resumed")(row);
    return done > 0 ? count + " (" + decimal(100 * number_or(row, "resumed", 0) / done, 0) + "%)" : count;
}

void print(Session& session, const Json& result) {
    std::ostream& out = session.out();
    print_rows(out, session.at.width,
               {{{"CORE", kRight}, as_text("core")},
                {{"ACCEPTED", kRight}, as_count("accepted")},
                {{"CONNECTED", kRight}, as_count("connected")},
                {{"RESUMED", kRight}, resumed},
                {{"IN PROGRESS", kRight}, as_count("in_progress")},
                {{"FAILED", kRight}, as_count("handshake_failed")},
                {{"TIMED OUT", kRight}, as_count("handshake_timeout")},
                {{"STEPS", kRight, false, 1}, as_count("handshake_steps")},
                {{"PUT OFF", kRight, false, 1}, as_count("handshakes_deferred")}},
               result["cores"], "No TLS handshake has begun.");
    if (!result["trouble"].empty()) {
        out << '\n';
        print_rows(out, session.at.width,
                   {{{"TROUBLE"}, as_text("name")},
                    {{"TOTAL", kRight}, as_count("total")},
                    {{"WHAT", Column::Align::left, true}, as_text("help")}},
                   result["trouble"], "");
    }
    if (result["versions"].empty()) return;
    out << "\nOf " << (true_at(result, "complete") ? "" : "the first ") << as_count("connections")(result)
        << " connections:";
    std::string separator = " ";
    for (const auto& [version, count] : result["versions"].items()) {
        out << separator << count << " use " << printable(version);
        separator = ", ";
    }
    out << '\n';
}

Exit run_show_tls(Session& session, const Arguments&) {
    const Json counters = session.api.get("/v1/counters");
    const Json result = result_of(counters, look_at(session.api.rows("/v1/connections", "", kConnections, "")));
    if (session.json) {
        print_json(session.out(), result);
    } else {
        print(session, result);
    }
    return Exit::ok;
}

}  // namespace

Command show_tls() {
    return {
        .path = "show tls",
        .summary = "show TLS handshakes per core, what went wrong, and the versions in use",
        .description =
            "STEPS are pieces of public-key work; PUT OFF are those that waited for a later turn so that packets do\n"
            "not wait (tls.handshakes-per-turn). Why single handshakes failed: fedge show connections --ended.",
        .examples = {{"fedge show tls", "handshakes, resumptions, failures by kind"},
                     {"fedge show tls --json", "the same for scripts"}},
        .run = run_show_tls};
}

}  // namespace fedge::cli
