#include "dataplane/sip/header_names.h"

#include <array>
#include <cstddef>
#include <type_traits>

#include "dataplane/base/bytes.h"
#include "dataplane/sip/lexical.h"

namespace fedge::sip {
namespace {

struct Named {
    HeaderId id;
    std::string_view text;
    char compact;  // 0: none
};

// In the order of the enumeration.
constexpr Named kNames[] = {
    {HeaderId::accept, "Accept", 0},
    {HeaderId::alert_info, "Alert-Info", 0},
    {HeaderId::allow, "Allow", 0},
    {HeaderId::authentication_info, "Authentication-Info", 0},
    {HeaderId::authorization, "Authorization", 0},
    {HeaderId::call_id, "Call-ID", 'i'},
    {HeaderId::call_info, "Call-Info", 0},
    {HeaderId::contact, "Contact", 'm'},
    {HeaderId::content_disposition, "Content-Disposition", 0},
    {HeaderId::content_encoding, "Content-Encoding", 'e'},
    {HeaderId::content_length, "Content-Length", 'l'},
    {HeaderId::content_type, "Content-Type", 'c'},
    {HeaderId::cseq, "CSeq", 0},
    {HeaderId::date, "Date", 0},
    {HeaderId::expires, "Expires", 0},
    {HeaderId::from, "From", 'f'},
    {HeaderId::max_forwards, "Max-Forwards", 0},
    {HeaderId::min_expires, "Min-Expires", 0},
    {HeaderId::organization, "Organization", 0},
    {HeaderId::proxy_authenticate, "Proxy-Authenticate", 0},
    {HeaderId::proxy_authorization, "Proxy-Authorization", 0},
    {HeaderId::proxy_require, "Proxy-Require", 0},
    {HeaderId::record_route, "Record-Route", 0},
    {HeaderId::reply_to, "Reply-To", 0},
    {HeaderId::require, "Require", 0},
    {HeaderId::retry_after, "Retry-After", 0},
    {HeaderId::route, "Route", 0},
    {HeaderId::server, "Server", 0},
    {HeaderId::subject, "Subject", 's'},
    {HeaderId::supported, "Supported", 'k'},
    {HeaderId::timestamp, "Timestamp", 0},
    {HeaderId::to, "To", 't'},
    {HeaderId::unsupported, "Unsupported", 0},
    {HeaderId::user_agent, "User-Agent", 0},
    {HeaderId::via, "Via", 'v'},
    {HeaderId::warning, "Warning", 0},
    {HeaderId::www_authenticate, "WWW-Authenticate", 0},
    {HeaderId::accept_contact, "Accept-Contact", 'a'},
    {HeaderId::allow_events, "Allow-Events", 'u'},
    {HeaderId::event, "Event", 'o'},
    {HeaderId::history_info, "History-Info", 0},
    {HeaderId::identity, "Identity", 'y'},
    {HeaderId::identity_info, "Identity-Info", 'n'},
    {HeaderId::in_reply_to, "In-Reply-To", 0},
    {HeaderId::max_breadth, "Max-Breadth", 0},
    {HeaderId::path, "Path", 0},
    {HeaderId::privacy, "Privacy", 0},
    {HeaderId::rack, "RAck", 0},
    {HeaderId::reason, "Reason", 0},
    {HeaderId::refer_to, "Refer-To", 'r'},
    {HeaderId::referred_by, "Referred-By", 'b'},
    {HeaderId::reject_contact, "Reject-Contact", 'j'},
    {HeaderId::replaces, "Replaces", 0},
    {HeaderId::request_disposition, "Request-Disposition", 'd'},
    {HeaderId::rseq, "RSeq", 0},
    {HeaderId::service_route, "Service-Route", 0},
    {HeaderId::session_expires, "Session-Expires", 'x'},
    {HeaderId::subscription_state, "Subscription-State", 0},
    {HeaderId::p_access_network_info, "P-Access-Network-Info", 0},
    {HeaderId::p_asserted_identity, "P-Asserted-Identity", 0},
    {HeaderId::p_asserted_service, "P-Asserted-Service", 0},
    {HeaderId::p_associated_uri, "P-Associated-URI", 0},
    {HeaderId::p_called_party_id, "P-Called-Party-ID", 0},
    {HeaderId::p_charging_function_addresses, "P-Charging-Function-Addresses", 0},
    {HeaderId::p_charging_vector, "P-Charging-Vector", 0},
    {HeaderId::p_preferred_identity, "P-Preferred-Identity", 0},
    {HeaderId::p_private_network_indication, "P-Private-Network-Indication", 0},
    {HeaderId::p_profile_key, "P-Profile-Key", 0},
    {HeaderId::p_served_user, "P-Served-User", 0},
    {HeaderId::p_user_database, "P-User-Database", 0},
    {HeaderId::p_visited_network_id, "P-Visited-Network-ID", 0},
    {HeaderId::remote_party_id, "Remote-Party-ID", 0},
    {HeaderId::ms_asserted_verification_level, "ms-asserted-verification-level", 0},
    {HeaderId::ms_diagnostics, "ms-diagnostics", 0},
    {HeaderId::ms_diagnostics_public, "ms-diagnostics-public", 0},
    {HeaderId::ms_edge_proxy_message_trust, "ms-edge-proxy-message-trust", 0},
    {HeaderId::ms_split_domain_info, "ms-split-domain-info", 0},
    {HeaderId::ms_user_data, "ms-user-data", 0},
};
constexpr size_t kIds = static_cast<size_t>(HeaderId::count);
static_assert(std::size(kNames) == kIds - 1);

// What tells names apart: the length, the first and the last up to eight letters, without case. Setting bit 5 makes
// letters lower case; what else it changes is caught by the comparison behind the look-up.
struct Key {
    uint64_t first = 0;
    uint64_t last = 0;
};
constexpr uint64_t kCaseBits = 0x2020202020202020;

constexpr Key key_of(std::string_view name) {
    Key key;
    if (!std::is_constant_evaluated() && name.size() >= 8) {
        Bytes bytes = bytes_of(name);
        return {load_be64(bytes.data()) | kCaseBits, (load_be64(bytes.last(8).data()) | kCaseBits) + name.size()};
    }
    size_t n = name.size() < 8 ? name.size() : 8;
    for (size_t i = 0; i < n; i++) {
        key.first = key.first << 8 | static_cast<uint8_t>(name[i]);
        key.last = key.last << 8 | static_cast<uint8_t>(name[name.size() - n + i]);
    }
    key.first |= kCaseBits;
    key.last = (key.last | kCaseBits) + name.size();
    return key;
}

constexpr size_t kSlots = 1024;
constexpr size_t slot_of(const Key& key, uint64_t factor) {
    return ((key.first * factor) ^ (key.last * (factor * 31 + 2))) >> 54;
}

// A factor that puts every name into a slot of its own, found by trying.
constexpr uint64_t find_factor() {
    std::array<Key, std::size(kNames)> keys{};
    for (size_t i = 0; i < keys.size(); i++) keys[i] = key_of(kNames[i].text);
    for (uint64_t factor = 0x9e3779b97f4a7c15;; factor += 0x9e3779b97f4a7c16) {
        std::array<uint64_t, kSlots / 64> used{};
        size_t i = 0;
        for (; i < keys.size(); i++) {
            size_t slot = slot_of(keys[i], factor);
            uint64_t bit = uint64_t{1} << (slot % 64);
            if (used[slot / 64] & bit) break;
            used[slot / 64] |= bit;
        }
        if (i == keys.size()) return factor;
    }
}
constexpr uint64_t kFactor = find_factor();

constexpr std::array<HeaderId, kSlots> make_slots() {
    std::array<HeaderId, kSlots> slots{};
    for (const Named& n : kNames) slots[slot_of(key_of(n.text), kFactor)] = n.id;
    return slots;
}
constexpr std::array<HeaderId, kSlots> kSlotIds = make_slots();

constexpr std::array<HeaderId, 26> make_compact() {
    std::array<HeaderId, 26> letters{};
    for (const Named& n : kNames)
        if (n.compact) letters[static_cast<size_t>(n.compact - 'a')] = n.id;
    return letters;
}
constexpr std::array<HeaderId, 26> kCompact = make_compact();

}  // namespace

HeaderId header_id(std::string_view name) {
    if (name.size() == 1) {
        char c = lower(name[0]);
        return c >= 'a' && c <= 'z' ? kCompact[static_cast<size_t>(c - 'a')] : HeaderId::other;
    }
    HeaderId id = kSlotIds[slot_of(key_of(name), kFactor)];
    return equal_nocase(name, header_text(id)) ? id : HeaderId::other;
}

std::string_view header_text(HeaderId id) {
    auto i = static_cast<size_t>(id);
    return i == 0 || i >= kIds ? std::string_view{} : kNames[i - 1].text;
}

bool is_trust_header(HeaderId id, std::string_view name) {
    switch (id) {
        case HeaderId::p_access_network_info:
        case HeaderId::p_asserted_identity:
        case HeaderId::p_asserted_service:
        case HeaderId::p_associated_uri:
        case HeaderId::p_called_party_id:
        case HeaderId::p_charging_function_addresses:
        case HeaderId::p_charging_vector:
        case HeaderId::p_preferred_identity:
        case HeaderId::p_private_network_indication:
        case HeaderId::p_profile_key:
        case HeaderId::p_served_user:
        case HeaderId::p_user_database:
        case HeaderId::p_visited_network_id:
        case HeaderId::remote_party_id:
        case HeaderId::ms_asserted_verification_level:
        case HeaderId::ms_diagnostics:
        case HeaderId::ms_edge_proxy_message_trust:
        case HeaderId::ms_split_domain_info:
        case HeaderId::ms_user_data: return true;
        // A later version of such a field, or one that a gateway behind the edge believes.
        case HeaderId::other:
            return equal_nocase(name.substr(0, 8), "ms-edge-") || equal_nocase(name.substr(0, 11), "p-asserted-");
        default: return false;
    }
}

}  // namespace fedge::sip
