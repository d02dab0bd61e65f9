// The body of a request that edits entries, against a store of its own in memory: every entry that is taken is
// canonical and found again, and every one that is not has a reason and what to do about it.
#include "control/api/entry_json.h"

#include <string_view>

#include "control/settings/domain_name.h"
#include "control/store/schema.h"
#include "tests/fuzz/expect.h"

namespace {

using namespace fedge;
using namespace fedge::control;

struct Memory {
    Database database{":memory:"};
    Entries entries{database};
    Memory() {
        for (const char* step : kSchema) database.execute(step);
    }
};

void look_at(const Entry& entry) {
    fuzz::expect(checked_entry(entry) == entry, "what is canonical stays");
    if (entry.kind != EntryKind::domain) return;
    fuzz::expect(entry.name.size() <= 253 && domain_name(entry.name) == entry.name, "a domain in A-labels");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static Memory memory;
    FederationConfig federation;
    federation.domains = {"example.org"};
    try {
        auto parsed = api::parse_entry_edits({reinterpret_cast<const char*>(data), size});
        fuzz::expect(parsed.edits.edits.size() == parsed.index.size(), "each edit has an index");
        Transaction transaction(memory.database);  // and back again
        EditOutcome outcome = edit_entries(memory.entries, federation, parsed.edits);
        for (const auto& rejected : outcome.rejected)
            fuzz::expect(!rejected.problem.what.empty() && !rejected.problem.fix.empty(), "a reason and a fix");
        int64_t edits = memory.entries.edit_count();
        int64_t found = 0;
        memory.entries.each_edit([&](const EntryChange& change) {
            look_at(*change.after);
            found++;
            fuzz::expect(api::entry_json(*change.after)["name"] == change.after->name, "JSON names it");
        });
        fuzz::expect(found == edits, "as many as are counted");
    } catch (const Refusal& refusal) {
        fuzz::expect(!refusal.problem().what.empty(), "a refusal says why");
    }
    return 0;
}
