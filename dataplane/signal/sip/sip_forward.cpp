// How a request leaves: its header section edited (RFC 3261 section 16.6) and written onto the next connection; and the
// responses that the proxy makes itself.
#include <algorithm>
#include <array>
#include <charconv>

#include "dataplane/policy/diagnostics.h"
#include "dataplane/policy/text_writer.h"
#include "dataplane/policy/trust_header.h"
#include "dataplane/signal/sip/sip_names.h"
#include "dataplane/signal/sip/sip_proxy.h"
#include "dataplane/sip/edit.h"
#include "dataplane/sip/forwarding.h"
#include "dataplane/sip/response.h"
#include "dataplane/sip/text_writer.h"

namespace fedge::signal {
namespace {

using sip::HeaderId;
using sip::Method;
using sip::Side;
using sip::TokenUse;

constexpr size_t kText = 1024;  // a Via or Record-Route of ours: a name of 253 and a token

}  // namespace

void SipProxy::forward(Incoming& request, const Destination& to, const Leaving& leaving) {
    const sip::Message& message = request.message;
    const SipConfig& config = *view_.config;
    if (to.connection && !request.ongoing && to.connection->queued() > config.queue_bytes / 8 * 7)
        return shed(request, "overload: the next hop is slow");
    Filtered filtered{request.body, {}, 0};
    if (FilterRefusal refusal = filters_.request(message, filtered))
        return answer(request, refusal.status, refusal.diagnostic);
    const Bytes body = filtered.body;
    Side from = side_of(request.kind);
    const sip::Site& site = config.site(from == Side::outside ? request.kind : to.kind, from);
    Names names;
    if (const policy::Decision* decision = leaving.decision) {
        if (leaving.side == Side::inside) names.undecorate_source(policy_view(), *decision, message);
        if (leaving.side == Side::outside && !names.decorate_target(*decision, message, leaving.route))
            return answer(request, 404, policy::kCannotRoute);
    }
    sip::Edit edit(message, static_cast<uint32_t>(body.size()));
    sip::Flow in = flow_of(request.from, request.kind);
    Endpoint source = request.connection ? request.connection->remote() : Endpoint{};
    sip::ForwardingTexts texts;
    // Partners may use what we have opened to them: who they are is proved there as well (RFC 5923 section 8.1).
    bool alias = to.kind == PeerKind::partner && to.connection && to.connection->outgoing();
    bool fits = sip::forward_request(edit, {message, leaving.route, in, to.flow, source, alias, names.note()}, site,
                                     *config.tokens, unix_now_, texts);
    names.apply(edit);
    for (const Filtered::Field& field : filtered.changed()) {
        edit.remove(field.name);
        edit.append(field.name, field.value);
    }

    // A registration: requests for the client are to come back through us (RFC 3327, RFC 5626 section 5.1).
    std::array<char, kText> path_memory;
    if (request.kind == PeerKind::client && message.method() == Method::register_) {
        sip::FlowTokens::Token path = config.tokens->issue(TokenUse::path, in, {}, unix_now_);
        std::array<char, 6> port;
        auto* end = std::to_chars(port.data(), port.data() + port.size(), config.inside_port).ptr;
        edit.add_on_top(HeaderId::path,
                        policy::join(path_memory, {"<sip:",
                                                   sip::view(path),
                                                   "@",
                                                   config.inside,
                                                   ":",
                                                   {port.data(), static_cast<size_t>(end - port.data())},
                                                   ";transport=tls;lr;ob>"}));
    }

    // What only those may say who are trusted does not cross the border; what we say of the sender does.
    if (from == Side::inside) edit.remove_trust_headers();
    std::array<char, kText> trust_memory;
    if (const policy::Decision* decision = leaving.decision;
        decision && (from == Side::outside || decision->verified)) {
        auto value = policy::write_trust(decision->type, decision->verified, config.outside, trust_memory);
        if (!value.empty()) edit.append(policy::kTrustHeader, value);
    }

    if (!fits) {
        counters_.add(Counter::sip_malformed);
        return answer(request, 400);
    }
    size_t size = edit.write(scratch_);
    if (size == 0) {
        counters_.add(Counter::sip_malformed);
        return answer(request, 513);
    }
    if (!write(to, Bytes(scratch_).first(size), body)) return answer(request, 503);
    counters_.add(Counter::sip_requests_relayed);
    if (to.connection && to.connection->outgoing() && !to.connection->heard()) keep(request, *to.connection);
    DialogPartyView destination{to.kind, {}, {}, 0};
    dialogs_.on_request(message, party(request), to.connection ? to.connection->party() : destination, now_);
}

DialogPartyView SipProxy::party(const Incoming& request) {
    return request.connection ? request.connection->party() : DialogPartyView{request.kind, {}, {}, 0};
}

bool SipProxy::write(const Destination& to, Bytes header, Bytes body) {
    if (to.connection) {
        if (!to.connection->send({header, body})) return false;
        if (trace_.on()) trace_.outgoing(*to.connection, *message_, header, body, now_);
        return true;
    }
    auto parcel = std::make_unique<SipParcel>();
    parcel->to = to.flow;
    parcel->header_size = static_cast<uint32_t>(header.size());
    parcel->message.reserve(header.size() + body.size());
    parcel->message.insert(parcel->message.end(), header.begin(), header.end());
    parcel->message.insert(parcel->message.end(), body.begin(), body.end());
    bool sent = post_ && post_->send(to.flow.core, std::move(parcel));
    counters_.add(sent ? Counter::sip_handed_over : Counter::sip_handover_full);
    return sent;
}

void SipProxy::deliver(const SipParcel& parcel) {
    SipConnection* connection = connection_of(parcel.to);
    if (!connection) return counters_.add(Counter::sip_flow_gone);
    if (!connection->send({Bytes(parcel.message)})) return;
    // Its request passed here, and nobody else on this core sees the answer.
    Bytes header = Bytes(parcel.message).first(parcel.header_size);
    if (message_->parse(text_of(header)) != sip::MessageFault::none) return;
    if (!message_->is_request()) dialogs_.on_response(*message_, now_);
    if (!trace_.on()) return;
    Bytes body = Bytes(parcel.message).subspan(parcel.header_size);
    trace_.begin(nullptr, *message_, header, body, false, now_);
    trace_.outgoing(*connection, *message_, header, body, now_);
    trace_.end();
}

void SipProxy::answer(Incoming& request, uint16_t status, uint16_t diagnostic, std::string_view extra_name,
                      std::string_view extra_value) {
    const sip::Message& message = request.message;
    note_refusal(request, status, diagnostic);
    // Neither is ever answered: RFC 3261 section 17.1.1.3; MS-SIP.
    if (message.method() == Method::ack || message.method() == Method::benotify || !request.connection) return;
    std::array<sip::ExtraHeader, 3> extra;
    size_t count = 0;
    std::array<char, kText> diagnostics, via_memory;
    const std::string& source = own_name(side_of(request.kind));
    if (diagnostic != 0) {
        std::string_view value = policy::write_diagnostics(diagnostic, source, diagnostics, request.parameters);
        if (!value.empty()) extra[count++] = {"ms-diagnostics-public", value};
    }
    if (status == 503) extra[count++] = {"Retry-After", "5"};
    if (!extra_name.empty()) extra[count++] = {extra_name, extra_value};
    sip::FlowTokens::Tag tag = view_.config->tokens->tag(message);
    auto via = sip::received_via(message.via(), request.connection->remote(), sip::writable(via_memory));
    sip::ResponseSpec spec;
    spec.status = status;
    spec.to_tag = sip::view(tag);
    if (via) spec.top_via = *via;
    spec.extra = {extra.data(), count};
    size_t size = sip::write_response(message, spec, scratch_);
    if (size == 0) return counters_.add(Counter::sip_unanswered);
    if (!request.connection->send({Bytes(scratch_).first(size)})) return;
    counters_.add(Counter::sip_answers);
    if (trace_.on()) trace_.outgoing(*request.connection, message, Bytes(scratch_).first(size), {}, now_);
}

// For operators. `status` 0: without a word.
void SipProxy::note_refusal(const Incoming& request, uint16_t status, uint16_t diagnostic) {
    std::string_view why = request.why;
    if (const policy::Diagnostic* known = policy::diagnostic(diagnostic); why.empty() && known) why = known->text;
    if (why.empty()) why = sip::reason_phrase(status);
    // Without a Call-ID nobody will ask for it.
    if (request.message.has(HeaderId::call_id)) dialogs_.on_refused(request.message, party(request), status, why, now_);
    if (!trace_.on()) return;
    std::array<char, 200> memory;
    std::array<char, 6> number;
    auto* end = std::to_chars(number.data(), number.data() + number.size(), status).ptr;
    std::string_view shown(number.data(), static_cast<size_t>(end - number.data()));
    trace_.verdict(status == 0 ? policy::join(memory, {"dropped: ", why})
                               : policy::join(memory, {"answered with ", shown, ": ", why}));
}

}  // namespace fedge::signal
