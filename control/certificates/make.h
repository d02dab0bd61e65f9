// Keys, requests, and certificates of the lab authority.
#pragma once

#include "control/certificates/openssl.h"

namespace fedge::control {

enum class KeyKind : uint8_t {
    ecdsa,  // P-256
    rsa,    // 2048 bits
};

KeyPtr new_key(KeyKind kind);

// DNS names and IP addresses of a certificate, in canonical form; 1 to 100. Throws Refusal (invalid).
std::vector<std::string> checked_hosts(const std::vector<std::string>& hosts);

// A request (CSR, RFC 2986) for `hosts` as alternative names; the first is the common name, too.
RequestPtr make_request(EVP_PKEY& key, const std::vector<std::string>& hosts);

X509Ptr make_lab_authority(EVP_PKEY& key, int64_t now);  // good for ten years
// For TLS servers and clients, good for 397 days, which is what clients accept.
X509Ptr issue(X509& authority, EVP_PKEY& authority_key, EVP_PKEY& key, const std::vector<std::string>& hosts,
              int64_t now);

}  // namespace fedge::control
