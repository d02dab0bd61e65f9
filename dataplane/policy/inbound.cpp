#include "dataplane/policy/inbound.h"

#include "dataplane/policy/evaluation.h"

namespace fedge::policy {
namespace {

using contract::Finding;

// One method per step, named as in Step. Each says whether to go on.
class Inbound : public Evaluation {
  public:
    Inbound(const View& view, const Peer& peer, const Request& request, const RouteFacts* route, Admission admission,
            Trace* trace)
        : Evaluation(view, request, route, trace), peer_(peer), admission_(admission) {}

    Decision decide() {
        connection() && names() && federation() && target() && own_source() && blocked() && known() && proof() &&
            account() && purpose() && sticky_type() && discovery() && verification() && access() && delivery();
        return decision_;
    }

  private:
    std::string_view source() const { return decision_.source.view(); }
    static std::string text(std::string_view view) { return std::string(view); }

    // 2
    bool connection() {
        if (peer_.names->empty())
            return end(Reason::no_certificate, {}, [] { return "the peer proved no name with a certificate"; });
        return pass(Step::connection, [&] {
            if (peer_.default_route) return "its certificate proves the default route, " + view_.config.default_route;
            std::string out;
            for (size_t i = 0; i < peer_.provider_count; i++)
                out += (i ? ", " : "") + peer_.providers[i]->name + " (" + peer_.providers[i]->proxy + ")";
            if (!out.empty()) return "its certificate proves a provider: " + out;
            return std::string("its certificate proves no provider: a partner of its own");
        });
    }

    // 3
    bool names() {
        auto from = Domain::parse(request_.from.domain);
        if (!from)
            return end(Reason::malformed_source, {}, [&] {
                return "the From domain \"" + text(request_.from.domain.substr(0, 300)) + "\" is no domain name";
            });
        decision_.source = *from;
        auto to = Domain::parse(request_.to.domain);
        if (!to)
            return end(Reason::malformed_target, {}, [&] {
                return "the target domain \"" + text(request_.to.domain.substr(0, 300)) + "\" is no domain name";
            });
        decision_.target = *to;
        if (request_.content == Content::internal)
            return end(Reason::request_type, {}, [] { return "requests of this type do not cross the border"; });
        return pass(Step::names, [&] { return "from " + text(source()) + " to " + text(to->view()); });
    }

    // 4
    bool federation() {
        if (!view_.config.enabled)
            return end(Reason::federation_off, setting("federation.enabled"),
                       [] { return "federation is switched off (setting federation.enabled)"; });
        return pass(Step::federation, [] { return "federation is on"; });
    }

    // 5
    bool target() {
        internal_ = view_.config.internal(decision_.target.view()) != nullptr;
        if (internal_) return pass(Step::target, [&] { return text(decision_.target.view()) + " is ours"; });
        if (view_.config.clearing_house)
            return pass(Step::target, [&] {
                return text(decision_.target.view()) + " is not ours, but this edge is a clearing house";
            });
        return end(Reason::foreign_target, {},
                   [&] { return text(decision_.target.view()) + " is not one of our domains"; });
    }

    // 6
    bool own_source() {
        if (!view_.config.internal(source()))
            return pass(Step::own_source, [&] { return text(source()) + " is not one of our domains"; });
        for (size_t i = 0; i < peer_.provider_count; i++)
            if (peer_.providers[i]->shared_address_space) {
                decision_.shared_address_space = true;
                take_provider(*peer_.providers[i]);
                return pass(Step::own_source, [&] {
                    return text(source()) + " is ours, and " + decision_.provider->name + " has users of ours";
                });
            }
        return end(Reason::own_source, {},
                   [&] { return text(source()) + " is our own domain: a stranger claims to be one of our users"; });
    }

    // 7
    bool blocked() {
        partner_ = look_up(view_, source());
        decision_.monitored = partner_.verdict.monitored;
        if (RuleReference rule = rule_of(partner_); rule.kind != RuleKind::none) decision_.rule = rule;
        if (partner_.blocked())
            return end(Reason::blocked_source, rule_of(partner_),
                       [&] { return text(source()) + " is covered by " + words(rule_of(partner_)); });
        return pass(Step::blocked, [&] {
            if (partner_.allowed()) return text(source()) + " is covered by " + words(rule_of(partner_));
            return text(source()) + " is on no list";
        });
    }

    // The switch of step 10, before DNS is asked about a domain that would be refused whatever it says.
    bool known() {
        bool known = partner_.allowed() || peer_.is_provider() || peer_.default_route || view_.config.discovery;
        if (known) return true;
        return end(Reason::unknown_domain, setting("federation.discovery"), [&] {
            return text(source()) + " is not on the allowed list, and discovery is off (setting federation.discovery)";
        });
    }

