// Entries of domains, patterns and users as JSON, both ways.
#pragma once

#include <string_view>

#include "control/api/json.h"
#include "control/partners/edit.h"

namespace fedge::control::api {

const char* name_of(EntryKind kind);
// Throws Refusal (invalid).
EntryKind entry_kind(std::string_view name);

// {"kind", "name", "list", ...}: what is not as it is by default is left out.
Json entry_json(const Entry& entry);

// The edits in a request body {"put": [...], "remove": [{"kind", "name"}], "replace"}: first what is removed. An entry
// that cannot be understood is rejected like one that cannot be done, so that the rest of an import can be.
struct ParsedEdits {
    EntryEdits edits;
    std::vector<size_t> index;           // of each of them in what was given: "remove" first, then "put"
    std::vector<RejectedEdit> rejected;  // likewise
    bool partial = false;
    bool dry_run = false;
};
ParsedEdits parse_entry_edits(std::string_view body);

}  // namespace fedge::control::api
