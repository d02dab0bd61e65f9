// What a change lets through that was kept out before: for the operator to know before a rollback, and for the audit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/partners/entry.h"
#include "control/settings/config.h"

namespace fedge::control {

// Counts entries that a change makes weaker.
class WeakerEntries {
  public:
    void count(const EntryChange& change);
    // One sentence for each kind of weakening that there is, with the first names.
    std::vector<std::string> sentences() const;

  private:
    struct Tally {
        int64_t count = 0;
        std::vector<std::string> first;
        void add(const std::string& name);
    };
    static std::string sentence(const Tally& tally, const std::string& one, const std::string& many);

    Tally unblocked_, allowed_, believed_, users_;
};

// Sentences such as "discovery of partners is on".
std::vector<std::string> weaker_settings(const Config& before, const Config& after);

}  // namespace fedge::control