    // 8
    bool proof() {
        if (decision_.shared_address_space)
            return pass(Step::proof, [] { return "the certificate of the provider is the proof"; });
        if (peer_.is_provider()) return provider_proof();
        if (!partner_.verdict.via.empty()) return server_proof();
        if (peer_.default_route) {
            decision_.type = PartnerType::default_route;
            return pass(Step::proof, [] { return "the default route may speak for any domain"; });
        }
        return target_proof();
    }

    bool provider_proof() {
        for (size_t i = 0; i < peer_.provider_count; i++)
            if (peer_.providers[i]->proxy == partner_.verdict.via) {
                take_provider(*peer_.providers[i]);
                return pass(Step::proof, [&] {
                    return "the provider's " + text(partner_.verdict.via) + " is configured for " + text(source());
                });
            }
        if (!partner_.verdict.via.empty()) return server_proof();  // the operator named another server
        if (!found(false)) return false;
        for (size_t i = 0; i < peer_.provider_count; i++)
            if (route_->finding == Finding::found && asks_provider(*peer_.providers[i])) {
                take_provider(*peer_.providers[i]);
                return pass(Step::proof, [&] {
                    return "SRV records of " + text(source()) + " name the provider's " + decision_.provider->proxy;
                });
            }
        return end(Reason::provider_domain, {RuleKind::provider, peer_.providers[0]->name}, [&] {
            return "SRV records of " + text(source()) + " do not name the provider's " + peer_.providers[0]->proxy +
                   (route_->hosts.empty() ? "" : " but " + list(route_->hosts));
        });
    }

    bool server_proof() {
        decision_.type = PartnerType::direct;
        if (!peer_.proves_host(partner_.verdict.via))
            return end(Reason::direct_unproved, rule_of(partner_), [&] {
                return "the server of " + text(source()) + " is " + text(partner_.verdict.via) +
                       ", which the certificate does not prove";
            });
        return pass(Step::proof, [&] {
            return "the certificate proves " + text(partner_.verdict.via) + ", the server configured for " +
                   text(source());
        });
    }

    bool target_proof() {
        decision_.type = partner_.allowed() ? PartnerType::allowed : PartnerType::discovered;
        if (!found(true)) return false;
        if (route_->finding != Finding::found) return not_found();
        auto inside = [&](std::string_view host) { return in_namespace(host, source()); };
        if (!any_host(inside))
            return end(Reason::source_namespace, {}, [&] {
                return "SRV records of " + text(source()) + " name " + list(route_->hosts) +
                       ", neither the domain itself nor a direct child of it";
            });
        bool by_domain = peer_.proves_domain(source());  // RFC 5922 section 7.2
        auto proved = [&](std::string_view host) { return inside(host) && (by_domain || peer_.proves_host(host)); };
        if (!any_host(proved))
            return end(Reason::source_unproved, {}, [&] {
                return "the certificate proves neither " + text(source()) +
                       " nor any of its SRV targets: " + list(route_->hosts);
            });
        return pass(Step::proof, [&] {
            if (by_domain) return "the certificate proves " + text(source()) + " itself";
            return "the certificate proves an SRV target of " + text(source()) + ": one of " + list(route_->hosts);
        });
    }

    // The domains of providers point out of their namespace.
    bool found(bool namespace_rule) {
        if (route_) return true;
        decision_.ask = {Question::route,
                         namespace_rule,
                         partner_.allowed() ? partner_.verdict.srv_mode : view_.config.discovered_srv_mode,
                         {}};
        return end(Reason::route_wanted, {}, [&] { return "asks DNS for the SRV records of " + text(source()); });
    }

    bool not_found() {
        switch (route_->finding) {
            case Finding::not_found:
                return end(Reason::source_not_found, {},
                           [&] { return "DNS has no SRV records of " + text(source()) + " for federation"; });
            case Finding::refused: {
                Reason reason = route_->code == 1009 ? Reason::source_namespace : Reason::source_target_refused;
                return end(reason, {}, [&] { return text(facts(reason).words); });
            }
            default:
                return end(Reason::source_dns_failed, {},
                           [&] { return "DNS could not tell where " + text(source()) + " is"; });
        }
    }

    // 7 again.
    bool account() { return stands_for_nobody_blocked(Reason::blocked_source, {request_.from.user, source()}); }

    contract::Purpose wanted_purpose() const {
        if (decision_.provider) return decision_.provider->purpose;
        if (partner_.allowed()) return partner_.verdict.purpose;
        return view_.config.discovered_purpose;
    }

    // Still 8: what the certificate is for.
    bool purpose() {
        if (fits(peer_.usages, wanted_purpose(), true)) return true;
        return end(Reason::purpose, {}, [&] {
            return std::string("the certificate is not for ") +
                   (wanted_purpose() == contract::Purpose::sip_domain      ? "sipDomain (RFC 5924)"
                    : wanted_purpose() == contract::Purpose::client_strict ? "clientAuth"
                                                                           : "serverAuth or clientAuth");
        });
    }

