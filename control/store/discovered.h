// Partners that were discovered, and what they did: outside of revisions, because nobody configured them.
//
// Part of Store. Throws SqlError.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/store/sqlite.h"

namespace fedge::control {

struct DiscoveredPartner {
    std::string domain;
    int64_t first = 0;  // Unix seconds, as below
    int64_t last = 0;
    int64_t messages = 0;  // let through, since the first
    int64_t limited = 0;   // refused by the rate
    int64_t contacts = 0;  // most users of ours that it addressed
    bool suspicious = false;
    bool watch = false;  // it reached the limit of contacts

    bool operator==(const DiscoveredPartner&) const = default;
};

struct DiscoveredFilter {
    bool suspicious = false;  // only those
    bool watch = false;       // only those
    std::string contains;
};

class DiscoveredTable {
  public:
    // Nothing can be written now.
    bool busy() const { return database_.refuses_transactions(); }
    explicit DiscoveredTable(Database& database) : database_(database) {}

    std::optional<DiscoveredPartner> find(const std::string& domain);
    // Sorted by domain; `after` is the last one of the page before, or empty.
    std::vector<DiscoveredPartner> page(const std::string& after, size_t limit, const DiscoveredFilter& filter = {});
    int64_t count();
    // All or none; rows of the same domains are replaced.
    void put(const std::vector<DiscoveredPartner>& partners);
    bool remove(const std::string& domain);

  private:
    Database& database_;
};

}  // namespace fedge::control
