#include "tests/unit/control/pki.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <ctime>

#include "control/certificates/pem.h"

namespace fedge::control::test {
namespace {

void need(bool good, const char* what) {
    if (!good) fail_openssl(what);
}

void add_extension(X509& to, X509& issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, &issuer, &to, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    need(extension && X509_add_ext(&to, extension, -1) == 1, value.c_str());
    X509_EXTENSION_free(extension);
}

void add_raw_dns(X509& to, const std::string& bytes) {
    NamesPtr names(GENERAL_NAMES_new());
    GENERAL_NAME* name = GENERAL_NAME_new();
    ASN1_IA5STRING* text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, bytes.data(), static_cast<int>(bytes.size()));
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    sk_GENERAL_NAME_push(names.get(), name);
    need(X509_add1_ext_i2d(&to, NID_subject_alt_name, names.get(), 0, X509V3_ADD_REPLACE) == 1, "raw name");
}

void add_unknown_critical(X509& to, const std::string& oid) {
    ASN1_OBJECT* object = OBJ_txt2obj(oid.c_str(), 1);
    ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, reinterpret_cast<const unsigned char*>("\x05\x00"), 2);
    X509_EXTENSION* extension = X509_EXTENSION_create_by_OBJ(nullptr, object, 1, value);
    need(extension && X509_add_ext(&to, extension, -1) == 1, "critical extension");
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
}

const EVP_MD* digest_for(const Made& signer, const char* digest) {
    return EVP_PKEY_get_base_id(signer.key.get()) == EVP_PKEY_ED25519 ? nullptr : EVP_get_digestbyname(digest);
}

}  // namespace

KeyPtr test_key(TestKey kind) {
    switch (kind) {
        case TestKey::p256: return KeyPtr(EVP_EC_gen("P-256"));
        case TestKey::p384: return KeyPtr(EVP_EC_gen("P-384"));
        case TestKey::p521: return KeyPtr(EVP_EC_gen("P-521"));
        case TestKey::secp256k1: return KeyPtr(EVP_EC_gen("secp256k1"));
        case TestKey::p192: return KeyPtr(EVP_EC_gen("P-192"));
        case TestKey::rsa1024: return KeyPtr(EVP_RSA_gen(1024));
        case TestKey::rsa2048: return KeyPtr(EVP_RSA_gen(2048));
        case TestKey::ed25519: return KeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    }
    return {};
}

std::string Made::pem() const {
    return write_certificate(*certificate);
}

std::string Made::key_pem() const {
    return write_key(*key);
}

Made make(const Recipe& recipe, const Made* issuer) {
    static long serial = 1;
    Made out{X509Ptr(X509_new()), test_key(recipe.key)};
    X509& c = *out.certificate;
    X509_NAME* name = X509_get_subject_name(&c);
    need(out.key && X509_set_version(&c, X509_VERSION_3) == 1 &&
             ASN1_INTEGER_set(X509_get_serialNumber(&c), serial++) == 1 &&
             X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                        reinterpret_cast<const unsigned char*>(recipe.subject.data()),
                                        static_cast<int>(recipe.subject.size()), -1, 0) == 1,
         "certificate");
    X509& by = issuer ? *issuer->certificate : c;
    X509_set_issuer_name(&c, X509_get_subject_name(&by));
    X509_gmtime_adj(X509_getm_notBefore(&c), recipe.begins_in);
    X509_gmtime_adj(X509_getm_notAfter(&c), recipe.ends_in);
    X509_set_pubkey(&c, out.key.get());
    add_extension(c, by, NID_subject_key_identifier, "hash");
    add_extension(c, by, NID_authority_key_identifier, "keyid:always");
    if (!recipe.constraints.empty()) add_extension(c, by, NID_basic_constraints, recipe.constraints);
    if (!recipe.usage.empty()) add_extension(c, by, NID_key_usage, recipe.usage);
    if (!recipe.purposes.empty()) add_extension(c, by, NID_ext_key_usage, recipe.purposes);
    if (!recipe.names.empty()) add_extension(c, by, NID_subject_alt_name, recipe.names);
    if (!recipe.raw_dns.empty()) add_raw_dns(c, recipe.raw_dns);
    if (!recipe.critical.empty()) add_unknown_critical(c, recipe.critical);
    const Made& signer = issuer ? *issuer : out;
    need(X509_sign(&c, signer.key.get(), digest_for(signer, recipe.digest)) > 0, "signature");
    return out;
}

Recipe authority(const std::string& name) {
    Recipe out;
    out.subject = name;
    out.names = "";
    out.purposes = "";
    out.usage = "critical,keyCertSign,cRLSign";
    out.constraints = "critical,CA:TRUE";
    out.ends_in = 3650 * int64_t{86400};
    return out;
}

std::string ocsp_der(const Answer& answer, const Made& about, const Made& issuer, const Made& signer) {
    OCSP_BASICRESP* basic = OCSP_BASICRESP_new();
    OCSP_CERTID* id =
        OCSP_cert_to_id(EVP_get_digestbyname(answer.id_digest), about.certificate.get(), issuer.certificate.get());
    ASN1_TIME* from = X509_gmtime_adj(nullptr, answer.begins_in);
    ASN1_TIME* to = X509_gmtime_adj(nullptr, answer.ends_in);
    bool revoked = answer.status == V_OCSP_CERTSTATUS_REVOKED;
    need(OCSP_basic_add1_status(basic, id, answer.status, OCSP_REVOKED_STATUS_UNSPECIFIED, revoked ? from : nullptr,
                                from, to) != nullptr,
         "OCSP status");
    need(OCSP_basic_sign(basic, signer.certificate.get(), signer.key.get(), EVP_sha256(), nullptr, 0) == 1,
         "OCSP signature");
    OCSP_RESPONSE* response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    unsigned char* bytes = nullptr;
    int size = i2d_OCSP_RESPONSE(response, &bytes);
    std::string out(reinterpret_cast<char*>(bytes), static_cast<size_t>(size));
    OPENSSL_free(bytes);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return out;
}

CrlPtr crl(const List& list, const Made& issuer) {
    CrlPtr out(X509_CRL_new());
    X509_CRL_set_version(out.get(), X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(out.get(), X509_get_subject_name(issuer.certificate.get()));
    ASN1_TIME* from = X509_gmtime_adj(nullptr, list.begins_in);
    ASN1_TIME* to = X509_gmtime_adj(nullptr, list.ends_in);
    X509_CRL_set1_lastUpdate(out.get(), from);
    X509_CRL_set1_nextUpdate(out.get(), to);
    for (const Made* made : list.revoked) {
        X509_REVOKED* entry = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(made->certificate.get()));
        X509_REVOKED_set_revocationDate(entry, from);
        X509_CRL_add0_revoked(out.get(), entry);
    }
    if (list.delta) {
        ASN1_INTEGER* base = ASN1_INTEGER_new();
        ASN1_INTEGER_set(base, 1);
        X509_CRL_add1_ext_i2d(out.get(), NID_delta_crl, base, 1, 0);
        ASN1_INTEGER_free(base);
    }
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    need(X509_CRL_sign(out.get(), issuer.key.get(), EVP_sha256()) > 0, "revocation list");
    return out;
}

}  // namespace fedge::control::test
