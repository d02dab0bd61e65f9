// What discovered partners did, as the cores report it: kept in the store over restarts, told to the operator once an
// hour, and the source of what verdict tables say of them.
//
// Time is an argument (Unix seconds). Bounded: reports come with at most some hundred rows a second, what is not stored
// yet is written before it grows, and of a period's partners so many are remembered as fit a report.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/log.h"
#include "control/store/discovered.h"

namespace fedge::control {

// What one report says of one partner since the report before (contract::PartnerReport).
struct PartnerNews {
    std::string domain;
    uint32_t messages = 0;
    uint32_t limited = 0;
    uint32_t contacts = 0;
    uint32_t contacts_refused = 0;
    bool suspicious = false;
};

class DiscoveredHistory {
  public:
    static constexpr int64_t kWriteEvery = 10;         // seconds
    static constexpr size_t kMostUnwritten = 4096;     // partners
    static constexpr size_t kMostRemembered = 16'384;  // partners of a period; beyond, they are counted only
    static constexpr size_t kMostNamed = 50;           // partners in a line of the hourly report
    static constexpr size_t kMostChanges = 65'536;     // that are remembered for verdict tables

    // References outlive this object. `report_minutes`: the setting; 0: no reports.
    DiscoveredHistory(DiscoveredTable& table, Log& log) : table_(table), log_(log) {}

    void on_news(const std::vector<PartnerNews>& news, int64_t now);
    // Writes what is to be written and reports when it is time. Call about once a second.
    void on_tick(int64_t now, int64_t report_minutes);
    // Writes all at once; before the process ends.
    void flush();

    // As it is now, written or not.
    std::optional<DiscoveredPartner> find(const std::string& domain);
    std::vector<DiscoveredPartner> page(const std::string& after, size_t limit, const DiscoveredFilter& filter = {});
    int64_t count();
    // Forgets a partner, as when it becomes an entry of the operator's. False: it was not known.
    bool forget(const std::string& domain);

    // For verdict tables: what changed() says has a number, and numbers grow. Of partners that were heard of before
    // first_change() nobody remembers what changed.
    uint64_t next_change() const { return first_change_ + changes_.size(); }
    uint64_t first_change() const { return first_change_; }
    // The partner of a change, from first_change() to below next_change().
    const std::string& change(uint64_t number) const { return changes_[number - first_change_]; }

  private:
    struct Period {
        uint64_t messages = 0;
        uint64_t limited = 0;
        uint64_t contacts_refused = 0;
    };

    DiscoveredPartner& row_of(const std::string& domain, int64_t now, bool& is_new);
    void note_change(const std::string& domain);
    void report(int64_t minutes);

    DiscoveredTable& table_;
    Log& log_;
    std::map<std::string, DiscoveredPartner> unwritten_;
    bool urgent_ = false;  // a flag turned: a restart must not lose it
    int64_t written_at_ = 0;
    std::map<std::string, Period> period_;
    uint64_t not_remembered_ = 0;  // messages of partners beyond kMostRemembered
    int64_t period_start_ = 0;
    std::deque<std::string> changes_;
    uint64_t first_change_ = 1;
};

}  // namespace fedge::control
