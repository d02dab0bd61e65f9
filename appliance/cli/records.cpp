#include "appliance/cli/records.h"

#include <algorithm>
#include <array>

#include "appliance/cli/exit.h"
#include "appliance/cli/fields.h"

namespace fedge::cli {
namespace {

constexpr std::array<const char*, 10> kRecordColumns = {"kind",    "name", "list",    "via",    "verification",
                                                        "purpose", "srv",  "monitor", "access", "comment"};

bool known_column(const std::string& column) {
    return std::find(kRecordColumns.begin(), kRecordColumns.end(), column) != kRecordColumns.end();
}

// A line without its end; what is beyond the bound is read over. False at the end of the file.
bool next_line(std::istream& in, std::string& line, bool& cut) {
    line.clear();
    cut = false;
    int c = in.get();
    if (c == std::istream::traits_type::eof()) return false;
    for (; c != std::istream::traits_type::eof() && c != '\n'; c = in.get()) {
        if (line.size() < kLongestRecord) {
            line += static_cast<char>(c);
        } else {
            cut = true;
        }
    }
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return true;
}

std::string trimmed(const std::string& text) {
    const size_t first = text.find_first_not_of(" \t");
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Empty: as by default. False if it is neither.
bool read_flag(const std::string& text, Json& entry) {
    if (text.empty() || text == "no" || text == "false" || text == "0" || text == "off") return true;
    if (text != "yes" && text != "true" && text != "1" && text != "on") return false;
    entry["monitor"] = true;
    return true;
}

// Empty if it fits.
std::string add_field(Json& entry, const std::string& column, const std::string& text) {
    if (column == "monitor") return read_flag(text, entry) ? "" : "monitor is neither yes nor no";
    if (column == "access") {
        if (!text.empty()) entry[column] = separated(text);
    } else if (!text.empty()) {
        entry[column] = text;
    }
    return {};
}

// A user has no list, so what stands for a missing one is not for it.
void add_defaults(Json& entry, const Json& defaults) {
    for (const auto& [key, value] : defaults.items())
        if (!entry.contains(key)) entry[key] = value;
    if (entry.value("kind", Json("domain")) != "user") return;
    entry.erase("list");
    if (!entry.contains("access")) entry["access"] = Json::array();
}

}  // namespace

std::optional<std::vector<std::string>> csv_fields(std::string_view line) {
    std::vector<std::string> fields(1);
    bool quoted = false, closed = false;
    for (size_t i = 0; i < line.size(); i++) {
        const char c = line[i];
        if (quoted) {
            if (c != '"') {
                fields.back() += c;
            } else if (i + 1 < line.size() && line[i + 1] == '"') {
                fields.back() += '"';
                i++;
            } else {
                quoted = false;
                closed = true;
            }
        } else if (c == ',') {
            fields.emplace_back();
            closed = false;
        } else if (c == '"') {
            if (closed || !fields.back().empty()) return std::nullopt;
            quoted = true;
        } else {
            if (closed) return std::nullopt;
            fields.back() += c;
        }
    }
    if (quoted) return std::nullopt;
    return fields;
}

std::string csv_field(const std::string& text) {
    // Spreadsheets run what begins so as a formula; the reader takes the apostrophe back.
    std::string out = text;
    if (!text.empty() && std::string_view("=+-@'").find(text.front()) != std::string_view::npos) out = "'" + text;
    if (out.find_first_of(",\"\r\n") == std::string::npos && trimmed(out) == out) return out;
    std::string quoted = "\"";
    for (const char c : out) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
}

CsvReader::CsvReader(std::istream& in, Json defaults) : in_(in), defaults_(std::move(defaults)) {
    std::string line;
    bool cut;
    if (!next_line(in_, line, cut)) throw Failure(Exit::usage, "the file is empty", "the first line names the columns");
    line_ = 1;
    if (line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);  // as spreadsheets write it
    auto fields = csv_fields(line);
    if (!fields || cut)
        throw Failure(Exit::usage, "line 1 is no CSV", "the first line names the columns, as in: name,list,comment");
    for (auto& field : *fields) {
        std::string column = trimmed(field);
        std::transform(column.begin(), column.end(), column.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
        if (column == "domain") column = "name";
        if (!known_column(column) || std::find(columns_.begin(), columns_.end(), column) != columns_.end()) {
            std::string all;
            for (const char* c : kRecordColumns) all += (all.empty() ? "" : ", ") + std::string(c);
            throw Failure(Exit::usage, "line 1: there is no column '" + column + "', or it is there twice",
                          "columns are: " + all);
        }
        columns_.push_back(std::move(column));
    }
    if (std::find(columns_.begin(), columns_.end(), "name") == columns_.end())
        throw Failure(Exit::usage, "line 1 names no column 'name' or 'domain'",
                      "begin with a line such as: name,list,comment");
}

bool CsvReader::next(Record& record) {
    bool cut;
    do {
        if (!next_line(in_, record.text, cut)) return false;
        line_++;
    } while (trimmed(record.text).empty());
    record.line = line_;
    record.entry = nullptr;
    record.error.clear();
    if (cut) return record.error = "the line is longer than 16 KiB", true;
    auto fields = csv_fields(record.text);
    if (!fields) return record.error = "a quote is not closed, or stands within a field", true;
    if (fields->size() > columns_.size()) return record.error = "there are more fields than columns", true;
    Json entry = Json::object();
    for (size_t i = 0; i < fields->size(); i++) {
        std::string field = trimmed((*fields)[i]);
        if (field.size() > 1 && field.front() == '\'') field.erase(0, 1);
        record.error = add_field(entry, columns_[i], field);
        if (!record.error.empty()) return true;
    }
    add_defaults(entry, defaults_);
    record.entry = std::move(entry);
    return true;
}

JsonReader::JsonReader(std::istream& in, Json defaults) : in_(in), defaults_(std::move(defaults)) {}

int JsonReader::get() {
    const int c = in_.get();
    if (c == '\n') line_++;
    return c;
}

bool JsonReader::next(Record& record) {
    if (lost_) return false;
    record = Record();
    // Between objects: the brackets and commas around them, and the name before an array of them.
    for (int c = get(); c != std::istream::traits_type::eof(); c = get()) {
        if (std::string_view(" \t\r\n,[]").find(static_cast<char>(c)) != std::string_view::npos) continue;
        record.line = line_;
        if (c == '{') {
            read_object(record);
            if (record.error.empty() && record.entry.is_null()) continue;  // only the wrapper's brace
            return true;
        }
        if (c == '}') continue;  // of the wrapper
        lost_ = true;
        record.text = std::string(1, static_cast<char>(c));
        record.error = "here is no object; nothing behind it was read";
        return true;
    }
    return false;
}

void JsonReader::read_object(Record& record) {
    std::string text = "{";
    size_t depth = 1;
    bool in_string = false, escaped = false, cut = false;
    while (depth > 0) {
        const int c = get();
        if (c == std::istream::traits_type::eof()) {
            lost_ = true;
            record.text = text;
            record.error = "the object is not closed";
            return;
        }
        if (text.size() < kLongestRecord) {
            text += static_cast<char>(c);
        } else {
            cut = true;
        }
        if (in_string) {
            if (escaped) {
                escaped = false;
            } else if (c == '\\') {
                escaped = true;
            } else if (c == '"') {
                in_string = false;
            }
            continue;
        }
        if (c == '"') in_string = true;
        if (c == '{') depth++;
        if (c == '}') depth--;
        // {"partners": [ is the wrapper of a list, whose objects come one by one.
        if (c == '[' && depth == 1) {
            std::string head;
            std::copy_if(text.begin(), text.end(), std::back_inserter(head),
                         [](char h) { return std::string_view(" \t\r\n").find(h) == std::string_view::npos; });
            if (head == "{\"partners\":[" || head == "{\"rows\":[" || head == "{\"users\":[") return;
        }
    }
    record.text = text;
    if (cut) {
        record.error = "the object is longer than 16 KiB";
        return;
    }
    Json entry = Json::parse(text, nullptr, false);
    if (!entry.is_object()) {
        record.error = "that is no JSON object";
        return;
    }
    if (entry.contains("domain") && !entry.contains("name")) {
        entry["name"] = entry["domain"];
        entry.erase("domain");
    }
    // As listings and exports show it.
    for (const char* field : {"since", "when", "who"}) entry.erase(field);
    add_defaults(entry, defaults_);
    record.entry = std::move(entry);
}

std::string csv_header() {
    std::string out;
    for (const char* column : kRecordColumns) out += (out.empty() ? "" : ",") + std::string(column);
    return out;
}

std::string csv_row(const Json& entry) {
    std::string out;
    for (const char* column : kRecordColumns) {
        std::string text;
        if (entry.contains(column)) text = value_text(entry[column], " ");
        out += (column == kRecordColumns.front() ? "" : ",") + csv_field(text);
    }
    return out;
}

}  // namespace fedge::cli
