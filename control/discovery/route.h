// What is asked of discovery, and what it finds.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "control/discovery/records.h"
#include "control/discovery/resolver.h"
#include "control/settings/config.h"
#include "dataplane/base/address.h"

namespace fedge::control::discovery {

enum class Service : uint8_t {
    sip,          // SIP over TLS between edges
    sip_clients,  // SIP over TLS of remote users, _sip._tls: what others see of us
    xmpp,         // server to server: _xmpp-server and _xmpps-server as one list (XEP-0368)
    tlsa,         // DANE of _PORT._tcp.VIA (RFC 7673): Route::tlsa
};

const char* name_of(Service service);

struct Query {
    std::string domain;  // A-labels, lower case, no closing dot; empty for tlsa
    Service service = Service::sip;
    SipMode mode = SipMode::microsoft_then_sips;  // of service sip
    std::string via;             // direct partner: A and AAAA of this host, no SRV. For tlsa: the host.
    uint16_t port = 0;           // with via; 0: 5061 or 5269
    bool namespace_rule = true;  // of service sip without via: error 1009

    // What is looked up: the host for direct partners, else the domain.
    const std::string& name() const { return via.empty() ? domain : via; }
    friend auto operator<=>(const Query&, const Query&) = default;
    friend bool operator==(const Query&, const Query&) = default;
};

enum class Outcome : uint8_t {
    found,
    not_found,  // DNS says that there is nothing, or "." (RFC 2782)
    refused,    // there is something, and no target of it may be used
    failed,     // DNS gives no answer that can be trusted: it may later
};
const char* name_of(Outcome outcome);

// ms-diagnostics of the outcome.
inline constexpr uint16_t kNoSrv = 1008;      // cannot resolve DNS SRV
inline constexpr uint16_t kConflict = 1009;   // SRV and host domains conflict
inline constexpr uint16_t kNoAddress = 1014;  // cannot resolve A record

struct Target {
    std::string host;
    uint16_t port = 0;
    uint16_t priority = 0;
    uint16_t weight = 0;
    bool direct_tls = false;           // xmpp: TLS from the first byte (XEP-0368)
    bool secure = false;               // SRV and addresses were validated by DNSSEC
    std::vector<IpAddress> addresses;  // those to connect to, and no others: nobody resolves the host again

    friend bool operator==(const Target&, const Target&) = default;
};

// A target, or an address of one, that is not used.
struct Refused {
    std::string host;
    uint16_t port = 0;
    std::string address;  // empty: the target as a whole
    uint16_t code = 0;
    std::string why;
};

// One question that was asked, for people.
struct Step {
    std::string name;
    RecordType type = RecordType::srv;
    std::string result;  // "2 records", "does not exist (NXDOMAIN)", ...
    std::vector<std::string> records;
    bool secure = false;
    uint32_t ttl = 0;
};

struct Route {
    Outcome outcome = Outcome::failed;
    uint16_t code = 0;            // 0 when found
    std::string reason;           // one sentence for people; empty when found
    std::vector<Target> targets;  // in the order in which to try them
    std::vector<Tlsa> tlsa;
    bool secure = false;  // of what was found, all is; of what was not, the absence
    bool stale = false;   // DNS does not answer; this is what it said before (RFC 8767)
    Time expires{};       // ask again then
    std::vector<Refused> refused;
    std::vector<Step> steps;  // of the look-up that this came from
};

// The same targets with the same addresses, whatever their order; or nothing, both times.
bool same_targets(const Route& a, const Route& b);

}  // namespace fedge::control::discovery
