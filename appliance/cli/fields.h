// From the API's JSON rows to table cells.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/cli/table.h"
#include "appliance/cli/units.h"

namespace fedge::cli {

using Json = nlohmann::json;

// The value of `key` as text: strings as they are, lists joined by ", ", booleans as yes/no; `otherwise` when it is
// absent or null. `row` need not be an object.
std::string text_or(const Json& row, std::string_view key, std::string_view otherwise);
std::string value_text(const Json& value, std::string_view separator = ", ");
double number_or(const Json& row, std::string_view key, double otherwise);
bool true_at(const Json& row, std::string_view key);

// The words in a list that is written in one text: separated by commas, semicolons or spaces.
std::vector<std::string> separated(std::string_view text);

// A line "LABEL   TEXT" whose text begins at `column`, made printable.
void print_pair(std::ostream& out, size_t column, const std::string& label, const std::string& text);

using Show = std::function<std::string(const Json& row)>;

struct Field {
    Column column;
    Show show;
};

// Cells by key; an absent value is "-".
Show as_text(std::string key);
Show as_count(std::string key);    // 1,234
Show as_scaled(std::string key);   // 1.23k
Show as_bytes(std::string key);    // 1.2 KiB
Show as_seconds(std::string key);  // a number of seconds as a duration
Show as_milliseconds(std::string key);
Show as_decimal(std::string key, int digits, std::string unit = {});
Show as_time(std::string key);  // RFC 3339 text or unix seconds

// The whole table, or `empty` as a sentence of its own when there are no rows.
void print_rows(std::ostream& out, size_t width, const std::vector<Field>& fields, const Json& rows,
                std::string_view empty);

}  // namespace fedge::cli
