// Lists of entries in files: CSV (RFC 4180, one record in one line, the first line names the columns) and JSON (an
// array of objects, also within {"partners": [...]}, or one object after the other). Read record by record, so that a
// file of a million never is in memory as a whole; what is wrong with one record does not end the reading.
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace fedge::cli {

using Json = nlohmann::json;

inline constexpr size_t kLongestRecord = 16 * 1024;

struct Record {
    uint64_t line = 0;  // where it begins, from 1
    std::string text;   // as it is in the file, at most kLongestRecord of it
    Json entry;         // the object that control wants; null: see error
    std::string error;  // why it is none
};

// The fields of a line; nothing if a quote is not closed, or stands where none may be.
std::optional<std::vector<std::string>> csv_fields(std::string_view line);
// The field as a line needs it.
std::string csv_field(const std::string& text);

class RecordReader {
  public:
    virtual ~RecordReader() = default;
    // False at the end. After a true one, `record` is an entry or an error.
    virtual bool next(Record& record) = 0;
};

// Columns: name (or domain), list, kind, via, verification, purpose, srv, monitor, access, comment, in any order; those
// that are missing are as by default. `list` and `kind` stand for columns that are missing. Throws Failure
// (Exit::usage) if the first line names no column for the name, or one that is not known.
class CsvReader : public RecordReader {
  public:
    CsvReader(std::istream& in, Json defaults);
    bool next(Record& record) override;

  private:
    std::istream& in_;
    Json defaults_;
    std::vector<std::string> columns_;
    uint64_t line_ = 0;
};

class JsonReader : public RecordReader {
  public:
    JsonReader(std::istream& in, Json defaults);
    bool next(Record& record) override;

  private:
    int get();
    // Reads on to the closing brace of the object whose opening one was read.
    void read_object(Record& record);

    std::istream& in_;
    Json defaults_;
    uint64_t line_ = 1;
    bool lost_ = false;  // after what is no JSON nothing can be told any more
};

// The columns that are written, and the row of an entry.
std::string csv_header();
std::string csv_row(const Json& entry);

}  // namespace fedge::cli
