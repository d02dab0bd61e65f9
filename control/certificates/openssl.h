// OpenSSL's objects with owners, and its errors in words.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fedge::control {

template <auto free_it>
struct OpenSslDeleter {
    template <typename T>
    void operator()(T* object) const {
        free_it(object);
    }
};

using X509Ptr = std::unique_ptr<X509, OpenSslDeleter<X509_free>>;
using CrlPtr = std::unique_ptr<X509_CRL, OpenSslDeleter<X509_CRL_free>>;
using RequestPtr = std::unique_ptr<X509_REQ, OpenSslDeleter<X509_REQ_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpenSslDeleter<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, OpenSslDeleter<BIO_free_all>>;
using StorePtr = std::unique_ptr<X509_STORE, OpenSslDeleter<X509_STORE_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, OpenSslDeleter<GENERAL_NAMES_free>>;
using BasicResponsePtr = std::unique_ptr<OCSP_BASICRESP, OpenSslDeleter<OCSP_BASICRESP_free>>;

using CertificateList = std::vector<X509Ptr>;  // a chain has its leaf first

// What OpenSSL complained of last, and forgets all of it.
std::string openssl_reason();
// Throws std::runtime_error: OpenSSL could not do what it always can.
[[noreturn]] void fail_openssl(const char* what);

BioPtr bio_of(std::string_view text);  // reads; `text` outlives it
std::string text_of(BIO& bio);

int64_t unix_time(const ASN1_TIME* time);
std::string name_text(const X509_NAME* name);  // RFC 2253, UTF-8

}  // namespace fedge::control
