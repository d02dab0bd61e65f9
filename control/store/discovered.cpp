#include "control/store/discovered.h"

namespace fedge::control {
namespace {

constexpr const char* kSelect =
    "SELECT domain, first, last, messages, limited, contacts, suspicious, watch FROM discovered ";

DiscoveredPartner read(const Statement& row) {
    return {row.text(0),    row.integer(1), row.integer(2),      row.integer(3),
            row.integer(4), row.integer(5), row.integer(6) != 0, row.integer(7) != 0};
}

}  // namespace

std::optional<DiscoveredPartner> DiscoveredTable::find(const std::string& domain) {
    Statement row(database_, (std::string(kSelect) + "WHERE domain = ?").c_str());
    if (!row.add(domain).step()) return std::nullopt;
    return read(row);
}

std::vector<DiscoveredPartner> DiscoveredTable::page(const std::string& after, size_t limit,
                                                     const DiscoveredFilter& filter) {
    std::string sql = std::string(kSelect) + "WHERE domain > ?";
    if (filter.suspicious) sql += " AND suspicious";
    if (filter.watch) sql += " AND watch";
    if (!filter.contains.empty()) sql += " AND instr(domain, ?)";
    sql += " ORDER BY domain LIMIT ?";
    Statement rows(database_, sql.c_str());
    rows.add(after);
    if (!filter.contains.empty()) rows.add(filter.contains);
    rows.add(static_cast<int64_t>(limit));
    std::vector<DiscoveredPartner> out;
    while (rows.step()) out.push_back(read(rows));
    return out;
}

int64_t DiscoveredTable::count() {
    Statement row(database_, "SELECT count(*) FROM discovered");
    return row.step() ? row.integer(0) : 0;
}

void DiscoveredTable::put(const std::vector<DiscoveredPartner>& partners) {
    Transaction transaction(database_);
    Statement write(database_,
                    "INSERT OR REPLACE INTO discovered(domain, first, last, messages, limited, contacts, suspicious, "
                    "watch) VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
    for (const auto& p : partners) {
        write.rewind();
        write.add(p.domain).add(p.first).add(p.last).add(p.messages).add(p.limited).add(p.contacts);
        write.add(int64_t{p.suspicious}).add(int64_t{p.watch}).run();
    }
    transaction.commit();
}

bool DiscoveredTable::remove(const std::string& domain) {
    Statement(database_, "DELETE FROM discovered WHERE domain = ?").add(domain).run();
    return database_.changes() > 0;
}

}  // namespace fedge::control
