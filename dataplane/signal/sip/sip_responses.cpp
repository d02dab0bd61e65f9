// Responses (RFC 3261 section 16.7): back to the connection that our Via names.
#include <utility>

#include "dataplane/signal/sip/peer_hash.h"
#include "dataplane/signal/sip/sip_names.h"
#include "dataplane/signal/sip/sip_proxy.h"
#include "dataplane/sip/edit.h"
#include "dataplane/sip/forwarding.h"

namespace fedge::signal {

constexpr Duration kFailureWindow = 60s;

void SipProxy::on_response(SipConnection& connection, const sip::Message& message, Bytes body) {
    sip::Side from = side_of(connection.kind());
    const sip::ResponseRoute route =
        sip::route_response(message, flow_of(connection.id(), connection.kind()),
                            view_.config->site(connection.kind(), from), *view_.config->tokens, unix_now_);
    if (route.action == sip::Action::local) {
        trace_.forget();
        front_ends_.on_response(connection, message.via().branch, message.status_code());
        return;
    }
    if (route.action != sip::Action::flow) {
        trace_.verdict(sip::name(route.fault));
        return counters_.add(route.fault == sip::RouteFault::invalid_via ? Counter::sip_token_refused
                                                                         : Counter::sip_not_ours);
    }
    // On the very connection that the request came on while it lasts (RFC 3261 section 18.2.2): its core knows.
    bool other_core = elsewhere(route.flow);
    SipConnection* to = other_core ? nullptr : connection_of(route.flow);
    if (!to && !other_core) {
        trace_.verdict("dropped: the connection that it is for is no more");
        return counters_.add(Counter::sip_flow_gone);
    }

    if (!filters_.response(message, body)) return;
    sip::Edit edit(message, static_cast<uint32_t>(body.size()));
    sip::forward_response(edit, from);
    if (from == sip::Side::inside) edit.remove_trust_headers();
    Names names;
    names.restore(*view_.federation, message, from);
    names.apply(edit);
    size_t size = edit.write(scratch_);
    if (size == 0) return counters_.add(Counter::sip_malformed);
    Destination back = to ? destination(*to) : Destination{route.flow, PeerKind::client};
    if (!write(back, Bytes(scratch_).first(size), body)) return;
    counters_.add(Counter::sip_responses_relayed);
    if (!to) return;
    dialogs_.on_response(message, now_);
    if (to->kind() == PeerKind::partner && message.status_code() >= 200)
        finder_.on_final(message.from().uri.host, message.status_code());
    if (to->kind() == PeerKind::client && message.method() == sip::Method::register_)
        note_registration(*to, message.status_code());
}

// A registration that succeeds takes two or three requests, all but the last of which fail: each connection may have
// two such failures open at a time, and what led to a success counts no more.
void SipProxy::note_registration(SipConnection& client, uint16_t status) {
    if (status < 200) return;
    PeerState& known = state(client);
    if (now_ - known.failed_since > kFailureWindow) known.failed_registrations = 0;
    const IpAddress& source = client.remote().address;
    if (status < 300) {
        failed_registrations_.forgive(source, std::exchange(known.failed_registrations, 0), now_);
        known.registered = true;
        return;
    }
    if (known.failed_registrations++ == 0) known.failed_since = now_;
    failed_registrations_.add(source, now_);
    if (known.failed_registrations <= view_.config->registrations_failed && !too_many_failed(source)) return;
    counters_.add(Counter::sip_registrations_limited);
    client.close("too many failed registrations");
}

bool SipProxy::too_many_failed(const IpAddress& source) const {
    constexpr uint32_t kSteps = 2;
    uint32_t most = view_.config->registrations_failed + kSteps * connections_.clients_of(source);
    return failed_registrations_.count(source, now_) > most;
}

// The connection itself, or another to the same peer.
SipConnection* SipProxy::connection_of(const sip::Flow& flow) {
    if (flow.node == view_.config->node && flow.core == core_)
        if (SipConnection* same = connections_.find({flow.connection, flow.generation});
            same && state(*same).hash == flow.peer)
            return same;
    if (flow.peer == kNobody) return nullptr;
    return connections_.find(peers_.find(flow.peer, flow.side));
}

}  // namespace fedge::signal
