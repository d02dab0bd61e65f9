#include "dataplane/policy/outbound.h"

#include "dataplane/policy/evaluation.h"

namespace fedge::policy {
namespace {

using contract::Access;
using contract::Finding;

// One method per step, named as in Step. Each says whether to go on.
class Outbound : public Evaluation {
  public:
    Outbound(const View& view, const Request& request, const RouteFacts* route, bool transit, Trace* trace)
        : Evaluation(view, request, route, trace), transit_(transit) {}

    Decision decide() {
        names() && federation() && source() && own_target() && access() && blocked() && server() && by_dns();
        return decision_;
    }

  private:
    std::string_view target() const { return decision_.target.view(); }
    static std::string text(std::string_view view) { return std::string(view); }

    bool names() {
        auto from = Domain::parse(request_.from.domain);
        if (!from) return end(Reason::out_malformed_source, {}, [] { return "the From domain is no domain name"; });
        decision_.source = *from;
        auto to = Domain::parse(request_.to.domain);
        if (!to) return end(Reason::out_malformed_target, {}, [] { return "the domain is no domain name"; });
        decision_.target = *to;
        if (request_.content == Content::internal)
            return end(Reason::out_request_type, {}, [] { return "requests of this type do not cross the border"; });
        return true;
    }

    bool federation() {
        if (view_.config.enabled) return true;
        return end(Reason::out_federation_off, setting("federation.enabled"),
                   [] { return "federation is switched off (setting federation.enabled)"; });
    }

    bool source() {
        if (transit_ || view_.config.internal(decision_.source.view())) return true;
        return end(Reason::out_foreign_source, {},
                   [&] { return text(decision_.source.view()) + " is not one of our domains"; });
    }

    // A domain of ours that the front end sends to us has its users in a provider's house.
    bool own_target() {
        if (!view_.config.internal(target())) return true;
        const Provider* shared = view_.config.shared_provider();
        if (!shared)
            return end(Reason::out_own_target, {},
                       [&] { return text(target()) + " is ours, and no provider shares it"; });
        decision_.shared_address_space = true;
        return pass(Step::out_access, [&] { return text(target()) + " is ours, and shared with " + shared->name; }) &&
               provider(Step::out_server, *shared);
    }

    // 1. Whether it is federation or public IM that is needed, is known when the way is: first whether there is either.
    bool access() {
        if (transit_) return pass(Step::out_access, [] { return "the sender is no user of ours"; });
        access_ = access_of(view_, request_.from.user, decision_.source.view());
        if ((access_.access & (Access::federation | Access::public_im)) == Access::NONE)
            return end(Reason::out_no_access, rule_of(access_),
                       [&] { return "the user may use neither federation nor public IM: " + words(rule_of(access_)); });
        return pass(Step::out_access, [&] { return "the user has access by " + words(rule_of(access_)); });
    }

    // 2
    bool blocked() {
        partner_ = look_up(view_, target());
        decision_.rule = rule_of(partner_);
        decision_.monitored = partner_.verdict.monitored;
        if (partner_.blocked())
            return end(Reason::out_blocked_domain, rule_of(partner_),
                       [&] { return text(target()) + " is covered by " + words(rule_of(partner_)); });
        return pass(Step::out_blocked, [&] { return text(target()) + " is not blocked"; });
    }

    // 3
    bool server() {
        if (!view_.config.default_route.empty())
            return named(PartnerType::default_route, {HopKind::default_route, view_.config.default_route});
        std::string_view via = partner_.verdict.via;
        if (!partner_.allowed() || via.empty())
            return pass(Step::out_server, [&] { return "no server is configured for " + text(target()); });
        if (const Provider* known = view_.config.provider_at(via)) return provider(Step::out_server, *known);
        return named(PartnerType::direct, {HopKind::server, via});
    }

    // To a server that the operator named: only its addresses are asked for.
    bool named(PartnerType type, NextHop hop) {
        decision_.type = type;
        decision_.purpose = partner_.allowed() ? partner_.verdict.purpose : contract::Purpose::server_or_client;
        if (!permitted()) return false;
        if (!addresses(hop.host)) return false;
        return routed(Step::out_server, hop, [&] { return text(hop.host) + " is configured"; });
    }

    // 4 and 5
    bool by_dns() {
        Step step = partner_.allowed() ? Step::out_allowed : Step::out_discovery;
        if (!partner_.allowed())
            pass(Step::out_allowed, [&] { return text(target()) + " is not on the allowed list"; });
        // Providers speak for domains that nobody lists, so DNS is asked for them too.
        bool partner = partner_.allowed() || view_.config.discovery;
        bool providers = !view_.config.providers().empty();
        if (!partner && !providers) return unknown_domain();
        if (!route_) return ask_srv(step, partner);
        for (const Provider& one : view_.config.providers())
            if (asks_provider(one)) return provider(step, one);
        if (outside() && providers) return ask_srv(step, false);
        if (!partner) return unknown_domain();
        if (route_->finding != Finding::found) return not_found();
        return targets(step);
    }

