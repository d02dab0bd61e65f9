// Which addresses of partners did not work lately. They are tried last, not left out: when nothing else works either,
// the one that failed longest ago is the best guess. Bounded; the entry that was touched longest ago makes room.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "control/discovery/route.h"

namespace fedge::control::discovery {

// Why a server could not be connected to.
struct Failure {
    uint16_t code = 0;  // as ms-diagnostics tells it
    std::string words;
};

class Health {
  public:
    static constexpr auto kFirstPenalty = std::chrono::seconds(5);  // doubles with every failure in a row
    static constexpr auto kMaxPenalty = std::chrono::minutes(10);
    static constexpr size_t kMaxEntries = 4096;

    void failed(const Endpoint& endpoint, const Failure& failure, Time now);
    void succeeded(const Endpoint& endpoint);

    struct State {
        uint32_t failures = 0;  // in a row
        Time until{};           // tried last till then
        Failure failure;        // of the last failure
    };
    State of(const Endpoint& endpoint) const;
    // Nothing of it works now, as far as is known; it has targets.
    bool all_failed(const std::vector<Target>& targets, Time now) const;
    size_t size() const { return entries_.size(); }

    // Moves to the end what is under penalty: within a target its addresses, then targets all of whose addresses are;
    // those by the end of their penalty. Otherwise the order stays.
    void sort(std::vector<Target>& targets, Time now) const;

  private:
    struct Entry {
        State state;
        std::list<Endpoint>::iterator age;
    };
    Time penalty(const Endpoint& endpoint, Time now) const;

    std::map<Endpoint, Entry> entries_;
    std::list<Endpoint> ages_;  // touched longest ago first
};

}  // namespace fedge::control::discovery
