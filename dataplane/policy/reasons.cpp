#include "dataplane/policy/reasons.h"

#include <array>

#include "dataplane/policy/diagnostics.h"

namespace fedge::policy {
namespace {

uint16_t status_of(uint16_t code, uint16_t status) {
    if (status) return status;
    const Diagnostic* known = diagnostic(code);
    return known ? known->status : 0;
}

}  // namespace

const ReasonFacts& facts(Reason reason) {
    static const std::array<ReasonFacts, kReasons> table{{
#define FEDGE_REASON(identifier, outcome, step, code, status, words) \
    {Outcome::outcome, Step::step, code, status_of(code, status), #identifier, words},
        FEDGE_POLICY_REASONS(FEDGE_REASON)
#undef FEDGE_REASON
    }};
    return table[static_cast<size_t>(reason)];
}

contract::Counter counter_of(Reason reason) {
    using contract::Counter;
    switch (reason) {
        case Reason::federation_off:
        case Reason::out_federation_off: return Counter::policy_federation_off;
        case Reason::foreign_target:
        case Reason::out_own_target:
        case Reason::out_foreign_source: return Counter::policy_not_our_domain;
        case Reason::own_source: return Counter::policy_spoofed;
        case Reason::blocked_source:
        case Reason::out_blocked_domain: return Counter::policy_blocked;
        case Reason::provider_domain: return Counter::policy_provider_domain;
        case Reason::no_certificate:
        case Reason::direct_unproved:
        case Reason::source_unproved:
        case Reason::purpose: return Counter::policy_certificate;
        case Reason::type_change: return Counter::policy_type_changed;
        case Reason::unknown_domain:
        case Reason::source_not_found:
        case Reason::source_namespace:
        case Reason::source_target_refused:
        case Reason::source_dns_failed:
        case Reason::out_not_found:
        case Reason::out_namespace:
        case Reason::out_target_refused:
        case Reason::out_dns_failed:
        case Reason::out_unknown_domain: return Counter::policy_not_allowed;
        case Reason::rate_limited: return Counter::policy_rate;
        case Reason::contacts_limited: return Counter::policy_contacts;
        case Reason::unverified_source: return Counter::policy_unverified;
        case Reason::out_malformed_source:
        case Reason::out_malformed_target:
        case Reason::out_request_type: return Counter::policy_other;
        default: break;
    }
    switch (facts(reason).step) {
        case Step::access:
        case Step::out_access: return Counter::policy_user;
        default: break;
    }
    bool passed = facts(reason).outcome != Outcome::refuse && facts(reason).outcome != Outcome::drop;
    return passed ? Counter::policy_delivered : Counter::policy_other;
}

std::string_view name(Step step) {
    switch (step) {
        case Step::certificate: return "certificate";
        case Step::connection: return "kind of connection";
        case Step::names: return "names in the message";
        case Step::federation: return "federation switch";
        case Step::target: return "target domain";
        case Step::own_source: return "source not ours";
        case Step::blocked: return "blocked list";
        case Step::proof: return "proof of the source";
        case Step::sticky_type: return "type of the connection";
        case Step::discovery: return "allowed list, discovery";
        case Step::verification: return "verification level";
        case Step::access: return "access of the user";
        case Step::delivery: return "delivery";
        case Step::out_access: return "access of the user";
        case Step::out_blocked: return "blocked list";
        case Step::out_server: return "configured server";
        case Step::out_allowed: return "allowed list";
        case Step::out_discovery: return "discovery";
        case Step::out_end: return "next hop";
    }
    return "";
}

unsigned number(Step step) {
    auto n = static_cast<unsigned>(step);
    return step < Step::out_access ? n : n - 20;
}

std::string_view name(Outcome outcome) {
    switch (outcome) {
        case Outcome::deliver: return "deliver";
        case Outcome::deliver_to_contacts: return "deliver to contacts";
        case Outcome::forward: return "forward";
        case Outcome::refuse: return "refuse";
        case Outcome::drop: return "drop";
        case Outcome::ask: return "ask";
    }
    return "";
}

}  // namespace fedge::policy
