// Entries: what the operator says of single domains, patterns of domains, and users. There may be a million, so they
// are no settings, but they belong to revisions and the candidate as settings do.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "control/settings/federation.h"

namespace fedge::control {

// The numbers are in the store.
enum class EntryKind : uint8_t {
    domain = 0,   // a partner's domain and all below it
    pattern = 1,  // wildcards or a regular expression, for whole names
    user = 2,     // the external-access policy of a user of ours
};

struct Entry {
    EntryKind kind = EntryKind::domain;
    std::string name;  // A-labels in lower case; the pattern as written; "user@domain" in lower case

    // Domains and patterns.
    bool blocked = false;
    Verification verification = Verification::use_source;
    Purpose purpose = Purpose::server_or_client;
    SrvMode srv_mode = SrvMode::microsoft_then_sips;
    bool monitored = false;
    std::string via;  // FQDN of the partner's server; empty: by DNS

    uint8_t access = 0;  // Access flags; users

    std::string comment;

    bool operator==(const Entry&) const = default;
};

// From what to what one entry changes; without before, it is new; without after, it goes. Never neither.
struct EntryChange {
    std::optional<Entry> before;
    std::optional<Entry> after;

    const Entry& either() const { return after ? *after : *before; }
};

struct EntryCounts {
    int64_t added = 0;
    int64_t changed = 0;
    int64_t removed = 0;

    int64_t all() const { return added + changed + removed; }
    void count(const EntryChange& change) { (!change.before ? added : !change.after ? removed : changed)++; }
    bool operator==(const EntryCounts&) const = default;
};

}  // namespace fedge::control
