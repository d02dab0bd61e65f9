#include "dataplane/tls/library.h"

#include <openssl/err.h>

#include <algorithm>
#include <stdexcept>

namespace fedge::tls {
namespace {

BioPointer reader(std::string_view text) {
    return BioPointer(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

int no_password(char*, int, int, void*) {
    return -1;
}

// After a loop of PEM_read: whether it ended because there was nothing more.
bool read_to_the_end() {
    unsigned long error = ERR_peek_last_error();
    bool end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    if (end) ERR_clear_error();
    return end;
}

}  // namespace

Library::Library() : context_(OSSL_LIB_CTX_new()), ticket_cipher_(nullptr) {
    if (context_) ticket_cipher_ = EVP_CIPHER_fetch(context_, "AES-256-CBC", nullptr);
    if (!ticket_cipher_) {
        OSSL_LIB_CTX_free(context_);
        throw std::runtime_error("OpenSSL library context: " + last_openssl_error());
    }
}

Library::~Library() {
    EVP_CIPHER_free(ticket_cipher_);
    OSSL_LIB_CTX_free(context_);
}

KeyPointer Library::key(std::string_view pem, std::string& error) const {
    BioPointer bio = reader(pem);
    KeyPointer key(PEM_read_bio_PrivateKey_ex(bio.get(), nullptr, no_password, nullptr, context_, nullptr));
    if (!key) error = "is not a private key in PEM without a password: " + last_openssl_error();
    return key;
}

std::vector<CertificatePointer> Library::certificates(std::string_view pem, std::string& error) const {
    std::vector<CertificatePointer> all;
    BioPointer bio = reader(pem);
    while (true) {
        CertificatePointer one(X509_new_ex(context_, nullptr));
        X509* raw = one.get();
        if (!raw || !PEM_read_bio_X509(bio.get(), &raw, no_password, nullptr)) {
            if (!raw) (void)one.release();  // PEM_read_bio_X509 frees what it was given when it fails
            break;
        }
        all.push_back(std::move(one));
    }
    if (!read_to_the_end()) {
        error = "is not a list of certificates in PEM: " + last_openssl_error();
        return {};
    }
    return all;
}

std::vector<CrlPointer> Library::crls(std::string_view pem, std::string& error) const {
    std::vector<CrlPointer> all;
    BioPointer bio = reader(pem);
    while (true) {
        CrlPointer one(X509_CRL_new_ex(context_, nullptr));
        X509_CRL* raw = one.get();
        if (!raw || !PEM_read_bio_X509_CRL(bio.get(), &raw, no_password, nullptr)) {
            if (!raw) (void)one.release();
            break;
        }
        all.push_back(std::move(one));
    }
    if (!read_to_the_end()) {
        error = "is not a list of certificate revocation lists in PEM: " + last_openssl_error();
        return {};
    }
    return all;
}

std::string subject_of(const X509* certificate) {
    BioPointer bio(BIO_new(BIO_s_mem()));
    // Escapes control characters and what is not ASCII: the text goes to logs.
    X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ);
    char* text = nullptr;
    long size = BIO_get_mem_data(bio.get(), &text);
    return size > 0 ? std::string(text, static_cast<size_t>(std::min(size, 200L))) : "no subject";
}

std::string last_openssl_error() {
    unsigned long error = ERR_peek_last_error();
    ERR_clear_error();
    const char* reason = error ? ERR_reason_error_string(error) : nullptr;
    return reason ? reason : error ? "error " + std::to_string(error) : "unknown error";
}

}  // namespace fedge::tls
