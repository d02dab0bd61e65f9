#include "appliance/cli/fields.h"

#include <algorithm>

#include <cmath>
#include <limits>
#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

const Json* found(const Json& row, std::string_view key) {
    if (!row.is_object()) return nullptr;
    const auto at = row.find(std::string(key));
    return at == row.end() || at->is_null() ? nullptr : &*at;
}

template <class Format>
Show as_number(std::string key, Format format) {
    return [key = std::move(key), format](const Json& row) -> std::string {
        const double value = number_or(row, key, std::numeric_limits<double>::quiet_NaN());
        return std::isnan(value) ? "-" : format(value);
    };
}

// Beyond the range of durations, a conversion to an integer would be undefined.
uint64_t whole(double value) {
    return static_cast<uint64_t>(std::clamp(value, 0.0, 1e15));
}

}  // namespace

std::string value_text(const Json& value, std::string_view separator) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
    if (value.is_null()) return "";
    if (!value.is_array()) return value.dump(-1, ' ', false, Json::error_handler_t::replace);
    std::string joined;
    for (const Json& one : value) {
        if (!joined.empty()) joined += separator;
        joined += value_text(one, separator);
    }
    return joined;
}

std::string text_or(const Json& row, std::string_view key, std::string_view otherwise) {
    const Json* value = found(row, key);
    if (!value) return std::string(otherwise);
    std::string text = value_text(*value);
    return text.empty() ? std::string(otherwise) : text;
}

double number_or(const Json& row, std::string_view key, double otherwise) {
    const Json* value = found(row, key);
    return value && value->is_number() ? value->get<double>() : otherwise;
}

bool true_at(const Json& row, std::string_view key) {
    const Json* value = found(row, key);
    return value && value->is_boolean() && value->get<bool>();
}

Show as_text(std::string key) {
    return [key = std::move(key)](const Json& row) { return text_or(row, key, "-"); };
}

Show as_count(std::string key) {
    // Counters are 64 bits wide: not by way of double.
    return [key = std::move(key)](const Json& row) -> std::string {
        const Json* value = found(row, key);
        if (!value || !value->is_number_integer() || *value < 0) return "-";
        return grouped(value->get<uint64_t>());
    };
}

Show as_scaled(std::string key) {
    return as_number(std::move(key), scaled);
}
Show as_bytes(std::string key) {
    return as_number(std::move(key), bytes_text);
}
Show as_seconds(std::string key) {
    return as_number(std::move(key), [](double s) { return duration_text(whole(s)); });
}
Show as_milliseconds(std::string key) {
    return as_number(std::move(key), [](double ms) { return milliseconds_text(whole(ms)); });
}
Show as_decimal(std::string key, int digits, std::string unit) {
    return as_number(std::move(key), [digits, unit = std::move(unit)](double v) { return decimal(v, digits) + unit; });
}

Show as_time(std::string key) {
    return [key = std::move(key)](const Json& row) -> std::string {
        const Json* value = found(row, key);
        if (value && value->is_number()) return utc_text(static_cast<int64_t>(whole(value->get<double>())));
        return text_or(row, key, "-");
    };
}

void print_rows(std::ostream& out, size_t width, const std::vector<Field>& fields, const Json& rows,
                std::string_view empty) {
    if (!rows.is_array() || rows.empty()) {
        out << empty << '\n';
        return;
    }
    std::vector<Column> columns;
    for (const Field& field : fields) columns.push_back(field.column);
    Table table(std::move(columns));
    for (const Json& row : rows) {
        std::vector<std::string> cells;
        for (const Field& field : fields) cells.push_back(field.show(row));
        table.add(std::move(cells));
    }
    table.print(out, width);
}

std::vector<std::string> separated(std::string_view text) {
    std::vector<std::string> out;
    size_t at = 0;
    while ((at = text.find_first_not_of(" ,;", at)) != std::string_view::npos) {
        const size_t end = std::min(text.find_first_of(" ,;", at), text.size());
        out.emplace_back(text.substr(at, end - at));
        at = end;
    }
    return out;
}

void print_pair(std::ostream& out, size_t column, const std::string& label, const std::string& text) {
    const size_t gap = label.size() < column ? column - label.size() : 1;
    out << label << std::string(gap, ' ') << printable(text) << '\n';
}

}  // namespace fedge::cli
