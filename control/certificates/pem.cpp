#include "control/certificates/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <climits>

#include "control/problem.h"

namespace fedge::control {
namespace {

constexpr size_t kMaxChain = 10;  // what OpenSSL's peers verify by default, and more than any public authority needs

[[noreturn]] void refuse(const char* field, const std::string& what, const std::string& fix) {
    ERR_clear_error();
    throw Refusal(RefusalKind::invalid, {field, what, fix});
}

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

bool looks_like_der(std::string_view text) {
    return text.size() > 2 && text[0] == '\x30' && (text[1] & '\x80');
}

// There is nobody to ask for a password.
int no_password(char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
}

template <typename Write>
std::string written(const char* what, Write write) {
    BioPtr bio(BIO_new(BIO_s_mem()));
    if (!bio || write(bio.get()) != 1) fail_openssl(what);
    return text_of(*bio);
}

}  // namespace

CertificateList read_chain(std::string_view pem, const char* field) {
    CertificateList out;
    BioPtr bio = bio_of(pem);
    while (X509Ptr certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
        if (out.size() == kMaxChain) {
            refuse(field, "there are more than " + std::to_string(kMaxChain) + " certificates in it",
                   "give the certificate of the edge and the intermediates that lead to its root, nothing else");
        }
        out.push_back(std::move(certificate));
    }
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (!at_end) {
        refuse(field, "certificate " + std::to_string(out.size() + 1) + " in it is damaged: " + openssl_reason(),
               "copy the file again, as a whole and in binary mode");
    }
    if (!out.empty()) {
        ERR_clear_error();
        return out;
    }
    if (looks_like_der(pem)) {
        refuse(field, "it is DER or PKCS #12, not PEM",
               "convert it: openssl x509 -inform DER -in FILE, or openssl pkcs12 -in FILE -nodes");
    }
    if (has(pem, "-----BEGIN CERTIFICATE REQUEST")) {
        refuse(field, "it is a certificate request, not a certificate",
               "send it to your authority and import what comes back");
    }
    if (has(pem, "PRIVATE KEY-----")) refuse(field, "it is a private key, not a certificate", "give the key as --key");
    refuse(field, "there is no certificate in it", "give a file with -----BEGIN CERTIFICATE----- in it");
}

CertificateList read_bundle(std::string_view pem) {
    CertificateList out;
    BioPtr bio = bio_of(pem);
    while (X509Ptr certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)})
        out.push_back(std::move(certificate));
    ERR_clear_error();
    return out;
}

KeyPtr read_key(std::string_view pem) {
    bool asked = false;
    BioPtr bio = bio_of(pem);
    KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, &asked));
    if (key) {
        ERR_clear_error();
        return key;
    }
    if (asked) {
        refuse("key", "the private key is encrypted",
               "decrypt it where you keep the password: openssl pkey -in FILE -out FILE.clear");
    }
    if (looks_like_der(pem)) {
        refuse("key", "it is DER or PKCS #12, not PEM",
               "convert it: openssl pkey -inform DER -in FILE, or openssl pkcs12 -in FILE -nodes -nocerts");
    }
    if (!has(pem, "PRIVATE KEY-----")) {
        refuse("key", "there is no private key in it", "give a file with -----BEGIN PRIVATE KEY----- in it");
    }
    refuse("key", "the private key is damaged or of a kind that is not known",
           "give a key that openssl pkey -in FILE -check calls valid");
}

CrlPtr read_crl(std::string_view pem_or_der) {
    CrlPtr crl;
    if (looks_like_der(pem_or_der) && pem_or_der.size() <= INT_MAX) {
        const auto* at = reinterpret_cast<const unsigned char*>(pem_or_der.data());
        crl.reset(d2i_X509_CRL(nullptr, &at, static_cast<long>(pem_or_der.size())));
    } else {
        crl.reset(PEM_read_bio_X509_CRL(bio_of(pem_or_der).get(), nullptr, nullptr, nullptr));
    }
    if (!crl) refuse("crl", "it is no revocation list", "give a CRL in PEM or DER");
    ERR_clear_error();
    return crl;
}

std::string write_certificate(X509& certificate) {
    return written("writing a certificate", [&](BIO* bio) { return PEM_write_bio_X509(bio, &certificate); });
}

std::string write_chain(const CertificateList& chain) {
    std::string out;
    for (const auto& certificate : chain) out += write_certificate(*certificate);
    return out;
}

std::string write_key(EVP_PKEY& key) {
    return written("writing a key", [&](BIO* bio) {
        return PEM_write_bio_PKCS8PrivateKey(bio, &key, nullptr, nullptr, 0, nullptr, nullptr);
    });
}

std::string write_crl(X509_CRL& crl) {
    return written("writing a revocation list", [&](BIO* bio) { return PEM_write_bio_X509_CRL(bio, &crl); });
}

std::string write_request(X509_REQ& request) {
    return written("writing a request", [&](BIO* bio) { return PEM_write_bio_X509_REQ(bio, &request); });
}

}  // namespace fedge::control
