#include "appliance/cli/table.h"

#include <algorithm>
#include <numeric>

#include "appliance/cli/printable.h"

namespace fedge::cli {
namespace {

constexpr size_t kGap = 2;
constexpr size_t kLeastShrunk = 12;
constexpr int kDetail = 3;  // columns of this rank and above are details: they go before anything is cut

struct Layout {
    std::vector<size_t> shown;   // indices of columns
    std::vector<size_t> widths;  // of all columns
};

size_t total_width(const Layout& layout) {
    size_t total = layout.shown.empty() ? 0 : (layout.shown.size() - 1) * kGap;
    for (const size_t column : layout.shown) total += layout.widths[column];
    return total;
}

size_t least_width(const Column& column, size_t natural) {
    return column.shrinks ? std::min(natural, std::max(kLeastShrunk, columns_of(column.title))) : natural;
}

// Takes one column of width at a time from the widest that may still give.
void shrink(const std::vector<Column>& columns, Layout& layout, const std::vector<size_t>& least, size_t width) {
    for (size_t total = total_width(layout); total > width; --total) {
        size_t widest = columns.size();
        for (const size_t column : layout.shown) {
            if (layout.widths[column] <= least[column]) continue;
            if (widest == columns.size() || layout.widths[column] > layout.widths[widest]) widest = column;
        }
        if (widest == columns.size()) return;
        --layout.widths[widest];
    }
}

// Hides the last of the columns of highest rank; false if none has at least `rank`.
bool drop_highest(const std::vector<Column>& columns, Layout& layout, int rank) {
    auto victim = layout.shown.end();
    for (auto it = layout.shown.begin(); it != layout.shown.end(); ++it)
        if (columns[*it].rank >= rank && (victim == layout.shown.end() || columns[*it].rank >= columns[*victim].rank))
            victim = it;
    if (victim == layout.shown.end()) return false;
    layout.shown.erase(victim);
    return true;
}

Layout fit(const std::vector<Column>& columns, std::vector<size_t> natural, size_t width) {
    Layout layout{{}, std::move(natural)};
    layout.shown.resize(columns.size());
    std::iota(layout.shown.begin(), layout.shown.end(), size_t{0});
    if (width == 0) return layout;
    std::vector<size_t> least(columns.size());
    for (size_t i = 0; i < columns.size(); ++i) least[i] = least_width(columns[i], layout.widths[i]);
    while (total_width(layout) > width && drop_highest(columns, layout, kDetail)) {
    }
    while (total_width({layout.shown, least}) > width && drop_highest(columns, layout, 1)) {
    }
    shrink(columns, layout, least, width);
    return layout;
}

void print_line(std::ostream& out, const std::vector<Column>& columns, const Layout& layout,
                const std::vector<std::string>& cells) {
    std::string line;
    for (const size_t column : layout.shown) {
        const std::string cell = clipped(cells[column], layout.widths[column]);
        const std::string padding(layout.widths[column] - columns_of(cell), ' ');
        if (column != layout.shown.front()) line.append(kGap, ' ');
        line += columns[column].align == Column::Align::right ? padding + cell : cell + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
    cells.resize(columns_.size());
    for (std::string& cell : cells) cell = printable(cell);
    rows_.push_back(std::move(cells));
}

void Table::print(std::ostream& out, size_t width) const {
    std::vector<std::string> titles;
    std::vector<size_t> natural;
    for (size_t i = 0; i < columns_.size(); ++i) {
        titles.push_back(columns_[i].title);
        size_t widest = columns_of(columns_[i].title);
        for (const auto& row : rows_) widest = std::max(widest, columns_of(row[i]));
        natural.push_back(widest);
    }
    const Layout layout = fit(columns_, std::move(natural), width);
    print_line(out, columns_, layout, titles);
    for (const auto& row : rows_) print_line(out, columns_, layout, row);

    std::string hidden;
    for (size_t i = 0; i < columns_.size(); ++i)
        if (std::find(layout.shown.begin(), layout.shown.end(), i) == layout.shown.end())
            hidden += (hidden.empty() ? "" : ", ") + columns_[i].title;
    if (!hidden.empty()) out << "(not shown for lack of width: " << hidden << "; widen the terminal or use --json)\n";
}

}  // namespace fedge::cli
