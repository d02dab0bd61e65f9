// The header fields that are known here, under all their names: long, compact, in any case (RFC 3261 sections 7.3.1,
// 7.3.3 and 20; the registry's compact forms).
#pragma once

#include <cstdint>
#include <string_view>

namespace fedge::sip {

enum class HeaderId : uint8_t {
    other,  // by its name only
    // RFC 3261
    accept,
    alert_info,
    allow,
    authentication_info,
    authorization,
    call_id,
    call_info,
    contact,
    content_disposition,
    content_encoding,
    content_length,
    content_type,
    cseq,
    date,
    expires,
    from,
    max_forwards,
    min_expires,
    organization,
    proxy_authenticate,
    proxy_authorization,
    proxy_require,
    record_route,
    reply_to,
    require,
    retry_after,
    route,
    server,
    subject,
    supported,
    timestamp,
    to,
    unsupported,
    user_agent,
    via,
    warning,
    www_authenticate,
    // others
    accept_contact,       // RFC 3841
    allow_events,         // RFC 6665
    event,                // RFC 6665
    history_info,         // RFC 7044
    identity,             // RFC 8224
    identity_info,        // RFC 4474
    in_reply_to,          // RFC 3261
    max_breadth,          // RFC 5393
    path,                 // RFC 3327
    privacy,              // RFC 3323
    rack,                 // RFC 3262
    reason,               // RFC 3326
    refer_to,             // RFC 3515
    referred_by,          // RFC 3892
    reject_contact,       // RFC 3841
    replaces,             // RFC 3891
    request_disposition,  // RFC 3841
    rseq,                 // RFC 3262
    service_route,        // RFC 3608
    session_expires,      // RFC 4028
    subscription_state,   // RFC 6665
    // said by those who are trusted: RFC 3325, RFC 7315, RFC 5502, RFC 4457, RFC 8497; and by habit
    p_access_network_info,
    p_asserted_identity,
    p_asserted_service,
    p_associated_uri,
    p_called_party_id,
    p_charging_function_addresses,
    p_charging_vector,
    p_preferred_identity,
    p_private_network_indication,
    p_profile_key,
    p_served_user,
    p_user_database,
    p_visited_network_id,
    remote_party_id,
    // Microsoft (MS-SIPRE, MS-OCER)
    ms_asserted_verification_level,
    ms_diagnostics,
    ms_diagnostics_public,
    ms_edge_proxy_message_trust,
    ms_split_domain_info,
    ms_user_data,
    count,
};

HeaderId header_id(std::string_view name);

// The long name as it is written on the wire; empty for `other`.
std::string_view header_text(HeaderId id);

// Fields that tell what only this edge or a server behind it may say. From outside they are taken out, however they are
// written; `name` decides for those that have no id.
bool is_trust_header(HeaderId id, std::string_view name);

}  // namespace fedge::sip
