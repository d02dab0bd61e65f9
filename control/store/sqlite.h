// SQLite in C++: connection, prepared statement, transaction. Errors are thrown as SqlError.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fedge::control {

class SqlError : public std::runtime_error {
  public:
    SqlError(int code, const std::string& what) : std::runtime_error(what), code_(code) {}
    int code() const { return code_; }  // SQLITE_*

  private:
    int code_;
};

class Database {
  public:
    // Opens or creates the file at `path`.
    explicit Database(const std::string& path);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    void execute(const char* sql);
    // While another connection of ours writes for long: transactions are refused at once, with SQLITE_BUSY, where they
    // would wait.
    void refuse_transactions(bool yes) { refuses_ = yes; }
    bool refuses_transactions() const { return refuses_; }
    int64_t last_id() const { return sqlite3_last_insert_rowid(handle_); }
    int64_t changes() const { return sqlite3_changes64(handle_); }
    sqlite3* handle() const { return handle_; }

  private:
    sqlite3* handle_ = nullptr;
    bool refuses_ = false;
};

// Parameters are bound in order by add(), then step() gives row after row.
class Statement {
  public:
    Statement(Database& database, const char* sql);
    ~Statement() { sqlite3_finalize(statement_); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    Statement& add(std::string_view text);
    Statement& add(int64_t number);
    Statement& add(std::span<const uint8_t> blob);
    Statement& add_null();

    bool step();    // true: there is a row
    void run();     // a statement without rows
    void rewind();  // ready for new parameters

    std::string text(int column) const;
    int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
    bool null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
    std::vector<uint8_t> blob(int column) const;

  private:
    void check(int code) const;

    sqlite3* handle_;
    sqlite3_stmt* statement_ = nullptr;
    int next_ = 1;
};

// All or nothing; rolls back unless commit() was reached.
class Transaction {
  public:
    explicit Transaction(Database& database);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    void commit();

  private:
    Database& database_;
    bool done_ = false;
};

}  // namespace fedge::control
