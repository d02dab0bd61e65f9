// Revocation: OCSP responses that we staple (RFC 6960), and lists for partners' certificates (RFC 5280 section 5).
#pragma once

#include "control/certificates/openssl.h"
#include "control/problem.h"

namespace fedge::control {

struct Validity {
    int64_t from = 0;  // Unix seconds
    int64_t to = 0;    // 0: says nothing
};

// Throws Refusal (invalid) unless `der` is a response that says at `now` that the first of `chain` is good, signed by
// its issuer or by whom the issuer named. `chain` leads to a root: verified_chain(), not empty.
Validity check_ocsp(std::string_view der, const CertificateList& chain, int64_t now);
// Of a response that was checked once.
Validity ocsp_validity(const std::vector<uint8_t>& der);

// Throws Refusal (invalid) unless the list is in force at `now` and, if its issuer is among `authorities`, signed by
// it. `previous` is the list of the same issuer that it replaces, or nullptr. True if the signature could be checked.
bool check_crl(X509_CRL& crl, X509_CRL* previous, const CertificateList& authorities, int64_t now);
Validity crl_validity(X509_CRL& crl);
std::string crl_issuer(X509_CRL& crl);
size_t crl_entries(X509_CRL& crl);

}  // namespace fedge::control
