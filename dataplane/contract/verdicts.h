// Verdict tables: what the operator says of single domains and users, and what is remembered of discovered partners,
// for a million of them. Built by control, sealed in a memfd, looked up by every core in place.
//
// There are two: a base, and a delta of what has changed since the base was built, so that a change of one domain costs
// the size of the changes and not of the table. A name is looked up in the delta first.
//
// Names are A-labels in lower case without a closing dot; users are "user@domain".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/contract/snapshot_generated.h"

namespace fedge::contract {

enum class Rule : uint8_t {
    none,
    allowed,     // by the operator; matches the domain and all below it
    blocked,     // likewise
    discovered,  // was found by DNS; matches the domain alone
};

// What is known of a domain. Views point into the table that was asked, and live as long as it.
struct DomainVerdict {
    Rule rule = Rule::none;
    Verification verification = Verification::use_source;
    Purpose purpose = Purpose::server_or_client;
    SrvMode srv_mode = SrvMode::microsoft_then_sips;
    bool monitored = false;   // the operator marked it for monitoring
    bool suspicious = false;  // a discovered partner that was, when it was heard of last
    std::string_view entry;   // the entry that matched: the name itself or a parent domain
    std::string_view via;     // FQDN of the partner's server; empty: by DNS
};

class VerdictTable;

// A base and a delta as one. Cheap to copy; the tables outlive it.
class Verdicts {
  public:
    Verdicts() = default;
    // Either may be nullptr.
    Verdicts(const VerdictTable* base, const VerdictTable* delta) : base_(base), delta_(delta) {}

    // The entry with most labels that is `name` or a parent of it. A discovered entry counts for `name` itself only,
    // and only where nothing is allowed or blocked. Constant time for a given number of labels; no heap.
    DomainVerdict domain(std::string_view name) const;

    // The policy of this user, or nothing if it has none of its own.
    std::optional<Access> user(std::string_view address) const;

  private:
    const VerdictTable* base_ = nullptr;
    const VerdictTable* delta_ = nullptr;
};

}  // namespace fedge::contract
