#include "dataplane/tls/usages.h"

#include <openssl/x509v3.h>

#include <memory>

#include "dataplane/tls/library.h"

namespace fedge::tls {
namespace {

constexpr char kSipDomain[] = "1.3.6.1.5.5.7.3.20";

using UsagesPointer = std::unique_ptr<EXTENDED_KEY_USAGE, Freed<EXTENDED_KEY_USAGE_free>>;
using ObjectPointer = std::unique_ptr<ASN1_OBJECT, Freed<ASN1_OBJECT_free>>;

bool names_usage(const X509* certificate, const char* id) {
    UsagesPointer usages(
        static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(certificate, NID_ext_key_usage, nullptr, nullptr)));
    ObjectPointer wanted(OBJ_txt2obj(id, 1));
    for (int i = 0; usages && wanted && i < sk_ASN1_OBJECT_num(usages.get()); i++)
        if (OBJ_cmp(sk_ASN1_OBJECT_value(usages.get(), i), wanted.get()) == 0) return true;
    return false;
}

}  // namespace

Usages read_usages(X509* certificate) {
    if (!(X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE)) return {};
    uint32_t usage = X509_get_extended_key_usage(certificate);
    return {true, (usage & XKU_SSL_SERVER) != 0, (usage & XKU_SSL_CLIENT) != 0, (usage & XKU_ANYEKU) != 0,
            names_usage(certificate, kSipDomain)};
}

}  // namespace fedge::tls
