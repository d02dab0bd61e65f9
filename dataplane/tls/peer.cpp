#include "dataplane/tls/peer.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

namespace fedge::tls {
namespace {

constexpr int kSecurityLevel = 2;  // 112 bits: RSA from 2048 bits, no SHA-1

using StoreContextPointer = std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX_free>>;

std::string date(const ASN1_TIME* time) {
    std::tm parts{};
    if (!ASN1_TIME_to_tm(time, &parts)) return "an unreadable date";
    char text[40];
    size_t size = std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &parts);
    return {text, size};
}

std::string quoted(const X509* certificate) {
    return certificate ? "'" + subject_of(certificate) + "'" : "its certificate";
}
std::string issuer_of(const X509* certificate) {
    if (!certificate) return "its issuer";
    BioPointer bio(BIO_new(BIO_s_mem()));
    X509_NAME_print_ex(bio.get(), X509_get_issuer_name(certificate), 0, XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ);
    char* text = nullptr;
    long size = BIO_get_mem_data(bio.get(), &text);
    return size > 0 ? "'" + std::string(text, static_cast<size_t>(std::min(size, 200L))) + "'" : "nobody";
}

// A clause that follows "the certificate of the peer was refused: ".
std::string explain(int error, const X509* at) {
    switch (error) {
        case X509_V_ERR_CERT_HAS_EXPIRED: return quoted(at) + " expired on " + date(X509_get0_notAfter(at));
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return quoted(at) + " is not valid before " + date(X509_get0_notBefore(at)) + "; check both clocks";
        case X509_V_ERR_CERT_REVOKED: return quoted(at) + " was revoked by " + issuer_of(at);
        case X509_V_ERR_CRL_HAS_EXPIRED:
            return "the revocation list of " + issuer_of(at) + " is out of date; import the current one";
        case X509_V_ERR_CRL_NOT_YET_VALID:
            return "the revocation list of " + issuer_of(at) + " is not valid yet; check the clock";
        case X509_V_ERR_CRL_SIGNATURE_FAILURE:
            return "the revocation list of " + issuer_of(at) + " has a wrong signature; import it again";
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return quoted(at) + " was issued by " + issuer_of(at) +
                   ", which is not among our trusted authorities and was not sent along; add it to the trust, or let "
                   "the "
                   "peer send its intermediate certificates";
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return quoted(at) + " is signed by itself and not among our trusted authorities";
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            return "its chain ends at " + quoted(at) + ", which is not among our trusted authorities";
        case X509_V_ERR_EE_KEY_TOO_SMALL:
        case X509_V_ERR_CA_KEY_TOO_SMALL:
            return "the key of " + quoted(at) + " is too short; RSA needs 2048 bits, ECDSA 224";
        case X509_V_ERR_CA_MD_TOO_WEAK:
            return quoted(at) + " is signed with SHA-1 or another hash that is broken; it needs SHA-256 or better";
        case X509_V_ERR_CERT_CHAIN_TOO_LONG:
            return "its chain has more than " + std::to_string(kMaxChain) + " certificates";
        case X509_V_ERR_PATH_LENGTH_EXCEEDED: return "its chain is longer than " + quoted(at) + " allows";
        case X509_V_ERR_INVALID_CA: return quoted(at) + " issued a certificate of its chain but is no authority";
        case X509_V_ERR_CERT_SIGNATURE_FAILURE: return "the signature on " + quoted(at) + " is wrong";
        default: return quoted(at) + ": " + X509_verify_cert_error_string(error);
    }
}

// An authority without a revocation list here is not checked for revocation; one with an outdated list is.
int pass_missing_crls(int good, X509_STORE_CTX* chain) {
    if (good || X509_STORE_CTX_get_error(chain) != X509_V_ERR_UNABLE_TO_GET_CRL) return good;
    X509_STORE_CTX_set_error(chain, X509_V_OK);
    return 1;
}

// Whether the extended key usage that the certificate names allows what `policy` asks for.
bool usage_allows(const Usages& usages, Purpose purpose, bool peer_is_server) {
    switch (purpose) {
        case Purpose::tls_or_sip: return usages.server || usages.client || usages.sip_domain || usages.any;
        case Purpose::server_or_client: return usages.server || usages.client || usages.any;
        case Purpose::client_strict: return peer_is_server ? usages.server : usages.client;
        case Purpose::sip_domain: return usages.sip_domain;
    }
    return false;
}

const char* wanted_usage(Purpose purpose, bool peer_is_server) {
    switch (purpose) {
        case Purpose::tls_or_sip: return "serverAuth, clientAuth or sipDomain";
        case Purpose::server_or_client: return "serverAuth or clientAuth";
        case Purpose::client_strict: return peer_is_server ? "serverAuth" : "clientAuth";
        case Purpose::sip_domain: return "sipDomain (RFC 5924)";
    }
    return "";
}

// Of the leaf, and of the intermediates as far as they restrict themselves.
std::string usage_problem(const STACK_OF(X509) * chain, Purpose purpose, bool peer_is_server) {
    X509* leaf = sk_X509_value(chain, 0);
    Usages usages = read_usages(leaf);
    const char* wanted = wanted_usage(purpose, peer_is_server);
    bool demands_one = purpose == Purpose::client_strict || purpose == Purpose::sip_domain;
    if (!usages.named && demands_one)
        return quoted(leaf) + " names no extended key usage, and our purpose setting demands " + wanted;
    if (usages.named && !usage_allows(usages, purpose, peer_is_server))
        return "the extended key usage of " + quoted(leaf) + " is not " + wanted +
               ", which our purpose setting demands";
    if (!(X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE))
        return "the key usage of " + quoted(leaf) + " does not allow signatures";
    for (int i = 1; i + 1 < sk_X509_num(chain); i++) {
        X509* authority = sk_X509_value(chain, i);
        Usages theirs = read_usages(authority);
        if (!theirs.named || theirs.any || usage_allows(theirs, purpose, peer_is_server)) continue;
        return "the authority " + quoted(authority) + " may not issue certificates for " + wanted;
    }
    return {};
}

PeerVerdict refused(int error, std::string why) {
    ERR_clear_error();
    return {error, std::move(why), {}};
}

}  // namespace

