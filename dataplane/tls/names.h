// The names that a certificate proves, as a typed list for policy to use.
#pragma once

#include <openssl/x509.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/bytes.h"

namespace fedge::tls {

enum class NameKind : uint8_t {
    uri_sip,      // URI:sip:DOMAIN without userinfo (RFC 5922 section 7.1)
    dns,          // dNSName; may be a wildcard as the whole left label
    srv_id,       // _SERVICE.DOMAIN (RFC 4985)
    xmpp_addr,    // id-on-xmppAddr (RFC 6120 section 13.7.1.4)
    common_name,  // of the subject, only when there is no subjectAltName at all
};
std::string_view name(NameKind kind);

// Host names are in lower case, without a final dot.
struct PeerName {
    NameKind kind;
    std::string value;

    std::string text() const;  // "dns:sip.example.com"
    friend bool operator==(const PeerName&, const PeerName&) = default;
};
using PeerNames = std::vector<PeerName>;

inline constexpr size_t kMaxNames = 256;

// The names of a DER subjectAltName (RFC 5280 section 4.2.1.6). False and `why` (a clause for the operator) when the
// certificate must be refused for them: malformed, too many, a NUL byte, letters outside of ASCII. Names of other kinds
// and sip URIs of users are left out.
bool read_alternative_names(Bytes der, PeerNames& names, std::string& why);
// Those of a certificate.
bool read_names(const X509* certificate, PeerNames& names, std::string& why);

// How a domain is proved.
enum class Matching : uint8_t {
    sip,       // RFC 5922: sip URIs, else DNS names, exactly; the common name when there is nothing else
    sip_host,  // a SIP server by its FQDN: DNS names exactly, sip URIs too; the common name when there is nothing else
    xmpp,      // RFC 6120 section 13.7: SRV-ID _xmpp-server, xmppAddr, DNS names with a wildcard as the left label
    host,      // RFC 9525: DNS names with a wildcard as the left label
};
// No heap: cores ask for every message.
bool proves(const PeerNames& names, std::string_view domain, Matching matching);

// Whether `pattern` (in lower case, perhaps with a wildcard as its whole left label) fits `host` (in lower case).
bool host_fits(std::string_view pattern, std::string_view host);

}  // namespace fedge::tls
