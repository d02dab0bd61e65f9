#include "appliance/cli/importing.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <unordered_set>

#include "appliance/cli/fields.h"
#include "appliance/cli/printable.h"
#include "appliance/cli/records.h"

namespace fedge::cli {
namespace {

constexpr size_t kRecordsAtOnce = 5000;
constexpr size_t kBytesAtOnce = 512 * 1024;  // control takes 1 MiB
constexpr uint64_t kRejectionsShown = 20;    // of those that are rejected
constexpr uint64_t kExportRows = 5000;

enum class Form { csv, json };

Form form_of(const Arguments& arguments, const std::string& path) {
    if (arguments.has("csv") && arguments.has("as-json"))
        throw Failure(Exit::usage, "--csv and --as-json exclude each other", "give the one that the file is");
    if (arguments.has("csv") || path.ends_with(".csv")) return Form::csv;
    if (arguments.has("as-json") || path.ends_with(".json") || path.ends_with(".jsonl")) return Form::json;
    throw Failure(Exit::usage,
                  "it cannot be told whether " + (path.empty() || path == "-" ? "this" : path) + " is CSV or JSON",
                  "add --csv or --as-json");
}

Failure unusable_file(const std::string& path) {
    return {Exit::usage, path + ": " + std::strerror(errno), "name another file"};
}

// What becomes of the records, one after the other, and the report on those that are rejected.
class Import {
  public:
    Import(Session& session, const Arguments& arguments)
        : session_(session), dry_run_(arguments.has("dry-run")), replace_(arguments.has("replace")) {
        const std::string path = arguments.text("report");
        if (path.empty()) return;
        report_.open(path, std::ios::trunc);
        if (!report_) throw unusable_file(path);
        report_ << "line,why,fix,record\n";
        reported_ = true;
    }

    void take(Record record) {
        records_++;
        if (!record.error.empty()) return reject(record, record.error, "");
        // A dry run leaves no entry behind that a later one could collide with.
        if (dry_run_ && !replace_ && repeated(record.entry))
            return reject(record, "the name is there twice in the file", "take one of them out");
        bytes_ += record.text.size();
        waiting_.push_back(std::move(record));
        if (waiting_.size() >= kRecordsAtOnce || bytes_ >= kBytesAtOnce) send();
    }

    void send() {
        if (waiting_.empty()) return;
        Json body = {{"partial", true}, {"put", Json::array()}};
        if (replace_) body["replace"] = true;
        if (dry_run_) body["dry_run"] = true;
        for (Record& record : waiting_) body["put"].push_back(std::move(record.entry));
        const Json reply = session_.api.patient().send("PATCH", "/v1/candidate/entries", body);
        for (const char* what : {"added", "changed", "unchanged"})
            counts_[what] = counts_.value(what, uint64_t{0}) + static_cast<uint64_t>(number_or(reply, what, 0));
        for (const Json& rejected : reply.value("rejected", Json::array())) {
            const size_t index = rejected.value("index", size_t{0});
            if (index < waiting_.size())
                reject(waiting_[index], text_or(rejected, "error", "refused"), text_or(rejected, "fix", ""));
        }
        waiting_.clear();
        bytes_ = 0;
    }

    Exit finish() {
        send();
        if (report_.is_open()) {
            report_.close();
            if (!report_)
                throw Failure(Exit::usage, "the report could not be written", "look at the space on the disk");
        }
        const auto count = [&](const char* what) { return counts_.value(what, uint64_t{0}); };
        if (session_.json) {
            Json out = {{"records", records_},         {"added", count("added")},
                        {"changed", count("changed")}, {"unchanged", count("unchanged")},
                        {"rejected", rejected_},       {"dry_run", dry_run_}};
            out["rejections"] = first_;
            print_json(session_.out(), out);
        } else {
            if (rejected_ > kRejectionsShown && !reported_)
                session_.err() << "... and " << grouped(rejected_ - kRejectionsShown)
                               << " more: --report FILE writes all of them\n";
            session_.out() << counted(records_, "record") << ": " << grouped(count("added"))
                           << (dry_run_ ? " would be added, " : " added, ") << grouped(count("changed")) << " changed, "
                           << grouped(count("unchanged")) << " there already, " << grouped(rejected_) << " rejected.\n";
            if (!dry_run_ && count("added") + count("changed") > 0)
                session_.out() << "Not committed: fedge diff shows, fedge commit puts into force.\n";
        }
        return rejected_ ? Exit::refused : Exit::ok;
    }

