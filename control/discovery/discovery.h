// Where partners are found: looks them up in DNS, remembers what it said, and says it to everybody who asks.
//
// An answer is kept as long as DNS says, within dns.ttl-min and dns.ttl-max; an absence for dns.negative-ttl at most.
// What is in use is looked up again before it ends, so that a partner who moves is found. When DNS fails, the last
// answer serves on for dns.stale-time, marked as stale (RFC 8767), and DNS is asked again ever more slowly. Everything
// is bounded: equal questions share a look-up, look-ups wait for discovery.per-second and discovery.concurrent, and too
// many are refused; those that somebody was found by before go first, so that strangers' names do not starve partners.
//
// Single-threaded, without a clock and without a loop: whoever owns one watches descriptor(), calls on_readable(), and
// on_tick() every 100 ms or so. Callbacks may run inside of any call that has `now`.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "control/discovery/cache.h"
#include "control/discovery/health.h"
#include "control/discovery/lookup.h"
#include "control/discovery/resolver.h"
#include "control/discovery/rules.h"
#include "control/log.h"

namespace fedge::control::discovery {

using RouteCallback = std::function<void(const Route& route, Time now)>;
using ChangeCallback = std::function<void(const Query& query, const Route& before, const Route& after, Time now)>;

struct Counts {
    uint64_t asked = 0;      // find()
    uint64_t cached = 0;     // answered from memory, fresh
    uint64_t stale = 0;      // answered from memory although its time was over
    uint64_t lookups = 0;    // begun
    uint64_t questions = 0;  // record sets asked of DNS
    uint64_t timeouts = 0;   // questions without an answer
    uint64_t bogus = 0;      // answers that failed validation
    uint64_t limited = 0;    // refused: too many wait
    uint64_t late = 0;       // answered "failed" because the deadline came first
    uint64_t changes = 0;    // partners that moved
    uint64_t lost = 0;       // looked up again because nothing of them worked
};

// How often connections to an address came about, and failed, lately.
struct Attempts {
    Endpoint endpoint;
    uint32_t good = 0;
    uint32_t failed = 0;
    Failure failure;  // of the last that failed
};

class Discovery {
  public:
    static constexpr auto kLostAgain = std::chrono::seconds(10);  // between look-ups of a partner who cannot be reached
    static constexpr size_t kMaxWaiters = 256;                    // of one look-up
    // RFC 8767 section 5: how long to wait for DNS before an old answer is given.
    static constexpr auto kStaleAfter = std::chrono::milliseconds(1800);
    static constexpr auto kStaleTtl = std::chrono::seconds(30);
    static constexpr auto kFirstBackOff = std::chrono::seconds(2);  // doubles with every failure in a row
    static constexpr auto kMaxBackOff = std::chrono::minutes(5);

    // References outlive this object.
    Discovery(Resolver& resolver, Log& log, Random random);
    ~Discovery();

    // What has changed takes effect: with other servers, anchors or rules for addresses all is asked anew.
    void configure(const Config& config, Time now);

    // `done` is called once, at the latest at the first tick behind `deadline`, perhaps before this returns.
    void find(const Query& query, Time now, Time deadline, RouteCallback done);
    // Asks DNS whatever is remembered, and remembers the answer.
    void look_up(const Query& query, Time now, Time deadline, RouteCallback done);
    // The usual query for a partner who is known by its domain alone.
    Query usual(std::string domain, Service service) const;

    // What came of connecting to addresses of routes. Those that failed are tried last from now on. A partner of whom
    // nothing works any more may have moved before the time of its records is over: DNS is asked again.
    void report(std::span<const Attempts> attempts, Time now);
    const Health& health() const { return health_; }

    // Called when a partner is found elsewhere than before, or not any more, or again; and for all that was known when
    // settings change what answers are worth: `after` has failed then.
    void on_change(ChangeCallback changed) { changed_ = std::move(changed); }

    int descriptor() const { return resolver_.descriptor(); }
    uint64_t generation() const { return resolver_.generation(); }
    void on_readable(Time now);
    void on_tick(Time now);

    const Counts& counts() const { return counts_; }
    const Cache& cache() const { return cache_; }
    size_t under_way() const { return active_; }
    size_t waiting() const { return lookups_.size() - active_; }
    // For the operator.
    std::vector<Problem> problems() const;

  private:
    struct Waiter {
        Time deadline;
        Time stale_at;  // when an old answer does; Time::max(): there is none
        bool as_it_is;  // wants what DNS says now, even if that is nothing
        RouteCallback done;
    };
    struct Asked {
        uint64_t question;  // of the resolver
        Time deadline;
    };
    struct Running {
        std::unique_ptr<Lookup> lookup;  // empty: waits for its turn
        std::map<size_t, Asked> asked;   // by id of the look-up's question
        std::vector<Waiter> waiters;
        uint64_t turn = 0;     // while it waits
        bool refresh = false;  // worth finishing without waiters
    };
    using Lookups = std::map<Query, Running>;
    struct Turn {
        Query query;
        uint64_t number;
    };
    using Turns = std::deque<Turn>;

    void enqueue(const Query& query, Waiter waiter, bool refresh, bool known, Time now);
    void wait_for_turn(Lookups::iterator running, Turns& queue);
    void drop_dead_turns(Turns& queue);
    void begin_waiting(Time now);
    void begin(Lookups::iterator running, Time now);
    void ask(Lookups::iterator running, const std::vector<Question>& questions, Time now);
    void on_answer(const Query& query, size_t id, const DnsAnswer& answer, Time now);
    void advance(Lookups::iterator running, size_t id, const DnsAnswer& answer, Time now);
    void finish(Lookups::iterator running, Time now);
    std::optional<Route> learn(const Query& query, Found found, Time now);
    void learn_failure(const Query& query, Route route, Time now);
    void time_out_questions(Time now);
    void serve_waiters(Time now);
    void refresh_due(Time now);
    void look_for_lost(const std::set<Endpoint>& failed, Time now);
    void forget_all(Time now);
    void restart_lookups(Time now);
    Route answer_of(const Entry& entry, Time now, bool stale);
    static Route failed(std::string reason, Time now);

    Resolver& resolver_;
    Log& log_;
    Random random_;
    DnsConfig dns_;
    DiscoveryConfig config_;
    std::vector<IpAddress> own_;
    std::vector<Prefix> denied_;
    bool configured_ = false;
    std::shared_ptr<const LookupRules> rules_;
    Cache cache_;
    Health health_;
    Lookups lookups_;
    Turns first_;  // somebody was found by them before
    Turns others_;
    uint64_t last_turn_ = 0;
    size_t active_ = 0;
    double tokens_ = 0;
    Time refilled_{};
    ChangeCallback changed_;
    Counts counts_;
};

}  // namespace fedge::control::discovery
