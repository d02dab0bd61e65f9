#include "appliance/cli/counter_rows.h"

#include <algorithm>

namespace fedge::cli {
namespace {

Json kept(const Json& rows, const CounterView& view) {
    Json out = Json::array();
    for (const Json& row : rows) {
        const bool wanted = text_or(row, "name", "").starts_with(view.prefix);
        if (wanted && (view.zeros || number_or(row, "total", 0) > 0)) out.push_back(row);
    }
    return out;
}

Show of_core(size_t core) {
    return [core](const Json& row) -> std::string {
        const Json cores = row.value("cores", Json::array());
        return core < cores.size() && cores[core].is_number_unsigned() ? grouped(cores[core].get<uint64_t>()) : "-";
    };
}

}  // namespace

void print_counters(Session& session, const Json& rows, const CounterView& view) {
    constexpr auto kRight = Column::Align::right;
    const Json shown = kept(rows, view);
    std::vector<Field> fields = {{{"NAME"}, as_text("name")}, {{"TOTAL", kRight}, as_count("total")}};
    size_t cores = 0;
    for (const Json& row : shown) cores = std::max(cores, row.value("cores", Json::array()).size());
    if (view.per_core)
        for (size_t core = 0; core < cores; ++core)
            fields.push_back({{"CORE " + std::to_string(core), kRight, false, 1}, of_core(core)});
    fields.push_back({{std::string(view.title), Column::Align::left, true}, as_text("help")});
    print_rows(session.out(), session.at.width, fields, shown, view.empty);
}

}  // namespace fedge::cli
