#include "control/control.h"

#include <algorithm>
#include <ctime>
#include <random>
#include <utility>

#include "control/credentials/keys.h"
#include "control/discovery/unbound.h"
#include "control/partners/weaker.h"
#include "control/publish/federation.h"
#include "control/publish/snapshot.h"
#include "dataplane/contract/message_generated.h"
#include "dataplane/policy/config.h"
#include "dataplane/policy/patterns.h"

namespace fedge::control {
namespace {

constexpr size_t kMaxComment = 1024;
constexpr int64_t kMaxKeep = 30 * 86400;

void check_comment(const std::string& comment) {
    bool control =
        std::any_of(comment.begin(), comment.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (comment.size() <= kMaxComment && !control) return;
    throw Refusal(RefusalKind::invalid, {"comment", "the comment is too long or has control characters",
                                         "give one line of " + std::to_string(kMaxComment) + " bytes at most"});
}

[[noreturn]] void throw_rejections(const EditOutcome& outcome) {
    std::vector<Problem> problems;
    for (const auto& rejected : outcome.rejected) problems.push_back(rejected.problem);
    throw Refusal(outcome.rejected.at(0).kind, problems);
}

// The certificate of a provider's server is what its connections are known by, so another server is another provider.
void check_fixed_proxies(const FederationConfig& before, const FederationConfig& after, std::vector<Problem>& errors) {
    for (const auto& provider : after.providers) {
        const ProviderConfig* old = find_provider(before, provider.name);
        if (!old || !old->configured || !provider.configured || old->proxy == provider.proxy) continue;
        errors.push_back({"provider." + provider.name + ".proxy",
                          "the proxy of provider " + provider.name + " is fixed: " + old->proxy,
                          "add another provider, or remove this one, commit, and add it again"});
    }
}

void check_own_domains(const FederationConfig& federation, std::vector<Problem>& errors,
                       const std::function<std::optional<Entry>(const std::string&)>& find) {
    for (const auto& domain : federation.domains) {
        auto entry = find(domain);
        if (!entry) continue;
        errors.push_back({"federation.domain", domain + " is ours, but on " + list_of(*entry) + " of partners",
                          "fedge partner remove " + domain + ", or take it out of federation.domain"});
    }
}

// Each is good by itself, but only together they show whether they are too much.
void check_patterns(const std::vector<Entry>& patterns, std::vector<Problem>& errors) {
    if (patterns.size() > policy::kMaxPatterns) {
        errors.push_back({"", "there are more than " + std::to_string(policy::kMaxPatterns) + " patterns",
                          "remove some, or put domains in their place, of which there may be a million"});
        return;
    }
    std::vector<std::string> expressions;
    for (const auto& p : patterns) expressions.push_back(policy::expression_of(p.name));
    std::vector<policy::Patterns::Entry> list;
    for (size_t i = 0; i < patterns.size(); i++)
        list.push_back({patterns[i].name, expressions[i], patterns[i].blocked});
    try {
        policy::Patterns compiled{list};
    } catch (const std::runtime_error& error) {
        errors.push_back({"", error.what(), "write the pattern in a simpler way, or remove it"});
    }
}

// What the dataplane would refuse, refused before it is stored: it is stricter about names than settings are.
void check_as_cores_do(const FederationConfig& federation, std::vector<Problem>& errors) {
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(add_federation(builder, federation, {}));
    try {
        policy::Config compiled(flatbuffers::GetRoot<contract::Federation>(builder.GetBufferPointer()));
    } catch (const std::runtime_error& error) {
        errors.push_back(
            {"", error.what(), "names of domains and servers have letters, digits and inner hyphens only"});
    }
}

[[noreturn]] void refuse_weaker(int64_t revision, const std::vector<std::string>& sentences) {
    std::vector<Problem> problems;
    for (const auto& sentence : sentences) {
        problems.push_back({"", "revision " + std::to_string(revision) + " is weaker: " + sentence,
                            "if that is meant: fedge rollback " + std::to_string(revision) + " --weaker"});
    }
    throw Refusal(RefusalKind::conflict, problems);
}

// Which of several equal targets of a partner is tried first need not be secret.
discovery::Random dice() {
    auto engine = std::make_shared<std::mt19937>(std::random_device{}());
    return [engine](uint32_t most) { return std::uniform_int_distribution<uint32_t>(0, most)(*engine); };
}

}  // namespace

TimeSource TimeSource::system() {
    return {[] { return Clock::now(); }, [] { return static_cast<int64_t>(::time(nullptr)); }};
}

Control::Control(Store& store, Dataplane& dataplane, Log& log, TimeSource time, std::string system_authorities,
                 std::unique_ptr<discovery::Resolver> resolver)
    : store_(store),
      dataplane_(dataplane),
      log_(log),
      time_(std::move(time)),
      certificates_(store, log, time_.unix_seconds, std::move(system_authorities)),
      resolver_(resolver ? std::move(resolver) : std::make_unique<discovery::UnboundResolver>(log)),
      discovery_(*resolver_, log, dice()),
      questions_(dataplane, discovery_),
      traces_(dataplane, log),
      started_(time_.steady()),
      discovered_(store.discovered(), log),
      drop_alarm_(log),
      verdict_source_(store, discovered_),
      verdicts_(verdict_source_, new_verdict_key, log) {
    dataplane_.on_partner_reports([this](const contract::PartnerReports& reports) { on_partner_reports(reports); });
    Compiled compiled = compile(committed());
    config_ = std::move(compiled.config);
    config_warnings_ = std::move(compiled.warnings);
    discovery_.configure(config_, time_.steady());
    for (const auto& error : compiled.errors) {
        log_.error("revision " + std::to_string(revision()) + " is not valid any more: " + error.what + "; " +
                   error.fix);
    }
}

void Control::start() {
    renew_nonce_keys();
    renew_ticket_keys();
    renew_token_keys();
    publish();
}

void Control::on_tick() {
    dataplane_.on_tick(time_.steady());
    discovery_.on_tick(time_.steady());
    traces_.on_tick(time_.steady());
    publish_held();
    finish_commit();
    int64_t now = time_.unix_seconds();
    if (now == last_housekeeping_ || committing()) return;
    last_housekeeping_ = now;
    discovered_.on_tick(now, config_.federation.report_period_min);
    drop_alarm_.on_tick(unknown_domain_drops(), now);
    size_t expired = store_.expire_secrets(now);
    if (expired) log_.info("removed " + std::to_string(expired) + " TURN secret(s) whose time was over");
    bool renewed = renew_nonce_keys();
    renewed |= renew_ticket_keys();
    renewed |= renew_token_keys();
    // What is new of discovered partners is in no hurry: the cores know it already.
    bool discovered = now - discovered_published_ >= kDiscoveredPeriod && verdict_source_.now() != verdicts_.seen();
    if (expired || renewed || discovered) publish();
}

bool Control::work() {
    bool more = verdicts_.work();
    if (verdicts_.renewed()) held_.empty() ? publish() : publish_held();
    return more;
}

Settings Control::committed() {
    return *store_.settings(store_.current());
}

Settings Control::at_revision(int64_t revision) {
    if (auto settings = store_.settings(revision)) return *settings;
    throw Refusal(RefusalKind::not_found, {"revision", "there is no revision " + std::to_string(revision),
                                           "`fedge show revisions` lists them"});
}

Settings Control::candidate() {
    return with_edits(committed(), store_.candidate());
}

EditOutcome Control::edit(const EntryEdits& edits, bool partial, bool dry_run) {
    FederationConfig federation = compile(candidate()).config.federation;
    struct Undone {};  // rolls the transaction back
    EditOutcome outcome;
    try {
        store_.edit_entries([&](Entries& entries) {
            outcome = edit_entries(entries, federation, edits);
            if (dry_run || (!partial && !outcome.rejected.empty())) throw Undone();
        });
    } catch (const Undone&) {
        if (!partial && !outcome.rejected.empty()) throw_rejections(outcome);
    }
    return outcome;
}

size_t Control::candidate_changes() {
    return difference(committed(), candidate()).size() + static_cast<size_t>(store_.entries().edit_count());
}

void Control::commit(const std::string& comment, const std::string& who, CommitCallback done) {
    check_comment(comment);
    Settings settings = candidate();
    if (difference(committed(), settings).empty() && !store_.entries().edited()) {
        throw Refusal(RefusalKind::conflict,
                      {"", "there is nothing to commit", "change settings with `fedge set` first"});
    }
    Compiled compiled = compiled_or_refused(settings);
    std::vector<Problem> errors;
    check_fixed_proxies(config_.federation, compiled.config.federation, errors);
    check_own_domains(compiled.config.federation, errors,
                      [&](const std::string& name) { return store_.entries().candidate(EntryKind::domain, name); });
    check_as_cores_do(compiled.config.federation, errors);
    check_patterns(store_.entries().candidate_page(EntryKind::pattern, "", policy::kMaxPatterns + 1), errors);
    if (!errors.empty()) throw Refusal(RefusalKind::invalid, errors);
    Commit commit{std::move(compiled), std::make_shared<std::vector<std::string>>(), comment, who, std::move(done)};
    if (!store_.entries().more_edits(kLargeCommit))
        return put_in_force(store_.append(settings, comment, actor(who)), std::move(commit));
    commit_ = std::move(commit);
    store_.begin([settings, comment, by = actor(who)](Store& store) { return store.append(settings, comment, by); });
}

void Control::finish_commit() {
    if (!commit_) return;
    std::optional<int64_t> id;
    try {
        if (id = store_.finished(); !id) return;
    } catch (const std::exception& error) {
        log_.error(std::string("a commit could not be stored: ") + error.what());
        Commit failed = *std::exchange(commit_, std::nullopt);
        CommitResult result;
        result.error = std::current_exception();
        return failed.done(result);
    }
    put_in_force(*id, *std::exchange(commit_, std::nullopt));
}

void Control::rollback(int64_t revision, bool weaker, const std::string& who, CommitCallback done) {
    Compiled compiled = compiled_or_refused(at_revision(revision));
    int64_t current = this->revision();
    std::string comment = "rollback to " + std::to_string(revision);
    // The sentences are known before anything is stored, and `commit` has them when it is.
    auto sentences = std::make_shared<std::vector<std::string>>(weaker_settings(config_, compiled.config));
    auto work = [=, by = actor(who)](Store& store) {
        WeakerEntries entries;
        store.entries().each_change(current, revision, [&](const EntryChange& change) { entries.count(change); });
        for (auto& sentence : entries.sentences()) sentences->push_back(std::move(sentence));
        if (!sentences->empty() && !weaker) refuse_weaker(revision, *sentences);
        return store.append_rollback(revision, comment, by, *sentences);
    };
    Commit commit{std::move(compiled), sentences, comment, who, std::move(done)};
    if (!store_.entries().more_changes(current, revision, kLargeCommit))
        return put_in_force(work(store_), std::move(commit));
    commit_ = std::move(commit);
    store_.begin(work);
}

Compiled Control::compiled_or_refused(const Settings& settings) {
    Compiled compiled = compile(settings);
    for (const auto& user : store_.users()) {
        if (user.realm == compiled.config.turn.realm) continue;
        compiled.errors.push_back({"turn.realm", "static users have keys of the realm " + user.realm,
                                   "remove the users, commit the new realm, and add them again with their passwords"});
        break;
    }
    certificates_.check(compiled.config, compiled.errors);
    if (!compiled.errors.empty()) throw Refusal(RefusalKind::invalid, compiled.errors);
    if (compiled.config.interfaces.empty() && !config_.interfaces.empty()) {
        throw Refusal(RefusalKind::invalid, {"interface", "no interface would be left, and the dataplane needs one",
                                             "keep one interface, or stop the dataplane instead"});
    }
    return compiled;
}

void Control::put_in_force(int64_t id, Commit commit) {
    config_ = std::move(commit.compiled.config);
    config_warnings_ = std::move(commit.compiled.warnings);
    discovery_.configure(config_, time_.steady());
    renew_ticket_keys();
    renew_token_keys();
    for (const auto& sentence : *commit.weaker)
        log_.warning("revision " + std::to_string(id) + " is weaker: " + sentence);
    log_.info("revision " + std::to_string(id) + " by " + commit.who +
              (commit.comment.empty() ? "" : ": " + commit.comment));
    publish(
        [this, id, weaker = commit.weaker, done = std::move(commit.done)](Adoption outcome, const std::string& reason) {
            done({nullptr, id, {outcome == Adoption::adopted, reason}, warnings(), *weaker});
        });
}

void Control::add_user(const std::string& name, const std::string& password, bool replace, const std::string& who,
                       PublishedCallback done) {
    check_name(name);
    check_password(password);
    if (!replace && store_.has_user(name)) {
        throw Refusal(RefusalKind::conflict,
                      {"name", "there is a user " + name + " already",
                       "to change the password, add the user with \"replace\": true, or remove it first"});
    }
    const std::string& realm = config_.turn.realm;
    UserKeys keys = derive_keys(name, realm, password);
    store_.put_user({name, realm, keys.md5, keys.sha256, keys.userhash}, actor(who));
    log_.info("TURN user " + name + " added by " + who);
    publish_change(std::move(done));
}

void Control::remove_user(const std::string& name, const std::string& who, PublishedCallback done) {
    if (!store_.remove_user(name, actor(who))) {
        throw Refusal(RefusalKind::not_found,
                      {"name", "there is no user " + name, "`fedge turn user list` shows the users"});
    }
    log_.info("TURN user " + name + " removed by " + who);
    publish_change(std::move(done));
}

void Control::add_secret(const std::string& who, SecretCallback done) {
    std::string secret = new_secret();
    int64_t id = store_.add_secret(secret, actor(who));
    log_.info("TURN secret " + std::to_string(id) + " added by " + who);
    publish_secret({id, secret}, std::move(done));
}

void Control::rotate_secrets(int64_t keep_s, const std::string& who, SecretCallback done) {
    if (keep_s < 0 || keep_s > kMaxKeep) {
        throw Refusal(RefusalKind::invalid,
                      {"keep_s", "keep_s is out of range",
                       "give the seconds that old secrets stay good, 0 to " + std::to_string(kMaxKeep)});
    }
    std::string secret = new_secret();
    int64_t end = time_.unix_seconds() + keep_s;
    int64_t id = store_.rotate_secrets(secret, end, actor(who));
    log_.info("TURN secrets rotated by " + who + ": " + std::to_string(id) + " is new, the others end in " +
              std::to_string(keep_s) + " s");
    publish_secret({id, secret, end}, std::move(done));
}

void Control::remove_secret(int64_t id, const std::string& who, PublishedCallback done) {
    if (!store_.remove_secret(id, actor(who))) {
        throw Refusal(RefusalKind::not_found,
                      {"id", "there is no secret " + std::to_string(id), "`fedge turn secret list` shows the secrets"});
    }
    log_.info("TURN secret " + std::to_string(id) + " removed by " + who);
    publish_change(std::move(done));
}

void Control::set_drain(bool on, const std::string& who, PublishedCallback done) {
    store_.set_drain(on, actor(who));
    log_.info(std::string("drain ") + (on ? "on" : "off") + " by " + who);
    publish_change(std::move(done));
}

void Control::disconnect(uint64_t allocation, const std::string& user, const std::string& who, CountCallback done) {
    std::string what = user.empty() ? "allocation " + std::to_string(allocation) : "user " + user;
    store_.note(actor(who), "disconnect", what);
    log_.info("disconnect of " + what + " by " + who);
    dataplane_.disconnect_allocations(allocation, user, time_.steady(), std::move(done));
}

std::vector<Problem> Control::warnings() {
    std::vector<Problem> out = config_warnings_;
    if (store_.drain())
        out.push_back({"", "the edge is draining: new allocations are refused", "`fedge drain off` ends it"});
    if (store_.user_count() == 0 && store_.secrets().empty()) {
        out.push_back({"", "there are no TURN credentials, so nobody can allocate",
                       "`fedge turn user add` or `fedge turn secret add`"});
    }
    for (auto& problem : certificates_.warnings(config_)) out.push_back(std::move(problem));
    for (auto& problem : discovery_.problems()) out.push_back(std::move(problem));
    if (!dataplane_.connected()) {
        out.push_back({"", "the dataplane is not connected", "start it: systemctl start fedge-dataplane"});
        return out;
    }
    if (!held_.empty()) {
        out.push_back({"", "the table of partners is being built; the newest revision comes into force with it",
                       "wait some seconds"});
    }
    if (!dataplane_.refused_reason().empty()) {
        out.push_back({"", "the dataplane refused the configuration: " + dataplane_.refused_reason(),
                       "correct the settings and commit, or `fedge rollback` to the revision before"});
    }
    if (!dataplane_.info().hugepages) {
        out.push_back({"", "the dataplane runs without hugepages",
                       "set vm.nr_hugepages and restart the dataplane for full speed"});
    }
    const auto& ports = dataplane_.info().ports;
    for (const auto& interface : config_.interfaces) {
        bool there = std::any_of(ports.begin(), ports.end(), [&](const auto& p) { return p.name == interface.port; });
        if (there) continue;
        out.push_back({"interface." + interface.name + ".port", "the dataplane has no port " + interface.port,
                       "add [port." + interface.port + "] to its boot configuration, or correct the setting"});
    }
    return out;
}

int64_t Control::uptime_s() const {
    return std::chrono::duration_cast<std::chrono::seconds>(time_.steady() - started_).count();
}

void Control::publish(AdoptionCallback done) {
    if (config_.interfaces.empty()) {  // a dataplane could do nothing with it
        if (done) done(Adoption::pending, "no interface is configured yet");
        return;
    }
    auto now = time_.steady();
    auto deadline = now + (dataplane_.connected() ? kAdoptionTime : kConnectTime);
    held_.push_back({deadline, std::move(done)});
    publish_held();
}

// Nothing is published with tables that do not say what the entries of its revision say.
void Control::publish_held() {
    if (held_.empty()) return;
    if (!verdicts_.update()) {
        std::vector<AdoptionCallback> late;  // what they are about is published all the same
        for (auto& held : held_)
            if (held.done && time_.steady() >= held.deadline) late.push_back(std::exchange(held.done, {}));
        for (const auto& done : late)
            done(Adoption::pending, "the table of partners is being built; it is published when that is done");
        return;
    }
    auto held = std::exchange(held_, {});
    Clock::time_point deadline = time_.steady() + kConnectTime;
    for (const auto& one : held) deadline = std::max(deadline, one.deadline);
    send_snapshot(deadline, [held = std::move(held)](Adoption outcome, const std::string& reason) {
        for (const auto& one : held)
            if (one.done) one.done(outcome, reason);
    });
}

void Control::send_snapshot(Clock::time_point deadline, AdoptionCallback done) {
    discovered_published_ = time_.unix_seconds();
    SnapshotState state{.revision = static_cast<uint64_t>(store_.current()),
                        .drain = store_.drain(),
                        .users = store_.users(),
                        .secrets = store_.secrets(),
                        .nonce_keys = store_.nonce_keys()};
    state.token_keys = store_.token_keys();
    if (tls_listener(config_)) {
        state.ticket_keys = store_.ticket_keys();
        state.certificates = certificates_.to_publish();
        state.trust = certificates_.trusted(config_.tls);
        state.crls = certificates_.revocation_lists();
    }
    state.patterns = store_.entries().page(EntryKind::pattern, "", policy::kMaxPatterns);
    auto snapshot = build_snapshot(config_, state);
    dataplane_.publish(state.revision, sealed_memory(snapshot), verdicts_.tables(), time_.steady(), deadline,
                       std::move(done));
}

void Control::on_partner_reports(const contract::PartnerReports& reports) {
    if (!reports.rows()) return;
    std::vector<PartnerNews> news;
    for (const auto* row : *reports.rows())
        news.push_back({row->domain()->str(), row->messages(), row->limited(), row->contacts(), row->contacts_refused(),
                        row->suspicious()});
    discovered_.on_news(news, time_.unix_seconds());
}

std::optional<uint64_t> Control::unknown_domain_drops() {
    const CounterView* counters = dataplane_.counters();
    if (!counters) return std::nullopt;
    uint64_t all = 0;
    for (uint32_t core = 0; core < counters->cores(); core++)
        all += counters->counter(core, static_cast<size_t>(contract::Counter::policy_not_allowed));
    return all;
}

void Control::publish_change(PublishedCallback done) {
    publish([done = std::move(done)](Adoption outcome, const std::string& reason) {
        // Every snapshot holds all credentials and the drain state, so a newer revision brought this change along.
        done({outcome == Adoption::adopted || outcome == Adoption::superseded, reason});
    });
}

void Control::publish_secret(NewSecret secret, SecretCallback done) {
    publish_change(
        [secret = std::move(secret), done = std::move(done)](const Published& published) { done(secret, published); });
}

bool Control::due(const std::vector<KeyRecord>& keys, int64_t period) {
    int64_t now = time_.unix_seconds();
    // A key from the future means that the clock was set back: its age cannot be told.
    return keys.empty() || now - keys.front().created >= period || keys.front().created > now;
}

bool Control::renew_nonce_keys() {
    if (!due(store_.nonce_keys(), kNonceKeyPeriod)) return false;
    store_.add_nonce_key(new_nonce_key(), time_.unix_seconds(), kNonceKeys);
    return true;
}

// A key is kept for longer than any dialog or registration that carries its tokens.
bool Control::renew_token_keys() {
    if (config_.sip.outside_name.empty() || !due(store_.token_keys(), kTokenKeyPeriod)) return false;
    store_.add_token_key(new_token_key(), time_.unix_seconds(), kTokenKeys);
    return true;
}

bool Control::renew_ticket_keys() {
    if (!tls_listener(config_)) return false;
    auto keys = store_.ticket_keys();
    if (!config_.tls.tickets) {
        // Whoever steals a key that is gone from here reads no recorded session with it.
        if (!keys.empty()) store_.remove_ticket_keys();
        return !keys.empty();
    }
    if (!due(keys, config_.tls.ticket_lifetime_s)) return false;
    store_.add_ticket_key(new_ticket_key(), time_.unix_seconds(), kTicketKeys);
    return true;
}

}  // namespace fedge::control
