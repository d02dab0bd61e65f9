// Builds verdict tables (verdicts.h). Control does it; a table of a million domains takes some tenths of a second.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dataplane/contract/channel.h"
#include "dataplane/contract/verdicts.h"

namespace fedge::contract {

// An entry as the operator, or the history of discovered partners, has it.
struct DomainEntry {
    std::string_view name;
    Rule rule = Rule::allowed;
    Verification verification = Verification::use_source;
    Purpose purpose = Purpose::server_or_client;
    SrvMode srv_mode = SrvMode::microsoft_then_sips;
    bool monitored = false;
    bool suspicious = false;
    std::string_view via;  // FQDN; empty: by DNS
};

class VerdictBuilder {
  public:
    // `key`: random for a base; of its base for a delta.
    explicit VerdictBuilder(const VerdictKey& key) : key_(key) {}

    // In any order. Of several entries with one name a blocked one stays, else an allowed one, else a discovered one;
    // of a user the last. They throw std::invalid_argument if a name is empty or too long, or the rule is none.
    void add(const DomainEntry& entry);
    void add_user(std::string_view address, Access access);
    // In a delta: the base's entry of this domain or user counts no more. An entry of the name in the delta is
    // stronger.
    void remove(std::string_view name);

    size_t size() const { return entries_.size(); }

    // Bytes that VerdictTable::open takes. Throws std::length_error if there are too many entries, or too many for one
    // place, which does not happen with a random key.
    std::vector<uint8_t> build() const;
    // The same in a memfd that nobody can change any more. Throws std::system_error besides.
    Descriptor build_sealed() const;

  private:
    struct Stored {
        uint64_t hash;
        uint32_t name;  // offset in names_
        uint32_t via;   // offset in texts_
        uint16_t name_length;
        uint16_t via_length;
        uint8_t kind;
        Verification verification;
        Purpose purpose;
        SrvMode srv_mode;
        uint8_t flags;
        uint8_t access;
    };
    struct Place {
        uint32_t entry;  // in entries_
        uint32_t slot;
        uint32_t home;
    };
    struct Layout;

    Stored& store(std::string_view name, size_t longest, uint8_t kind);
    std::string_view name_of(const Stored& entry) const { return {names_.data() + entry.name, entry.name_length}; }
    Layout lay_out() const;
    std::vector<uint32_t> by_home(uint32_t homes, std::vector<uint32_t>& starts) const;
    void keep_strongest(std::vector<uint32_t>& group) const;
    void write(const Layout& layout, uint8_t* out) const;

    VerdictKey key_;
    uint32_t min_labels_ = UINT32_MAX;
    uint32_t max_labels_ = 0;
    std::vector<Stored> entries_;
    std::string names_;                                  // of all entries, one behind the other
    std::string texts_;                                  // names of servers, each once
    std::unordered_map<std::string, uint32_t> servers_;  // offsets in texts_
};

}  // namespace fedge::contract
