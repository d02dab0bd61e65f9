#include "appliance/cli/commands/all.h"
#include "appliance/cli/listing.h"

namespace fedge::cli {
namespace {

std::string or_dash(const Json& row, const char* key) {
    const std::string text = text_or(row, key, "");
    return text.empty() ? "-" : text;
}

Show dashed(const char* key) {
    return [key](const Json& row) { return or_dash(row, key); };
}

std::string rtt(const Json& row) {
    const double us = number_or(row, "rtt_us", 0);
    return us > 0 ? decimal(us / 1000, 1) + " ms" : "-";
}

std::string allocation(const Json& row) {
    return number_or(row, "allocation", 0) > 0 ? as_text("allocation")(row) : "-";
}

std::string why(const Json& row) {
    const std::string tls = text_or(row, "tls_error", "");
    return tls.empty() ? or_dash(row, "ended") : tls;
}

std::vector<Field> living_fields() {
    return {{{"ID", kRight}, as_text("id")},
            {{"SERVICE"}, dashed("service")},
            {{"REMOTE", Column::Align::left, true}, as_text("remote")},
            {{"LOCAL", Column::Align::left, true, 2}, as_text("local")},
            {{"STATE"}, as_text("state")},
            {{"TLS"}, dashed("tls_version")},
            {{"SNI", Column::Align::left, true, 1}, dashed("sni")},
            {{"AGE", kRight}, as_seconds("age_s")},
            {{"IDLE", kRight}, as_seconds("idle_s")},
            {{"RTT", kRight, false, 3}, rtt},
            {{"UNSENT", kRight, false, 3}, as_bytes("unsent")},
            {{"RETR", kRight, false, 4}, as_scaled("retransmits")},
            {{"ALLOC", kRight, false, 2}, allocation},
            {{"CORE", kRight, false, 4}, as_text("core")}};
}

std::vector<Field> ended_fields() {
    return {{{"ID", kRight}, as_text("id")},
            {{"SERVICE"}, dashed("service")},
            {{"REMOTE", Column::Align::left, true}, as_text("remote")},
            {{"ENDED", kRight}, [](const Json& row) { return as_seconds("ended_ago_s")(row) + " ago"; }},
            {{"LASTED", kRight}, as_seconds("age_s")},
            {{"TLS", Column::Align::left, false, 1}, dashed("tls_version")},
            {{"SNI", Column::Align::left, true, 2}, dashed("sni")},
            {{"WHY", Column::Align::left, true}, why}};
}

Exit run_show_connections(Session& session, const Arguments& arguments) {
    const bool ended = arguments.has("ended");
    const std::string service = arguments.text("service");
    const std::string of_service = service.empty() ? "" : " of " + service;
    return show_rows(
        session, arguments,
        {ended ? "/v1/endings" : "/v1/connections", service.empty() ? "" : "service=" + encoded(service),
         ended ? "No connection" + of_service + " has ended." : "There are no connections" + of_service + ".",
         "connection"},
        ended ? ended_fields() : living_fields());
}

std::vector<Option> connection_options() {
    std::vector<Option> all = {{"ended", nullptr, "the latest that are no more, and why"},
                               {"service", "NAME", "only those of one service: turn-tcp, turn-tls, shared-tls, ..."}};
    for (const Option& option : paging_options()) all.push_back(option);
    return all;
}

}  // namespace

Command show_connections() {
    return {
        .path = "show connections",
        .summary = "show the TCP and TLS connections",
        .description =
            "UNSENT waits to be sent, RETR counts segments sent again. fedge explain connection tells the whole story "
            "of one.",
        .options = connection_options(),
        .examples = {{"fedge show connections", "who is connected, to what, with which TLS"},
                     {"fedge show connections --ended", "why the latest ended, in words"},
                     {"fedge show connections --service turn-tls --limit 0 --json", "all of one service, for scripts"}},
        .run = run_show_connections};
}

}  // namespace fedge::cli
