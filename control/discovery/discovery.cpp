#include "control/discovery/discovery.h"

#include <algorithm>

#include "control/settings/values.h"

namespace fedge::control::discovery {
namespace {

using std::chrono::seconds;

Time::duration back_off(uint32_t failures) {
    constexpr uint32_t kEnoughDoublings = 10;
    auto time = Discovery::kFirstBackOff * (1U << std::min(failures - 1, kEnoughDoublings));
    return std::min<Time::duration>(time, Discovery::kMaxBackOff);
}

// What is asked is well formed, so that nothing strange gets into names of DNS.
std::string mistake_in(const Query& query) {
    if (query.service == Service::tlsa) {
        return query.port && parse_host(query.via) == query.via ? "" : "that is no host and port";
    }
    if (parse_host(query.name()) == query.name()) return "";
    return "\"" + query.name().substr(0, 64) +
           "\" is no name in DNS (letters, digits and '-'; A-labels; two labels at least)";
}

std::vector<IpAddress> own_addresses(const Config& config) {
    std::vector<IpAddress> own;
    for (const auto& interface : config.interfaces) {
        for (const auto& prefix : interface.addresses) own.push_back(prefix.address);
    }
    for (const auto& relay : config.turn.relay_addresses) {
        own.push_back(relay.address);
        own.push_back(relay.advertised);
    }
    return own;
}

std::string targets_of(const Route& route) {
    std::string text;
    for (const auto& target : route.targets) {
        text += (text.empty() ? "" : ", ") + target.host + ":" + std::to_string(target.port);
        for (const auto& address : target.addresses) text += " " + address.text();
    }
    return text;
}

// Whatever is configured to be denied, and the networks behind internal interfaces: no partner is there.
std::vector<Prefix> denied_networks(const Config& config) {
    std::vector<Prefix> denied = config.discovery.deny;
    auto inside = [&](const std::string& name) {
        return std::ranges::any_of(
            config.interfaces, [&](const InterfaceConfig& i) { return i.name == name && i.role == Side::internal; });
    };
    for (const auto& interface : config.interfaces) {
        if (interface.role == Side::internal)
            denied.insert(denied.end(), interface.addresses.begin(), interface.addresses.end());
    }
    for (const auto& route : config.routes) {
        // A default route inside is no statement about the networks behind it.
        if (inside(route.interface) && route.destination.length > (route.destination.address.is_v4() ? 96 : 0))
            denied.push_back(route.destination);
    }
    return denied;
}

// With addresses of one family outside, targets of the other cannot be reached. Without any, nothing is known yet.
bool has_outside(const Config& config, Family family) {
    bool any = false;
    for (const auto& interface : config.interfaces) {
        if (interface.role != Side::external) continue;
        for (const auto& prefix : interface.addresses) {
            if (prefix.address.family() == family) return true;
            any = true;
        }
    }
    return !any;
}

}  // namespace

Discovery::Discovery(Resolver& resolver, Log& log, Random random)
    : resolver_(resolver), log_(log), random_(std::move(random)) {}

Discovery::~Discovery() = default;

void Discovery::configure(const Config& config, Time now) {
    bool new_resolver = !configured_ || config.dns.servers != dns_.servers ||
                        config.dns.trust_anchors != dns_.trust_anchors || config.dns.dnssec != dns_.dnssec;
    auto own = own_addresses(config);
    auto denied = denied_networks(config);
    bool ipv4 = has_outside(config, Family::ipv4), ipv6 = has_outside(config, Family::ipv6);
    bool new_rules = new_resolver || own != own_ || denied != denied_ || config.discovery.allow != config_.allow ||
                     rules_->addresses.has(Family::ipv4) != ipv4 || rules_->addresses.has(Family::ipv6) != ipv6;
    configured_ = true;
    dns_ = config.dns;
    config_ = config.discovery;
    own_ = std::move(own);
    denied_ = std::move(denied);
    cache_.resize(dns_.cache_size);
    tokens_ = std::min<double>(tokens_, config_.per_second);
    if (refilled_ == Time{}) {
        refilled_ = now;
        tokens_ = config_.per_second;
    }
    if (new_resolver) resolver_.configure(dns_);
    if (!new_rules) return;
    rules_ = std::make_shared<const LookupRules>(
        LookupRules{AddressRules(config_.allow, denied_, own_, ipv4, ipv6), dns_.dnssec == Dnssec::required});
    forget_all(now);
    restart_lookups(now);
}

// Who keeps answers of ours hears of each that it is not good any more.
void Discovery::forget_all(Time now) {
    std::vector<std::pair<Query, Route>> known;
    cache_.walk(nullptr, [&](const Query& query, const Entry& entry) {
        if (entry.known) known.emplace_back(query, entry.route);
        return true;
    });
    cache_.clear();
    if (!changed_) return;
    Route unknown;
    unknown.outcome = Outcome::failed;
    unknown.reason = "the settings of discovery have changed";
    for (const auto& [query, before] : known) changed_(query, before, unknown, now);
}

void Discovery::restart_lookups(Time now) {
    for (auto running = lookups_.begin(); running != lookups_.end(); ++running) {
        if (!running->second.lookup) continue;
        for (const auto& [id, asked] : running->second.asked) resolver_.cancel(asked.question);
        running->second.asked.clear();
        running->second.lookup.reset();
        wait_for_turn(running, others_);
    }
    active_ = 0;
    begin_waiting(now);
}

Query Discovery::usual(std::string domain, Service service) const {
    Query query;
    query.domain = std::move(domain);
    query.service = service;
    if (service == Service::sip) query.mode = config_.sip_records;
    return query;
}

Route Discovery::failed(std::string reason, Time now) {
    Route route;
    route.outcome = Outcome::failed;
    route.code = kNoSrv;
    route.reason = std::move(reason);
    route.expires = now + kFirstBackOff;
    return route;
}

void Discovery::find(const Query& query, Time now, Time deadline, RouteCallback done) {
    counts_.asked++;
    if (std::string mistake = mistake_in(query); !mistake.empty()) return done(failed(mistake, now), now);
    Entry* entry = cache_.find(query);
    Time stale_at = Time::max();
    bool known = false;
    if (entry) {
        entry->last_used = now;
        if (entry->fresh(now)) {
            counts_.cached++;
            return done(answer_of(*entry, now, false), now);
        }
        known = entry->usable_stale(now);
        if (now < entry->next_try) {
            if (!known) return done(entry->failure, now);
            counts_.stale++;
            return done(answer_of(*entry, now, true), now);
        }
        if (known) stale_at = std::min<Time>(deadline, now + kStaleAfter);
    }
    enqueue(query, {deadline, stale_at, false, std::move(done)}, false, known, now);
}

void Discovery::look_up(const Query& query, Time now, Time deadline, RouteCallback done) {
    counts_.asked++;
    if (std::string mistake = mistake_in(query); !mistake.empty()) return done(failed(mistake, now), now);
    enqueue(query, {deadline, Time::max(), true, std::move(done)}, false, true, now);
}

void Discovery::enqueue(const Query& query, Waiter waiter, bool refresh, bool known, Time now) {
    auto running = lookups_.find(query);
    bool added = running == lookups_.end();
    bool full = added ? waiting() >= config_.queue : running->second.waiters.size() >= kMaxWaiters;
    if (full) {
        counts_.limited++;
        if (!waiter.done) return;
        const Entry* entry = cache_.peek(query);
        if (entry && entry->usable_stale(now)) return waiter.done(answer_of(*entry, now, true), now);
        const char* why = added ? "too many look-ups are waiting (discovery.queue)" : "too many wait for this look-up";
        return waiter.done(failed(why, now), now);
    }
    if (added) {
        running = lookups_.emplace(query, Running{}).first;
        wait_for_turn(running, known ? first_ : others_);
    }
    if (waiter.done) running->second.waiters.push_back(std::move(waiter));
    running->second.refresh |= refresh;
    if (added) begin_waiting(now);
}

void Discovery::wait_for_turn(Lookups::iterator running, Turns& queue) {
    running->second.turn = ++last_turn_;
    queue.push_back({running->first, last_turn_});
}

// Turns of look-ups that nobody waits for any more may be anywhere in a queue. They are cleared away when they are most
// of it.
void Discovery::drop_dead_turns(Turns& queue) {
    if (queue.size() <= 2 * waiting() + config_.concurrent) return;
    std::erase_if(queue, [&](const Turn& turn) {
        auto running = lookups_.find(turn.query);
        return running == lookups_.end() || running->second.turn != turn.number;
    });
}

void Discovery::begin_waiting(Time now) {
    double rate = config_.per_second;
    tokens_ = std::min(rate, tokens_ + rate * std::chrono::duration<double>(now - refilled_).count());
    refilled_ = now;
    while (active_ < config_.concurrent && tokens_ >= 1) {
        auto& queue = first_.empty() ? others_ : first_;
        if (queue.empty()) return;
        const Turn turn = std::move(queue.front());
        queue.pop_front();
        auto running = lookups_.find(turn.query);
        if (running == lookups_.end() || running->second.turn != turn.number) continue;
        tokens_ -= 1;
        begin(running, now);
    }
}

void Discovery::begin(Lookups::iterator running, Time now) {
    counts_.lookups++;
    active_++;
    running->second.turn = 0;
    running->second.lookup = std::make_unique<Lookup>(running->first, rules_);
    ask(running, running->second.lookup->start(), now);
    if (running->second.lookup->over()) finish(running, now);
}

void Discovery::ask(Lookups::iterator running, const std::vector<Question>& questions, Time now) {
    for (const auto& question : questions) {
        counts_.questions++;
        uint64_t asked = resolver_.ask(question.name, question.type,
                                       [this, query = running->first, id = question.id](
                                           const DnsAnswer& answer, Time at) { on_answer(query, id, answer, at); });
        running->second.asked.emplace(question.id, Asked{asked, now + seconds(dns_.timeout_s)});
    }
}

void Discovery::on_answer(const Query& query, size_t id, const DnsAnswer& answer, Time now) {
    auto running = lookups_.find(query);
    if (running == lookups_.end() || running->second.asked.erase(id) == 0) return;
    if (answer.status == DnsAnswer::Status::bogus) counts_.bogus++;
    advance(running, id, answer, now);
    begin_waiting(now);
}

void Discovery::advance(Lookups::iterator running, size_t id, const DnsAnswer& answer, Time now) {
    ask(running, running->second.lookup->on_answer(id, answer), now);
    if (running->second.lookup->over()) finish(running, now);
}

// Whoever waits may ask again at once, so nothing of the look-up is left when they hear.
void Discovery::finish(Lookups::iterator running, Time now) {
    const Query query = running->first;
    Found found = running->second.lookup->take();
    auto waiters = std::move(running->second.waiters);
    lookups_.erase(running);
    active_--;
    std::optional<Route> before;
    if (found.route.outcome == Outcome::failed) {
        learn_failure(query, std::move(found.route), now);
    } else {
        before = learn(query, std::move(found), now);
    }
    Entry& entry = *cache_.find(query);
    bool stale = entry.failures > 0 && !entry.fresh(now) && entry.usable_stale(now);
    if (!waiters.empty()) entry.last_used = now;
    std::vector<Route> routes;
    for (const auto& waiter : waiters) {
        bool old = stale && !waiter.as_it_is;
        counts_.stale += old ? 1 : 0;
        routes.push_back(entry.failures > 0 && !old ? entry.failure : answer_of(entry, now, old));
    }
    const Route after = before ? entry.route : Route{};
    for (size_t i = 0; i < waiters.size(); i++) waiters[i].done(routes[i], now);
    if (before && changed_) changed_(query, *before, after, now);
}

// What was known before, if it was something else.
std::optional<Route> Discovery::learn(const Query& query, Found found, Time now) {
    Entry& entry = cache_.put(query);
    Route before = std::move(entry.route);
    bool moved = entry.known && !same_targets(before, found.route) &&
                 (before.outcome == Outcome::found || found.route.outcome == Outcome::found);
    bool positive = found.route.outcome == Outcome::found;
    uint32_t most = positive ? dns_.ttl_max_s : std::max(dns_.negative_ttl_s, 1U);
    uint32_t least = std::min(dns_.ttl_min_s, most);
    uint32_t ttl = found.partial ? least : std::clamp(found.ttl, least, most);
    entry.route = std::move(found.route);
    entry.known = true;
    entry.resolved = now;
    entry.expires = entry.route.expires = now + seconds(ttl);
    entry.stale_until = entry.expires + seconds(dns_.stale_s);
    entry.failures = 0;
    entry.next_try = {};
    entry.failure = {};
    if (moved) {
        counts_.changes++;
        log_.info(
            "discovery: " + query.name() + " (" + name_of(query.service) + ") " +
            (positive ? "has moved: " + targets_of(entry.route) : "is not found any more: " + entry.route.reason));
    }
    cache_.settle(query);
    if (positive) cache_.refresh_at(query, now + seconds(ttl) * 9 / 10);
    return moved ? std::optional(std::move(before)) : std::nullopt;
}

void Discovery::learn_failure(const Query& query, Route route, Time now) {
    Entry& entry = cache_.put(query);
    entry.failures++;
    entry.next_try = now + back_off(entry.failures);
    route.expires = entry.next_try;
    if (entry.failures == 1 && entry.known && entry.route.outcome == Outcome::found)
        log_.warning("discovery: " + query.name() + ": " + route.reason + "; the last answer serves on");
    entry.failure = std::move(route);
    bool again = entry.usable_stale(now);
    Time next_try = entry.next_try;
    cache_.settle(query);
    if (again) cache_.refresh_at(query, next_try);
}

Route Discovery::answer_of(const Entry& entry, Time now, bool stale) {
    Route route = entry.route;
    route.stale = stale;
    if (stale) route.expires = std::min<Time>(now + kStaleTtl, entry.stale_until);
    order_by_weight(route.targets, random_);
    health_.sort(route.targets, now);
    return route;
}

void Discovery::on_readable(Time now) {
    resolver_.on_readable(now);
}

void Discovery::on_tick(Time now) {
    if (!configured_) return;
    time_out_questions(now);
    serve_waiters(now);
    refresh_due(now);
    drop_dead_turns(first_);
    drop_dead_turns(others_);
    begin_waiting(now);
}

void Discovery::time_out_questions(Time now) {
    std::vector<std::pair<Query, size_t>> late;
    for (const auto& [query, running] : lookups_) {
        for (const auto& [id, asked] : running.asked) {
            if (now >= asked.deadline) late.emplace_back(query, id);
        }
    }
    for (const auto& [query, id] : late) {
        auto running = lookups_.find(query);
        if (running == lookups_.end()) continue;
        auto asked = running->second.asked.find(id);
        if (asked == running->second.asked.end()) continue;
        resolver_.cancel(asked->second.question);
        running->second.asked.erase(asked);
        counts_.timeouts++;
        DnsAnswer answer;
        answer.status = DnsAnswer::Status::timed_out;
        if (!resolver_.problems().empty()) answer.why = resolver_.problems().front().what;
        advance(running, id, answer, now);
    }
}

void Discovery::serve_waiters(Time now) {
    std::vector<std::pair<RouteCallback, Route>> served;
    for (auto it = lookups_.begin(); it != lookups_.end();) {
        const Query& query = it->first;
        Running& running = it->second;
        std::erase_if(running.waiters, [&](Waiter& waiter) {
            if (now < waiter.deadline && now < waiter.stale_at) return false;
            const Entry* entry = cache_.peek(query);
            if (entry && entry->usable_stale(now)) {
                counts_.stale++;
                served.emplace_back(std::move(waiter.done), answer_of(*entry, now, true));
            } else {
                counts_.late++;
                served.emplace_back(std::move(waiter.done),
                                    failed(running.lookup ? "DNS has not answered in time"
                                                          : "the look-up waited too long (discovery.per-second)",
                                           now));
            }
            return true;
        });
        // One that has not begun, and that nobody waits for any more, is not worth its turn.
        bool idle = !running.lookup && running.waiters.empty() && !running.refresh;
        it = idle ? lookups_.erase(it) : std::next(it);
    }
    for (auto& [done, route] : served) done(route, now);
}

void Discovery::refresh_due(Time now) {
    while (auto query = cache_.take_due(now)) {
        const Entry* entry = cache_.peek(*query);
        // Nobody has asked since: it may end.
        if (entry->last_used < entry->resolved) continue;
        enqueue(*query, {}, true, true, now);
    }
}

void Discovery::report(std::span<const Attempts> attempts, Time now) {
    std::set<Endpoint> failed;
    for (const Attempts& one : attempts) {
        if (one.good > 0) {
            health_.succeeded(one.endpoint);
        } else if (one.failed > 0) {
            health_.failed(one.endpoint, one.failure, now);
            failed.insert(one.endpoint);
        }
    }
    if (!failed.empty()) look_for_lost(failed, now);
}

// Goes through all that is remembered, which is a few milliseconds at most and comes with reports of failures only: the
// dataplane sends no more than four a second.
void Discovery::look_for_lost(const std::set<Endpoint>& failed, Time now) {
    std::vector<Query> lost;
    cache_.walk(nullptr, [&](const Query& query, const Entry& entry) {
        const auto& targets = entry.route.targets;
        bool concerned = std::ranges::any_of(targets, [&](const Target& target) {
            return std::ranges::any_of(target.addresses, [&](const IpAddress& a) {
                return failed.contains({a, target.port});
            });
        });
        if (concerned && now >= entry.resolved + kLostAgain && now >= entry.next_try &&
            health_.all_failed(targets, now))
            lost.push_back(query);
        return true;
    });
    for (const Query& query : lost) {
        if (lookups_.contains(query)) continue;
        counts_.lost++;
        enqueue(query, {}, true, true, now);
    }
}

std::vector<Problem> Discovery::problems() const {
    return resolver_.problems();
}

}  // namespace fedge::control::discovery
