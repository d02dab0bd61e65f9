// Where partners are, as far as one core knows: domains that it asked control about, with the answers.
//
// A domain that is not known becomes a question, once, however many messages wait for it; every question ends with an
// answer or, when its time is over, without one. What is in use is asked for again before its time is over. Bounded:
// the domain that was used least recently makes room. Belongs to one core; no heap after construction; time is an
// argument.
//
// What was found once stays usable when control says nothing any more, marked as stale: a dataplane works on without
// control (RFC 8767 is the model).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/counters.h"
#include "dataplane/base/fixed_text.h"
#include "dataplane/base/hash.h"
#include "dataplane/base/time.h"
#include "dataplane/contract/snapshot_generated.h"
#include "message_generated.h"

namespace fedge::policy {

inline constexpr size_t kMaxTargets = 8;    // of a route; more are not tried
inline constexpr size_t kMaxAddresses = 8;  // of a target
inline constexpr size_t kMaxName = 253;     // RFC 1035 section 2.3.4, as text

struct RouteTarget {
    FixedText<kMaxName> host;
    uint16_t port = 0;
    uint16_t priority = 0;
    uint16_t weight = 0;
    bool direct_tls = false;
    uint8_t address_count = 0;
    std::array<IpAddress, kMaxAddresses> address;

    std::span<const IpAddress> addresses() const { return std::span(address).first(address_count); }
};

// Where a domain is, or why that is not known.
struct Route {
    contract::Finding finding = contract::Finding::failed;
    uint16_t code = 0;       // ms-diagnostics; 0: none
    bool validated = false;  // by DNSSEC
    bool stale = false;      // its time is over, but there is nothing newer
    uint8_t target_count = 0;
    uint64_t version = 0;  // another one for each change of the above; never 0 in what find() gives
    FixedText<255> reason;
    std::array<RouteTarget, kMaxTargets> target;

    // In the order in which they are to be tried.
    std::span<const RouteTarget> targets() const { return std::span(target).first(target_count); }
};

// What is asked. Names are A-labels in lower case; `via`: the server that the operator named, or empty.
struct RouteQuestion {
    std::string_view domain;
    contract::Discoverable service = contract::Discoverable::sip;
    contract::SrvMode srv_mode = contract::SrvMode::microsoft_then_sips;
    std::string_view via;
    bool namespace_rule = false;
};

// Takes questions on their way to control.
class QuestionCarrier {
  public:
    virtual ~QuestionCarrier() = default;
    // False: not now. The views are good during the call. `key` comes back with the answer.
    virtual bool carry(uint64_t key, const RouteQuestion& question, Duration wait) = 0;
};

class Questions {
  public:
    struct Limits {
        uint32_t domains = 4096;                // known or asked about, at least 1
        Duration wait = 5s;                     // for an answer
        Duration retry = 2s;                    // after none came
        Duration kept_stale = 24h;              // how long after its time an answer may be used for want of a newer one
        Duration stale_for = 30s;               // how long it is used before control is asked again
        Duration shortest = 1s, longest = 24h;  // bounds of what control says an answer is good for
    };

    // References outlive this object. Heap: about 4 KB for each domain.
    Questions(const Limits& limits, QuestionCarrier& carrier, Counters counters, const HashKey& hash_key);
    Questions(const Questions&) = delete;
    Questions& operator=(const Questions&) = delete;

    struct Found {
        enum class State : uint8_t {
            known,    // `route` says it; good until the next call of this object
            pending,  // next_settled() gives `key` when it is known
            full,     // too much is being asked, or the name is none
        };
        State state = State::full;
        const Route* route = nullptr;
        uint64_t key = 0;
    };
    Found find(const RouteQuestion& question, Instant now);

    // Control answered the question `key`; the answer is good for `keep`. The route's version is set here.
    void answer(uint64_t key, const Route& route, Duration keep, Instant now);
    // Control has heard that something has changed: what is known of the domain is asked for again at its next use, and
    // serves until then only as something stale.
    void news(std::string_view domain, contract::Discoverable service, Instant now);
    // Ends questions whose time is over. Call in every turn.
    void advance(Instant now);

    // Keys of questions that were answered or given up, each once. False: no more.
    bool next_settled(uint64_t& key);

    uint32_t domains() const { return used_; }
    uint32_t waiting() const { return waiting_; }  // of them, not known and waited for

  private:
    using Index = uint32_t;
    static constexpr Index kNone = UINT32_MAX;
    struct Slot;
    struct List {
        Index first = kNone;
        Index last = kNone;
    };
    struct Links {
        Index next = kNone;
        Index previous = kNone;
        const List* list = nullptr;  // that it is in
    };
    using LinksOf = Links Slot::*;
    struct Slot {
        FixedText<kMaxName> domain;
        FixedText<kMaxName> via;
        contract::Discoverable service{};
        contract::SrvMode srv_mode{};
        bool namespace_rule = false;
        bool answered = false;  // there is a route
        bool waiting = false;   // somebody waits for its key
        uint32_t generation = 0;
        uint32_t hash = 0;
        Instant expires;
        Instant refresh;      // from then on a use asks again
        Instant stale_until;  // how long the route may be used for want of a newer one
        Instant deadline;     // of the question on its way
        Index next_of_bucket = kNone;
        Links place;   // in by_age_, or, while somebody waits and is not told yet, in settled_ or in no list
        Links asking;  // in asking_
        Route route;
    };

    uint32_t hash_of(std::string_view domain, contract::Discoverable service) const;
    Index look_up(const RouteQuestion& question, uint32_t hash) const;
    Index enter(const RouteQuestion& question, uint32_t hash);
    void release(Index index);
    bool ask(Index index, Instant now);
    void wait(Index index);
    void give_up(Index index, Instant now);
    void settle(Index index);
    bool use_as_stale(Slot& slot, Instant now);
    void append(List& list, LinksOf links, Index index);
    void unlink(List& list, LinksOf links, Index index);
    uint64_t key_of(Index index) const { return uint64_t{slots_[index].generation} << 32 | index; }

    Limits limits_;
    QuestionCarrier& carrier_;
    Counters counters_;
    HashKey hash_key_;
    std::vector<Slot> slots_;
    std::vector<Index> buckets_;
    Index free_ = kNone;  // by next_of_bucket
    List by_age_;         // used least recently first
    List asking_;         // with a question on its way: the one whose time is over soonest first
    List settled_;        // whose keys are to be told
    uint32_t used_ = 0;
    uint32_t waiting_ = 0;
    uint64_t versions_ = 0;
};

}  // namespace fedge::policy
