// Files of partners and users as operators import them: CSV (first byte 'c') and JSON ('j'). Whatever comes, each
// record is an entry or an error with its line, nothing is longer than the bound, and what is written is read back the
// same.
#include <algorithm>
#include <sstream>
#include <string>

#include "appliance/cli/exit.h"
#include "appliance/cli/records.h"
#include "tests/fuzz/expect.h"

namespace {

using namespace fedge;
using namespace fedge::cli;

void read(RecordReader& reader, size_t lines) {
    uint64_t before = 0;
    for (Record record; reader.next(record);) {
        fuzz::expect(record.line >= before && record.line <= lines + 1, "lines go up");
        fuzz::expect(record.text.size() <= kLongestRecord, "a record is bounded");
        fuzz::expect(record.error.empty() == record.entry.is_object(), "an entry or an error");
        before = record.line;
        if (!record.error.empty()) continue;
        fuzz::expect(record.entry.contains("kind"), "a kind");
        csv_row(record.entry);
    }
}

void write_back(const std::string& line) {
    auto fields = csv_fields(line);
    if (!fields) return;
    // With a letter before it no field is a formula.
    std::string row;
    for (size_t i = 0; i < fields->size(); i++) row += (i ? "," : "") + csv_field("y" + (*fields)[i]);
    auto again = csv_fields(row);
    fuzz::expect(again && again->size() == fields->size(), "as many fields");
    for (size_t i = 0; i < fields->size(); i++) fuzz::expect((*again)[i] == "y" + (*fields)[i], "the same field");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    auto lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    std::istringstream in(text);
    try {
        if (data[0] == 'c') {
            write_back(text.substr(0, text.find('\n')));
            CsvReader reader(in, {{"kind", "domain"}, {"list", "block"}});
            read(reader, lines);
        } else if (data[0] == 'j') {
            JsonReader reader(in, {{"kind", "domain"}});
            read(reader, lines);
        }
    } catch (const Failure& failure) {
        fuzz::expect(!failure.text.empty() && !failure.fix.empty(), "a failure says what and how");
    }
    return 0;
}
