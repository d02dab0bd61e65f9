#include "control/certificates/revocation.h"

#include <openssl/err.h>

#include "control/certificates/check.h"

namespace fedge::control {
namespace {

using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, OpenSslDeleter<OCSP_RESPONSE_free>>;
using IdPtr = std::unique_ptr<OCSP_CERTID, OpenSslDeleter<OCSP_CERTID_free>>;
using NumberPtr = std::unique_ptr<ASN1_INTEGER, OpenSslDeleter<ASN1_INTEGER_free>>;

constexpr int64_t kClockSlack = 300;
constexpr size_t kMaxResponse = 16 * 1024;  // it goes into every full handshake

[[noreturn]] void refuse(const char* field, const std::string& what, const std::string& fix) {
    ERR_clear_error();
    throw Refusal(RefusalKind::invalid, {field, what, fix});
}

BasicResponsePtr read_response(std::string_view der) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    ResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
    if (!response) refuse("ocsp", "it is no OCSP response", "give what openssl ocsp -respout FILE wrote (DER)");
    if (int status = OCSP_response_status(response.get()); status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        refuse("ocsp", std::string("the responder answered with an error: ") + OCSP_response_status_str(status),
               "ask it again later");
    }
    BasicResponsePtr basic(OCSP_response_get1_basic(response.get()));
    if (!basic) refuse("ocsp", "it is of a kind that no client knows", "ask for a basic response");
    return basic;
}

// The digest of the ids in a response is the responder's choice.
OCSP_SINGLERESP* answer_about(OCSP_BASICRESP& basic, X509& leaf, X509& issuer) {
    for (const EVP_MD* digest : {EVP_sha1(), EVP_sha256()}) {
        IdPtr id(OCSP_cert_to_id(digest, &leaf, &issuer));
        if (!id) continue;
        if (int index = OCSP_resp_find(&basic, id.get(), -1); index >= 0) return OCSP_resp_get0(&basic, index);
    }
    return nullptr;
}

Validity validity_of(OCSP_SINGLERESP* answer, int& status) {
    ASN1_GENERALIZEDTIME *from = nullptr, *to = nullptr;
    int reason = 0;
    status = OCSP_single_get0_status(answer, &reason, nullptr, &from, &to);
    return {unix_time(from), to ? unix_time(to) : 0};
}

bool signed_by_issuer(OCSP_BASICRESP& basic, const CertificateList& chain, int64_t now) {
    CertificateList roots;
    X509_up_ref(chain.back().get());
    roots.emplace_back(chain.back().get());
    StorePtr store = store_of(roots, now);
    X509_VERIFY_PARAM_set_purpose(X509_STORE_get0_param(store.get()), X509_PURPOSE_OCSP_HELPER);
    STACK_OF(X509)* others = sk_X509_new_null();
    for (size_t i = 1; i < chain.size(); i++) sk_X509_push(others, chain[i].get());
    bool good = OCSP_basic_verify(&basic, others, store.get(), 0) == 1;
    sk_X509_free(others);
    ERR_clear_error();
    return good;
}

}  // namespace

Validity check_ocsp(std::string_view der, const CertificateList& chain, int64_t now) {
    if (der.size() > kMaxResponse) {
        refuse("ocsp", "it is longer than " + std::to_string(kMaxResponse / 1024) + " KiB",
               "ask for a response about this certificate alone");
    }
    BasicResponsePtr basic = read_response(der);
    OCSP_SINGLERESP* answer = answer_about(*basic, *chain[0], *chain[1]);
    if (!answer) {
        refuse("ocsp", "it is about another certificate",
               "ask again with the certificate that is in force (fedge cert show NAME --pem)");
    }
    if (!signed_by_issuer(*basic, chain, now)) {
        refuse("ocsp", "it is not signed by the issuer of the certificate, nor by whom the issuer named for that",
               "ask the responder that the certificate names");
    }
    int status = 0;
    Validity validity = validity_of(answer, status);
    if (status != V_OCSP_CERTSTATUS_GOOD) {
        refuse("ocsp",
               status == V_OCSP_CERTSTATUS_REVOKED ? "it says that the certificate is revoked"
                                                   : "it says that the responder does not know the certificate",
               status == V_OCSP_CERTSTATUS_REVOKED ? "have a new certificate issued and import it"
                                                   : "ask the responder that the certificate names");
    }
    if (validity.from > now + kClockSlack) {
        refuse("ocsp", "it is not valid before " + time_text(validity.from), "correct the clock of this machine");
    }
    if (validity.to != 0 && validity.to <= now) {
        refuse("ocsp", "it ended at " + time_text(validity.to), "ask the responder again");
    }
    return validity;
}

Validity ocsp_validity(const std::vector<uint8_t>& der) {
    const unsigned char* at = der.data();
    ResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
    BasicResponsePtr basic(response ? OCSP_response_get1_basic(response.get()) : nullptr);
    ERR_clear_error();
    int status = 0;
    return basic && OCSP_resp_count(basic.get()) > 0 ? validity_of(OCSP_resp_get0(basic.get(), 0), status) : Validity{};
}

bool check_crl(X509_CRL& crl, X509_CRL* previous, const CertificateList& authorities, int64_t now) {
    Validity validity = crl_validity(crl);
    if (X509_CRL_get_ext_by_NID(&crl, NID_delta_crl, -1) >= 0)
        refuse("crl", "it is a delta list, which says only what changed", "give the full list of the authority");
    if (validity.from > now + kClockSlack)
        refuse("crl", "it is not valid before " + time_text(validity.from), "correct the clock of this machine");
    if (validity.to != 0 && validity.to <= now) {
        refuse("crl",
               "it ended at " + time_text(validity.to) + "; with it every partner of " + crl_issuer(crl) +
                   " would be refused",
               "get the present list of the authority");
    }
    if (previous && crl_validity(*previous).from > validity.from) {
        refuse("crl", "it is older than the list that is there, of " + time_text(crl_validity(*previous).from),
               "get the present list of the authority");
    }
    bool known = false;
    for (const auto& authority : authorities) {
        if (X509_NAME_cmp(X509_get_subject_name(authority.get()), X509_CRL_get_issuer(&crl)) != 0) continue;
        known = true;
        if (X509_CRL_verify(&crl, X509_get0_pubkey(authority.get())) == 1) {
            ERR_clear_error();
            return true;
        }
    }
    if (known) {
        refuse("crl", "its signature is not of the authority " + crl_issuer(crl) + " that is trusted here",
               "get the list from the authority itself");
    }
    ERR_clear_error();
    return false;
}

Validity crl_validity(X509_CRL& crl) {
    const ASN1_TIME* to = X509_CRL_get0_nextUpdate(&crl);
    return {unix_time(X509_CRL_get0_lastUpdate(&crl)), to ? unix_time(to) : 0};
}

std::string crl_issuer(X509_CRL& crl) {
    return name_text(X509_CRL_get_issuer(&crl));
}

size_t crl_entries(X509_CRL& crl) {
    int count = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(&crl));
    return count > 0 ? static_cast<size_t>(count) : 0;
}

}  // namespace fedge::control
