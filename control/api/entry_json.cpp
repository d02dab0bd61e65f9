#include "control/api/entry_json.h"

#include <algorithm>

namespace fedge::control::api {
namespace {

constexpr size_t kMaxEdits = 20'000;

[[noreturn]] void refuse(const char* field, const std::string& what, const std::string& fix) {
    throw Refusal(RefusalKind::invalid, {field, what, fix});
}

template <typename T, size_t N>
T choice(const Json& object, const char* field, const std::array<const char*, N>& names,
         std::optional<T> (*parse)(std::string_view), T otherwise) {
    if (!object.contains(field)) return otherwise;
    std::string text = required_text(object, field);
    if (auto value = parse(text)) return *value;
    std::string known;
    for (const char* name : names) known += (known.empty() ? "" : " or ") + std::string(name);
    refuse(field, std::string(field) + " cannot be \"" + text.substr(0, 64) + "\"", "give " + known);
}

uint8_t access_bits(const Json& object) {
    auto list = object.find("access");
    if (list == object.end() || !list->is_array())
        refuse("access", "the policy of a user has no list \"access\"", "give what it allows, or an empty list");
    uint8_t access = 0;
    for (const auto& item : *list) {
        auto named = [&](const AccessName& a) { return item.is_string() && item == a.name; };
        auto found = std::find_if(kAccess.begin(), kAccess.end(), named);
        if (found == kAccess.end()) {
            std::string known;
            for (const auto& a : kAccess) known += (known.empty() ? "" : ", ") + std::string(a.name);
            refuse("access", "a policy knows no " + dump(item).substr(0, 64), "give some of " + known);
        }
        access |= found->bit;
    }
    return access;
}

bool blocked(const Json& object) {
    std::string list = required_text(object, "list");
    if (list != "allow" && list != "block")
        refuse("list", "there is no list \"" + list.substr(0, 64) + "\"", "give allow or block");
    return list == "block";
}

Entry parse_entry(const Json& object) {
    if (!object.is_object()) refuse("", "an entry is no JSON object", "give {\"name\": ..., \"list\": ...}");
    Entry entry;
    entry.kind = object.contains("kind") ? entry_kind(required_text(object, "kind")) : EntryKind::domain;
    entry.name = required_text(object, "name");
    entry.comment = optional_text(object, "comment");
    if (entry.kind == EntryKind::user) {
        only_fields(object, {"kind", "name", "access", "comment"});
        entry.access = access_bits(object);
        return entry;
    }
    only_fields(object, {"kind", "name", "list", "via", "verification", "purpose", "srv", "monitor", "comment"});
    entry.blocked = blocked(object);
    entry.via = optional_text(object, "via");
    entry.verification = choice(object, "verification", kVerifications, verification_of, Verification::use_source);
    entry.purpose = choice(object, "purpose", kPurposes, purpose_of, Purpose::server_or_client);
    entry.srv_mode = choice(object, "srv", kSrvModes, srv_mode_of, SrvMode::microsoft_then_sips);
    entry.monitored = object.contains("monitor") && required_flag(object, "monitor");
    return entry;
}

Entry parse_removal(const Json& object) {
    if (!object.is_object())
        refuse("", "what is to be removed is no JSON object", "give {\"kind\": ..., \"name\": ...}");
    only_fields(object, {"kind", "name"});
    Entry entry;
    entry.kind = object.contains("kind") ? entry_kind(required_text(object, "kind")) : EntryKind::domain;
    entry.name = required_text(object, "name");
    return entry;
}

}  // namespace

const char* name_of(EntryKind kind) {
    switch (kind) {
        case EntryKind::domain: return "domain";
        case EntryKind::pattern: return "pattern";
        case EntryKind::user: return "user";
    }
    return "";
}

EntryKind entry_kind(std::string_view name) {
    for (EntryKind kind : {EntryKind::domain, EntryKind::pattern, EntryKind::user}) {
        if (name == name_of(kind)) return kind;
    }
    refuse("kind", "there is no kind of entries \"" + std::string(name.substr(0, 64)) + "\"",
           "give domain, pattern or user");
}

Json entry_json(const Entry& entry) {
    Json out{{"kind", name_of(entry.kind)}, {"name", entry.name}};
    if (entry.kind == EntryKind::user) {
        Json access = Json::array();
        for (const auto& a : kAccess) {
            if (entry.access & a.bit) access.push_back(a.name);
        }
        out["access"] = std::move(access);
    } else {
        out["list"] = entry.blocked ? "block" : "allow";
        if (!entry.via.empty()) out["via"] = entry.via;
        if (entry.verification != Verification::use_source) out["verification"] = control::name_of(entry.verification);
        if (entry.purpose != Purpose::server_or_client) out["purpose"] = control::name_of(entry.purpose);
        if (entry.srv_mode != SrvMode::microsoft_then_sips) out["srv"] = control::name_of(entry.srv_mode);
        if (entry.monitored) out["monitor"] = true;
    }
    if (!entry.comment.empty()) out["comment"] = entry.comment;
    return out;
}

ParsedEdits parse_entry_edits(std::string_view text) {
    Json body = parse_object(text);
    only_fields(body, {"put", "remove", "replace", "partial", "dry_run"});
    auto flag = [&](const char* field) { return body.contains(field) && required_flag(body, field); };
    ParsedEdits out;
    out.edits.replace = flag("replace");
    out.partial = flag("partial");
    out.dry_run = flag("dry_run");
    size_t index = 0;
    auto read = [&](const char* field, bool remove) {
        auto list = body.find(field);
        if (list == body.end()) return;
        if (!list->is_array()) refuse(field, std::string("\"") + field + "\" is no list", "give a list of entries");
        for (const auto& item : *list) {
            if (index >= kMaxEdits)
                refuse(field, "these are too many entries at once", "send " + std::to_string(kMaxEdits) + " at most");
            try {
                Entry entry = remove ? parse_removal(item) : parse_entry(item);
                out.edits.edits.push_back({std::move(entry), remove});
                out.index.push_back(index);
            } catch (const Refusal& refusal) {
                out.rejected.push_back({index, refusal.kind(), refusal.problem()});
            }
            index++;
        }
    };
    read("remove", true);
    read("put", false);
    return out;
}

}  // namespace fedge::control::api
