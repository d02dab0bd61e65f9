// Verdict tables: what the operator says of single domains and users, and what is remembered of discovered partners,
// for a million of them. Built by control (verdict_builder.h), sealed in a memfd, looked up by every core in place.
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

#include "dataplane/contract/snapshot_generated.h"

namespace fedge::contract {

// Longest names of entries, in bytes. Nothing is known of a name that is longer.
inline constexpr size_t kMaxDomainEntry = 256;
inline constexpr size_t kMaxUserEntry = 512;

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

// The secret of the table's hash. A base and its delta have the same.
struct VerdictKey {
    uint64_t a = 0;
    uint64_t b = 0;
    uint64_t c = 0;

    bool operator==(const VerdictKey&) const = default;
};

namespace verdict_layout {
struct Header;
struct Slot;
}  // namespace verdict_layout

// One table in memory that belongs to others and stays as it is as long as the table is used.
class VerdictTable {
  public:
    // Checks all of it, in time linear in its size; look-ups trust it afterwards. On failure `error` says in words what
    // is wrong. Safe on any bytes. `bytes` must be aligned to 64.
    static std::optional<VerdictTable> open(std::span<const uint8_t> bytes, std::string& error);

    const VerdictKey& key() const;
    // Entries, of domains and of users; not the marks of a delta.
    uint64_t domains() const;
    uint64_t users() const;
    uint64_t removed() const;
    size_t bytes() const { return bytes_; }

  private:
    friend class Verdicts;
    VerdictTable() = default;

    void prefetch(uint64_t hash, uint32_t lines) const;
    const verdict_layout::Slot* find(uint64_t hash, std::string_view name) const;
    std::string_view name_of(const verdict_layout::Slot& slot) const;
    std::string_view via_of(const verdict_layout::Slot& slot) const;
    DomainVerdict verdict(const verdict_layout::Slot& slot) const;

    const verdict_layout::Header* header_ = nullptr;
    const verdict_layout::Slot* slots_ = nullptr;
    const char* texts_ = nullptr;
    uint32_t homes_ = 0;
    uint32_t min_labels_ = 0;
    uint32_t max_labels_ = 0;
    size_t bytes_ = 0;
};

// A base and a delta as one. Cheap to copy; the tables outlive it.
class Verdicts {
  public:
    Verdicts() = default;
    // Either may be nullptr. Two tables have one key.
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
