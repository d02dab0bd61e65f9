// Control's side of the connection to the dataplane: greets, publishes, asks, listens to events, and connects again for
// ever.
//
// It owns no loop: whoever owns one watches descriptor() while it is not -1, calls on_readable() when something came
// and on_tick() at least every 200 ms. Time is an argument. All callbacks run inside of these two calls, or inside of
// the call that made them if there is no connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "control/log.h"
#include "control/publish/counters.h"
#include "dataplane/base/address.h"
#include "dataplane/contract/channel.h"

namespace fedge::contract {
struct Message;
struct Hello;
struct LookedUp;
struct Page;
struct PartnerReports;
struct PartnerTested;
struct Question;
struct TargetReports;
struct Traced;
enum class Kind : uint8_t;
enum class Purpose : uint8_t;
}  // namespace fedge::contract

namespace fedge::control {

using Clock = std::chrono::steady_clock;

struct BootPortInfo {
    std::string name, device, driver, mac;
    uint16_t queues = 0;
    uint16_t mtu = 0;
};

// What the dataplane said of itself.
struct DataplaneInfo {
    std::string version;
    int pid = 0;
    uint64_t started_unix_ns = 0;
    bool hugepages = false;
    std::string idle;
    std::vector<BootPortInfo> ports;
};

enum class Adoption : uint8_t {
    adopted,
    refused,     // the dataplane goes on with the snapshot before it
    superseded,  // a newer revision, published after it, was adopted in its place
    pending,     // not answered in time; it stays published
};
using AdoptionCallback = std::function<void(Adoption, const std::string& reason)>;
// `page` is valid during the call; nullptr: `error` says why.
using PageCallback = std::function<void(const contract::Page* page, const std::string& error)>;
// `found` is valid during the call; nullptr: `error` says why.
using LookupCallback = std::function<void(const contract::LookedUp* found, const std::string& error)>;
using PartnerReportsCallback = std::function<void(const contract::PartnerReports&)>;
// `tested` is valid during the call; nullptr: `error` says why.
using PartnerTestedCallback = std::function<void(const contract::PartnerTested* tested, const std::string& error)>;
using TracedCallback = std::function<void(const contract::Traced&)>;
using CountCallback = std::function<void(uint32_t count, const std::string& error)>;

// A server to be tested, with the addresses that are to be tried.
struct TestTarget {
    std::string host;
    uint16_t port = 0;
    std::vector<IpAddress> addresses;
};
struct PartnerTestOrder {
    std::string domain;
    std::string from;                 // user@domain
    std::vector<TestTarget> targets;  // in the order to try
    // As messages would: policy::Decision::proving_domain() and purpose.
    std::string proves;
    contract::Purpose purpose{};
};

// Verdict tables to publish with a snapshot (sealed; dataplane/contract/verdicts.h). Numbers are never used twice and
// grow; 0: none.
struct PublishedTables {
    uint64_t base = 0;
    uint64_t delta = 0;
    std::shared_ptr<const contract::Descriptor> base_memory;
    std::shared_ptr<const contract::Descriptor> delta_memory;
};

class Dataplane {
  public:
    static constexpr auto kRetry = std::chrono::milliseconds(200);
    static constexpr auto kAnswerTime = std::chrono::seconds(2);

    Dataplane(std::string socket_path, Log& log);

    // Publishes `snapshot` (sealed) from now on, also to every dataplane that comes later. `done` is called once, at
    // the latest at `deadline`; it may be empty. Tables that a dataplane has already are not sent to it again.
    void publish(uint64_t revision, contract::Descriptor snapshot, PublishedTables tables, Clock::time_point now,
                 Clock::time_point deadline = {}, AdoptionCallback done = {});

    void query(contract::Kind kind, uint64_t cursor, uint32_t limit, Clock::time_point now, PageCallback done);
    // What every core makes of a domain or of a user ("user@domain"), in the form of the verdict tables.
    void lookup(const std::string& name, Clock::time_point now, LookupCallback done);
    // Lets a signalling core connect to a partner and ask OPTIONS; it takes `wait` at most.
    void test_partner(const PartnerTestOrder& order, std::chrono::milliseconds wait, Clock::time_point now,
                      PartnerTestedCallback done);
    // Called with every message of a trace.
    void on_traced(TracedCallback callback) { traced_ = std::move(callback); }
    // Called with every report about discovered partners.
    void on_partner_reports(PartnerReportsCallback callback) { partner_reports_ = std::move(callback); }
    void disconnect_allocations(uint64_t allocation, const std::string& user, Clock::time_point now,
                                CountCallback done);

