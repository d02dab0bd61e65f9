#include "dataplane/signal/sip/sip_names.h"

#include "dataplane/policy/decoration.h"
#include "dataplane/policy/text_writer.h"
#include "dataplane/sip/text_writer.h"

namespace fedge::signal {
namespace {

using policy::Account;
using policy::Decorated;
using policy::Domain;
using sip::HeaderId;

std::string_view scheme_of(const sip::Uri& uri) {
    return uri.text.substr(0, uri.text.find(':') + 1);
}

}  // namespace

bool Names::write(const sip::Address& address, std::string_view account, std::string_view& out) {
    sip::TextWriter w{address_memory_};
    w << address.display << (address.display.empty() ? "<" : " <") << scheme_of(address.uri) << account
      << address.uri.params << address.uri.headers << ">" << address.params;
    out = w.text();
    return w.ok();
}

bool Names::decorate_target(const policy::Decision& decision, const sip::Message& request,
                            const sip::RequestRoute& route) {
    if (!policy::decorates(decision)) return true;
    std::array<char, policy::kMaxAddress> memory;
    // Within a dialog it is a contact.
    if (!route.in_dialog && route.request_uri.empty()) {
        const sip::Uri& uri = request.request_uri();
        policy::Decoration name = policy::decorate(decision, uri.user, memory);
        if (name.result == Decorated::impossible) return false;
        if (name.result == Decorated::wrapped) {
            sip::TextWriter w{uri_memory_};
            w << scheme_of(uri) << name.address << uri.params << uri.headers;
            if (!w.ok()) return false;
            request_uri_ = w.text();
        }
    }
    const sip::Uri& to = request.to().uri;
    auto domain = to.is_sip() ? Domain::parse(to.host) : std::nullopt;
    if (!domain || *domain != decision.target) return true;
    policy::Decoration name = policy::decorate(decision, to.user, memory);
    if (name.result == Decorated::unchanged) return true;
    if (name.result == Decorated::impossible || !write(request.to(), name.address, to_)) return false;
    note_ = decision.provider->proxy;
    return true;
}

void Names::undecorate_source(const policy::View& view, const policy::Decision& decision, const sip::Message& request) {
    auto account = policy::shown_source(view, decision, request.from().uri.user);
    if (!account) return;
    std::array<char, policy::kMaxAddress> memory;
    if (write(request.from(), policy::join(memory, {account->user, "@", account->domain}), from_))
        note_ = decision.provider->proxy;
}

void Names::restore(const policy::Config& config, const sip::Message& response, sip::Side from) {
    auto note = response.via().param(sip::kNamesParameter);
    const policy::Provider* provider = note ? config.provider_at(*note) : nullptr;
    if (!provider) return;
    const sip::Address& address = from == sip::Side::inside ? response.from() : response.to();
    auto domain = address.uri.is_sip() ? Domain::parse(address.uri.host) : std::nullopt;
    if (!domain) return;
    std::array<char, policy::kMaxAddress> memory;
    Account account{address.uri.user, domain->view()};
    if (from == sip::Side::inside) {
        policy::Decoration name = policy::decorate(*provider, account, memory);
        if (name.result == Decorated::wrapped) write(address, name.address, from_);
    } else if (auto plain = policy::undecorate(*provider, account)) {
        write(address, policy::join(memory, {plain->user, "@", plain->domain}), to_);
    }
}

void Names::apply(sip::Edit& edit) const {
    if (!request_uri_.empty()) edit.set_request_uri(request_uri_);
    if (!from_.empty()) edit.set(HeaderId::from, from_);
    if (!to_.empty()) edit.set(HeaderId::to, to_);
}

}  // namespace fedge::signal
