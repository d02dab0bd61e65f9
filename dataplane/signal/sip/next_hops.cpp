#include "dataplane/signal/sip/next_hops.h"

#include <algorithm>

namespace fedge::signal {
namespace {

constexpr Duration kFirstRest = 1s;      // after all targets have failed ...
constexpr Duration kLongestRest = 30s;   // ... doubled each time; not for front ends, of which there are few:
constexpr Duration kUrgentRest = 200ms;  // of a front end that is needed and the only one
constexpr Duration kTargetRest = 30s;    // that a failed target comes behind others
constexpr uint64_t kBusy = 64 * 1024;    // bytes queued for a connection above which one more is begun
constexpr uint32_t kWaitingFor = 16;     // messages that wait for each connection under way

}  // namespace

tls::Purpose purpose_of(contract::Purpose purpose) {
    switch (purpose) {
        case contract::Purpose::server_or_client: return tls::Purpose::server_or_client;
        case contract::Purpose::client_strict: return tls::Purpose::client_strict;
        case contract::Purpose::sip_domain: return tls::Purpose::sip_domain;
    }
    return tls::Purpose::server_or_client;
}

tls::ClientOptions client_options(const HopTarget& target, const HopTerms& terms) {
    tls::ClientOptions options;
    options.sni = target.host;
    options.expected.push_back(target.host);
    if (!terms.domain.empty() && terms.domain != target.host) options.expected.push_back(terms.domain);
    options.matching = tls::Matching::sip;
    options.purpose = terms.purpose;
    return options;
}

std::string NextHops::key(PeerKind kind, std::string_view name) {
    std::string text(1, static_cast<char>('0' + static_cast<int>(kind)));
    text += name;
    return text;
}

NextHops::Number NextHops::get(PeerKind kind, std::string_view name, Instant now) {
    std::string wanted = key(kind, name);
    if (auto found = by_name_.find(wanted); found != by_name_.end()) {
        hops_[found->second].used = now;
        return found->second;
    }
    Number number = hops_.size() < kMost ? static_cast<Number>(hops_.size()) : evict(now);
    if (number == kNone) return kNone;
    if (number == hops_.size()) hops_.emplace_back();
    hops_[number] = Hop{};
    hops_[number].kind = kind;
    hops_[number].name = name;
    hops_[number].used = now;
    by_name_.emplace(std::move(wanted), number);
    return number;
}

NextHops::Number NextHops::evict(Instant) {
    Number oldest = kNone;
    for (Number i = 0; i < hops_.size(); i++) {
        const Hop& hop = hops_[i];
        if (hop.kind == PeerKind::front_end || !hop.open.empty() || !hop.connecting.empty()) continue;
        if (oldest == kNone || hop.used < hops_[oldest].used) oldest = i;
    }
    if (oldest != kNone) by_name_.erase(key(hops_[oldest].kind, hops_[oldest].name));
    return oldest;
}

void NextHops::set_targets(Number number, std::vector<HopTarget> targets, uint8_t most_connections,
                           std::string_view domain) {
    Hop& hop = hops_[number];
    hop.most = most_connections;
    hop.terms.domain = domain;
    if (targets.size() > kMaxTargets) targets.resize(kMaxTargets);
    if (std::ranges::equal(hop.targets, targets,
                           [](const Target& a, const HopTarget& b) { return static_cast<const HopTarget&>(a) == b; }))
        return;
    std::vector<Target> next;
    for (HopTarget& target : targets) {
        auto before = std::ranges::find_if(hop.targets,
                                           [&](const Target& t) { return static_cast<const HopTarget&>(t) == target; });
        Instant failed_until = before == hop.targets.end() ? Instant{} : before->failed_until;
        next.push_back({std::move(target), failed_until});
    }
    // Attempts under way go by what they were begun for; what they come to is no longer a word on any target.
    for (std::vector<Link>* links : {&hop.connecting, &hop.open})
        for (Link& link : *links) link.target = kMaxTargets;
    hop.targets = std::move(next);
    hop.tried = 0;
    hop.rests_until = {};
    hop.rest = {};
}

SipConnection* NextHops::aliased(Number number, const ConnectionAliases& aliases) {
    const Hop& hop = hops_[number];
    for (const Target& target : hop.targets) {
        const tls::ClientOptions options = client_options(target, hop.terms);
        SipConnection* found = aliases.find(target.endpoint, [&](FlowId id) -> SipConnection* {
            SipConnection* connection = connections_.find(id);
            if (!connection || !connection->open() || !connection->tls()) return nullptr;
            const tls::PeerNames& names = connection->tls()->peer_names;
            bool proved = std::ranges::any_of(
                options.expected, [&](const std::string& name) { return tls::proves(names, name, options.matching); });
            return proved ? connection : nullptr;
        });
        if (found) return found;
    }
    return nullptr;
}

bool NextHops::begin(Hop& hop, Number number, size_t index, Instant now) {
    Target& target = hop.targets[index];
    hop.tried |= 1U << index;
    SipConnection* connection = connections_.prepare(hop.kind, now);
    if (!connection) return false;
    tls::ClientOptions options = client_options(target, hop.terms);
    contract::Role side = hop.kind == PeerKind::front_end ? contract::Role::internal : contract::Role::external;
    tcp::Stream* stream = connector_.connect(side, target.endpoint, options, *connection);
    if (!stream) {
        connections_.abandon(*connection);
        HopFailure failure =
            failure_of(nullptr, false, "this edge has no address of that family there, no certificate, or no room");
        failed(hop, index, failure, now);
        return false;
    }
    connection->set_label(hop.name);
    connections_.attach(*connection, *stream, connector_.tls(*stream));
    hop_of_[connection->id().index] = number;
    hop.connecting.push_back({connection->id(), index});
    return true;
}

// The first target in order that was not tried in this attempt; those that failed lately behind all others.
bool NextHops::start(Hop& hop, Number number, Instant now) {
    for (bool rested : {true, false}) {
        for (size_t i = 0; i < hop.targets.size(); i++) {
            bool resting = hop.targets[i].failed_until > now;
            if (hop.tried >> i & 1 || resting == rested) continue;
            if (begin(hop, number, i, now)) return true;
        }
    }
    return false;
}

void NextHops::new_attempt(Hop& hop) {
    hop.tried = 0;
    hop.failure = {};
}

void NextHops::fail(Hop& hop, Instant now) {
    bool front_end = hop.kind == PeerKind::front_end;
    if (front_end && !hop.down) counters_.add(Counter::sip_front_end_down);
    hop.down = true;
    hop.tried = 0;
    hop.rest = std::clamp(hop.rest * 2, kFirstRest, front_end ? kFirstRest : kLongestRest);
    hop.rests_until = now + hop.rest;
}

void NextHops::failed(Hop& hop, size_t index, HopFailure& failure, Instant now) {
    hop.failed++;
    hop.failed_at = now;
    if (index < hop.targets.size()) {
        Target& target = hop.targets[index];
        target.failed_until = now + kTargetRest;
        failure.host = target.host;
        failure.endpoint = target.endpoint;
        // Where front ends are is the operator's word, which no report changes.
        if (hop.kind == PeerKind::partner) finder_.on_attempt(target.host, target.endpoint, &failure);
    }
    hop.error = std::string_view(failure.endpoint.text() + ": " + failure.words);
    hop.code = failure.code;
    if (failure.rank() >= hop.failure.rank()) hop.failure = failure;
}

NextHops::Pick NextHops::pick(Number number, uint64_t hash, uint32_t waiting, Instant now, bool even_down) {
    Hop& hop = hops_[number];
    hop.used = now;
    size_t all = hop.open.size() + hop.connecting.size();
    if (SipConnection* connection = open_one(number, hash)) {
        if (connection->queued() > kBusy && all < hop.most && hop.connecting.empty()) {
            new_attempt(hop);
            start(hop, number, now);
        }
        return {State::open, connection};
    }
    bool lost = hop.down && hop.kind == PeerKind::front_end && !even_down;
    if (lost) return {};
    if (!hop.connecting.empty()) {
        bool more = waiting >= kWaitingFor * hop.connecting.size() && all < hop.most;
        if (more && hop.connecting.back().target < hop.targets.size())
            begin(hop, number, hop.connecting.back().target, now);
        return {State::connecting, nullptr};
    }
    if (now < (even_down ? std::min(hop.rests_until, hop.failed_at + kUrgentRest) : hop.rests_until)) return {};
    if (connections_.full()) return {State::full, nullptr};
    new_attempt(hop);
    if (start(hop, number, now)) return {State::connecting, nullptr};
    fail(hop, now);
    return {};
}

SipConnection* NextHops::open_one(Number number, uint64_t hash) {
    const Hop& hop = hops_[number];
    return hop.open.empty() ? nullptr : connections_.find(hop.open[hash % hop.open.size()].id);
}

void NextHops::keep_open(Number number, Instant now) {
    Hop& hop = hops_[number];
    if (!hop.open.empty() || !hop.connecting.empty() || now < hop.rests_until) return;
    new_attempt(hop);
    if (!start(hop, number, now)) fail(hop, now);
}

void NextHops::set_down(Number number, Instant now) {
    fail(hops_[number], now);
}

NextHops::Number NextHops::on_open(SipConnection& connection) {
    Number number = hop_of_[connection.id().index];
    if (number == kNone) return kNone;
    Hop& hop = hops_[number];
    auto attempt = std::ranges::find(hop.connecting, connection.id(), &Link::id);
    if (attempt == hop.connecting.end()) return kNone;
    hop.open.push_back(*attempt);
    hop.connecting.erase(attempt);
    hop.down = false;
    return number;
}

void NextHops::on_heard(SipConnection& connection) {
    Number number = hop_of_[connection.id().index];
    if (number == kNone) return;
    Hop& hop = hops_[number];
    hop.tried = 0;
    hop.rest = {};
    hop.rests_until = {};
    auto link = std::ranges::find(hop.open, connection.id(), &Link::id);
    if (hop.kind != PeerKind::partner || link == hop.open.end() || link->target >= hop.targets.size()) return;
    const Target& target = hop.targets[link->target];
    finder_.on_attempt(target.host, target.endpoint, nullptr);
}

NextHops::Number NextHops::on_end(SipConnection& connection, HopFailure* failure, Instant now) {
    Number number = std::exchange(hop_of_[connection.id().index], kNone);
    if (number == kNone) return kNone;
    Hop& hop = hops_[number];
    size_t target = kMaxTargets;
    auto taken_from = [&](std::vector<Link>& links) {
        auto link = std::ranges::find(links, connection.id(), &Link::id);
        if (link == links.end()) return false;
        target = link->target;
        links.erase(link);
        return true;
    };
    bool last_open = !taken_from(hop.connecting) && taken_from(hop.open) && hop.open.empty();
    if (last_open && hop.kind == PeerKind::front_end && !hop.down) {
        counters_.add(Counter::sip_front_end_down);
        hop.down = true;
    }
    if (!failure) return kNone;
    failed(hop, target, *failure, now);
    if (!hop.open.empty() || !hop.connecting.empty()) return kNone;
    if (start(hop, number, now)) {
        counters_.add(Counter::sip_fail_overs);
        return kNone;
    }
    fail(hop, now);
    return number;
}

uint32_t NextHops::list(std::span<NextHopRecord> out, std::span<Number> numbers, uint64_t& cursor, Instant now) const {
    uint32_t filled = 0;
    auto at = static_cast<Number>(cursor);
    for (; at < hops_.size() && filled < out.size(); at++) {
        const Hop& hop = hops_[at];
        NextHopRecord& row = out[filled];
        row = {};
        row.kind = hop.kind;
        row.name = std::string_view(hop.name);
        row.state = !hop.open.empty() ? "up" : !hop.connecting.empty() ? "connecting" : hop.down ? "down" : "idle";
        const SipConnection* first = hop.open.empty() ? nullptr : connections_.find(hop.open.front().id);
        if (first) {
            row.address = first->remote();
        } else if (!hop.targets.empty()) {
            row.address = hop.targets.front().endpoint;
        }
        row.connections = static_cast<uint32_t>(hop.open.size());
        row.sent = hop.sent;
        row.failed = hop.failed;
        if (hop.failed) row.failed_ago = now - hop.failed_at;
        row.error = hop.error;
        row.code = hop.code;
        numbers[filled++] = at;
    }
    cursor = at < hops_.size() ? at : 0;
    return filled;
}

}  // namespace fedge::signal
