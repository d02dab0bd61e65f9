#include "control/store/sqlite.h"

namespace fedge::control {

Database::Database(const std::string& path) {
    int code = sqlite3_open_v2(path.c_str(), &handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                               nullptr);
    if (code == SQLITE_OK) return;
    std::string what = path + ": " + (handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(code));
    sqlite3_close(handle_);
    throw SqlError(code, what);
}

Database::~Database() {
    sqlite3_close(handle_);
}

void Database::execute(const char* sql) {
    int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) throw SqlError(code, sqlite3_errmsg(handle_));
}

Statement::Statement(Database& database, const char* sql) : handle_(database.handle()) {
    check(sqlite3_prepare_v2(handle_, sql, -1, &statement_, nullptr));
}

Statement& Statement::add(std::string_view text) {
    check(sqlite3_bind_text(statement_, next_++, text.data() ? text.data() : "", static_cast<int>(text.size()),
                            SQLITE_TRANSIENT));
    return *this;
}

Statement& Statement::add(int64_t number) {
    check(sqlite3_bind_int64(statement_, next_++, number));
    return *this;
}

Statement& Statement::add(std::span<const uint8_t> blob) {
    // Without data SQLite would bind NULL, not an empty blob.
    check(sqlite3_bind_blob(statement_, next_++, blob.empty() ? static_cast<const void*>("") : blob.data(),
                            static_cast<int>(blob.size()), SQLITE_TRANSIENT));
    return *this;
}

Statement& Statement::add_null() {
    check(sqlite3_bind_null(statement_, next_++));
    return *this;
}

bool Statement::step() {
    int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) check(code);
    return false;
}

void Statement::run() {
    while (step()) continue;
}

void Statement::rewind() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
    next_ = 1;
}

std::string Statement::text(int column) const {
    const auto* start = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return start ? std::string(start, static_cast<size_t>(sqlite3_column_bytes(statement_, column))) : std::string();
}

std::vector<uint8_t> Statement::blob(int column) const {
    const auto* start = static_cast<const uint8_t*>(sqlite3_column_blob(statement_, column));
    return start ? std::vector<uint8_t>(start, start + sqlite3_column_bytes(statement_, column))
                 : std::vector<uint8_t>();
}

void Statement::check(int code) const {
    if (code != SQLITE_OK) throw SqlError(code, sqlite3_errmsg(handle_));
}

Transaction::Transaction(Database& database) : database_(database) {
    if (database_.refuses_transactions()) throw SqlError(SQLITE_BUSY, "a large commit is being stored");
    database_.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
    if (!done_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
    database_.execute("COMMIT");
    done_ = true;
}

}  // namespace fedge::control
