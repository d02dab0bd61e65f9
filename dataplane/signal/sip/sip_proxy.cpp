#include "dataplane/signal/sip/sip_proxy.h"

#include <algorithm>
#include <array>
#include <utility>

#include "dataplane/policy/diagnostics.h"
#include "dataplane/policy/names.h"
#include "dataplane/signal/sip/peer_hash.h"

namespace fedge::signal {
namespace {

constexpr size_t kScratch = 80 * 1024;  // the largest header section and what is added to it

const tls::PeerNames kNoNames;
constexpr std::string_view kScanner = "what came is known of scanners";

SipLimits limits(const SipProxy::Setup& setup) {
    SipLimits out = setup.limits;
    out.core = setup.core;
    return out;
}

}  // namespace

SipProxy::SipProxy(const Setup& setup, Counters counters, Random& random, Instant now)
    : core_(setup.core),
      connector_(*setup.connector),
      finder_(*setup.finder),
      post_(setup.post),
      counters_(counters),
      now_(now),
      connections_(limits(setup), counters, random, *this, now),
      hops_(connections_, *setup.connector, *setup.finder, counters, setup.limits.connections),
      front_ends_(hops_, connections_, counters),
      filters_(counters),
      failed_registrations_(random),
      states_(setup.limits.connections),
      peers_(setup.limits.connections),
      dialogs_(setup.dialogs, counters, HashKey::random(random)),
      trace_(counters),
      message_(std::make_unique<sip::Message>()),
      scratch_(kScratch) {}

SipProxy::~SipProxy() = default;

void SipProxy::adopt(const SipView& view, Instant now) {
    now_ = now;
    view_ = view;
    connections_.adopt(view.config);
    filters_.adopt(view.filters);
    if (view.config) front_ends_.adopt(*view.config, now);
}

tcp::StreamHandler* SipProxy::accept(tcp::Stream& stream, PeerKind kind, const tls::SessionInfo* tls) {
    if (!view_.config) return nullptr;
    if (kind == PeerKind::front_end && tls) {
        auto proves = [&](const std::string& host) {
            return tls::proves(tls->peer_names, host, fedge::tls::Matching::sip);
        };
        if (std::ranges::none_of(view_.config->trusted_names, proves)) {
            counters_.add(Counter::sip_stranger_inside);
            return nullptr;
        }
    }
    if (kind == PeerKind::client && too_many_failed(stream.remote().address)) {
        counters_.add(Counter::sip_registrations_limited);
        return nullptr;
    }
    SipConnection* connection = connections_.accept(stream, kind, tls, now_);
    if (!connection) return nullptr;
    if (tls && !tls->peer_names.empty()) connection->set_label(tls->peer_names.front().value);
    note_peer(*connection);
    return connection;
}

void SipProxy::set_time(Instant now, uint64_t unix_now) {
    now_ = now;
    unix_now_ = unix_now;
    connections_.set_time(now);
}

uint32_t SipProxy::turn(Instant now, uint64_t unix_now) {
    set_time(now, unix_now);
    if (!view_.config) return connections_.read(now);
    front_ends_.turn(now);
    uint32_t work = connections_.read(now);
    for (size_t i = 0; i < changed_.size(); i++) release({WaitKey::For::next_hop, changed_[i]});
    changed_.clear();
    for (size_t i = 0; i < refused_.size(); i++) {
        Refused end = std::move(refused_[i]);
        again_or_refuse(end);
    }
    refused_.clear();
    for (HeldMessage& late : held_.expired(now)) {
        again(late, Fate::expired);
        work++;
    }
    return work + connections_.write();
}

void SipProxy::on_route(uint64_t key) {
    release({WaitKey::For::route, key});
}

void SipProxy::release(const WaitKey& key) {
    for (HeldMessage& held : held_.release(key)) again(held, Fate::known);
}

// What has not been read goes its way once more. What may have been read must not: nobody wants a message twice.
void SipProxy::again_or_refuse(const Refused& end) {
    for (HeldMessage& held : held_.release(end.key)) {
        if (end.failure.unread) {
            counters_.add(Counter::sip_sent_again);
            again(held, Fate::known);
            continue;
        }
        if (!view_.config) return;
        Incoming request = taken_up(held);
        if (trace_.on()) trace_.begin(request.connection, *message_, held.header(), held.body(), false, now_);
        refuse_unconnected(request, end.kind, end.failure);
        if (trace_.on()) trace_.end();
    }
}

void SipProxy::again(HeldMessage& held, Fate fate) {
    if (!view_.config) return;
    // A copy: it was taken, then. Whoever sent it has a timer of his own.
    if (fate == Fate::expired && held.key.what == WaitKey::For::sign_of_life) return;
    Incoming request = taken_up(held);
    if (trace_.on()) trace_.begin(request.connection, *message_, held.header(), held.body(), false, now_);
    if (fate == Fate::known) {
        on_request(request);
    } else {
        counters_.add(Counter::sip_held_expired);
        if (held.key.what == WaitKey::For::next_hop) {
            auto hop = static_cast<NextHops::Number>(held.key.id);
            refuse_unconnected(request, hops_.kind(hop), hops_.failure(hop));
        } else {
            answer(request, 504, policy::kTemporarilyUnavailable);
        }
    }
    if (trace_.on()) trace_.end();
}

SipProxy::Incoming SipProxy::taken_up(const HeldMessage& held) {
    message_->parse(text_of(held.header()));  // it had no fault when it came
    Incoming out{*message_, held.header(), held.body(), held.from, held.kind, connections_.find(held.from)};
    out.admitted = held.admitted;
    out.deadline = held.deadline;
    out.waited = true;
    out.owner = held.owner;
    return out;
}

void SipProxy::on_message(SipConnection& connection, Bytes header, Bytes body) {
    sip::MessageFault fault = message_->parse(text_of(header));
    if (!trace_.on()) [[likely]]
        return on_whole(connection, fault, header, body);
    trace_.begin(&connection, *message_, header, body, true, now_);
    on_whole(connection, fault, header, body);
    trace_.end();
}

void SipProxy::on_whole(SipConnection& connection, sip::MessageFault fault, Bytes header, Bytes body) {
    const sip::Message& message = *message_;
    if (!message.is_request()) {
        counters_.add(Counter::sip_responses);
        if (fault == sip::MessageFault::none) return on_response(connection, message, body);
        trace_.verdict(sip::name(fault));
        return counters_.add(Counter::sip_malformed);
    }
    counters_.add(Counter::sip_requests);
    if (unknown(connection) && filters_.scanner(message)) {
        trace_.verdict(kScanner);
        return connection.close(kScanner);
    }
    Incoming request{message, header, body, connection.id(), connection.kind(), &connection};
    if (fault == sip::MessageFault::none) return on_request(request);
    counters_.add(Counter::sip_malformed);
    request.why = sip::name(fault);
    trace_.verdict(request.why);
    if (!message.answerable()) return counters_.add(Counter::sip_unanswered);
    answer(request, status(fault));
}

void SipProxy::on_fault(SipConnection& connection, sip::FramingFault fault, Bytes header) {
    if (uint16_t code = status(fault)) refuse_in_part(connection, header, code, 0, sip::name(fault));
}

void SipProxy::on_no_room(SipConnection& connection, Bytes header) {
    refuse_in_part(connection, header, 503, policy::kTemporarilyUnavailable,
                   "overload: no memory is left for messages in pieces");
}

void SipProxy::refuse_in_part(SipConnection& connection, Bytes header, uint16_t status, uint16_t diagnostic,
                              std::string_view why) {
    if (header.empty()) return;
    sip::Message& message = *message_;
    message.parse(text_of(header));
    if (!message.is_request()) return;
    if (unknown(connection) && filters_.scanner(message)) return;
    if (!message.answerable()) return counters_.add(Counter::sip_unanswered);
    Incoming request{message, header, {}, connection.id(), connection.kind(), &connection};
    request.why = why;
    if (trace_.on()) trace_.begin(&connection, message, header, {}, true, now_);
    answer(request, status, diagnostic);
    if (trace_.on()) trace_.end();
}

void SipProxy::on_open(SipConnection& connection) {
    note_peer(connection);
    if (NextHops::Number hop = hops_.on_open(connection); hop != NextHops::kNone) changed_.push_back(hop);
}

void SipProxy::on_heard(SipConnection& connection) {
    hops_.on_heard(connection);
    held_.release(WaitKey::sign_of_life(connection));
}

void SipProxy::on_end(SipConnection& connection, bool established) {
    aliases_.remove(connection.id());
    peers_.remove(connection.id());
    if (!connection.outgoing()) return;
    WaitKey key = WaitKey::sign_of_life(connection);
    const tls::SessionInfo* tls = connection.tls();
    bool refused = tls && tls->fault != tls::Fault::none;
    bool unwelcome = established && !connection.heard() && (refused || held_.count(key) > 0);
    HopFailure failure;
    if (!established || unwelcome) failure = failure_of(tls, established, connection.why());
    NextHops::Number hop = hops_.on_end(connection, failure.code ? &failure : nullptr, now_);
    if (hop != NextHops::kNone) changed_.push_back(hop);
    if (!unwelcome) return;
    counters_.add(Counter::sip_connect_unwelcome);
    // What waits here has its place behind what the hop has become.
    refused_.push_back({key, connection.kind(), std::move(failure)});
}

uint32_t SipProxy::list_next_hops(std::span<NextHopRecord> out, uint64_t& cursor) const {
    std::array<NextHops::Number, 64> numbers;
    uint32_t n = hops_.list(out.first(std::min(out.size(), numbers.size())), numbers, cursor, now_);
    for (uint32_t i = 0; i < n; i++) {
        out[i].held = held_.count({WaitKey::For::next_hop, numbers[i]});
        if (out[i].kind == PeerKind::front_end) out[i].weight = front_ends_.weight(numbers[i]);
    }
    return n;
}

void SipProxy::note_peer(const SipConnection& connection) {
    uint64_t hash = state(connection).hash;
    if (hash == kNobody || connection.kind() == PeerKind::client) return;
    peers_.add(hash, side_of(connection.kind()), connection.id());
}

SipProxy::PeerState& SipProxy::state(const SipConnection& connection) {
    PeerState& state = states_[connection.id().index];
    if (state.generation == connection.id().generation) return state;
    state = {};
    state.generation = connection.id().generation;
    const tls::SessionInfo* tls = connection.tls();
    state.hash = tls ? peer_hash(tls->peer_names) : kNobody;
    return state;
}

// Where one was heard who may speak, many speak: what one of them writes is no reason to cut off the others.
bool SipProxy::unknown(const SipConnection& connection) {
    if (connection.kind() == PeerKind::front_end) return false;
    const PeerState& known = state(connection);
    return !known.registered && !(known.peer && known.peer->fixed != policy::TrustClass::none);
}

policy::Peer& SipProxy::peer(const SipConnection& connection) {
    PeerState& known = state(connection);
    if (known.peer && known.peer->config == view_.federation->number()) return *known.peer;
    policy::TrustClass fixed = known.peer ? known.peer->fixed : policy::TrustClass::none;
    const tls::SessionInfo* tls = connection.tls();
    known.peer.emplace(*view_.federation, tls ? tls->peer_names : kNoNames, tls ? tls->peer_usages : tls::Usages{});
    known.peer->fixed = fixed;
    return *known.peer;
}

sip::Flow SipProxy::flow_of(FlowId id, PeerKind kind) const {
    return {view_.config->node, static_cast<uint8_t>(core_),
            side_of(kind),      id.index,
            id.generation,      states_[id.index].generation == id.generation ? states_[id.index].hash : kGone};
}

}  // namespace fedge::signal
