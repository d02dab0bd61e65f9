// Would partners accept it? Checked at import, so that the operator hears it from us and not from a partner.
//
// Sources: RFC 5280 section 6 (chain), RFC 5922 sections 7 and 7.2 (names in SIP: no wildcards, no name in the subject
// alone), RFC 6120 section 13.7 (names in XMPP), RFC 9525.
#pragma once

#include "control/certificates/openssl.h"
#include "control/problem.h"

namespace fedge::control {

// Authorities with which chains end, as a store whose checks happen at `now` (Unix seconds). Those that are there twice
// are taken once.
StorePtr store_of(const CertificateList& authorities, int64_t now);

struct ImportCheck {
    std::vector<Problem> errors;  // any: partners would refuse it
    std::vector<Problem> notes;   // some partners might, or it will end soon
};

struct ImportTerms {
    X509_STORE* roots = nullptr;  // of store_of(); not owned
    int64_t now = 0;
    bool external = true;  // it will be shown to the internet: wildcards are refused
};

ImportCheck check_import(const CertificateList& chain, EVP_PKEY& key, const ImportTerms& terms);

// The chain from the leaf to its root as it was verified; empty if it does not lead to one.
CertificateList verified_chain(const CertificateList& chain, X509_STORE* roots);

// An authority that partners' certificates may end with.
std::vector<Problem> check_authority(X509& certificate, int64_t now);

// True if one of the DNS names has a wildcard.
bool has_wildcard(X509& certificate);

inline constexpr int64_t kDay = 86400;
inline constexpr int64_t kExpiryWarning = 30 * kDay;

// "2026-01-31 23:59:59Z"
std::string time_text(int64_t unix_seconds);

}  // namespace fedge::control