std::string summary_of(const X509* certificate) {
    return quoted(certificate) + ", issued by " + issuer_of(certificate) + ", good until " +
           date(X509_get0_notAfter(certificate));
}

PeerVerdict verify_peer(const Library& library, X509_STORE* store, X509* certificate, STACK_OF(X509) * others,
                        const PeerPolicy& policy) {
    if (others && sk_X509_num(others) > kMaxChain)  // others has the certificate itself too, or not
        return refused(X509_V_ERR_CERT_CHAIN_TOO_LONG, explain(X509_V_ERR_CERT_CHAIN_TOO_LONG, certificate));
    // Names are counted before any signature is checked.
    PeerVerdict verdict;
    if (!read_names(certificate, verdict.names, verdict.why))
        return refused(X509_V_ERR_INVALID_EXTENSION, quoted(certificate) + ": " + verdict.why);

    StoreContextPointer chain(X509_STORE_CTX_new_ex(library.get(), nullptr));
    if (!chain || !X509_STORE_CTX_init(chain.get(), store, certificate, others))
        return refused(X509_V_ERR_OUT_OF_MEM, "no memory to check it");
    X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(chain.get());
    X509_VERIFY_PARAM_set_time(parameters, policy.unix_seconds);
    X509_VERIFY_PARAM_set_depth(parameters, kMaxChain - 2);  // counts what lies between the leaf and the trusted one
    X509_VERIFY_PARAM_set_auth_level(parameters, kSecurityLevel);
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    X509_STORE_CTX_set_verify_cb(chain.get(), pass_missing_crls);
    if (X509_verify_cert(chain.get()) <= 0) {
        int error = X509_STORE_CTX_get_error(chain.get());
        if (error == X509_V_OK) error = X509_V_ERR_UNSPECIFIED;
        return refused(error, explain(error, X509_STORE_CTX_get_current_cert(chain.get())));
    }
    const STACK_OF(X509)* verified = X509_STORE_CTX_get0_chain(chain.get());
    for (int i = 1; i + 1 < sk_X509_num(verified); i++)
        if (X509_check_ca(sk_X509_value(verified, i)) != 1)
            return refused(X509_V_ERR_INVALID_CA, explain(X509_V_ERR_INVALID_CA, sk_X509_value(verified, i)));
    for (Purpose purpose : {policy.purpose, policy.partner.value_or(policy.purpose)})
        if (std::string problem = usage_problem(verified, purpose, policy.peer_is_server); !problem.empty())
            return refused(X509_V_ERR_INVALID_PURPOSE, problem);
    verdict.usages = read_usages(certificate);
    if (verdict.names.empty())
        return refused(X509_V_ERR_HOSTNAME_MISMATCH,
                       quoted(certificate) + " proves no domain: it needs a DNS name, or a sip URI without a user");
    return verdict;
}

void forget_peer_chain(SSL* ssl) {
    // The lists are OpenSSL's own; the certificates in them are counted references.
    for (STACK_OF(X509) * list : {SSL_get_peer_cert_chain(ssl), SSL_get0_verified_chain(ssl)})
        while (list && sk_X509_num(list) > 0) X509_free(sk_X509_pop(list));
    // A key of EC has the parameters of its curve with it. Setting the type, to whatever, takes the key away.
    X509* leaf = SSL_get0_peer_certificate(ssl);
    if (EVP_PKEY* key = leaf ? X509_get0_pubkey(leaf) : nullptr) EVP_PKEY_set_type(key, EVP_PKEY_get_base_id(key));
    ERR_clear_error();
}

}  // namespace fedge::tls
