#include "tests/support/certificates.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <memory>
#include <stdexcept>

namespace fedge::test {
namespace {

using tls::BioPointer;
using tls::Freed;
using ExtensionPointer = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using StringPointer = std::unique_ptr<ASN1_OCTET_STRING, Freed<ASN1_OCTET_STRING_free>>;

void must(bool good, const char* what) {
    if (!good) throw std::runtime_error(std::string(what) + ": " + tls::last_openssl_error());
}

tls::KeyPointer make_key(const std::string& kind) {
    EVP_PKEY* key = nullptr;
    if (kind.starts_with("RSA-")) {
        // Making large RSA keys takes long: one of each size does for all.
        static std::vector<std::pair<std::string, tls::KeyPointer>> made;
        for (auto& [size, one] : made)
            if (size == kind) {
                EVP_PKEY_up_ref(one.get());
                return tls::KeyPointer(one.get());
            }
        key = EVP_RSA_gen(static_cast<unsigned>(std::stoul(kind.substr(4))));
        must(key, "RSA key");
        EVP_PKEY_up_ref(key);
        made.emplace_back(kind, key);
    } else if (kind == "ED25519") {
        key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    } else {
        key = EVP_EC_gen(kind.c_str());
    }
    must(key, "key");
    return tls::KeyPointer(key);
}

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    ExtensionPointer extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
    must(extension && X509_add_ext(certificate, extension.get(), -1), value.c_str());
}

void add_raw_extension(X509* certificate, const char* id, const std::vector<uint8_t>& der) {
    std::unique_ptr<ASN1_OBJECT, Freed<ASN1_OBJECT_free>> object(OBJ_txt2obj(id, 1));
    StringPointer value(ASN1_OCTET_STRING_new());
    ASN1_OCTET_STRING_set(value.get(), der.data(), static_cast<int>(der.size()));
    ExtensionPointer extension(X509_EXTENSION_create_by_OBJ(nullptr, object.get(), 0, value.get()));
    must(extension && X509_add_ext(certificate, extension.get(), -1), id);
}

template <typename Write>
std::string pem_of(Write&& write) {
    BioPointer bio(BIO_new(BIO_s_mem()));
    must(write(bio.get()), "PEM");
    char* text = nullptr;
    long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<size_t>(size)};
}

void put_length(std::vector<uint8_t>& out, size_t n) {
    if (n < 128) {
        out.push_back(static_cast<uint8_t>(n));
    } else {
        out.insert(out.end(),
                   {0x83, static_cast<uint8_t>(n >> 16), static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n)});
    }
}

}  // namespace

TestCertificate TestCertificate::make(const CertificatePlan& plan, const TestCertificate* issuer) {
    static std::atomic<long> serial{1};
    TestCertificate made;
    made.key_ = make_key(plan.key);
    made.certificate_.reset(X509_new());
    X509* x = made.certificate_.get();
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    ASN1_TIME_set(X509_getm_notBefore(x), plan.from);
    ASN1_TIME_set(X509_getm_notAfter(x), plan.to);
    const std::string& cn = plan.common_name_bytes.empty() ? plan.common_name : plan.common_name_bytes;
    X509_NAME_add_entry_by_NID(X509_get_subject_name(x), NID_commonName, MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(cn.data()), static_cast<int>(cn.size()), -1, 0);
    X509* by = issuer ? issuer->get() : x;
    X509_set_issuer_name(x, X509_get_subject_name(by));
    X509_set_pubkey(x, made.key_.get());

    if (plan.authority) {
        std::string length = plan.path_length < 0 ? "" : ",pathlen:" + std::to_string(plan.path_length);
        add_extension(x, by, NID_basic_constraints, "critical,CA:TRUE" + length);
        add_extension(x, by, NID_key_usage, "critical,keyCertSign,cRLSign");
    } else {
        add_extension(x, by, NID_basic_constraints, "CA:FALSE");
        if (!plan.key_usage.empty()) add_extension(x, by, NID_key_usage, plan.key_usage);
        if (!plan.usage.empty()) add_extension(x, by, NID_ext_key_usage, plan.usage);
    }
    std::string names;
    for (const std::string& name : plan.names) names += (names.empty() ? "" : ",") + name;
    if (!names.empty()) add_extension(x, by, NID_subject_alt_name, names);
    if (!plan.names_der.empty()) add_raw_extension(x, "2.5.29.17", plan.names_der);
    if (plan.padding > 0) add_raw_extension(x, "1.3.6.1.4.1.99999.1", std::vector<uint8_t>(plan.padding, 4));

    const EVP_MD* digest = plan.key == "ED25519" && !issuer ? nullptr : EVP_get_digestbyname(plan.digest.c_str());
    must(X509_sign(x, issuer ? issuer->key() : made.key(), digest), "signature");
    return made;
}

TestCertificate TestCertificate::self_signed(const CertificatePlan& plan) {
    return make(plan, nullptr);
}
TestCertificate TestCertificate::issue(const CertificatePlan& plan) const {
    return make(plan, this);
}

std::string TestCertificate::crl(const std::vector<const TestCertificate*>& revoked, int64_t from, int64_t to) const {
    tls::CrlPointer crl(X509_CRL_new());
    X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(get()));
    std::unique_ptr<ASN1_TIME, Freed<ASN1_TIME_free>> time(ASN1_TIME_set(nullptr, from));
    X509_CRL_set1_lastUpdate(crl.get(), time.get());
    for (const TestCertificate* one : revoked) {
        X509_REVOKED* entry = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(one->get()));
        X509_REVOKED_set_revocationDate(entry, time.get());
        X509_CRL_add0_revoked(crl.get(), entry);
    }
    ASN1_TIME_set(time.get(), to);
    X509_CRL_set1_nextUpdate(crl.get(), time.get());
    X509_CRL_sort(crl.get());
    must(X509_CRL_sign(crl.get(), key(), EVP_sha256()), "CRL");
    return pem_of([&](BIO* bio) { return PEM_write_bio_X509_CRL(bio, crl.get()) == 1; });
}

std::string TestCertificate::pem() const {
    return pem_of([&](BIO* bio) { return PEM_write_bio_X509(bio, get()) == 1; });
}
std::string TestCertificate::key_pem() const {
    return pem_of([&](BIO* bio) {
        return PEM_write_bio_PKCS8PrivateKey(bio, key(), nullptr, nullptr, 0, nullptr, nullptr) == 1;
    });
}

TestCertificate make_authority(const std::string& common_name) {
    return TestCertificate::self_signed({.common_name = common_name, .authority = true});
}

std::vector<uint8_t> dns_names_der(const std::vector<std::string>& names) {
    std::vector<uint8_t> list;
    for (const std::string& name : names) {
        list.push_back(0x82);
        put_length(list, name.size());
        list.insert(list.end(), name.begin(), name.end());
    }
    std::vector<uint8_t> all{0x30};
    put_length(all, list.size());
    all.insert(all.end(), list.begin(), list.end());
    return all;
}

}  // namespace fedge::test
