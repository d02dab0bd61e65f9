#include "dataplane/policy/decision.h"

#include "dataplane/policy/evaluation.h"

namespace fedge::policy {

bool NextHop::accepts(std::string_view target, std::string_view domain) const {
    switch (kind) {
        case HopKind::none: return false;
        case HopKind::targets: return in_namespace(target, domain);
        case HopKind::server:
        case HopKind::default_route:
        case HopKind::provider: return target == host;
    }
    return false;
}

std::string words(const RuleReference& rule) {
    std::string text(rule.text);
    switch (rule.kind) {
        case RuleKind::none: return "no rule";
        case RuleKind::allowed: return "allow domain " + text;
        case RuleKind::blocked: return "block domain " + text;
        case RuleKind::pattern: return "pattern " + text;
        case RuleKind::discovered: return "discovered partner " + text;
        case RuleKind::provider: return "provider " + text;
        case RuleKind::setting: return "setting " + text;
        case RuleKind::user_policy: return "the policy of the user";
        case RuleKind::site_policy: return "the policy of site " + text;
        case RuleKind::global_policy: return "the global policy";
    }
    return {};
}

RuleReference rule_of(const Partner& partner) {
    const contract::DomainVerdict& verdict = partner.verdict;
    switch (verdict.rule) {
        case contract::Rule::none: break;
        case contract::Rule::allowed:
            return {partner.by_pattern ? RuleKind::pattern : RuleKind::allowed, verdict.entry};
        case contract::Rule::blocked:
            return {partner.by_pattern ? RuleKind::pattern : RuleKind::blocked, verdict.entry};
        case contract::Rule::discovered: return {RuleKind::discovered, verdict.entry};
    }
    return {};
}

RuleReference rule_of(const UserAccess& access) {
    switch (access.scope) {
        case PolicyScope::user: return {RuleKind::user_policy, {}};
        case PolicyScope::site: return {RuleKind::site_policy, access.site};
        case PolicyScope::global: return {RuleKind::global_policy, {}};
    }
    return {};
}

std::string list(std::span<const std::string_view> names) {
    std::string out;
    for (std::string_view name : names) out.append(out.empty() ? "" : ", ").append(name);
    return out;
}

}  // namespace fedge::policy