    bool ask_srv(Step step, bool namespace_rule) {
        contract::SrvMode mode = partner_.allowed() ? partner_.verdict.srv_mode : view_.config.discovered_srv_mode;
        decision_.ask = {Question::route, namespace_rule, mode, {}};
        return end(step, Reason::out_route_wanted, {}, [&] {
            if (!route_) return "asks DNS for the SRV records of " + text(target());
            return "SRV records of " + text(target()) +
                   " name servers outside of it: asks which, as one may be a provider's";
        });
    }

    // The namespace rule leaves nothing of what is there.
    bool outside() const {
        return route_->namespace_rule && route_->finding == Finding::refused && route_->code == 1009;
    }

    bool targets(Step step) {
        decision_.type = partner_.allowed() ? PartnerType::allowed : PartnerType::discovered;
        decision_.purpose = partner_.allowed() ? partner_.verdict.purpose : view_.config.discovered_purpose;
        if (!permitted()) return false;
        if (!any_host([&](std::string_view host) { return in_namespace(host, target()); }))
            return end(Reason::out_namespace, {}, [&] {
                return "SRV records of " + text(target()) + " name " + list(route_->hosts) +
                       ", neither the domain itself nor a direct child of it";
            });
        return routed(step, {HopKind::targets, {}}, [&] { return "SRV records name " + list(route_->hosts); });
    }

    bool provider(Step step, const Provider& provider) {
        decision_.provider = &provider;
        decision_.type = provider.public_im ? PartnerType::public_provider : PartnerType::hosting_provider;
        decision_.purpose = provider.purpose;
        decision_.rule = {RuleKind::provider, provider.name};
        if (!permitted()) return false;
        if (!stands_for_nobody_blocked(Reason::out_blocked_domain, {request_.to.user, target()})) return false;
        if (step == Step::out_server && !addresses(provider.proxy)) return false;
        return routed(step, {HopKind::provider, provider.proxy},
                      [&] { return "the provider " + provider.name + " speaks for " + text(target()); });
    }

    // Step 1 again, now that the type is known.
    bool permitted() {
        if (transit_ || decision_.shared_address_space) return true;
        auto lack = [&](Reason reason) {
            return end(reason, rule_of(access_),
                       [&] { return text(facts(reason).words) + " (" + words(rule_of(access_)) + ")"; });
        };
        switch (lacks(access_.access, request_.protocol, decision_.type, decision_.provider, request_.content)) {
            case Lack::none: return true;
            case Lack::federation: return lack(Reason::out_no_access);
            case Lack::xmpp: return lack(Reason::out_no_xmpp_access);
            case Lack::public_im: return lack(Reason::out_no_public_access);
            case Lack::public_av: return lack(Reason::out_no_public_av_access);
            case Lack::capability: break;
        }
        return end(Reason::out_capability, {RuleKind::provider, decision_.provider->name},
                   [&] { return decision_.provider->name + " does not do this"; });
    }

    // Of a server that the operator named.
    bool addresses(std::string_view host) {
        if (!route_) {
            decision_.ask = {Question::route, false, {}, host};
            return end(Step::out_server, Reason::out_route_wanted, {},
                       [&] { return "asks DNS for the addresses of " + text(host); });
        }
        if (route_->finding == Finding::found) return true;
        Reason reason = route_->finding == Finding::not_found ? Reason::out_server_not_found
                        : route_->finding == Finding::refused ? Reason::out_server_refused
                                                              : Reason::out_server_dns_failed;
        return end(reason, {}, [&] { return text(host) + ": " + text(facts(reason).words); });
    }

    // 6
    bool not_found() {
        Reason reason = route_->finding == Finding::not_found ? Reason::out_not_found
                        : route_->finding != Finding::refused ? Reason::out_dns_failed
                        : route_->code == 1009                ? Reason::out_namespace
                                                              : Reason::out_target_refused;
        return end(reason, {}, [&] { return text(target()) + ": " + text(facts(reason).words); });
    }
    bool unknown_domain() {
        return end(Reason::out_unknown_domain, setting("federation.discovery"), [&] {
            return text(target()) + " is not on the allowed list, and discovery is off (setting federation.discovery)";
        });
    }

    template <typename Words>
    bool routed(Step step, NextHop hop, Words&& why) {
        decision_.hop = hop;
        decision_.verified = !transit_ && view_.config.mark_source_verified;
        return end(step, Reason::out_routed, decision_.rule, why);
    }

    bool transit_;
    UserAccess access_;
    Partner partner_;
};

}  // namespace

Decision outbound(const View& view, const Request& request, const RouteFacts* route, bool transit, Trace* trace) {
    return Outbound(view, request, route, transit, trace).decide();
}

}  // namespace fedge::policy
