// Text tables that fit the terminal.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

namespace fedge::cli {

struct Column {
    enum class Align { left, right };
    std::string title;
    Align align = Align::left;
    bool shrinks = false;  // may be cut with an ellipsis, never below 12 columns
    int rank = 0;          // 0 = always shown; a column of higher rank goes first when the terminal is too narrow
};

class Table {
  public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    // One cell per column. Cells are made printable here: nothing that is added can harm the terminal.
    void add(std::vector<std::string> cells);
    bool empty() const { return rows_.empty(); }

    // `width` in columns; 0 = as wide as it takes. First columns of low rank shrink, then columns of high rank go, and
    // a line below the table names them.
    void print(std::ostream& out, size_t width) const;

  private:
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace fedge::cli
