// The entries of all revisions and of the candidate, as the store keeps them: a commit costs what it changes, and so
// does a rollback. Reading is in pages or by callback, so that a million entries are never in memory at once.
//
// Part of Store, which does transactions; functions that write are to be called within one. Callbacks must not write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/partners/entry.h"
#include "control/store/sqlite.h"

namespace fedge::control {

// Which entries a listing shows; empty fields do not restrict.
struct EntryFilter {
    std::optional<int64_t> revision;  // none: what is in force
    std::optional<bool> blocked;
    std::optional<bool> monitored;
    std::string via;
    std::string under;     // the domain, and what is below it; for users: of this domain
    std::string contains;  // in the name or the comment
};

struct StoredEntry {
    Entry entry;
    int64_t since = 0;  // revision
};

class Entries {
  public:
    using Each = std::function<void(const EntryChange&)>;

    explicit Entries(Database& database);
    ~Entries();

    // In force. Pages are sorted by name; `after` is the last name of the page before, or empty.
    std::optional<StoredEntry> find(EntryKind kind, const std::string& name);
    std::vector<Entry> page(EntryKind kind, const std::string& after, size_t limit);
    std::vector<StoredEntry> page(EntryKind kind, const std::string& after, size_t limit, const EntryFilter& filter);
    bool any(EntryKind kind);

    // Of a revision, likewise.
    std::optional<Entry> find_in(int64_t revision, EntryKind kind, const std::string& name);
    std::vector<Entry> page_in(int64_t revision, EntryKind kind, const std::string& after, size_t limit);

    // What differs between two revisions, in either direction, sorted by kind and name.
    void each_change(int64_t from, int64_t to, const Each& each);
    // Whether there may be more than `most` of them, at the cost of that many.
    bool more_changes(int64_t from, int64_t to, size_t most);

    // The candidate: what was edited and differs from what is in force.
    void each_edit(const Each& each);
    bool edited();
    int64_t edit_count();
    // Whether there are more than `most` of them, at the cost of that many.
    bool more_edits(int64_t most);
    // As the candidate has it.
    std::optional<Entry> candidate(EntryKind kind, const std::string& name);
    std::vector<Entry> candidate_page(EntryKind kind, const std::string& after, size_t limit);
    void put(const Entry& entry);
    void remove(EntryKind kind, const std::string& name);
    void discard();

    // `revision` is the new one.
    void apply_candidate(int64_t revision);
    void apply_rollback(int64_t to, int64_t revision);

  private:
    // The statements of edits, which an import needs a million times.
    struct Prepared;
    Prepared& prepared();
    void forget_edit(EntryKind kind, const std::string& name);

    Database& database_;
    std::unique_ptr<Prepared> prepared_;
};

}  // namespace fedge::control
