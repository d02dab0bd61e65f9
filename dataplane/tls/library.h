// OpenSSL as one signalling core uses it: a library context of its own, so that cores share no provider, no algorithm
// cache and no random generator. Made once at start; contexts (context.h) hold it.
//
// OpenSSL takes locks of that context inside. Nobody else holds them but the management thread, briefly, while it
// builds the next Context for this core.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fedge::tls {

template <auto Free>
struct Freed {
    template <typename T>
    void operator()(T* object) const {
        Free(object);
    }
};
using BioPointer = std::unique_ptr<BIO, Freed<BIO_free>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using CertificatePointer = std::unique_ptr<X509, Freed<X509_free>>;
using CrlPointer = std::unique_ptr<X509_CRL, Freed<X509_CRL_free>>;
using StorePointer = std::unique_ptr<X509_STORE, Freed<X509_STORE_free>>;
using SslContextPointer = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using SslPointer = std::unique_ptr<SSL, Freed<SSL_free>>;

class Library {
  public:
    // Throws std::runtime_error.
    Library();
    ~Library();
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;

    OSSL_LIB_CTX* get() const { return context_; }
    const EVP_CIPHER* ticket_cipher() const { return ticket_cipher_; }  // AES-256-CBC

    // Empty and `error` if the text is not what it should be. Not encrypted; nobody is asked for a password.
    KeyPointer key(std::string_view pem, std::string& error) const;
    // All certificates of the text in its order; what is not a certificate is an error.
    std::vector<CertificatePointer> certificates(std::string_view pem, std::string& error) const;
    std::vector<CrlPointer> crls(std::string_view pem, std::string& error) const;

  private:
    OSSL_LIB_CTX* context_;
    EVP_CIPHER* ticket_cipher_;
};

// "CN = fedge, O = Example" as operators know it from openssl(1); at most 200 bytes.
std::string subject_of(const X509* certificate);
// The latest of OpenSSL's errors on this thread in its own words; takes them all off the queue.
std::string last_openssl_error();

}  // namespace fedge::tls
