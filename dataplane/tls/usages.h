// What the extended key usage of a certificate says that it is for (RFC 5280 section 4.2.1.12).
#pragma once

#include <openssl/x509.h>

namespace fedge::tls {

struct Usages {
    bool named = false;  // there is such an extension; without it the certificate says nothing
    bool server = false;
    bool client = false;
    bool any = false;
    bool sip_domain = false;  // id-kp-sipDomain (RFC 5924)
    friend bool operator==(const Usages&, const Usages&) = default;
};
Usages read_usages(X509* certificate);

}  // namespace fedge::tls
