#include "control/certificates/facts.h"

#include <openssl/objects.h>

#include <algorithm>

#include "control/hex.h"
#include "dataplane/base/address.h"

namespace fedge::control {
namespace {

std::string key_digest(const X509& certificate) {
    unsigned char* der = nullptr;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&certificate), &der);
    if (size <= 0) return {};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int digest_size = 0;
    bool good = EVP_Digest(der, static_cast<size_t>(size), digest, &digest_size, EVP_sha256(), nullptr) == 1;
    OPENSSL_free(der);
    return good ? hex({digest, digest_size}) : std::string();
}

std::string bytes_of(const ASN1_STRING* text) {
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<size_t>(ASN1_STRING_length(text))};
}

NamesPtr alternative_names(X509& certificate) {
    return NamesPtr(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
}

std::string address_text(const ASN1_OCTET_STRING* octets) {
    std::string bytes = bytes_of(octets);
    const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
    if (bytes.size() == 4) return IpAddress::v4_bytes(data).text();
    if (bytes.size() == 16) return IpAddress::v6_bytes(data).text();
    return "?";
}

// SRV-ID (RFC 4985) and xmppAddr (RFC 6120 section 13.7.1.4) by their names, others by number.
std::string other_name_text(const OTHERNAME& other) {
    char oid[80];
    OBJ_obj2txt(oid, sizeof(oid), other.type_id, 1);
    const ASN1_TYPE* value = other.value;
    bool text = value && (value->type == V_ASN1_IA5STRING || value->type == V_ASN1_UTF8STRING);
    std::string what = text ? bytes_of(value->value.asn1_string) : "?";
    if (std::string_view(oid) == "1.3.6.1.5.5.7.8.7") return "SRV:" + what;
    if (std::string_view(oid) == "1.3.6.1.5.5.7.8.5") return "XMPP:" + what;
    return std::string(oid) + ":" + what;
}

std::string general_name_text(const GENERAL_NAME& name) {
    switch (name.type) {
        case GEN_DNS: return "DNS:" + bytes_of(name.d.dNSName);
        case GEN_URI: return "URI:" + bytes_of(name.d.uniformResourceIdentifier);
        case GEN_EMAIL: return "EMAIL:" + bytes_of(name.d.rfc822Name);
        case GEN_IPADD: return "IP:" + address_text(name.d.iPAddress);
        case GEN_DIRNAME: return "DIR:" + name_text(name.d.directoryName);
        case GEN_OTHERNAME: return other_name_text(*name.d.otherName);
        default: return "?";
    }
}

std::string key_text(X509& certificate) {
    EVP_PKEY* key = X509_get0_pubkey(&certificate);
    if (!key) return "unknown";
    std::string bits = std::to_string(EVP_PKEY_get_bits(key));
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) return "RSA " + bits;
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) return "ECDSA P-" + bits;
    const char* name = OBJ_nid2sn(EVP_PKEY_get_base_id(key));
    return name ? name : "unknown";
}

std::vector<int> purposes(X509& certificate) {
    std::vector<int> out;
    auto* usages =
        static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(&certificate, NID_ext_key_usage, nullptr, nullptr));
    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) out.push_back(OBJ_obj2nid(sk_ASN1_OBJECT_value(usages, i)));
    EXTENDED_KEY_USAGE_free(usages);
    return out;
}

std::string serial_text(X509& certificate) {
    const ASN1_INTEGER* serial = X509_get0_serialNumber(&certificate);
    return hex({ASN1_STRING_get0_data(serial), static_cast<size_t>(ASN1_STRING_length(serial))});
}

}  // namespace

CertificateFacts facts_of(X509& certificate) {
    CertificateFacts out;
    out.subject = name_text(X509_get_subject_name(&certificate));
    out.issuer = name_text(X509_get_issuer_name(&certificate));
    out.serial = serial_text(certificate);
    if (NamesPtr names = alternative_names(certificate)) {
        for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); i++)
            out.names.push_back(general_name_text(*sk_GENERAL_NAME_value(names.get(), i)));
    }
    out.not_before = unix_time(X509_get0_notBefore(&certificate));
    out.not_after = unix_time(X509_get0_notAfter(&certificate));
    out.key = key_text(certificate);
    const char* signature = OBJ_nid2ln(X509_get_signature_nid(&certificate));
    out.signature = signature ? signature : "unknown";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (X509_digest(&certificate, EVP_sha256(), digest, &size) == 1) out.sha256 = hex({digest, size});
    out.spki_sha256 = key_digest(certificate);
    for (int nid : purposes(certificate)) {
        const char* name = OBJ_nid2sn(nid);
        out.purposes.emplace_back(name ? name : "unknown");
    }
    out.authority = X509_check_ca(&certificate) > 0;
    out.self_issued = self_issued(certificate);
    return out;
}

std::vector<std::optional<std::string>> dns_names(X509& certificate) {
    std::vector<std::optional<std::string>> out;
    NamesPtr names = alternative_names(certificate);
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); i++) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type != GEN_DNS) continue;
        std::string text = bytes_of(name->d.dNSName);
        bool fits = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                   c == '.' || c == '*';
        });
        out.push_back(fits ? std::optional(std::move(text)) : std::nullopt);
    }
    return out;
}

bool has_alternative_names(X509& certificate) {
    NamesPtr names = alternative_names(certificate);
    return names && sk_GENERAL_NAME_num(names.get()) > 0;
}

bool serves(X509& certificate, int nid) {
    if (X509_get_ext_by_NID(&certificate, NID_ext_key_usage, -1) < 0) return true;
    auto all = purposes(certificate);
    return std::find(all.begin(), all.end(), nid) != all.end();
}

bool self_issued(X509& certificate) {
    return X509_NAME_cmp(X509_get_subject_name(&certificate), X509_get_issuer_name(&certificate)) == 0;
}

}  // namespace fedge::control