    // 9. By trust class, so that a discovered partner who is put on the allowed list keeps its connections.
    bool sticky_type() {
        if (peer_.fixed == TrustClass::none || peer_.fixed == decision_.trust())
            return pass(Step::sticky_type, [&] { return "the connection is one of " + text(name(decision_.trust())); });
        return end(Reason::type_change, {}, [&] {
            return "the connection is one of " + text(name(peer_.fixed)) + ", and the message is " +
                   text(name(decision_.trust()));
        });
    }

    // 10
    bool discovery() {
        if (decision_.type != PartnerType::discovered)
            return pass(Step::discovery, [&] { return "no limits: " + text(name(decision_.type)); });
        switch (admission_) {
            case Admission::not_asked:
                decision_.ask.what = Question::admission;
                return end(Reason::admission_wanted, {},
                           [&] { return text(source()) + " is a discovered partner: its messages are counted"; });
            case Admission::rate:
                return end(Reason::rate_limited, {}, [&] { return text(facts(Reason::rate_limited).words); });
            case Admission::contacts:
                return end(Reason::contacts_limited, {}, [&] { return text(facts(Reason::contacts_limited).words); });
            case Admission::full:
                return end(Reason::partners_full, {}, [&] { return text(facts(Reason::partners_full).words); });
            case Admission::admitted: break;
        }
        return pass(Step::discovery, [] { return "a discovered partner within its limits"; });
    }

    contract::Verification level() const {
        if (decision_.provider) return decision_.provider->verification;
        if (decision_.type == PartnerType::default_route) return view_.config.default_route_verification;
        if (partner_.allowed()) return partner_.verdict.verification;
        return view_.config.discovered_verification;
    }

    // 11
    bool verification() {
        Verified verified = verify(level(), decision_.type, request_.mark);
        if (verified == Verified::rejected)
            return end(Reason::unverified_source, decision_.rule,
                       [&] { return "the level is \"" + text(name(level())) + "\", and the message does not say"; });
        decision_.verified = verified == Verified::yes;
        return pass(Step::verification, [&] {
            return "the level is \"" + text(name(level())) +
                   (decision_.verified ? "\": verified" : "\": unverified, only for users who know the sender");
        });
    }

    // 12
    bool access() {
        if (!internal_) return pass(Step::access, [] { return "no user of ours is concerned"; });
        if (decision_.shared_address_space)
            return pass(Step::access, [] { return "both users are ours: no external access"; });
        UserAccess access = access_of(view_, request_.to.user, decision_.target.view());
        auto lack = [&](Reason reason) {
            return end(reason, rule_of(access),
                       [&] { return text(facts(reason).words) + " (" + words(rule_of(access)) + ")"; });
        };
        switch (lacks(access.access, request_.protocol, decision_.type, decision_.provider, request_.content)) {
            case Lack::none: break;
            case Lack::federation: return lack(Reason::no_access);
            case Lack::xmpp: return lack(Reason::no_xmpp_access);
            case Lack::public_im: return lack(Reason::no_public_access);
            case Lack::public_av: return lack(Reason::no_public_av_access);
            case Lack::capability:
                return end(Reason::capability, {RuleKind::provider, decision_.provider->name},
                           [&] { return decision_.provider->name + " does not do this"; });
        }
        return pass(Step::access, [&] { return "allowed by " + words(rule_of(access)); });
    }

    // 13
    bool delivery() {
        decision_.archiving_notice = internal_ && view_.config.archiving_disclaimer;
        Reason reason = !internal_           ? Reason::forwarded
                        : decision_.verified ? Reason::delivered
                                             : Reason::delivered_to_contacts;
        return end(reason, decision_.rule, [&] { return text(facts(reason).words); });
    }

    void take_provider(const Provider& provider) {
        decision_.provider = &provider;
        decision_.type = provider.public_im ? PartnerType::public_provider : PartnerType::hosting_provider;
        if (!partner_.allowed()) decision_.rule = {RuleKind::provider, provider.name};
    }

    const Peer& peer_;
    Admission admission_;
    Partner partner_;
    bool internal_ = false;
};

}  // namespace

Decision inbound(const View& view, const Peer& peer, const Request& request, const RouteFacts* route,
                 Admission admission, Trace* trace) {
    if (peer.config == view.config.number()) return Inbound(view, peer, request, route, admission, trace).decide();
    Peer anew(view.config, *peer.names, peer.usages);
    anew.fixed = peer.fixed;
    return Inbound(view, anew, request, route, admission, trace).decide();
}

}  // namespace fedge::policy
