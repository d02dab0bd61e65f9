// Whether a peer's certificate is good for us, at bounded cost, and why not in words that an operator can act on.
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/tls/library.h"
#include "dataplane/tls/names.h"
#include "dataplane/tls/usages.h"

namespace fedge::tls {

// Which extended key usage the certificate must have.
enum class Purpose : uint8_t {
    tls_or_sip,        // server_or_client or sip_domain: as long as nobody knows which partner it is
    server_or_client,  // serverAuth or clientAuth, or no extended key usage at all
    client_strict,     // clientAuth of those who connect to us, serverAuth of those whom we connect to
    sip_domain,        // id-kp-sipDomain (RFC 5924)
};

struct PeerPolicy {
    Purpose purpose = Purpose::tls_or_sip;
    bool peer_is_server = false;     // we connected to it
    int64_t unix_seconds = 0;        // what dates are checked against
    std::optional<Purpose> partner;  // must be fulfilled, too: of the partner that it is to be
};

inline constexpr int kMaxChain = 10;                      // certificates of the peer's chain, the trusted one included
inline constexpr size_t kMaxCertificateList = 64 * 1024;  // bytes in the handshake

struct PeerVerdict {
    int error = X509_V_OK;  // X509_V_ERR_*: decides the alert
    std::string why;        // a clause: "its certificate (CN = b.example) expired on ..."; empty if accepted
    PeerNames names;        // proved, if accepted
    Usages usages;          // if accepted
};

// `others`: what the peer sent beside its certificate. CRLs are checked for every certificate whose issuer has one in
// the store; an outdated CRL refuses.
PeerVerdict verify_peer(const Library& library, X509_STORE* store, X509* certificate, STACK_OF(X509) * others,
                        const PeerPolicy& policy);

// Whose it is, by whom, and until when: one line for people.
std::string summary_of(const X509* certificate);

// Of an established session: gives back what OpenSSL keeps of the peer's certificates and nobody reads again, which can
// be more than all the rest of a session. The leaf stays, without its key.
void forget_peer_chain(SSL* ssl);

}  // namespace fedge::tls
