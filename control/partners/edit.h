// Edits of the candidate's entries: what an entry must fulfil, and the rules of the lists.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/partners/entry.h"
#include "control/problem.h"
#include "control/settings/federation.h"
#include "control/store/entries.h"

namespace fedge::control {

struct EntryEdit {
    Entry entry;  // removing: kind and name count
    bool remove = false;
};

struct EntryEdits {
    std::vector<EntryEdit> edits;  // done in this order
    // An entry of the name that is there already, on whichever list, is replaced; otherwise that is refused.
    bool replace = false;
};

struct RejectedEdit {
    size_t index = 0;  // in EntryEdits::edits
    RefusalKind kind = RefusalKind::invalid;
    Problem problem;
};

struct EditOutcome {
    EntryCounts counts;     // of what was done to the candidate
    int64_t unchanged = 0;  // were there as they are
    std::vector<RejectedEdit> rejected;
};

// The entry with name and server in canonical form. Throws Refusal (invalid).
Entry checked_entry(Entry entry);

// Does what can be done; what cannot is in the outcome. `federation` is the candidate's.
EditOutcome edit_entries(Entries& entries, const FederationConfig& federation, const EntryEdits& edits);

// "the allowed list", ...
std::string list_of(const Entry& entry);

}  // namespace fedge::control
