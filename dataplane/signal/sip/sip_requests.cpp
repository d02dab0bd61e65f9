// The way of a request through the proxy (RFC 3261 sections 16.3 to 16.6), up to the connection that it leaves on.
#include <algorithm>
#include <array>

#include "dataplane/base/hash.h"
#include "dataplane/policy/access.h"
#include "dataplane/policy/diagnostics.h"
#include "dataplane/policy/text_writer.h"
#include "dataplane/signal/sip/peer_hash.h"
#include "dataplane/signal/sip/sip_names.h"
#include "dataplane/signal/sip/sip_proxy.h"
#include "dataplane/signal/sip/text_hash.h"
#include "dataplane/sip/text_writer.h"
#include "dataplane/tcp/source_network.h"

namespace fedge::signal {
namespace {

using policy::Content;
using policy::Outcome;
using sip::HeaderId;
using sip::Method;
using sip::Side;

constexpr uint16_t kSipsPort = 5061;
constexpr uint32_t kOngoing = 8;                   // one of so many places more for what waits within dialogs
constexpr uint64_t kSources = 0x2545f4914f6cdd1d;  // tells addresses from other owners of what waits

// What was found of a partner, and what policy is told of it.
struct AnsweredRoute {
    // Views into `found`; good until the next call.
    const policy::RouteFacts* facts_for(const policy::Ask& ask) {
        facts.finding = found.finding;
        facts.code = found.code;
        facts.namespace_rule = ask.namespace_rule;
        size_t count = std::min(found.targets.size(), hosts.size());
        for (size_t i = 0; i < count; i++) hosts[i] = found.targets[i].host;
        facts.hosts = {hosts.data(), count};
        return &facts;
    }

