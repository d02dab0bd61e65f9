// What the daemon does, without HTTP: settings and their revisions, credentials, drain, and publishing every change.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/certificates/certificates.h"
#include "control/discovered/drop_alarm.h"
#include "control/discovered/history.h"
#include "control/discovery/discovery.h"
#include "control/log.h"
#include "control/partners/edit.h"
#include "control/problem.h"
#include "control/publish/dataplane.h"
#include "control/publish/questions.h"
#include "control/publish/store_verdicts.h"
#include "control/publish/verdict_publisher.h"
#include "control/settings/config.h"
#include "control/settings/settings.h"
#include "control/store/store.h"
#include "control/traces/traces.h"

namespace fedge::control {

struct TimeSource {
    std::function<Clock::time_point()> steady;
    std::function<int64_t()> unix_seconds;

    static TimeSource system();
};

// What became of a change that is stored and published.
struct Published {
    bool adopted = false;
    std::string reason;  // why it is not adopted
};
using PublishedCallback = std::function<void(const Published&)>;

struct CommitResult {
    std::exception_ptr error;  // why there is no new revision; the rest says nothing then
    int64_t revision = 0;
    Published published;
    std::vector<Problem> warnings;
    std::vector<std::string> weaker;  // what a rollback lets through that was kept out before
};
using CommitCallback = std::function<void(const CommitResult&)>;

struct NewSecret {
    int64_t id = 0;
    std::string secret;         // shown this once
    int64_t others_expire = 0;  // Unix time when the older ones end; 0: they stay
};
using SecretCallback = std::function<void(const NewSecret&, const Published&)>;

class Control {
  public:
    static constexpr Clock::duration kAdoptionTime = std::chrono::seconds(5);
    static constexpr Clock::duration kConnectTime =
        std::chrono::seconds(1);                      // for a dataplane that is starting just now
    static constexpr int64_t kLargeCommit = 10'000;   // entries; fewer are stored in less than 100 ms
    static constexpr int64_t kDiscoveredPeriod = 60;  // seconds between tables for the sake of discovered partners
    static constexpr int64_t kNonceKeyPeriod = 3600;  // seconds; setting turn.nonce-lifetime is never longer
    static constexpr int64_t kNonceKeys = 2;          // so that a nonce of the old key lives out its time
    static constexpr int64_t kTokenKeyPeriod = 7 * 86400;
    static constexpr int64_t kTokenKeys = 3;   // tokens live for a week at most
    static constexpr int64_t kTicketKeys = 2;  // likewise; the period is setting tls.ticket-lifetime

    // References outlive this object. Without a resolver, libunbound is used.
    Control(Store& store, Dataplane& dataplane, Log& log, TimeSource time,
            std::string system_authorities = kSystemAuthorities,
            std::unique_ptr<discovery::Resolver> resolver = nullptr);

    // Publishes the revision in force, if there is one.
    void start();
    // Call every 200 ms or so: ends secrets, turns nonce keys over, lets the dataplane connection work.
    void on_tick();
    // A slice of long work, as building the table of a million domains. True: there is more; call again soon, between
    // other things.
    bool work();

    // Settings. What changes them throws Refusal and then has changed nothing.
    int64_t revision() { return store_.current(); }
    Settings committed();
    Settings at_revision(int64_t revision);  // Refusal (not_found)
    Settings candidate();
    void edit(const Edits& edits) { store_.edit(edits); }
    // Entries of the candidate. Without `partial` a single rejection is thrown, as Refusal, and nothing is done;
    // with `dry_run` nothing is done, and the outcome is what would be.
    EditOutcome edit(const EntryEdits& edits, bool partial, bool dry_run);
    void discard() { store_.discard(); }
    // What differs between the revision in force and the candidate, as a number.
    size_t candidate_changes();
    // What is large is stored beside everything else: nothing else can be changed until `done` is called, and whoever
    // reads finds what was before.
    void commit(const std::string& comment, const std::string& who, CommitCallback done);
    // A rollback to a weaker policy is refused unless `weaker`.
    void rollback(int64_t revision, bool weaker, const std::string& who, CommitCallback done);
    bool committing() const { return store_.busy(); }

    // Credentials and runtime state; every change is stored and published at once. They throw Refusal and then have
    // changed nothing; otherwise `done` is called once, when the dataplane has adopted the change or will not in time.
    void add_user(const std::string& name, const std::string& password, bool replace, const std::string& who,
                  PublishedCallback done);
    void remove_user(const std::string& name, const std::string& who, PublishedCallback done);
    void add_secret(const std::string& who, SecretCallback done);
    void rotate_secrets(int64_t keep_s, const std::string& who, SecretCallback done);
    void remove_secret(int64_t id, const std::string& who, PublishedCallback done);
    void set_drain(bool on, const std::string& who, PublishedCallback done);
    // After a change of certificates(): `done` as above.
    void publish_change(PublishedCallback done);
    void disconnect(uint64_t allocation, const std::string& user, const std::string& who, CountCallback done);

    // What is not as it should be, for the operator.
    std::vector<Problem> warnings();

    Store& store() { return store_; }
    Certificates& certificates() { return certificates_; }
    Dataplane& dataplane() { return dataplane_; }
    discovery::Discovery& discovery() { return discovery_; }
    const Questions& questions() const { return questions_; }
    DiscoveredHistory& discovered() { return discovered_; }
    Traces& traces() { return traces_; }
    const Config& config() const { return config_; }
    // The dataplane runs on all that was changed.
    bool in_force() const { return held_.empty() && dataplane_.adopted(); }
    int64_t uptime_s() const;
    TimeSource& time() { return time_; }

  private:
    Actor actor(const std::string& who) { return {who, time_.unix_seconds()}; }
    Compiled compiled_or_refused(const Settings& settings);
    // A change of entries and settings on its way into the store.
    struct Commit {
        Compiled compiled;
        std::shared_ptr<std::vector<std::string>> weaker;  // sentences
        std::string comment;
        std::string who;
        CommitCallback done;
    };
    void finish_commit();
    void put_in_force(int64_t revision, Commit commit);
    struct Held {
        Clock::time_point deadline;
        AdoptionCallback done;
    };

    void publish(AdoptionCallback done = {});
    void publish_held();
    void send_snapshot(Clock::time_point deadline, AdoptionCallback done);
    void on_partner_reports(const contract::PartnerReports& reports);
    std::optional<uint64_t> unknown_domain_drops();
    void publish_secret(NewSecret secret, SecretCallback done);
    // True if what is published has changed.
    bool renew_nonce_keys();
    bool renew_ticket_keys();
    bool renew_token_keys();
    bool due(const std::vector<KeyRecord>& keys, int64_t period);

    Store& store_;
    Dataplane& dataplane_;
    Log& log_;
    TimeSource time_;
    Certificates certificates_;
    std::unique_ptr<discovery::Resolver> resolver_;
    discovery::Discovery discovery_;
    Questions questions_;
    Traces traces_;
    Clock::time_point started_;
    int64_t last_housekeeping_ = 0;
    Config config_;  // of the revision in force
    std::vector<Problem> config_warnings_;
    DiscoveredHistory discovered_;
    DropAlarm drop_alarm_;
    StoreVerdicts verdict_source_;
    VerdictPublisher verdicts_;
    std::vector<Held> held_;  // wait for a verdict table
    int64_t discovered_published_ = 0;
    std::optional<Commit> commit_;  // is being stored
};

}  // namespace fedge::control
