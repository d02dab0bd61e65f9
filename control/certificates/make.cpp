#include "control/certificates/make.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "control/certificates/check.h"
#include "control/settings/values.h"

namespace fedge::control {
namespace {

constexpr size_t kMaxHosts = 100;
constexpr size_t kMaxCommonName = 64;  // RFC 5280 appendix A.1, ub-common-name
constexpr int64_t kSlack = 3600;       // clocks of peers differ
constexpr int64_t kLeafTime = 397 * kDay;
constexpr int64_t kAuthorityTime = 3650 * kDay;

using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpenSslDeleter<X509_EXTENSION_free>>;
using NamePtr = std::unique_ptr<X509_NAME, OpenSslDeleter<X509_NAME_free>>;

void need(bool good, const char* what) {
    if (!good) fail_openssl(what);
}

void add_name_part(X509_NAME* name, const char* part, const std::string& text) {
    need(X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1,
         "a name");
}

NamePtr name_of(const std::vector<std::string>& hosts) {
    NamePtr name(X509_NAME_new());
    need(name != nullptr, "a name");
    if (hosts.front().size() <= kMaxCommonName) add_name_part(name.get(), "CN", hosts.front());
    return name;
}

std::string alternative_names(const std::vector<std::string>& hosts) {
    std::string out;
    for (const auto& host : hosts)
        out += (out.empty() ? "" : ",") + (IpAddress::parse(host) ? "IP:" + host : "DNS:" + host);
    return out;
}

ExtensionPtr extension(X509V3_CTX* context, int nid, const std::string& value) {
    ExtensionPtr out(X509V3_EXT_conf_nid(nullptr, context, nid, value.c_str()));
    need(out != nullptr, "an extension");
    return out;
}

void add_extension(X509& to, X509& issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, &issuer, &to, nullptr, nullptr, 0);
    need(X509_add_ext(&to, extension(&context, nid, value).get(), -1) == 1, "an extension");
}

// Everything but extensions and signature.
X509Ptr blank(X509_NAME* subject, X509_NAME* issuer, EVP_PKEY& key, int64_t begin, int64_t end) {
    X509Ptr out(X509_new());
    need(out != nullptr, "a certificate");
    using NumberPtr = std::unique_ptr<BIGNUM, OpenSslDeleter<BN_free>>;
    NumberPtr serial(BN_new());
    constexpr int kSerialBits = 127;  // positive, and 16 bytes at most
    need(serial && BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1, "a serial number");
    need(X509_set_version(out.get(), X509_VERSION_3) == 1 &&
             BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(out.get())) != nullptr &&
             X509_set_subject_name(out.get(), subject) == 1 && X509_set_issuer_name(out.get(), issuer) == 1 &&
             X509_set_pubkey(out.get(), &key) == 1 && ASN1_TIME_set(X509_getm_notBefore(out.get()), begin) != nullptr &&
             ASN1_TIME_set(X509_getm_notAfter(out.get()), end) != nullptr,
         "a certificate");
    return out;
}

}  // namespace

KeyPtr new_key(KeyKind kind) {
    constexpr unsigned kRsaBits = 2048;
    KeyPtr key(kind == KeyKind::rsa ? EVP_RSA_gen(kRsaBits) : EVP_EC_gen("P-256"));
    need(key != nullptr, "a key");
    return key;
}

std::vector<std::string> checked_hosts(const std::vector<std::string>& hosts) {
    if (hosts.empty() || hosts.size() > kMaxHosts) {
        throw Refusal(RefusalKind::invalid, {"hosts", "a certificate has 1 to " + std::to_string(kMaxHosts) + " names",
                                             "give the DNS names of the edge"});
    }
    std::vector<std::string> out;
    for (const auto& host : hosts) {
        if (auto address = IpAddress::parse(host)) {
            out.push_back(address->text());
        } else if (auto name = parse_host(host)) {
            out.push_back(*name);
        } else {
            throw Refusal(RefusalKind::invalid,
                          {"hosts", "\"" + host.substr(0, 128) + "\" is no DNS name and no address",
                           "give names such as edge.example.org, without wildcards"});
        }
    }
    return out;
}

RequestPtr make_request(EVP_PKEY& key, const std::vector<std::string>& hosts) {
    RequestPtr out(X509_REQ_new());
    need(out && X509_REQ_set_version(out.get(), X509_REQ_VERSION_1) == 1 &&
             X509_REQ_set_subject_name(out.get(), name_of(hosts).get()) == 1 &&
             X509_REQ_set_pubkey(out.get(), &key) == 1,
         "a request");
    X509V3_CTX context;
    X509V3_set_ctx(&context, nullptr, nullptr, out.get(), nullptr, 0);
    ExtensionPtr names = extension(&context, NID_subject_alt_name, alternative_names(hosts));
    STACK_OF(X509_EXTENSION)* extensions = sk_X509_EXTENSION_new_null();
    sk_X509_EXTENSION_push(extensions, names.get());
    bool added = X509_REQ_add_extensions(out.get(), extensions) == 1;
    sk_X509_EXTENSION_free(extensions);
    need(added && X509_REQ_sign(out.get(), &key, EVP_sha256()) > 0, "a request");
    return out;
}

X509Ptr make_lab_authority(EVP_PKEY& key, int64_t now) {
    NamePtr name(X509_NAME_new());
    need(name != nullptr, "a name");
    add_name_part(name.get(), "CN", "fedge lab authority");
    X509Ptr out = blank(name.get(), name.get(), key, now - kSlack, now + kAuthorityTime);
    add_extension(*out, *out, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add_extension(*out, *out, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(*out, *out, NID_subject_key_identifier, "hash");
    need(X509_sign(out.get(), &key, EVP_sha256()) > 0, "signing the lab authority");
    return out;
}

X509Ptr issue(X509& authority, EVP_PKEY& authority_key, EVP_PKEY& key, const std::vector<std::string>& hosts,
              int64_t now) {
    X509Ptr out = blank(name_of(hosts).get(), X509_get_subject_name(&authority), key, now - kSlack, now + kLeafTime);
    bool rsa = EVP_PKEY_get_base_id(&key) == EVP_PKEY_RSA;
    add_extension(*out, authority, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(*out, authority, NID_key_usage,
                  rsa ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature");
    add_extension(*out, authority, NID_ext_key_usage, "serverAuth,clientAuth");
    add_extension(*out, authority, NID_subject_key_identifier, "hash");
    add_extension(*out, authority, NID_authority_key_identifier, "keyid:always");
    // RFC 5280 section 4.1.2.6: critical where there is no subject.
    bool nameless = X509_NAME_entry_count(X509_get_subject_name(out.get())) == 0;
    add_extension(*out, authority, NID_subject_alt_name, (nameless ? "critical," : "") + alternative_names(hosts));
    need(X509_sign(out.get(), &authority_key, EVP_sha256()) > 0, "signing a certificate");
    return out;
}

}  // namespace fedge::control
