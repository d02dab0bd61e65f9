// What a certificate says, in words for the operator and in values for the checks.
#pragma once

#include <optional>

#include "control/certificates/openssl.h"

namespace fedge::control {

struct CertificateFacts {
    std::string subject;
    std::string issuer;
    std::string serial;              // hexadecimal
    std::vector<std::string> names;  // of the subjectAltName: "DNS:a.example", "IP:192.0.2.1", "URI:sip:a.example", ...
    int64_t not_before = 0;          // Unix seconds
    int64_t not_after = 0;
    std::string key;                    // "ECDSA P-256", "RSA 2048"
    std::string signature;              // "ecdsa-with-SHA256"
    std::string sha256;                 // of the whole certificate, hexadecimal
    std::string spki_sha256;            // of its public key (SubjectPublicKeyInfo), hexadecimal
    std::vector<std::string> purposes;  // extended key usage; empty: no such extension, good for all
    bool authority = false;             // may issue
    bool self_issued = false;
};

CertificateFacts facts_of(X509& certificate);

// The dNSNames, as they stand there. A name with a NUL or other bytes that no name has is nullopt.
std::vector<std::optional<std::string>> dns_names(X509& certificate);
bool has_alternative_names(X509& certificate);

// True if the extended key usage has `nid`, or if there is none. anyExtendedKeyUsage does not count, as with OpenSSL.
bool serves(X509& certificate, int nid);
bool self_issued(X509& certificate);

}  // namespace fedge::control
