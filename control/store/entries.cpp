#include "control/store/entries.h"

#include <algorithm>

namespace fedge::control {
namespace {

const std::string kValues = "blocked, verification, purpose, srv_mode, monitored, access, via, comment";
const std::string kColumns = "kind, name, " + kValues;
constexpr int kWidth = 10;  // kColumns
// The row in force of the same entry as e.
const std::string kOpen = "SELECT 1 FROM entry o WHERE o.kind = e.kind AND o.name = e.name AND o.until IS NULL";

std::string of(const std::string& table, const std::string& columns) {
    std::string out = table + ".";
    for (char c : columns) {
        out += c;
        if (c == ' ') out += table + ".";
    }
    return out;
}

std::string same_values(const std::string& a, const std::string& b) {
    return "(" + of(a, kValues) + ") = (" + of(b, kValues) + ")";
}

// True for the row that holds in the revision of the parameter.
std::string holds_in(const std::string& table, const std::string& parameter) {
    return table + ".since <= " + parameter + " AND (" + table + ".until IS NULL OR " + table + ".until > " +
           parameter + ")";
}

int64_t number(EntryKind kind) {
    return static_cast<int64_t>(kind);
}

Entry read(const Statement& row, int at) {
    Entry entry;
    entry.kind = static_cast<EntryKind>(row.integer(at));
    entry.name = row.text(at + 1);
    entry.blocked = row.integer(at + 2) != 0;
    entry.verification = static_cast<Verification>(row.integer(at + 3));
    entry.purpose = static_cast<Purpose>(row.integer(at + 4));
    entry.srv_mode = static_cast<SrvMode>(row.integer(at + 5));
    entry.monitored = row.integer(at + 6) != 0;
    entry.access = static_cast<uint8_t>(row.integer(at + 7));
    entry.via = row.text(at + 8);
    entry.comment = row.text(at + 9);
    return entry;
}

std::optional<Entry> read_if(const Statement& row, int at) {
    return row.null(at) ? std::nullopt : std::optional(read(row, at));
}

void bind_values(Statement& statement, const Entry& entry) {
    statement.add(int64_t{entry.blocked})
        .add(static_cast<int64_t>(entry.verification))
        .add(static_cast<int64_t>(entry.purpose))
        .add(static_cast<int64_t>(entry.srv_mode))
        .add(int64_t{entry.monitored})
        .add(int64_t{entry.access})
        .add(entry.via)
        .add(entry.comment);
}

std::vector<Entry> read_all(Statement& rows) {
    std::vector<Entry> out;
    while (rows.step()) out.push_back(read(rows, 0));
    return out;
}

// A prepared statement in use; ready for the next one afterwards, so that nothing is kept open.
class Use {
  public:
    explicit Use(Statement& statement) : statement_(statement) {}
    ~Use() { statement_.rewind(); }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    Statement* operator->() { return &statement_; }
    Statement& operator*() { return statement_; }