    // Called with each report of how connections to servers of partners went, valid during the call.
    void on_target_reports(
        std::function<void(const contract::TargetReports& reports, Clock::time_point now)> callback) {
        target_reports_ = std::move(callback);
    }

    bool connected() const { return greeted_; }
    // Changes with every connection, so that a watcher notices a new one even if the number of its descriptor is the
    // same.
    uint64_t connection() const { return connection_; }
    int descriptor() const { return channel_.open() ? channel_.descriptor() : -1; }
    // Called with each question that the dataplane asks (where is a partner?), valid during the call.
    void on_question(std::function<void(const contract::Question& question, Clock::time_point now)> asked) {
        asked_ = std::move(asked);
    }
    // Sends a message that nothing is answered to; false if there is no connection, or no room in it now.
    bool tell(std::span<const uint8_t> message);

    void on_readable(Clock::time_point now);
    void on_tick(Clock::time_point now);

    const DataplaneInfo& info() const { return info_; }
    const CounterView* counters() const { return counters_ ? &*counters_ : nullptr; }
    uint64_t adopted_revision() const { return adopted_revision_; }
    // The newest snapshot is in force.
    bool adopted() const { return connected() && adopted_generation_ == generation_ && generation_ != 0; }
    const std::string& refused_reason() const { return refused_reason_; }

  private:
    struct Question {
        Clock::time_point deadline;
        PageCallback page;
        CountCallback count;
        LookupCallback lookup;
        PartnerTestedCallback tested;

        void fail(const std::string& error) const;
    };
    struct Waiter {
        uint64_t generation;
        uint64_t revision;
        Clock::time_point deadline;
        AdoptionCallback done;
    };

    void connect(Clock::time_point now);
    void drop_connection(const std::string& why);
    // What comes again every 200 ms is logged once, until the reason changes.
    void complain(std::string what);
    void handle(const contract::Message& message, contract::Descriptor fd, Clock::time_point now);
    void greet(const contract::Hello& hello, contract::Descriptor fd);
    void send_snapshot();
    bool send_table(uint64_t id, const contract::Descriptor* memory);
    void on_adoption(uint64_t revision, Adoption outcome, const std::string& reason);
    void settle(uint64_t generation, uint64_t revision, Adoption outcome, const std::string& reason);
    void ask(uint32_t id, std::span<const uint8_t> message, Question question);
    void answer(uint32_t id, const std::function<void(Question&)>& how);

    std::string path_;
    Log& log_;
    contract::Channel channel_;
    std::vector<uint8_t> buffer_;
    uint64_t connection_ = 0;
    bool greeted_ = false;
    std::string complaint_;  // why there is no connection, as it was logged last; empty: there is one
    Clock::time_point next_attempt_{};
    DataplaneInfo info_;
    std::optional<CounterView> counters_;

    // Snapshots are counted here: the same revision is published again when credentials change. One is in flight at a
    // time.
    contract::Descriptor snapshot_;
    PublishedTables tables_;
    std::set<uint64_t> sent_tables_;  // those of the publication before and of this one, that this dataplane has
    uint64_t revision_ = 0;
    uint64_t generation_ = 0;
    uint64_t in_flight_ = 0;  // generation; 0: none
    uint64_t sent_generation_ = 0;
    uint64_t adopted_generation_ = 0;
    uint64_t adopted_revision_ = 0;
    std::string refused_reason_;
    std::vector<Waiter> waiters_;

    PartnerReportsCallback partner_reports_;
    TracedCallback traced_;
    uint32_t next_id_ = 1;
    std::map<uint32_t, Question> questions_;
    std::function<void(const contract::Question&, Clock::time_point)> asked_;
    std::function<void(const contract::TargetReports&, Clock::time_point)> target_reports_;
};

}  // namespace fedge::control