    FoundRoute found;
    std::array<std::string_view, NextHops::kMaxTargets> hosts;
    policy::RouteFacts facts;
};

// What an offer is about (RFC 4566 section 5.14): lines that begin with "m=".
Content content_of_offer(std::string_view body) {
    bool audio = false, video = false, message = false;
    for (size_t at = body.find("m="); at != std::string_view::npos; at = body.find("m=", at + 2)) {
        if (at != 0 && body[at - 1] != '\n' && body[at - 1] != '\r') continue;
        std::string_view media = body.substr(at + 2, 8);
        audio |= media.starts_with("audio ");
        video |= media.starts_with("video ");
        message |= media.starts_with("message ") || media.starts_with("x-ms-mes");
    }
    if (video) return Content::video;
    if (audio) return Content::audio;
    return message ? Content::im : Content::session;
}

Content content_of(const sip::Message& message, Bytes body, bool in_dialog) {
    if (in_dialog && message.method() != Method::invite && message.method() != Method::update) return Content::dialog;
    switch (message.method()) {
        case Method::message:
        case Method::info: return Content::im;
        case Method::subscribe:
        case Method::notify:
        case Method::benotify: return Content::presence;
        case Method::options: return Content::probe;
        case Method::register_:
        case Method::publish:
        case Method::service: return Content::internal;
        case Method::invite:
        case Method::update: {
            Content content = content_of_offer(text_of(body));
            return in_dialog && content == Content::session ? Content::dialog : content;
        }
        case Method::ack:
        case Method::cancel: return Content::dialog;
        default: return Content::session;
    }
}

policy::SourceMark source_mark(const sip::Message& message) {
    const sip::Field* field = message.first(HeaderId::ms_edge_proxy_message_trust);
    if (!field) return policy::SourceMark::missing;
    std::string_view value = message.value(*field);
    // The value begins with a parameter, without the semicolon that separates others.
    for (std::string_view rest = value; !rest.empty();) {
        size_t end = std::min(rest.find(';'), rest.size());
        std::string_view one = sip::trim(rest.substr(0, end));
        if (sip::equal_nocase(one, "ms-source-verified-user=verified")) return policy::SourceMark::verified;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return policy::SourceMark::unverified;
}

policy::Identity identity(const sip::Uri& uri) {
    return {uri.user, uri.host};
}

}  // namespace

void SipProxy::on_request(Incoming& request) {
    Side side = side_of(request.kind);
    const sip::RequestRoute route =
        sip::route_request(request.message, flow_of(request.from, request.kind), view_.config->site(request.kind, side),
                           *view_.config->tokens, unix_now_);
    if (route.action == sip::Action::answer || route.action == sip::Action::discard)
        return end_by_route(request, route);
    // New work is shed first: what goes on within dialogs ends them, too.
    Method method = request.message.method();
    request.ongoing = route.in_dialog || method == Method::ack || method == Method::cancel;
    if (overloaded() && !request.ongoing) return shed(request, "overload: new work is shed first");
    switch (request.kind) {
        case PeerKind::partner: return from_partner(request, route);
        case PeerKind::front_end: return from_front_end(request, route);
        case PeerKind::client: return from_client(request, route);
    }
}

void SipProxy::shed(Incoming& request, std::string_view why) {
    counters_.add(Counter::sip_overload);
    request.why = why;
    answer(request, 503, policy::kTemporarilyUnavailable);
}

void SipProxy::end_by_route(Incoming& request, const sip::RequestRoute& route) {
    using sip::RouteFault;
    switch (route.fault) {
        case RouteFault::none: break;
        case RouteFault::too_many_hops:
        case RouteFault::looped:
        case RouteFault::own_target: counters_.add(Counter::sip_loops); break;
        case RouteFault::invalid_route: counters_.add(Counter::sip_token_refused); break;
        default: counters_.add(Counter::sip_unroutable); break;
    }
    request.why = route.fault == RouteFault::none ? std::string_view{} : sip::name(route.fault);
    if (route.action != sip::Action::answer) return trace_.verdict("dropped: it has come to its end here");
    if (route.fault != RouteFault::bad_extension)
        return answer(request, route.status, static_cast<uint16_t>(sip::diagnostics(route.fault)));
    std::array<char, 256> tags;
    size_t size = sip::write_unsupported(request.message, view_.config->site(request.kind, side_of(request.kind)),
                                         sip::writable(tags));
    answer(request, route.status, 0, size ? "Unsupported" : std::string_view{}, {tags.data(), size});
}

policy::Request SipProxy::policy_request(const Incoming& request, const sip::RequestRoute& route) const {
    const sip::Message& message = request.message;
    policy::Request out;
    out.from = identity(message.from().uri);
    // Within a dialog the Request-URI is a contact, which may be any address of the other side's network. That there
    // is a dialog is believed if we have signed its route set.
    out.to = identity(route.in_dialog ? message.to().uri : message.request_uri());
    out.content = content_of(message, request.body, route.in_dialog);
    out.mark = source_mark(message);
    return out;
}

void SipProxy::from_partner(Incoming& request, const sip::RequestRoute& route) {
    // Whether it may speak for its domain cannot be told any more, nor can it be answered.
    if (!request.connection) return counters_.add(Counter::sip_flow_gone);
    policy::Request asked = policy_request(request, route);
    policy::Peer& sender = peer(*request.connection);
    AnsweredRoute answered;
    const policy::RouteFacts* known = nullptr;
    policy::Admission admission = request.admitted ? policy::Admission::admitted : policy::Admission::not_asked;
    for (int round = 0; round < 4; round++) {
        policy::Decision decision = policy::inbound(policy_view(), sender, asked, known, admission);
        switch (decision.outcome) {
            case Outcome::ask:
                if (decision.ask.what == policy::Question::admission) {
                    admission = finder_.admit(decision.source.view(), asked.to.user, decision.target.view());
                    request.admitted = admission == policy::Admission::admitted;
                    continue;
                }
                if (!find(request, decision.source.view(), decision.ask, answered.found)) return;
                known = answered.facts_for(decision.ask);
                continue;
            case Outcome::deliver:
            case Outcome::deliver_to_contacts:
            case Outcome::forward: return accepted(request, route, decision);
            case Outcome::refuse:
            case Outcome::drop: return end_by_policy(request, decision);
        }
    }
    answer(request, 500);
}

void SipProxy::accepted(Incoming& request, const sip::RequestRoute& route, policy::Decision& decision) {
    policy::Peer& sender = peer(*request.connection);
    if (sender.fixed == policy::TrustClass::none) {
        sender.fixed = decision.trust();
        request.connection->set_label(decision.source.view());
    }
    // RFC 5923 section 8: it takes requests of ours here, too. Its address is where it comes from, whatever its Via
    // says.
    if (const sip::Via& via = request.message.via(); via.alias && !request.connection->outgoing())
        aliases_.add({request.connection->remote().address, via.port ? via.port : kSipsPort}, request.from);
    if (decision.outcome == Outcome::forward) return to_outside(request, route, &decision);
    // A route set from partner to partner does not lead inside.
    if (route.action == sip::Action::domain) {
        counters_.add(Counter::sip_unroutable);
        return answer(request, 403, policy::kCannotRoute);
    }
    counters_.add(Counter::policy_delivered);
    to_front_end(request, {Side::inside, route, &decision});
}

void SipProxy::from_front_end(Incoming& request, const sip::RequestRoute& route) {
    // A remote user: the way back was laid by Path or Record-Route. Partners are found anew: the connection of then may
    // be theirs, on which they do not expect requests of ours (RFC 5923 section 9.3), and policy may have changed.
    if (route.action == sip::Action::flow) {
        SipConnection* same = connection_of(route.flow);
        if (same && same->kind() == PeerKind::client)
            return forward(request, destination(*same), {Side::outside, route});
        // Who has proved nothing is a remote user.
        if (!same && route.flow.peer == kNobody && elsewhere(route.flow))
            return forward(request, {route.flow, PeerKind::client}, {Side::outside, route});
        if (!same && !route.in_dialog) {
            counters_.add(Counter::sip_flow_gone);
            return answer(request, 430);  // RFC 5626 section 11.5
        }
    }
    to_outside(request, route, nullptr);
}

void SipProxy::to_outside(Incoming& request, const sip::RequestRoute& route, const policy::Decision* inbound) {
    policy::Request asked = policy_request(request, route);
    AnsweredRoute answered;
    const policy::RouteFacts* known = nullptr;
    for (int round = 0; round < 3; round++) {
        policy::Decision decision = policy::outbound(policy_view(), asked, known, inbound != nullptr);
        if (decision.outcome == Outcome::ask) {
            if (!find(request, decision.target.view(), decision.ask, answered.found)) return;
            known = answered.facts_for(decision.ask);
            continue;
        }
        if (!decision.accepted()) return end_by_policy(request, decision);
        if (inbound) decision.verified = inbound->verified;
        counters_.add(Counter::policy_delivered);
        return to_partner(request, {Side::outside, route, &decision}, answered.found);
    }
    answer(request, 500);
}

void SipProxy::from_client(Incoming& request, const sip::RequestRoute& route) {
    policy::Identity from = identity(request.message.from().uri);
    auto domain = policy::Domain::parse(from.domain);
    if (!domain || !policy::may_be_outside(policy_view(), from.user, domain->view())) {
        counters_.add(Counter::policy_user);
        request.why = "the user may not connect from outside";
        return answer(request, 403, policy::kCannotRoute);
    }
    to_front_end(request, {Side::inside, route});
}

void SipProxy::to_front_end(Incoming& request, const Leaving& leaving) {
    uint64_t hash = text_hash(request.message.call_id());
    auto waiting = [&](NextHops::Number hop) { return held_.count({WaitKey::For::next_hop, hop}); };
    // Within a dialog to the server that has it; if that is lost, to another one, which may know of it.
    if (leaving.route.action == sip::Action::flow)
        if (SipConnection* same = connection_of(leaving.route.flow))
            return forward(request, destination(*same), leaving);
    FrontEnds::Choice choice = front_ends_.pick(hash, waiting, now_);
    if (choice.hop == NextHops::kNone) {
        counters_.add(Counter::sip_next_hop_failed);
        request.why = "no front end could be connected to";
        return answer(request, 503, policy::kTemporarilyUnavailable);
    }
    leave(request, leaving, choice.hop, choice.pick);
}

void SipProxy::to_partner(Incoming& request, const Leaving& leaving, const FoundRoute& route) {
    const policy::Decision& decision = *leaving.decision;
    bool by_domain = decision.hop.kind == policy::HopKind::targets;
    std::string_view name = by_domain ? decision.target.view() : decision.hop.host;
    NextHops::Number hop = hops_.get(PeerKind::partner, name, now_);
    if (hop == NextHops::kNone) return shed(request, "overload: too many next hops");
    uint64_t version = route.version * 2 + (by_domain ? 1 : 0);
    if (hops_.version(hop) != version) {
        std::vector<HopTarget> targets;
        for (const FoundTarget& target : route.targets) {
            if (!decision.hop.accepts(target.host, decision.target.view())) continue;
            for (const IpAddress& address : target.addresses)
                targets.push_back({std::string(target.host), {address, target.port}});
        }
        hops_.set_targets(hop, std::move(targets), view_.config->connections_per_partner, decision.proving_domain());
        hops_.version(hop) = version;
    }
    hops_.set_purpose(hop, purpose_of(decision.purpose));
    if (hops_.connections(hop) == 0)
        if (SipConnection* theirs = hops_.aliased(hop, aliases_))
            return leave(request, leaving, hop, {NextHops::State::open, theirs});
    WaitKey key{WaitKey::For::next_hop, hop};
    leave(request, leaving, hop, hops_.pick(hop, text_hash(request.message.call_id()), held_.count(key), now_));
}

void SipProxy::leave(Incoming& request, const Leaving& leaving, NextHops::Number hop, const NextHops::Pick& pick) {
    switch (pick.state) {
        case NextHops::State::open:
            hops_.note_sent(hop);
            return forward(request, destination(*pick.connection), leaving);
        case NextHops::State::connecting: return hold(request, {WaitKey::For::next_hop, hop});
        case NextHops::State::full: return shed(request, "overload: too many connections");
        case NextHops::State::failed:
            counters_.add(Counter::sip_next_hop_failed);
            return refuse_unconnected(request, hops_.kind(hop), hops_.failure(hop));
    }
}

// Where the last attempt came to nothing. Those inside are told all; a partner for whom this is a clearing house, the
// code.
void SipProxy::refuse_unconnected(Incoming& request, PeerKind hop, const HopFailure& failure) {
    request.why = failure.words;
    if (request.why.empty()) request.why = "no server of the next hop could be connected to";
    if (hop == PeerKind::front_end) return answer(request, 503, policy::kTemporarilyUnavailable);
    const std::string parameters = request.kind == PeerKind::front_end ? failure.parameters() : std::string();
    request.parameters = parameters;
    answer(request, 504, failure.code ? failure.code : policy::kNotConnected);
    request.parameters = {};
}

bool SipProxy::find(Incoming& request, std::string_view domain, const policy::Ask& ask, FoundRoute& route) {
    uint64_t key = 0;
    switch (finder_.find(domain, ask, route, key)) {
        case PartnerFinder::Answer::known: return true;
        case PartnerFinder::Answer::pending: hold(request, {WaitKey::For::route, key}); return false;
        case PartnerFinder::Answer::full: break;
    }
    shed(request, "overload: too many partners are looked up");
    return false;
}

HeldMessage SipProxy::copy_of(const Incoming& request, const WaitKey& key, uint64_t owner, Instant deadline) {
    HeldMessage held;
    held.from = request.from;
    held.kind = request.kind;
    held.key = key;
    held.owner = owner;
    held.header_size = static_cast<uint32_t>(request.header.size());
    held.admitted = request.admitted;
    held.deadline = deadline;
    held.bytes.reserve(request.header.size() + request.body.size());
    held.bytes.insert(held.bytes.end(), request.header.begin(), request.header.end());
    held.bytes.insert(held.bytes.end(), request.body.begin(), request.body.end());
    return held;
}

// The stranger's: whom it comes from, or if that is one of us, whom it goes to. Front ends are few, and everything from
// outside goes to them.
uint64_t SipProxy::owner_of(const Incoming& request, const WaitKey& destination) {
    if (request.kind == PeerKind::front_end) return destination.hash();
    if (!request.connection) return request.owner;
    if (uint64_t peer = state(*request.connection).hash; peer != kNobody) return peer;
    IpAddress network = tcp::source_network(request.connection->remote().address);
    return fold_multiply(network.high() ^ kSources, network.low()) ^ kSources;
}

// Half of the room is for those that nobody has sent yet. Without room it goes without a copy: it is lost with its
// connection, as it would be on one that has been in use.
void SipProxy::keep(const Incoming& request, const SipConnection& connection) {
    uint64_t owner = owner_of(request, {WaitKey::For::next_hop, hops_.hop_of(connection)});
    const HeldMessages::Limits half{view_.config->hold_messages / 2, view_.config->hold_bytes / 2};
    if (held_.room(request.kind, owner, request.header.size() + request.body.size(), half) != HeldMessages::Room::free)
        return;
    held_.hold(copy_of(request, WaitKey::sign_of_life(connection), owner, now_ + view_.config->hold));
}

void SipProxy::hold(Incoming& request, const WaitKey& key) {
    HeldMessages::Limits limits{view_.config->hold_messages, view_.config->hold_bytes};
    // What goes on within dialogs has some room of its own, where new work does not come; and what has waited had its
    // share, which it does not lose when it goes on from DNS to a connection.
    bool has_place = request.waited || request.ongoing;
    if (has_place) {
        limits.messages += limits.messages / kOngoing;
        limits.bytes += limits.bytes / kOngoing;
    }
    uint64_t bytes = request.header.size() + request.body.size();
    uint64_t owner = owner_of(request, key);
    switch (has_place ? held_.room(bytes, limits) : held_.room(request.kind, owner, bytes, limits)) {
        case HeldMessages::Room::free: {
            held_.hold(copy_of(request, key, owner, request.waited ? request.deadline : now_ + view_.config->hold));
            if (!request.waited) counters_.add(Counter::sip_held);
            return trace_.verdict(key.what == WaitKey::For::route ? "waits for DNS" : "waits for a connection");
        }
        case HeldMessages::Room::full:
            counters_.add(Counter::sip_held_full);
            request.why = "too many requests wait";
            break;
        case HeldMessages::Room::shared:
            counters_.add(Counter::sip_held_share);
            request.why = "too many requests of the same partner wait";
            break;
    }
    answer(request, 503, policy::kTemporarilyUnavailable);
}

void SipProxy::end_by_policy(Incoming& request, const policy::Decision& decision) {
    counters_.add(policy::counter_of(decision.reason));
    const policy::ReasonFacts& facts = policy::facts(decision.reason);
    request.why = facts.words;
    if (decision.outcome == Outcome::drop) return note_refusal(request, 0, 0);
    // Of what DNS says the user is told for which domain.
    std::array<char, 300> memory;
    if (facts.status == 504 && request.kind == PeerKind::front_end)
        request.parameters = policy::join(memory, {";domain=\"", decision.target.view(), "\""});
    answer(request, facts.status ? facts.status : 403, facts.code);
    request.parameters = {};
}

}  // namespace fedge::signal