  private:
    // By hashes, eight bytes for each name: of a million there is room for all.
    bool repeated(const Json& entry) {
        std::string name = text_or(entry, "kind", "domain") + ":" + text_or(entry, "name", "");
        for (char& c : name)
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        return !seen_.insert(std::hash<std::string>()(name)).second;
    }

    void reject(const Record& record, const std::string& why, const std::string& fix) {
        rejected_++;
        if (report_.is_open())
            report_ << record.line << ',' << csv_field(why) << ',' << csv_field(fix) << ','
                    << csv_field(printable(record.text)) << '\n';
        if (rejected_ > kRejectionsShown) return;
        first_.push_back({{"line", record.line}, {"text", printable(record.text)}, {"error", why}, {"fix", fix}});
        if (session_.json) return;
        session_.err() << "line " << record.line << ": " << printable(why) << ": "
                       << clipped(printable(record.text), 100) << '\n';
        if (!fix.empty()) session_.err() << "  fix: " << printable(fix) << '\n';
    }

    Session& session_;
    bool dry_run_, replace_, reported_ = false;
    std::ofstream report_;
    std::vector<Record> waiting_;
    size_t bytes_ = 0;
    uint64_t records_ = 0, rejected_ = 0;
    Json counts_ = Json::object();
    Json first_ = Json::array();
    std::unordered_set<size_t> seen_;
};

// All of one revision, although others may commit meanwhile.
void write_rows(Session& session, const std::string& kind, const std::function<void(const Json&)>& write) {
    std::string after, revision;
    do {
        std::string target = "/v1/entries?limit=" + std::to_string(kExportRows);
        if (!kind.empty()) target += "&kind=" + kind;
        if (!after.empty()) target += "&after=" + encoded(after) + "&revision=" + revision;
        const Json page = session.api.get(target);
        revision = text_or(page, "revision", "");
        for (Json row : page.value("rows", Json::array())) {
            row.erase("since");
            write(row);
        }
        const std::string next = text_or(page, "next", "");
        if (next == after) return;
        after = next;
    } while (!after.empty());
}

}  // namespace

std::vector<Option> import_options() {
    return {{"csv", nullptr, "the file is CSV, whatever its name ends with"},
            {"as-json", nullptr, "the file is JSON, whatever its name ends with"},
            {"dry-run", nullptr, "change nothing; tell what would become of each record"},
            {"replace", nullptr, "take the place of entries that are there, on either list"},
            {"report", "FILE", "write every rejected record to FILE, as CSV, with line and reason", Words::files}};
}

Exit import_entries(Session& session, const Arguments& arguments, const Json& defaults) {
    const std::string path = arguments.positional(0);
    const Form form = form_of(arguments, path);
    std::ifstream file;
    if (path != "-") {
        file.open(path, std::ios::binary);
        if (!file || file.peek() == std::char_traits<char>::eof()) {
            if (!file.is_open()) throw unusable_file(path);
            throw Failure(Exit::usage, path + ": nothing in it", "name another file");
        }
    }
    std::istream& in = path == "-" ? session.at.in : file;
    std::unique_ptr<RecordReader> reader;
    if (form == Form::csv) {
        reader = std::make_unique<CsvReader>(in, defaults);
    } else {
        reader = std::make_unique<JsonReader>(in, defaults);
    }
    Import import(session, arguments);
    for (Record record; reader->next(record);) import.take(record);
    return import.finish();
}

std::vector<Option> export_options() {
    return {{"csv", nullptr, "write CSV"}, {"as-json", nullptr, "write JSON"}};
}

Exit export_entries(Session& session, const Arguments& arguments, const std::string& kind) {
    const std::string path = arguments.positional(0);
    const Form form = session.json && !arguments.has("csv") && path.empty() ? Form::json : form_of(arguments, path);
    std::ofstream file;
    if (!path.empty() && path != "-") {
        file.open(path, std::ios::trunc);
        if (!file) throw unusable_file(path);
    }
    std::ostream& out = file.is_open() ? file : session.out();
    uint64_t rows = 0;
    out << (form == Form::csv ? csv_header() + "\n" : "[");
    write_rows(session, kind, [&](const Json& row) {
        if (form == Form::csv) {
            out << csv_row(row) << '\n';
        } else {
            out << (rows ? ",\n" : "\n") << row.dump(-1, ' ', false, Json::error_handler_t::replace);
        }
        rows++;
    });
    if (form == Form::json) out << "\n]\n";
    out.flush();
    if (!out) throw Failure(Exit::usage, "the file could not be written", "look at the space on the disk");
    if (file.is_open()) session.err() << counted(rows, "record") << " written to " << printable(path) << ".\n";
    return Exit::ok;
}

}  // namespace fedge::cli
