// Entries by pattern: many patterns, one look at a name (Hyperscan).
//
// Wildcards:  *.example.net    all below example.net, at any depth, and not example.net itself
//             example-*.com    a star elsewhere stands for any characters within one label, none included
//             edge?.example    one character, not a dot
// Regular expressions stand between slashes: /(sip|im)[0-9]+\.example\.net/. Both fit whole names, in any case.
//
// A name may be fitted by several. A blocking one wins, then the one with more literal characters, then the first in
// alphabetical order: never the order in which they were entered.
#pragma once

#include <hs.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fedge::policy {

inline constexpr size_t kMaxPatterns = 1000;
inline constexpr size_t kMaxPatternLength = 256;

// A clause that tells the operator what is wrong with the pattern; empty if it is good. Control asks at commit.
std::string check_pattern(std::string_view text);
// What Hyperscan is given for a good one. Control puts it into the snapshot beside the text.
std::string expression_of(std::string_view text);
// How many letters, digits, hyphens and dots a name must have: of a regular expression those outside of brackets.
size_t literal_characters(std::string_view text);

// Working memory of one look-up at a time: one for each core, made on the management thread.
struct ScratchFreed {
    void operator()(hs_scratch_t* scratch) const { hs_free_scratch(scratch); }
};
using Scratch = std::unique_ptr<hs_scratch_t, ScratchFreed>;

// Immutable; any thread may look, each with a Scratch of its own.
class Patterns {
  public:
    struct Entry {
        std::string_view text;
        std::string_view expression;
        bool blocked;
    };
    Patterns() = default;
    // Throws std::runtime_error, naming the pattern that cannot be used.
    explicit Patterns(std::span<const Entry> entries);

    bool empty() const { return !database_; }
    Scratch make_scratch() const;  // null if there are no patterns

    // Position in `entries` of the one that decides. `name` is at most Domain::kMaxLength long, which bounds the cost.
    // Without the right scratch nothing can be looked up: then the strictest decides, if it blocks.
    std::optional<uint32_t> match(std::string_view name, hs_scratch_t* scratch) const;

  private:
    struct DatabaseFreed {
        void operator()(hs_database_t* database) const { hs_free_database(database); }
    };
    std::unique_ptr<hs_database_t, DatabaseFreed> database_;
    bool blocks_ = false;            // one of them does, so the first by rank does
    std::vector<uint32_t> by_rank_;  // the pattern that Hyperscan knows as N is entries[by_rank_[N]]
};

}  // namespace fedge::policy
