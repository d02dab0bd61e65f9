// Why a message was treated as it was: one table, with the step at which it was decided and what the sender is told.
// Names are what logs, counters and explanations show.
#pragma once

#include <cstdint>
#include <string_view>

#include "dataplane/contract/counters.h"

namespace fedge::policy {

// Inbound steps in the order in which they are taken; then those of outbound messages.
enum class Step : uint8_t {
    certificate = 1,    // chain, dates, revocation: done by the handshake, before any message
    connection = 2,     // what kind of peer the proven names make it
    names = 3,          // From domain and target domain of the message
    federation = 4,     // is there federation at all
    target = 5,         // the target is ours
    own_source = 6,     // the source is not ours
    blocked = 7,        // the source is not blocked
    proof = 8,          // the connection may speak for the source
    sticky_type = 9,    // one connection, one type of federation
    discovery = 10,     // strangers, and their limits
    verification = 11,  // may it reach anybody, or only those who know the sender
    access = 12,        // what the local user may do
    delivery = 13,
    out_access = 21,     // the local user may
    out_blocked = 22,    // the domain is not blocked
    out_server = 23,     // the operator named the server: of the partner, or the default route
    out_allowed = 24,    // SRV of an allowed domain
    out_discovery = 25,  // SRV of any other
    out_end = 26,        // nothing leads there
};

enum class Outcome : uint8_t {
    deliver,              // inbound: to the internal next hop; outbound: to the next hop found
    deliver_to_contacts,  // to the internal next hop, marked as unverified: only those who know the sender get it
    forward,              // inbound, clearing house: the target is elsewhere; go on with outbound()
    refuse,               // with a response
    drop,                 // without
    ask,                  // an answer is needed first
};

// FEDGE_POLICY_REASONS(X): X(identifier, outcome, step, ms-diagnostics code (0: none), SIP status (0: that of the
// code), "in words"). For what is dropped, code and status tell operators what a refusal would have said.
// clang-format off
#define FEDGE_POLICY_REASONS(X) \
    X(delivered, deliver, delivery, 0, 0, "goes to the internal next hop") \
    X(delivered_to_contacts, deliver_to_contacts, delivery, 0, 0, "goes to the internal next hop, marked as unverified: it reaches only users who have the sender among their contacts") \
    X(forwarded, forward, delivery, 0, 0, "goes on to another partner: this edge is a clearing house") \
    X(route_wanted, ask, proof, 0, 0, "waits until DNS has told where the source domain is") \
    X(admission_wanted, ask, discovery, 0, 0, "waits for the count of what this discovered partner has sent") \
    X(no_certificate, drop, certificate, 1010, 0, "the peer proved no name with a certificate") \
    X(malformed_source, refuse, names, 0, 400, "the From domain is no domain name") \
    X(malformed_target, refuse, names, 0, 400, "the target domain is no domain name") \
    X(request_type, refuse, names, 1027, 0, "requests of this type do not cross the border") \
    X(federation_off, refuse, federation, 1002, 0, "federation is switched off") \
    X(foreign_target, refuse, target, 1005, 0, "the target domain is not one of ours") \
    X(own_source, refuse, own_source, 1002, 0, "a stranger claims to be one of our users") \
    X(blocked_source, drop, blocked, 1002, 0, "the source domain is blocked") \
    X(provider_domain, drop, proof, 1008, 0, "SRV records of the source domain do not name this provider") \
    X(direct_unproved, drop, proof, 1010, 0, "the certificate does not prove the server that is configured for the source domain") \
    X(source_unproved, drop, proof, 1010, 0, "the certificate proves no server that SRV records of the source domain name") \
    X(source_not_found, drop, proof, 1008, 0, "the source domain has no SRV records for federation") \
    X(source_namespace, refuse, proof, 1009, 0, "SRV records of the source domain name only servers outside of it") \
    X(source_target_refused, refuse, proof, 1008, 0, "SRV records of the source domain name nothing that may be connected to") \
    X(source_dns_failed, refuse, proof, 1007, 0, "DNS could not tell where the source domain is") \
    X(purpose, drop, proof, 1010, 0, "the purpose of the certificate is not what this partner's must be") \
    X(type_change, drop, sticky_type, 0, 403, "the connection already carries another type of federation") \
    X(unknown_domain, drop, discovery, 1002, 0, "the source domain is not on the allowed list, and discovery is off") \
    X(rate_limited, refuse, discovery, 1007, 0, "the discovered partner sends more messages per second than it may") \
    X(contacts_limited, refuse, discovery, 1002, 0, "the discovered partner has addressed as many users of ours as it may") \
    X(partners_full, refuse, discovery, 1007, 0, "there is no room to count what one more discovered partner sends") \
    X(unverified_source, refuse, verification, 1002, 0, "the message does not say whether its sender was verified") \
    X(no_access, refuse, access, 1003, 0, "the local user's policy does not allow it") \
    X(no_public_access, refuse, access, 1003, 0, "the local user's policy does not allow public IM") \
    X(no_xmpp_access, refuse, access, 1003, 0, "the local user's policy does not allow XMPP") \
    X(no_public_av_access, refuse, access, 1027, 0, "the local user's policy does not allow audio and video with public IM providers") \
    X(capability, refuse, access, 1027, 0, "the public IM provider does not do this") \
    X(out_route_wanted, ask, out_allowed, 0, 0, "waits until DNS has told where the domain is") \
    X(out_routed, deliver, out_allowed, 0, 0, "goes to the partner") \
    X(out_malformed_source, refuse, out_access, 0, 400, "the From domain is no domain name") \
    X(out_malformed_target, refuse, out_access, 0, 400, "the domain is no domain name") \
    X(out_request_type, refuse, out_access, 1027, 0, "requests of this type do not cross the border") \
    X(out_federation_off, refuse, out_access, 1002, 0, "federation is switched off") \
    X(out_foreign_source, refuse, out_access, 1012, 0, "the From domain is not one of ours") \
    X(out_own_target, refuse, out_access, 1005, 0, "the domain is ours, and no provider shares it") \
    X(out_no_access, refuse, out_access, 1002, 0, "the local user's policy does not allow federation") \
    X(out_no_public_access, refuse, out_access, 1001, 0, "the local user's policy does not allow public IM") \
    X(out_no_xmpp_access, refuse, out_access, 1002, 0, "the local user's policy does not allow XMPP") \
    X(out_no_public_av_access, refuse, out_access, 1027, 0, "the local user's policy does not allow audio and video with public IM providers") \
    X(out_capability, refuse, out_access, 1027, 0, "the public IM provider does not do this") \
    X(out_blocked_domain, refuse, out_blocked, 1005, 0, "the domain is blocked") \
    X(out_server_not_found, refuse, out_server, 1014, 0, "the server that is configured has no address") \
    X(out_server_refused, refuse, out_server, 1014, 0, "the server that is configured has no address that may be connected to") \
    X(out_server_dns_failed, refuse, out_server, 1007, 0, "DNS could not tell the addresses of the server that is configured") \
    X(out_not_found, refuse, out_end, 1008, 0, "the domain has no SRV records for federation") \
    X(out_namespace, refuse, out_end, 1009, 0, "SRV records of the domain name only servers outside of it") \
    X(out_target_refused, refuse, out_end, 1008, 0, "SRV records of the domain name nothing that may be connected to") \
    X(out_dns_failed, refuse, out_end, 1007, 0, "DNS could not tell where the domain is") \
    X(out_unknown_domain, refuse, out_end, 1005, 0, "the domain is not on the allowed list, and discovery is off")
// clang-format on

enum class Reason : uint8_t {
#define FEDGE_REASON(identifier, outcome, step, code, status, words) identifier,
    FEDGE_POLICY_REASONS(FEDGE_REASON)
#undef FEDGE_REASON
};

struct ReasonFacts {
    Outcome outcome;
    Step step;
    uint16_t code;    // ms-diagnostics; 0: none
    uint16_t status;  // of the SIP response; 0: there is none to give
    std::string_view name;
    std::string_view words;
};
const ReasonFacts& facts(Reason reason);
// Under which name it is counted. Nothing is counted for outcome ask.
contract::Counter counter_of(Reason reason);
inline constexpr size_t kReasons = 0
#define FEDGE_REASON(identifier, outcome, step, code, status, words) +1
    FEDGE_POLICY_REASONS(FEDGE_REASON)
#undef FEDGE_REASON
    ;

std::string_view name(Step step);  // "blocked list"
unsigned number(Step step);        // 7; of outbound messages counted from 1 again
std::string_view name(Outcome outcome);

}  // namespace fedge::policy
