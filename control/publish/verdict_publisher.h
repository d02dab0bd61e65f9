// Keeps the verdict tables that are published (dataplane/contract/verdicts.h) up to date: a delta at once after each
// change, at the cost of what has changed since the base was built; a new base when the delta has grown too large.
//
// A base of a million is read in slices between which the loop does other things, and built by a thread of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "control/log.h"
#include "control/publish/dataplane.h"
#include "control/publish/verdict_source.h"

namespace fedge::control {

class VerdictPublisher {
  public:
    struct Limits {
        size_t delta = 4096;      // changes that a delta may always hold
        size_t delta_share = 16;  // it may hold as much as the base divided by this, if that is more,
        size_t delta_most =
            65'536;               // but not more than this; beyond, a new base is built, and the delta grows meanwhile
        size_t slice = 2000;      // rows of the base that are read at a time
        size_t at_once = 20'000;  // changes that are read in one go, which keeps the loop for less than 100 ms; for
                                  // more a new base is built
    };
    using Keys = std::function<contract::VerdictKey()>;

    // `keys`: a new random key with each call. References outlive this object.
    VerdictPublisher(VerdictSource& source, Keys keys, Log& log) : VerdictPublisher(source, std::move(keys), log, {}) {}
    VerdictPublisher(VerdictSource& source, Keys keys, Log& log, Limits limits);

    // Brings tables() to what the source says now. False: that takes a new base, which is being built; tables() are as
    // they were.
    bool update();
    const PublishedTables& tables() const { return tables_; }

    // Does a slice of the work on a new base. True: there is more to do at once. False: nothing is to be done, or the
    // thread is at work: call again some time later.
    bool work();
    bool building() const { return building_ != nullptr; }
    // A new base is there that tables() do not have yet: update() and publish, so that the delta gets small again.
    bool renewed() const { return ready_.has_value(); }

    // Up to when update() has looked.
    const VerdictSource::Moment& seen() const { return seen_; }
    size_t changes() const { return changes_.size(); }  // since the base was built

  private:
    struct Base {
        contract::VerdictKey key;
        VerdictSource::Moment since;  // what changed from then on may be missing
        std::shared_ptr<const contract::Descriptor> memory;
        size_t entries = 0;
    };
    struct Building {
        Base base;
        std::optional<contract::VerdictBuilder> builder;  // while rows are read
        std::future<contract::Descriptor> result;
        std::chrono::steady_clock::time_point begin;
    };

    size_t room() const;
    void add(contract::VerdictBuilder& builder, const NamedVerdict& verdict);
    void start_base();
    void finish_base();
    void use_new_base();
    void make_delta();

    VerdictSource& source_;
    Keys keys_;
    Log& log_;
    Limits limits_;
    Base base_;                                    // at first none, of a time when nothing was known
    VerdictSource::Moment seen_;                   // changes_ go up to here
    std::map<std::string, NamedVerdict> changes_;  // since the base
    bool changed_ = false;                         // and tables_ do not have all of them
    bool overflow_ = false;                        // there are more than changes_ can take
    std::unique_ptr<Building> building_;
    std::optional<Base> ready_;
    PublishedTables tables_;
    uint64_t next_id_ = 1;
};

}  // namespace fedge::control