  private:
    Statement& statement_;
};

}  // namespace

struct Entries::Prepared {
    explicit Prepared(Database& database)
        : find(database,
               ("SELECT " + kColumns + ", since FROM entry WHERE kind = ? AND name = ? AND until IS NULL").c_str()),
          edit(database, ("SELECT removed, " + kColumns + " FROM entry_edit WHERE kind = ? AND name = ?").c_str()),
          put(database,
              ("INSERT OR REPLACE INTO entry_edit(removed, " + kColumns + ") VALUES(0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
                  .c_str()),
          remove(database, ("INSERT OR REPLACE INTO entry_edit(removed, " + kColumns +
                            ") VALUES(1, ?, ?, 0, 0, 0, 0, 0, 0, '', '')")
                               .c_str()),
          forget(database, "DELETE FROM entry_edit WHERE kind = ? AND name = ?") {}

    Statement find, edit, put, remove, forget;
};

Entries::Entries(Database& database) : database_(database) {}

Entries::~Entries() = default;

Entries::Prepared& Entries::prepared() {
    if (!prepared_) prepared_ = std::make_unique<Prepared>(database_);
    return *prepared_;
}

std::optional<StoredEntry> Entries::find(EntryKind kind, const std::string& name) {
    Use row(prepared().find);
    if (!row->add(number(kind)).add(name).step()) return std::nullopt;
    return StoredEntry{read(*row, 0), row->integer(kWidth)};
}

std::vector<Entry> Entries::page(EntryKind kind, const std::string& after, size_t limit) {
    std::string sql =
        "SELECT " + kColumns + " FROM entry WHERE kind = ? AND name > ? AND until IS NULL ORDER BY name LIMIT ?";
    Statement rows(database_, sql.c_str());
    rows.add(number(kind)).add(after).add(static_cast<int64_t>(limit));
    return read_all(rows);
}

std::vector<StoredEntry> Entries::page(EntryKind kind, const std::string& after, size_t limit,
                                       const EntryFilter& filter) {
    std::string sql = "SELECT " + kColumns + ", since FROM entry WHERE kind = ? AND name > ?";
    sql += filter.revision ? " AND since <= ? AND (until IS NULL OR until > ?)" : " AND until IS NULL";
    if (filter.blocked) sql += " AND blocked = ?";
    if (filter.monitored) sql += " AND monitored = ?";
    if (!filter.via.empty()) sql += " AND via = ?";
    if (!filter.under.empty()) sql += " AND (name = ? OR substr(name, -length(?)) = ? OR substr(name, -length(?)) = ?)";
    if (!filter.contains.empty()) sql += " AND (instr(name, ?) OR instr(comment, ?))";
    sql += " ORDER BY name LIMIT ?";
    Statement rows(database_, sql.c_str());
    rows.add(number(kind)).add(after);
    if (filter.revision) rows.add(*filter.revision).add(*filter.revision);
    if (filter.blocked) rows.add(int64_t{*filter.blocked});
    if (filter.monitored) rows.add(int64_t{*filter.monitored});
    if (!filter.via.empty()) rows.add(filter.via);
    if (!filter.under.empty()) {
        std::string below = "." + filter.under, user = "@" + filter.under;
        rows.add(filter.under).add(below).add(below).add(user).add(user);
    }
    if (!filter.contains.empty()) rows.add(filter.contains).add(filter.contains);
    rows.add(static_cast<int64_t>(limit));
    std::vector<StoredEntry> out;
    while (rows.step()) out.push_back({read(rows, 0), rows.integer(kWidth)});
    return out;
}

bool Entries::any(EntryKind kind) {
    return Statement(database_, "SELECT 1 FROM entry WHERE kind = ? AND until IS NULL LIMIT 1")
        .add(number(kind))
        .step();
}

std::optional<Entry> Entries::find_in(int64_t revision, EntryKind kind, const std::string& name) {
    std::string sql = "SELECT " + kColumns + " FROM entry e WHERE kind = ?1 AND name = ?2 AND " + holds_in("e", "?3");
    Statement row(database_, sql.c_str());
    if (!row.add(number(kind)).add(name).add(revision).step()) return std::nullopt;
    return read(row, 0);
}

std::vector<Entry> Entries::page_in(int64_t revision, EntryKind kind, const std::string& after, size_t limit) {
    std::string sql = "SELECT " + kColumns + " FROM entry e WHERE kind = ?1 AND name > ?2 AND " + holds_in("e", "?3") +
                      " ORDER BY name LIMIT ?4";
    Statement rows(database_, sql.c_str());
    rows.add(number(kind)).add(after).add(revision).add(static_cast<int64_t>(limit));
    return read_all(rows);
}

void Entries::each_change(int64_t from, int64_t to, const Each& each) {
    std::string sql =
        "WITH touched AS (SELECT kind, name FROM entry WHERE since > ?1 AND since <= ?2"
        " UNION SELECT kind, name FROM entry WHERE until > ?1 AND until <= ?2) SELECT " +
        of("a", kColumns) + ", " + of("b", kColumns) +
        " FROM touched t LEFT JOIN entry a ON a.kind = t.kind AND a.name = t.name AND " + holds_in("a", "?3") +
        " LEFT JOIN entry b ON b.kind = t.kind AND b.name = t.name AND " + holds_in("b", "?4");
    Statement rows(database_, sql.c_str());
    rows.add(std::min(from, to)).add(std::max(from, to)).add(from).add(to);
    while (rows.step()) {
        EntryChange change{read_if(rows, 0), read_if(rows, kWidth)};
        // What came and went again in between is no change.
        if (change.before != change.after) each(change);
    }
}

bool Entries::more_changes(int64_t from, int64_t to, size_t most) {
    int64_t rows = 0;
    for (const char* column : {"since", "until"}) {
        std::string name(column);
        std::string sql =
            "SELECT count(*) FROM (SELECT 1 FROM entry WHERE " + name + " > ? AND " + name + " <= ? LIMIT ?)";
        Statement count(database_, sql.c_str());
        count.add(std::min(from, to)).add(std::max(from, to)).add(static_cast<int64_t>(most) + 1);
        if (count.step()) rows += count.integer(0);
    }
    return rows > static_cast<int64_t>(most);
}

void Entries::each_edit(const Each& each) {
    std::string sql = "SELECT e.removed, " + of("e", kColumns) + ", " + of("o", kColumns) +
                      " FROM entry_edit e LEFT JOIN entry o ON o.kind = e.kind AND o.name = e.name AND o.until IS NULL";
    Statement rows(database_, sql.c_str());
    while (rows.step()) {
        EntryChange change{read_if(rows, 1 + kWidth), std::nullopt};
        if (!rows.integer(0)) change.after = read(rows, 1);
        each(change);
    }
}

bool Entries::edited() {
    return Statement(database_, "SELECT 1 FROM entry_edit LIMIT 1").step();
}

int64_t Entries::edit_count() {
    Statement read(database_, "SELECT count(*) FROM entry_edit");
    return read.step() ? read.integer(0) : 0;
}

bool Entries::more_edits(int64_t most) {
    Statement read(database_, "SELECT count(*) FROM (SELECT 1 FROM entry_edit LIMIT ?)");
    return read.add(most + 1).step() && read.integer(0) > most;
}

std::optional<Entry> Entries::candidate(EntryKind kind, const std::string& name) {
    Use row(prepared().edit);
    if (row->add(number(kind)).add(name).step()) return row->integer(0) ? std::nullopt : std::optional(read(*row, 1));
    auto stored = find(kind, name);
    return stored ? std::optional(stored->entry) : std::nullopt;
}

std::vector<Entry> Entries::candidate_page(EntryKind kind, const std::string& after, size_t limit) {
    std::string sql = "SELECT " + kColumns +
                      " FROM entry o WHERE kind = ?1 AND name > ?2 AND until IS NULL AND NOT EXISTS"
                      " (SELECT 1 FROM entry_edit e WHERE e.kind = o.kind AND e.name = o.name)"
                      " UNION ALL SELECT " +
                      kColumns +
                      " FROM entry_edit WHERE kind = ?1 AND name > ?2 AND NOT removed ORDER BY name LIMIT ?3";
    Statement rows(database_, sql.c_str());
    rows.add(number(kind)).add(after).add(static_cast<int64_t>(limit));
    return read_all(rows);
}

void Entries::put(const Entry& entry) {
    auto stored = find(entry.kind, entry.name);
    if (stored && stored->entry == entry) return forget_edit(entry.kind, entry.name);
    Use write(prepared().put);
    bind_values(write->add(number(entry.kind)).add(entry.name), entry);
    write->run();
}

void Entries::remove(EntryKind kind, const std::string& name) {
    if (!find(kind, name)) return forget_edit(kind, name);
    Use write(prepared().remove);
    write->add(number(kind)).add(name).run();
}

void Entries::forget_edit(EntryKind kind, const std::string& name) {
    Use write(prepared().forget);
    write->add(number(kind)).add(name).run();
}

void Entries::discard() {
    database_.execute("DELETE FROM entry_edit");
}

void Entries::apply_candidate(int64_t revision) {
    // From the edits to the entries, or SQLite reads every entry that there is: CROSS JOIN and MATERIALIZED keep it so.
    Statement(database_,
              "WITH ended AS MATERIALIZED (SELECT o.kind, o.name, o.since FROM entry_edit e CROSS JOIN entry o"
              " ON o.kind = e.kind AND o.name = e.name WHERE o.until IS NULL)"
              " UPDATE entry SET until = ? FROM ended WHERE entry.kind = ended.kind AND entry.name = ended.name"
              " AND entry.since = ended.since")
        .add(revision)
        .run();
    std::string sql = "INSERT INTO entry(since, until, " + kColumns + ") SELECT ?, NULL, " + kColumns +
                      " FROM entry_edit WHERE NOT removed";
    Statement(database_, sql.c_str()).add(revision).run();
    discard();
}

void Entries::apply_rollback(int64_t to, int64_t revision) {
    // What came later goes, unless it is as it was then.
    std::string close =
        "UPDATE entry SET until = ?1 WHERE until IS NULL AND since > ?2 AND NOT EXISTS"
        " (SELECT 1 FROM entry o WHERE o.kind = entry.kind AND o.name = entry.name AND " +
        holds_in("o", "?2") + " AND " + same_values("o", "entry") + ")";
    Statement(database_, close.c_str()).add(revision).add(to).run();
    std::string reopen = "INSERT INTO entry(since, until, " + kColumns + ") SELECT ?1, NULL, " + kColumns +
                         " FROM entry e WHERE until > ?2 AND since <= ?2 AND NOT EXISTS (" + kOpen + ")";
    Statement(database_, reopen.c_str()).add(revision).add(to).run();
    // The candidate stays, without what is in force by now anyway.
    std::string settle = "DELETE FROM entry_edit AS e WHERE (removed AND NOT EXISTS (" + kOpen +
                         ")) OR (NOT removed AND EXISTS (" + kOpen + " AND " + same_values("o", "e") + "))";
    Statement(database_, settle.c_str()).run();
}

}  // namespace fedge::control
