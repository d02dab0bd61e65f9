#include "appliance/cli/dialog_rows.h"

#include <map>

#include "appliance/cli/listing.h"
#include "appliance/cli/printable.h"

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
                           {{"CORE", kRight, false, 5}, as_text("core")}});
    return out;
}

}  // namespace

Json merged_dialogs(const Json& rows) {
    Json out = Json::array();
    std::map<std::pair<std::string, std::string>, size_t> places;
    for (const Json& row : rows) {
        const auto [place, fresh] = places.try_emplace({text_or(row, "call_id", ""), parties(row)}, out.size());
        if (fresh || out[place->second].value("core", Json()) == row.value("core", Json())) {
            out.push_back(row);
            continue;
        }
        Json& have = out[place->second];
        const bool older = number_or(row, "age_s", 0) > number_or(have, "age_s", 0);
        const Json& first = older ? row : have;
        const Json& last = number_or(row, "idle_s", 0) < number_or(have, "idle_s", 0) ? row : have;
        Json both = first;
        for (const char* key : {"state", "status", "reason", "idle_s"})
            if (last.contains(key)) both[key] = last[key];
        both["requests"] = number_or(row, "requests", 0) + number_or(have, "requests", 0);
        both["core"] = value_text(have["core"]) + "," + value_text(row["core"]);
        have = std::move(both);
    }
    return out;
}

std::vector<Option> dialog_options() {
    std::vector<Option> all = {{"all", nullptr, "those that are over, too, as far as they are remembered"},
                               {"domain", "D", "only of this domain, or below it"}};
    for (const Option& option : paging_options()) all.push_back(option);
    return all;
}

Exit show_dialog_rows(Session& session, const Arguments& arguments, std::string filter, bool with_method,
                      std::string_view empty) {
    auto add = [&](const std::string& more) { filter += (filter.empty() ? "" : "&") + more; };
    if (!arguments.has("all")) add("over=false");
    if (arguments.has("domain")) add("domain=" + encoded(arguments.text("domain")));
    const uint64_t limit = arguments.number("limit", 1000, 0, UINT32_MAX);
    const Json page = session.api.rows("/v1/dialogs", filter, limit, arguments.text("after"));
    if (session.json) {
        print_json(session.out(), page);
        return Exit::ok;
    }
    print_rows(session.out(), session.at.width, fields(with_method), merged_dialogs(page["rows"]), empty);
    if (page.contains("next"))
        session.out() << "(there are more: go on with --after " << printable(value_text(page["next"]))
                      << ", or use --limit 0)\n";
    return Exit::ok;
}

}  // namespace fedge::cli
