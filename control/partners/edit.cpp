#include "control/partners/edit.h"

#include <algorithm>

#include "control/settings/domain_name.h"
#include "dataplane/policy/patterns.h"

namespace fedge::control {
namespace {

constexpr size_t kMaxUser = 320;
constexpr size_t kMaxComment = 256;
constexpr size_t kShown = 128;  // of what was given, in messages

[[noreturn]] void refuse(const char* key, const std::string& what, const std::string& fix,
                         RefusalKind kind = RefusalKind::invalid) {
    throw Refusal(kind, {key, what, fix});
}

std::string shown(const std::string& text) {
    return "\"" + text.substr(0, kShown) + "\"";
}

bool has_control_characters(const std::string& text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string checked_domain(const char* key, const std::string& text) {
    std::string why;
    auto name = domain_name(text, &why);
    if (!name) refuse(key, shown(text) + " " + why, "give a domain such as contoso.com");
    return *name;
}

std::string checked_host(const char* key, const std::string& text) {
    std::string host = checked_domain(key, text);
    if (host.find('.') == std::string::npos)
        refuse(key, shown(text) + " is no full name of a server", "give its FQDN, such as sip.contoso.com");
    return host;
}

// The user part of a SIP address without escapes (RFC 3261 section 25.1, user-unreserved and unreserved), which is
// compared without regard to case because the networks around this edge do.
std::string checked_user(const std::string& text) {
    size_t at = text.rfind('@');
    std::string user = text.substr(0, at);
    for (char& c : user) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               std::string_view("-_.!~*'()&=+$,;?/").find(c) != std::string_view::npos;
    };
    if (at == std::string::npos || user.empty() || text.size() > kMaxUser ||
        !std::all_of(user.begin(), user.end(), fits))
        refuse("name", shown(text) + " is no address of a user", "give USER@DOMAIN, such as alice@example.org");
    return user + "@" + checked_domain("name", text.substr(at + 1));
}

// Wildcards in lower case, so that one pattern is one entry; in a regular expression capitals can mean something else.
std::string checked_pattern(std::string text) {
    if (std::string why = policy::check_pattern(text); !why.empty())
        refuse("name", shown(text) + " " + why,
               "give a wildcard such as *.contoso.com, or a regular expression between slashes");
    if (text.front() == '/') return text;
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
}

void check_against_settings(const Entry& entry, const FederationConfig& federation) {
    auto ours = [&](const std::string& domain) {
        return std::binary_search(federation.domains.begin(), federation.domains.end(), domain);
    };
    if (entry.kind == EntryKind::domain && ours(entry.name))
        refuse("name", entry.name + " is a domain of ours (federation.domain), so it is no partner",
               "give the domain of a partner, or take it out of federation.domain");
    if (entry.kind == EntryKind::user && !ours(entry.name.substr(entry.name.rfind('@') + 1)))
        refuse("name", entry.name + " is in no domain of ours", "add the domain to federation.domain first");
    for (const auto& provider : federation.providers) {
        if (entry.via.empty() || !provider.configured || provider.proxy != entry.via) continue;
        refuse("via", entry.via + " is the server of provider " + provider.name,
               "leave --via out: what SRV records lead to a provider goes there");
    }
}

// The sentence about an entry of the name that is there already.
Problem taken(Entries& entries, const Entry& wanted, const Entry& there) {
    auto stored = entries.find(there.kind, there.name);
    bool committed = stored && stored->entry == there;
    std::string since = committed ? "since revision " + std::to_string(stored->since) : "in the candidate";
    if (wanted.kind == EntryKind::user) {
        return {"name", "user " + there.name + " has a policy already, " + since, "add --replace to give another one"};
    }
    std::string what = there.name + " is on " + list_of(there) + " already, " + since;
    if (wanted.blocked == there.blocked) return {"name", what, "add --replace to change its options"};
    return {"name", what + ", and a name can be on one list only",
            "remove it first with `fedge partner remove`, or add --replace to move it"};
}

enum class Done : uint8_t { added, changed, removed, unchanged };

Done put(Entries& entries, const FederationConfig& federation, const Entry& given, bool replace) {
    Entry entry = checked_entry(given);
    check_against_settings(entry, federation);
    auto there = entries.candidate(entry.kind, entry.name);
    if (there && *there == entry) return Done::unchanged;
    if (there && !replace) throw Refusal(RefusalKind::conflict, taken(entries, entry, *there));
    entries.put(entry);
    return there ? Done::changed : Done::added;
}

Done remove(Entries& entries, const Entry& given) {
    std::string name = given.kind == EntryKind::pattern ? checked_pattern(given.name)
                       : given.kind == EntryKind::user  ? checked_user(given.name)
                                                        : checked_domain("name", given.name);
    if (!entries.candidate(given.kind, name)) {
        bool user = given.kind == EntryKind::user;
        refuse("name", (user ? "user " : "") + name + (user ? " has no policy of its own" : " is on no list"),
               user ? "`fedge policy user list` shows the users that have one"
                    : "`fedge partner list` shows what there is",
               RefusalKind::not_found);
    }
    entries.remove(given.kind, name);
    return Done::removed;
}

}  // namespace

std::string list_of(const Entry& entry) {
    return entry.blocked ? "the blocked list" : "the allowed list";
}

Entry checked_entry(Entry entry) {
    if (entry.name.empty()) refuse("name", "the entry has no name", "give a domain, a pattern or USER@DOMAIN");
    if (entry.comment.size() > kMaxComment || has_control_characters(entry.comment))
        refuse("comment", "the comment is too long or has control characters",
               "give one line of " + std::to_string(kMaxComment) + " bytes at most");
    switch (entry.kind) {
        case EntryKind::user: entry.name = checked_user(entry.name); return entry;
        case EntryKind::pattern: entry.name = checked_pattern(entry.name); break;
        case EntryKind::domain:
            entry.name = checked_domain("name", entry.name);
            if (!entry.blocked && entry.name.find('.') == std::string::npos)
                refuse("name", "everybody below ." + entry.name + " would be allowed", "give the domain of a partner");
            break;
    }
    if (!entry.via.empty()) entry.via = checked_host("via", entry.via);
    if (entry.blocked && !(entry.via.empty() && entry.verification == Verification::use_source &&
                           entry.purpose == Purpose::server_or_client &&
                           entry.srv_mode == SrvMode::microsoft_then_sips && !entry.monitored))
        refuse("via", "what is blocked has no options", "give name and comment only");
    return entry;
}

EditOutcome edit_entries(Entries& entries, const FederationConfig& federation, const EntryEdits& edits) {
    EditOutcome outcome;
    for (size_t i = 0; i < edits.edits.size(); i++) {
        const EntryEdit& edit = edits.edits[i];
        try {
            Done done = edit.remove ? remove(entries, edit.entry) : put(entries, federation, edit.entry, edits.replace);
            switch (done) {
                case Done::added: outcome.counts.added++; break;
                case Done::changed: outcome.counts.changed++; break;
                case Done::removed: outcome.counts.removed++; break;
                case Done::unchanged: outcome.unchanged++; break;
            }
        } catch (const Refusal& refusal) {
            outcome.rejected.push_back({i, refusal.kind(), refusal.problem()});
        }
    }
    return outcome;
}

}  // namespace fedge::control
