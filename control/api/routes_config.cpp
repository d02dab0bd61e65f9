#include <limits>

#include "control/api/entry_json.h"
#include "control/api/json.h"
#include "control/api/outcome.h"
#include "control/api/patch.h"
#include "control/api/routes.h"
#include "control/settings/table.h"

namespace fedge::control::api {
namespace {

constexpr int64_t kRevisionsShown = 1000;
constexpr size_t kEntriesShown = 200;  // of those that differ
constexpr uint64_t kMaxRevision = std::numeric_limits<int64_t>::max();

// One value as text, several allowed as a list; no value is null.
Json value_json(const std::string& key, const Values& values) {
    if (values.empty()) return nullptr;
    if (!find_setting(key).definition->list) return values.front();
    return values;
}

Json settings_json(const Settings& settings) {
    Json out = Json::object();
    for (const auto& [key, values] : settings) out[key] = value_json(key, values);
    return out;
}

Json changes_json(const Settings& before, const Settings& after) {
    Json out = Json::array();
    for (const auto& change : difference(before, after)) {
        out.push_back({{"key", change.key},
                       {"old", value_json(change.key, change.before)},
                       {"new", value_json(change.key, change.after)}});
    }
    return out;
}

Json candidate_json(Control& control) {
    Settings candidate = control.candidate();
    return {{"base", control.revision()},
            {"settings", settings_json(candidate)},
            {"changes", changes_json(control.committed(), candidate)},
            {"entry_changes", control.store().entries().edit_count()}};
}

// How many entries change, and the first of them; `visit` calls with each.
Json entries_json(const std::function<void(const Entries::Each&)>& visit) {
    EntryCounts counts;
    Json first = Json::array();
    visit([&](const EntryChange& change) {
        counts.count(change);
        if (first.size() >= kEntriesShown) return;
        const Entry& either = change.either();
        first.push_back({{"kind", name_of(either.kind)},
                         {"name", either.name},
                         {"old", change.before ? entry_json(*change.before) : Json()},
                         {"new", change.after ? entry_json(*change.after) : Json()}});
    });
    return {{"added", counts.added}, {"changed", counts.changed}, {"removed", counts.removed}, {"first", first}};
}

CommitCallback answer_commit(Reply reply) {
    return [reply = std::move(reply)](const CommitResult& result) {
        if (result.error) return reply(failure_response(result.error));
        Json warnings = Json::array();
        for (const auto& warning : result.warnings) warnings.push_back(warning.what + ": " + warning.fix);
        Json out = with_outcome({{"revision", result.revision}}, result.published);
        out["warnings"] = warnings;
        if (!result.weaker.empty()) out["weaker"] = result.weaker;
        send(reply, out);
    };
}

}  // namespace

void get_config(Control& control, const Request& request, Reply reply) {
    auto revision = static_cast<int64_t>(
        query_number(request, "revision", static_cast<uint64_t>(control.revision()), 0, kMaxRevision));
    send(reply, {{"revision", revision}, {"settings", settings_json(control.at_revision(revision))}});
}

void get_schema(Control&, const Request&, Reply reply) {
    Json rows = Json::array();
    for (const auto& d : definitions()) {
        Json row{{"key", d.pattern},
                 {"type", name_of(d.type)},
                 {"list", d.list},
                 {"default", d.initially},
                 {"help", d.help},
                 {"example", d.example},
                 {"wants", wanted(d.type, d.minimum, d.maximum, d.choices)}};
        if (d.type == ValueType::integer) row["minimum"] = d.minimum, row["maximum"] = d.maximum;
        if (d.type == ValueType::choice) row["values"] = d.choices;
        if (d.type == ValueType::boolean) row["values"] = {"on", "off"};
        rows.push_back(std::move(row));
    }
    send(reply, {{"settings", rows}});
}

void get_candidate(Control& control, const Request&, Reply reply) {
    send(reply, candidate_json(control));
}

void patch_candidate(Control& control, const Request& request, Reply reply) {
    control.edit(parse_patch(request.body, control.candidate()));
    send(reply, candidate_json(control));
}

void delete_candidate(Control& control, const Request&, Reply reply) {
    control.discard();
    send(reply, candidate_json(control));
}

void get_diff(Control& control, const Request& request, Reply reply) {
    Entries& entries = control.store().entries();
    if (!request.query.contains("from")) {
        return send(reply, {{"from", control.revision()},
                            {"to", "candidate"},
                            {"changes", changes_json(control.committed(), control.candidate())},
                            {"entries", entries_json([&](const Entries::Each& each) { entries.each_edit(each); })}});
    }
    auto current = static_cast<uint64_t>(control.revision());
    auto from = static_cast<int64_t>(query_number(request, "from", current, 0, kMaxRevision));
    auto to = static_cast<int64_t>(query_number(request, "to", current, 0, kMaxRevision));
    Json changes = changes_json(control.at_revision(from), control.at_revision(to));
    send(reply,
         {{"from", from}, {"to", to}, {"changes", changes}, {"entries", entries_json([&](const Entries::Each& each) {
                                                                 entries.each_change(from, to, each);
                                                             })}});
}

void post_commit(Control& control, const Request& request, Reply reply) {
    Json body = parse_object(request.body);
    only_fields(body, {"comment"});
    control.commit(optional_text(body, "comment"), request.who, answer_commit(std::move(reply)));
}

void post_rollback(Control& control, const Request& request, Reply reply) {
    Json body = parse_object(request.body);
    only_fields(body, {"revision", "weaker"});
    bool weaker = body.contains("weaker") && required_flag(body, "weaker");
    control.rollback(required_integer(body, "revision"), weaker, request.who, answer_commit(std::move(reply)));
}

void get_revisions(Control& control, const Request&, Reply reply) {
    Json rows = Json::array();
    for (const auto& r : control.store().revisions(kRevisionsShown)) {
        rows.push_back(
            {{"revision", r.id}, {"when", r.created}, {"who", r.who}, {"comment", r.comment}, {"parent", r.parent}});
    }
    send(reply, {{"rows", rows}});
}

}  // namespace fedge::control::api
