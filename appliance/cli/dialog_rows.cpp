#include "appliance/cli/dialog_rows.h"

#include <algorithm>
#include <map>

#include "appliance/cli/listing.h"

namespace fedge::cli {
namespace {

std::string dashed(const Json& row, const char* key) {
    const std::string text = text_or(row, key, "");
    return text.empty() ? "-" : text;
}

// "alice@a.example" and "bob@b.example", whoever called.
std::string parties(const Json& row) {
    const std::string from = text_or(row, "from", ""), to = text_or(row, "to", "");
    return from < to ? from + " " + to : to + " " + from;
}

bool is_over(const Json& row) {
    const std::string state = text_or(row, "state", "");
    return state == "ended" || state == "failed";
}

bool contains(const Json& list, const Json& what) {
    return std::find(list.begin(), list.end(), what) != list.end();
}

// Two rows of one dialog: it began where it is older; what is over on one core is over, whatever the others have not
// heard of.
Json merged(const Json& have, const Json& row) {
    const bool older = number_or(row, "age_s", 0) > number_or(have, "age_s", 0);
    Json both = older ? row : have;
    const bool later = number_or(row, "idle_s", 0) < number_or(have, "idle_s", 0);
    const Json& outcome = is_over(row) != is_over(have) ? (is_over(row) ? row : have) : later ? row : have;
    for (const char* key : {"state", "status", "reason"})
        if (outcome.contains(key) && is_over(outcome)) both[key] = outcome[key];
    both["idle_s"] = (later ? row : have).value("idle_s", uint64_t{0});
    both["requests"] = row.value("requests", uint64_t{0}) + have.value("requests", uint64_t{0});
    both["cores"] = have["cores"];
    both["cores"].push_back(row["core"]);
    return both;
}

std::string cores(const Json& row) {
    return value_text(row["cores"], ",");
}

std::string outcome(const Json& row) {
    const auto status = static_cast<uint64_t>(number_or(row, "status", 0));
    const std::string reason = text_or(row, "reason", "");
    if (status < 300 && reason.empty()) return status == 0 ? "-" : std::to_string(status);
    return (status == 0 ? "" : std::to_string(status) + " ") + reason;
}

std::vector<Field> fields(bool with_method) {
    std::vector<Field> out;
    if (with_method) out.push_back({{"METHOD"}, as_text("method")});
    const auto left = Column::Align::left;
    out.insert(out.end(), {{{"STATE"}, as_text("state")},
                           {{"FROM", left, true}, [](const Json& row) { return dashed(row, "from"); }},
                           {{"TO", left, true}, [](const Json& row) { return dashed(row, "to"); }},
                           {{"CAME FROM", left, true, 1}, [](const Json& row) { return dashed(row, "source"); }},
                           {{"WENT TO", left, true, 2}, [](const Json& row) { return dashed(row, "destination"); }},
                           {{"AGE", kRight}, as_seconds("age_s")},
                           {{"IDLE", kRight, false, 3}, as_seconds("idle_s")},
                           {{"OUTCOME", left, true}, outcome},
                           {{"REQ", kRight, false, 4}, as_count("requests")},
                           {{"CALL-ID", left, true, 3}, [](const Json& row) { return dashed(row, "call_id"); }},
                           {{"CORE", kRight, false, 5}, cores}});
    return out;
}

}  // namespace

Json merged_dialogs(const Json& rows) {
    Json out = Json::array();
    std::map<std::pair<std::string, std::string>, size_t> places;
    for (const Json& row : rows) {
        const auto [place, fresh] = places.try_emplace({text_or(row, "call_id", ""), parties(row)}, out.size());
        const Json core = row.value("core", Json());
        if (!fresh && !contains(out[place->second]["cores"], core)) {
            out[place->second] = merged(out[place->second], row);
            continue;
        }
        place->second = out.size();
        out.push_back(row);
        out.back()["cores"] = Json::array({core});
    }
    return out;
}

std::vector<Option> dialog_options() {
    return {{"all", nullptr, "those that are over, too, as far as they are remembered"},
            {"domain", "D", "only of this domain, or below it"},
            {"limit", "N", "show at most N rows, 0 for all (default: 1000)"}};
}

Exit show_dialog_rows(Session& session, const Arguments& arguments, std::string_view method, std::string_view empty) {
    const std::string filter = arguments.has("domain") ? "domain=" + encoded(arguments.text("domain")) : "";
    // All of them: what became of a dialog may stand in the row of another core than its beginning.
    Json rows = Json::array();
    for (Json& row : merged_dialogs(session.api.rows("/v1/dialogs", filter, 0, "")["rows"])) {
        if (!arguments.has("all") && is_over(row)) continue;
        if (!method.empty() && text_or(row, "method", "") != method) continue;
        rows.push_back(std::move(row));
    }
    const uint64_t limit = arguments.number("limit", 1000, 0, UINT32_MAX);
    const size_t more = limit != 0 && rows.size() > limit ? rows.size() - limit : 0;
    rows.erase(rows.end() - static_cast<ptrdiff_t>(more), rows.end());
    if (session.json) {
        print_json(session.out(), {{"rows", rows}, {"more", more}});
        return Exit::ok;
    }
    print_rows(session.out(), session.at.width, fields(method.empty()), rows, empty);
    if (more) session.out() << "(there are " << more << " more: use --limit 0)\n";
    return Exit::ok;
}

}  // namespace fedge::cli
