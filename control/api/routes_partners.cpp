#include <algorithm>

#include "control/api/entry_json.h"
#include "control/api/routes.h"
#include "control/settings/domain_name.h"

namespace fedge::control::api {
namespace {

constexpr uint64_t kRowsByDefault = 100;
constexpr uint64_t kMaxRows = 5000;
constexpr uint64_t kMaxRevision = ~uint64_t{0} >> 1;
constexpr size_t kShownRejections = 20'000;  // as many as a request has entries

std::string text(const Request& request, const char* name) {
    auto found = request.query.find(name);
    return found == request.query.end() ? "" : found->second;
}

bool flag(const Request& request, const char* name) {
    std::string value = text(request, name);
    if (value.empty() || value == "false") return false;
    if (value == "true") return true;
    throw Refusal(RefusalKind::invalid, {name, std::string(name) + " is neither true nor false", "give true or false"});
}

// A domain in a query as the store has it; what is none matches nothing.
std::string domain(const std::string& given) {
    return given.empty() ? "" : domain_name(given).value_or(given);
}

EntryFilter filter_of(const Request& request) {
    EntryFilter filter;
    if (request.query.contains("revision"))
        filter.revision = static_cast<int64_t>(query_number(request, "revision", 0, 0, kMaxRevision));
    if (std::string list = text(request, "list"); !list.empty()) {
        if (list != "allow" && list != "block")
            throw Refusal(RefusalKind::invalid,
                          {"list", "there is no list \"" + list.substr(0, 64) + "\"", "give allow or block"});
        filter.blocked = list == "block";
    }
    if (flag(request, "monitor")) filter.monitored = true;
    filter.via = domain(text(request, "via"));
    filter.under = domain(text(request, "under"));
    filter.contains = text(request, "contains");
    return filter;
}

Json row_json(const StoredEntry& stored) {
    Json row = entry_json(stored.entry);
    row["since"] = stored.since;
    return row;
}

// Where a page begins: "domain:contoso.com" is what comes behind that domain.
struct Place {
    EntryKind kind;
    std::string name;
};

Place place_of(const std::string& cursor) {
    size_t colon = cursor.find(':');
    if (colon == std::string::npos)
        throw Refusal(RefusalKind::invalid, {"after", "that is no place in the listing", "give \"next\" of a page"});
    return {entry_kind(cursor.substr(0, colon)), cursor.substr(colon + 1)};
}

Json outcome_json(const EditOutcome& outcome, const std::vector<RejectedEdit>& rejected) {
    Json list = Json::array();
    for (const auto& r : rejected) {
        if (list.size() >= kShownRejections) break;
        list.push_back({{"index", r.index}, {"error", r.problem.what}, {"fix", r.problem.fix}, {"key", r.problem.key}});
    }
    return {{"added", outcome.counts.added},
            {"changed", outcome.counts.changed},
            {"removed", outcome.counts.removed},
            {"unchanged", outcome.unchanged},
            {"rejected", list}};
}

}  // namespace

void get_entries(Control& control, const Request& request, Reply reply) {
    auto limit = static_cast<size_t>(query_number(request, "limit", kRowsByDefault, 1, kMaxRows));
    std::string kind = text(request, "kind");
    std::vector<EntryKind> kinds = {EntryKind::domain, EntryKind::pattern};
    if (!kind.empty()) kinds = {entry_kind(kind)};
    Place place{kinds.front(), ""};
    if (std::string after = text(request, "after"); !after.empty()) place = place_of(after);
    EntryFilter filter = filter_of(request);
    Entries& entries = control.store().entries();
    Json rows = Json::array();
    std::string next;
    for (EntryKind k : kinds) {
        if (k < place.kind) continue;
        size_t wanted = limit - rows.size();
        if (wanted == 0) break;
        for (const auto& stored : entries.page(k, k == place.kind ? place.name : "", wanted, filter)) {
            rows.push_back(row_json(stored));
            next = std::string(name_of(k)) + ":" + stored.entry.name;
        }
    }
    if (rows.size() < limit) next.clear();
    send(reply,
         {{"rows", std::move(rows)}, {"next", next}, {"revision", filter.revision.value_or(control.revision())}});
}

void get_entry(Control& control, const Request& request, Reply reply) {
    EntryKind kind = entry_kind(request.path[2]);
    const std::string& given = request.path[3];
    std::string name = kind == EntryKind::domain ? domain(given) : given;
    Entries& entries = control.store().entries();
    auto stored = entries.find(kind, name);
    auto candidate = entries.candidate(kind, name);
    if (!stored && !candidate) {
        bool user = kind == EntryKind::user;
        throw Refusal(
            RefusalKind::not_found,
            {"name", name.substr(0, 256) + (user ? " has no policy of its own" : " is on no list"),
             user ? "`fedge policy user list` shows the users that have one"
                  : "`fedge partner list` shows what there is; `fedge explain federation` tells what holds for it"});
    }
    Json out{{"in_force", nullptr}, {"candidate", nullptr}};
    if (stored) {
        out["in_force"] = row_json(*stored);
        if (auto revision = control.store().revision(stored->since)) {
            out["in_force"]["when"] = revision->created;
            out["in_force"]["who"] = revision->who;
        }
    }
    if (candidate) out["candidate"] = entry_json(*candidate);
    send(reply, out);
}

void patch_entries(Control& control, const Request& request, Reply reply) {
    ParsedEdits parsed = parse_entry_edits(request.body);
    if (!parsed.partial && !parsed.rejected.empty()) {
        std::vector<Problem> problems;
        for (const auto& r : parsed.rejected) problems.push_back(r.problem);
        throw Refusal(parsed.rejected.front().kind, problems);
    }
    EditOutcome outcome = control.edit(parsed.edits, parsed.partial, parsed.dry_run);
    for (auto& r : outcome.rejected) {
        r.index = parsed.index[r.index];
        parsed.rejected.push_back(std::move(r));
    }
    std::sort(parsed.rejected.begin(), parsed.rejected.end(),
              [](const auto& a, const auto& b) { return a.index < b.index; });
    Json out = outcome_json(outcome, parsed.rejected);
    // An import does not ask, and counting a million again and again would cost it.
    if (!parsed.partial) out["candidate_changes"] = control.candidate_changes();
    send(reply, out);
}

}  // namespace fedge::control::api
