#include "appliance/cli/commands/all.h"
#include "appliance/cli/fields.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

Json part(const Json& status, const char* key) {
    return status.value(key, Json::object());
}

std::string uptime(const Json& process) {
    return as_seconds("uptime_s")(process);
}

std::string process_text(const Json& process) {
    return "running, version " + text_or(process, "version", "unknown") + ", pid " +
           text_or(process, "pid", "unknown") + ", up " + uptime(process);
}

std::string configuration_text(const Json& control, const Json& dataplane) {
    const std::string published = text_or(control, "revision", "0");
    std::string text = "revision " + published;
    if (!true_at(dataplane, "connected")) return text + ", waiting for the dataplane";
    const std::string refused = text_or(dataplane, "refused_reason", "");
    if (!refused.empty())
        return text + " refused by the dataplane, which keeps " + text_or(dataplane, "revision", "none");
    return text + (true_at(dataplane, "adopted") ? ", adopted by the dataplane" : ", not adopted by the dataplane yet");
}

Lines lines_of(const Json& status) {
    const Json control = part(status, "control");
    const Json dataplane = part(status, "dataplane");
    const Json turn = part(status, "turn");
    const bool connected = true_at(dataplane, "connected");
    Lines lines = {{"control", process_text(control)},
                   {"dataplane", connected ? process_text(dataplane) : "not connected"},
                   {"configuration", configuration_text(control, dataplane)}};
    if (connected) {
        lines.emplace_back("idle policy", text_or(dataplane, "idle", "-"));
        lines.emplace_back("hugepages", true_at(dataplane, "hugepages") ? "yes" : "no (slower; see vm.nr_hugepages)");
    }
    const double changes = number_or(control, "candidate_changes", 0);
    if (changes > 0)
        lines.emplace_back("candidate",
                           counted(static_cast<uint64_t>(changes), "change") + " not committed (fedge diff)");
    lines.emplace_back("drain", true_at(status, "drain") ? "on: new allocations are refused" : "off");
    lines.emplace_back("allocations", as_count("allocations")(turn));
    lines.emplace_back("users", as_count("users")(turn));
    if (const std::string refused = text_or(dataplane, "refused_reason", ""); !refused.empty())
        lines.emplace_back("refused", refused);
    for (const Json& warning : status.value("warnings", Json::array()))
        lines.emplace_back("warning", value_text(warning));
    return lines;
}

Exit run_show_status(Session& session, const Arguments&) {
    const Json status = session.api.get("/v1/status");
    if (session.json) {
        print_json(session.out(), status);
    } else {
        for (const auto& [name, text] : lines_of(status))
            session.out() << name << std::string(15 - name.size(), ' ') << printable(text) << '\n';
    }
    const Json dataplane = part(status, "dataplane");
    const bool healthy = true_at(dataplane, "connected") && text_or(dataplane, "refused_reason", "").empty();
    if (!healthy && !session.json && !true_at(dataplane, "connected"))
        session.err()
            << "fedge: the dataplane is not connected\n  fix: start it with: systemctl start fedge-dataplane, or "
               "look at: journalctl -u fedge-dataplane\n";
    return healthy ? Exit::ok : Exit::dataplane;
}

}  // namespace

Command show_status() {
    return {.path = "show status",
            .summary = "show whether the edge works",
            .description =
                "Ends with 0 if the dataplane is connected and has refused nothing, else with 4, so that scripts\n"
                "can wait for a working edge.",
            .examples = {{"fedge show status", "processes, revision in force, allocations, warnings"},
                         {"fedge show status --json", "the same for scripts"}},
            .run = run_show_status};
}

}  // namespace fedge::cli
