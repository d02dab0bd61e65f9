#include <map>

#include "appliance/cli/commands/all.h"
#include "appliance/cli/counter_rows.h"
#include "appliance/cli/fields.h"
#include "appliance/cli/listing.h"
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

constexpr uint64_t kMostDialogs = 1000;
constexpr double kLately = 300;  // seconds

std::string trouble(const Json& row) {
    const std::string error = text_or(row, "error", "");
    if (error.empty()) return "-";
    return as_seconds("failed_ago_s")(row) + " ago: " + error;
}

std::vector<Field> hop_fields(bool front_ends) {
    const auto left = Column::Align::left;
    std::vector<Field> out = {{{front_ends ? "FRONT END" : "PARTNER", left, true}, as_text("name")},
                              {{"STATE"}, as_text("state")},
                              {{"ADDRESS", left, true, 1}, as_text("address")},
                              {{"CONN", kRight}, as_count("connections")},
                              {{"HELD", kRight}, as_count("held")},
                              {{"SENT", kRight}, as_scaled("sent")},
                              {{"FAILED", kRight}, as_count("failed")},
                              {{"LAST FAILURE", left, true}, trouble},
                              {{"CORE", kRight, false, 2}, as_text("core")}};
    if (front_ends) out.insert(out.begin() + 3, {{"WEIGHT", kRight, false, 3}, as_count("weight")});
    return out;
}

Json of_kind(const Json& rows, const char* kind) {
    Json out = Json::array();
    for (const Json& row : rows)
        if (text_or(row, "kind", "") == kind) out.push_back(row);
    return out;
}

// {"kind","connections"} by kind of the far end, of all cores together.
Json connections(const Session& session) {
    const Json cores = session.api.get("/v1/cores").value("rows", Json::array());
    Json out = Json::array();
    for (const auto& [kind, field] : {std::pair{"sip-partner", "sip_partners"},
                                      {"sip-front-end", "sip_front_ends"},
                                      {"sip-client", "sip_clients"}}) {
        uint64_t count = 0;
        for (const Json& core : cores) count += static_cast<uint64_t>(number_or(core, field, 0));
        out.push_back({{"kind", kind}, {"connections", count}});
    }
    return out;
}

// What failed within the last minutes, by status and reason, the most frequent first.
Json refusals(const Json& dialogs) {
    std::map<std::pair<std::string, std::string>, uint64_t> by_reason;
    for (const Json& row : dialogs) {
        if (text_or(row, "state", "") != "failed" || number_or(row, "idle_s", 0) > kLately) continue;
        by_reason[{text_or(row, "status", "0"), text_or(row, "reason", "")}]++;
    }
    std::vector<Json> rows;
    for (const auto& [why, count] : by_reason)
        rows.push_back({{"count", count}, {"status", why.first == "0" ? "none" : why.first}, {"reason", why.second}});
    std::stable_sort(rows.begin(), rows.end(), [](const Json& a, const Json& b) { return a["count"] > b["count"]; });
    return rows;
}

// {"signature","closed"} of all cores together: those that were met, the most frequent first.
Json scanners_met(const Session& session) {
    std::map<std::string, uint64_t> closed;
    const Json all = session.api.rows("/v1/scanners", "", 0, "")["rows"];
    for (const Json& row : all)
        closed[text_or(row, "signature", "")] += static_cast<uint64_t>(number_or(row, "closed", 0));
    std::vector<Json> rows;
    for (const auto& [signature, count] : closed)
        if (count > 0) rows.push_back({{"signature", signature}, {"closed", count}});
    std::stable_sort(rows.begin(), rows.end(), [](const Json& a, const Json& b) { return a["closed"] > b["closed"]; });
    return rows;
}

Exit run_show_sip(Session& session, const Arguments&) {
    const Json hops = session.api.rows("/v1/next-hops", "", 0, "")["rows"];
    const Json kinds = connections(session);
    const Json failed = refusals(session.api.rows("/v1/dialogs", "", kMostDialogs, "")["rows"]);
    const Json scanners = scanners_met(session);
    const Json counters = session.api.get("/v1/counters").value("rows", Json::array());
    if (session.json) {
        Json mine = Json::array();
        for (const Json& row : counters)
            if (text_or(row, "name", "").starts_with("sip_")) mine.push_back(row);
        print_json(session.out(), {{"next_hops", hops},
                                   {"connections", kinds},
                                   {"failed_lately", failed},
                                   {"scanners", scanners},
                                   {"counters", mine}});
        return Exit::ok;
    }
    std::ostream& out = session.out();
    const size_t width = session.at.width;
    print_rows(out, width, hop_fields(true), of_kind(hops, "front-end"), "There is no front end: fedge help settings.");
    out << '\n';
    print_rows(out, width, hop_fields(false), of_kind(hops, "partner"), "Nothing was sent to a partner yet.");
    out << '\n';
    for (const Json& row : kinds)
        print_pair(out, 24, text_or(row, "kind", ""),
                   counted(static_cast<uint64_t>(number_or(row, "connections", 0)), "connection"));
    out << '\n';
    print_rows(out, width,
               {{{"FAILED", kRight}, as_count("count")},
                {{"STATUS"}, as_text("status")},
                {{"REASON OF THE LAST FIVE MINUTES", Column::Align::left, true}, as_text("reason")}},
               failed, "Nothing has failed within the last five minutes.");
    out << '\n';
    print_rows(out, width,
               {{{"CLOSED", kRight}, as_count("closed")}, {{"SIGNATURE OF SCANNERS"}, as_text("signature")}}, scanners,
               "No scanner was met.");
    out << '\n';
    print_counters(session, counters, {"sip_", false, false, "MEANING", "Nothing of SIP was counted yet."});
    return Exit::ok;
}

}  // namespace

Command show_sip() {
    return {
        .path = "show sip",
        .summary = "show how SIP does: servers, partners, connections, refusals",
        .description =
            "Every signalling core has connections of its own, so that a server stands there once for each core. HELD "
            "waits\nfor a connection. Refusals are those of the dialogs that are remembered; fedge show dialogs --all "
            "has them\none by one.",
        .examples = {{"fedge show sip", "at a glance"}, {"fedge show sip --json", "for scripts"}},
        .run = run_show_sip};
}

}  // namespace fedge::cli
