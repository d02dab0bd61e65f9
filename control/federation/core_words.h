// What the cores themselves say of a name, beside what an explanation found in the store. The two differ while a change
// is not committed, or not yet on every core; otherwise something is wrong.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/api/json.h"
#include "dataplane/contract/verdicts.h"

namespace fedge::contract {
struct LookedUp;
}

namespace fedge::control {

// What verdict tables have of a domain, or of a user ("user@domain").
struct TableWord {
    std::string rule = "none";  // as contract::LookupRow has it
    std::string entry;          // of a domain: the entry that matches
    std::string via;
    contract::Access access{};  // of a user

    // Whom DNS has found once and whom nothing is known of is treated alike.
    bool same(const TableWord& other) const;
    std::string text() const;  // "block domain partner.example"
};
TableWord word_of(const contract::Verdicts& verdicts, const std::string& name);

struct CoreWord {
    uint16_t core = 0;
    uint64_t revision = 0;
    TableWord word;
};
std::vector<CoreWord> core_words(const contract::LookedUp& found);

// Why the cores may say something else.
struct CoreState {
    uint64_t revision = 0;   // that is committed
    bool candidate = false;  // what is explained is not committed
    bool in_force = false;   // all that was published is on every core
};

// {"name", "agree", "words", "rows"}: `expected` is what the explanation went by.
api::Json core_words_json(const std::string& name, const TableWord& expected, const std::vector<CoreWord>& cores,
                          const CoreState& state);

}  // namespace fedge::control
