// What inbound and outbound evaluation share: a decision in the making, and telling a Trace about it.
#pragma once

#include <algorithm>
#include <string>

#include "dataplane/policy/decision.h"
#include "dataplane/policy/decoration.h"

namespace fedge::policy {

class Evaluation {
  public:
    Evaluation(const View& view, const Request& request, const RouteFacts* route, Trace* trace)
        : view_(view), request_(request), route_(route), trace_(trace) {}

  protected:
    using Mark = Trace::Mark;

    // `words` makes the text, and only if somebody listens.
    template <typename Words>
    bool pass(Step step, Words&& words) {
        if (trace_) trace_->on_step(step, Mark::passed, words());
        return true;
    }
    template <typename Words>
    bool end(Reason reason, RuleReference rule, Words&& words) {
        return end(facts(reason).step, reason, rule, words);
    }
    template <typename Words>
    bool end(Step step, Reason reason, RuleReference rule, Words&& words) {
        decision_.reason = reason;
        decision_.outcome = facts(reason).outcome;
        if (rule.kind != RuleKind::none) decision_.rule = rule;
        if (trace_) trace_->on_step(step, decision_.outcome == Outcome::ask ? Mark::asks : Mark::ended, words());
        return false;
    }
    static RuleReference setting(std::string_view name) { return {RuleKind::setting, name}; }

    template <typename Fits>
    bool any_host(Fits&& fits) const {
        return std::any_of(route_->hosts.begin(), route_->hosts.end(), fits);
    }
    bool asks_provider(const Provider& provider) const {
        return any_host([&](std::string_view host) { return host == provider.proxy; });
    }

    // For who is blocked a decorated name is no way around it. Known when the provider is.
    bool stands_for_nobody_blocked(Reason reason, Account address) {
        auto account = undecorate(decision_, address);
        if (!account) return true;
        Partner partner = look_up(view_, account->domain);
        if (!partner.blocked()) return true;
        return end(reason, rule_of(partner), [&] {
            return std::string(address.user) + " stands for an account of " + std::string(account->domain) +
                   ", which is covered by " + words(rule_of(partner));
        });
    }

    const View& view_;
    const Request& request_;
    const RouteFacts* route_;
    Trace* trace_;
    Decision decision_;
};

// "a, b": for people.
std::string list(std::span<const std::string_view> names);
// The rule by which a user has its access.
RuleReference rule_of(const UserAccess& access);

}  // namespace fedge::policy
