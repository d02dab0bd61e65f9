// Certificates, keys and revocation lists from and to text. What cannot be read is a Refusal (invalid) for `field`,
// with what the operator may have given in its place; a key is never quoted.
#pragma once

#include "control/certificates/openssl.h"

namespace fedge::control {

// 1 to 10 certificates, in the order of the text. Other blocks in it, such as a key, are passed over.
CertificateList read_chain(std::string_view pem, const char* field);
// As many as there are; none is fine. For bundles that others wrote: what is damaged ends the list.
CertificateList read_bundle(std::string_view pem);
KeyPtr read_key(std::string_view pem);
CrlPtr read_crl(std::string_view pem_or_der);

std::string write_certificate(X509& certificate);
std::string write_chain(const CertificateList& chain);
std::string write_key(EVP_PKEY& key);  // PKCS #8, not encrypted
std::string write_crl(X509_CRL& crl);
std::string write_request(X509_REQ& request);

}  // namespace fedge::control
