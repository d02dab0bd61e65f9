// OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec/); names are documented in
// control/metrics.md.
#include <string>

#include "control/api/json.h"
#include "control/api/routes.h"
#include "control/api/rows.h"
#include "message_generated.h"

namespace fedge::control::api {
namespace {

constexpr uint32_t kAllCores = 1000;
constexpr uint32_t kAllScanners = 16000;  // signatures of all cores

class Text {
  public:
    void family(const std::string& name, const char* type, const std::string& help) {
        out_ += "# TYPE " + name + " " + type + "\n# HELP " + name + " " + help + "\n";
    }
    template <typename Value>
    void sample(const std::string& name, const std::string& labels, Value value) {
        out_ += name + (labels.empty() ? "" : "{" + labels + "}") + " " + std::to_string(value) + "\n";
    }
    template <typename Value>
    void gauge(const std::string& name, const std::string& help, Value value) {
        family(name, "gauge", help);
        sample(name, "", value);
    }
    template <typename Value>
    void counter(const std::string& name, const std::string& help, Value value) {
        family(name, "counter", help);
        sample(name + "_total", "", value);
    }
    std::string finish() { return std::move(out_) + "# EOF\n"; }

  private:
    std::string out_;
};

std::string label(const char* name, const std::string& value) {
    return std::string(name) + "=\"" + value + "\"";
}

void write_counters(Text& text, const CounterView& view) {
    for (size_t i = 0; i < contract::kCounterCount; i++) {
        std::string name = std::string("fedge_") + contract::kCounters[i].name;
        text.family(name, "counter", contract::kCounters[i].help);
        for (uint32_t core = 0; core < view.cores(); core++) {
            text.sample(name + "_total", label("core", std::to_string(core)), view.counter(core, i));
        }
    }
    text.family("fedge_drops", "counter", "packets dropped, by reason");
    for (size_t i = 0; i < contract::kDropCount; i++) {
        for (uint32_t core = 0; core < view.cores(); core++) {
            text.sample("fedge_drops_total",
                        label("reason", contract::kDrops[i].name) + "," + label("core", std::to_string(core)),
                        view.drop(core, i));
        }
    }
}

void write_discovery(Text& text, const discovery::Discovery& discovery) {
    const auto& counts = discovery.counts();
    text.gauge("fedge_discovery_entries", "answers that are remembered", discovery.cache().size());
    text.gauge("fedge_discovery_under_way", "look-ups under way", discovery.under_way());
    text.gauge("fedge_discovery_waiting", "look-ups that wait for their turn", discovery.waiting());
    text.counter("fedge_discovery_asked", "questions where a partner is", counts.asked);
    text.counter("fedge_discovery_cached", "questions answered from memory", counts.cached);
    text.counter("fedge_discovery_stale", "questions answered with an old answer, because DNS did not answer",
                 counts.stale);
    text.counter("fedge_discovery_lookups", "look-ups begun", counts.lookups);
    text.counter("fedge_discovery_dns_questions", "record sets asked of DNS", counts.questions);
    text.counter("fedge_discovery_dns_timeouts", "record sets that DNS did not give in time", counts.timeouts);
    text.counter("fedge_discovery_dns_bogus", "answers that failed DNSSEC validation", counts.bogus);
    text.counter("fedge_discovery_limited", "questions refused because too many waited", counts.limited);
    text.counter("fedge_discovery_late", "questions answered without DNS at their deadline", counts.late);
    text.counter("fedge_discovery_changes", "partners found elsewhere than before, not any more, or again",
                 counts.changes);
    text.counter("fedge_discovery_lost", "partners looked up again because nothing of them could be reached",
                 counts.lost);
}

void write_cores(Text& text, const Json& cores) {
    uint64_t allocations = 0, most = 0;
    for (const auto& core : cores) {
        allocations += core["allocations"].get<uint64_t>();
        most += core["max_allocations"].get<uint64_t>();
    }
    text.gauge("fedge_turn_allocations", "TURN allocations that exist", allocations);
    text.gauge("fedge_turn_allocations_limit", "TURN allocations that the pools hold", most);
    auto per_core = [&](const char* name, const char* help, auto value_of) {
        text.family(name, "gauge", help);
        for (const auto& core : cores)
            text.sample(name, label("core", std::to_string(core["core"].get<unsigned>())), value_of(core));
    };
    per_core("fedge_core_busy_ratio", "part of the loop iterations that had work",
             [](const Json& core) { return core["busy_percent"].get<double>() / 100; });
    per_core("fedge_core_cycles_per_packet", "TSC cycles per packet",
             [](const Json& core) { return core["cycles_per_packet"].get<double>(); });
    per_core("fedge_core_mbufs_free", "packet buffers left",
             [](const Json& core) { return core["mbufs_free"].get<uint64_t>(); });
    text.family("fedge_sip_connections", "gauge", "SIP connections by the far end");
    for (const auto& core : cores)
        for (const auto& [kind, field] :
             {std::pair{"partner", "sip_partners"}, {"front-end", "sip_front_ends"}, {"client", "sip_clients"}})
            text.sample("fedge_sip_connections",
                        label("kind", kind) + "," + label("core", std::to_string(core["core"].get<unsigned>())),
                        core[field].get<uint64_t>());
}

// Signatures are the operator's words, with anything in them.
std::string escaped(const std::string& value) {
    std::string out;
    for (char c : value) {
        if (c == '\\' || c == '"') out += '\\';
        out += c;
    }
    return out;
}

void write_scanners(Text& text, const Json& scanners) {
    text.family("fedge_sip_scanner_closed", "counter",
                "SIP connections closed because what came on them has this signature of scanners");
    for (const auto& row : scanners)
        text.sample("fedge_sip_scanner_closed_total",
                    label("signature", escaped(row["signature"].get<std::string>())) + "," +
                        label("core", std::to_string(row["core"].get<unsigned>())),
                    row["closed"].get<uint64_t>());
}

Response metrics(Control& control, const Json* cores, const Json* scanners) {
    Dataplane& dataplane = control.dataplane();
    Text text;
    text.gauge("fedge_up", "1 if the dataplane is connected and runs on the newest configuration",
               control.in_force() ? 1 : 0);
    text.gauge("fedge_dataplane_connected", "1 if the dataplane is connected", dataplane.connected() ? 1 : 0);
    text.gauge("fedge_drain", "1 if new allocations are refused", control.store().drain() ? 1 : 0);
    text.gauge("fedge_control_revision", "newest committed revision", control.revision());
    text.gauge("fedge_control_uptime_seconds", "how long control runs", control.uptime_s());
    text.gauge("fedge_turn_users", "static TURN users", control.store().user_count());
    text.family("fedge_certificate_end_time_seconds", "gauge", "Unix time when a certificate or its chain ends");
    for (const auto& certificate : control.certificates().all()) {
        if (!certificate.chain.empty())
            text.sample("fedge_certificate_end_time_seconds", label("certificate", certificate.name),
                        certificate.ends());
    }
    write_discovery(text, control.discovery());
    text.counter("fedge_discovery_answers", "answers to questions of the dataplane", control.questions().answered());
    text.counter("fedge_discovery_refused", "questions of the dataplane refused because too many were open",
                 control.questions().refused());
    text.counter("fedge_discovery_undelivered", "answers that the dataplane did not take",
                 control.questions().undelivered());
    if (dataplane.connected())
        text.gauge("fedge_dataplane_revision", "revision that the dataplane runs on", dataplane.adopted_revision());
    if (cores) write_cores(text, *cores);
    if (scanners) write_scanners(text, *scanners);
    if (const CounterView* view = dataplane.counters()) write_counters(text, *view);
    return {200, "application/openmetrics-text; version=1.0.0; charset=utf-8", text.finish()};
}

}  // namespace

void get_metrics(Control& control, const Request&, Reply reply) {
    if (!control.dataplane().connected()) return reply(metrics(control, nullptr, nullptr));
    collect_rows(
        control.dataplane(), {contract::Kind::cores, 0, kAllCores, {}}, control.time().steady,
        [&control, reply = std::move(reply)](const Json& rows, uint64_t, const std::string& error) {
            Json cores = error.empty() ? rows : Json();
            collect_rows(
                control.dataplane(), {contract::Kind::scanners, 0, kAllScanners, {}}, control.time().steady,
                [&control, cores, reply](const Json& scanners, uint64_t, const std::string& failed) {
                    reply(metrics(control, cores.is_null() ? nullptr : &cores, failed.empty() ? &scanners : nullptr));
                });
        });
}

}  // namespace fedge::control::api
