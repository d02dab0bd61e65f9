#include "control/certificates/check.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <ctime>

#include "control/certificates/facts.h"

namespace fedge::control {
namespace {

using StoreContext = std::unique_ptr<X509_STORE_CTX, OpenSslDeleter<X509_STORE_CTX_free>>;

constexpr int kLeastRsaBits = 2048;
constexpr int kLeastCurveBits = 256;
constexpr size_t kMaxNames = 250;  // a ClientHello's answer with more does not fit what small peers buffer

std::string subject(X509& certificate) {
    return name_text(X509_get_subject_name(&certificate));
}

std::string issuer(X509& certificate) {
    return name_text(X509_get_issuer_name(&certificate));
}

// The curves of RFC 8446 section 9.1 that certificates use; the dataplane serves no others.
bool usual_curve(EVP_PKEY& key) {
    char group[64] = "";
    if (EVP_PKEY_get_group_name(&key, group, sizeof(group), nullptr) != 1) return false;
    int curve = OBJ_txt2nid(group);
    return curve == NID_X9_62_prime256v1 || curve == NID_secp384r1;
}

class Check {
  public:
    Check(const CertificateList& chain, EVP_PKEY& key, const ImportTerms& terms)
        : chain_(chain), leaf_(*chain.front()), key_(key), terms_(terms) {}

    ImportCheck run() {
        check_key();
        bool in_order = check_order();
        for (const auto& certificate : chain_) {
            check_dates(*certificate);
            if (certificate != chain_.front() && self_issued(*certificate)) continue;  // a root is trusted as it is
            check_strength(*certificate);
        }
        check_names();
        check_purpose();
        // Reasons with better words were given above; only a chain that is fine otherwise is worth the judge's own.
        if (in_order && out_.errors.empty()) check_chain();
        return std::move(out_);
    }

  private:
    void refuse(const char* field, std::string what, std::string fix) {
        out_.errors.push_back({field, std::move(what), std::move(fix)});
    }
    void note(std::string what, std::string fix) { out_.notes.push_back({"", std::move(what), std::move(fix)}); }

    bool fits(X509& certificate) {
        bool same = X509_check_private_key(&certificate, &key_) == 1;
        ERR_clear_error();
        return same;
    }

    void check_key() {
        if (fits(leaf_)) return;
        auto other = std::find_if(chain_.begin(), chain_.end(), [&](const X509Ptr& c) { return fits(*c); });
        if (other == chain_.end()) {
            refuse("key", "the private key does not belong to the certificate " + subject(leaf_),
                   "give the key with which that certificate was requested");
        } else {
            refuse("chain",
                   "the certificate of the key is number " + std::to_string(other - chain_.begin() + 1) +
                       " in the file; partners take the first for ours",
                   "put the certificate of the edge first, then each issuer behind what it issued");
        }
    }

    // Each certificate is issued by the next.
    bool check_order() {
        for (size_t i = 0; i + 1 < chain_.size(); i++) {
            if (X509_check_issued(chain_[i + 1].get(), chain_[i].get()) == X509_V_OK) continue;
            ERR_clear_error();
            bool elsewhere = std::any_of(chain_.begin(), chain_.end(), [&](const X509Ptr& c) {
                return c != chain_[i] && X509_check_issued(c.get(), chain_[i].get()) == X509_V_OK;
            });
            if (elsewhere) {
                refuse("chain",
                       "the certificates are in the wrong order: the issuer of " + subject(*chain_[i]) +
                           " does not follow it",
                       "put the certificate of the edge first, then each issuer behind what it issued");
            } else {
                refuse(
                    "chain",
                    subject(*chain_[i + 1]) + " does not belong to the chain: it has not issued " + subject(*chain_[i]),
                    "take it out, and put the certificate of " + issuer(*chain_[i]) + " there if it is missing");
            }
            return false;
        }
        return true;
    }

    void check_dates(X509& certificate) {
        int64_t begin = unix_time(X509_get0_notBefore(&certificate));
        int64_t end = unix_time(X509_get0_notAfter(&certificate));
        if (end <= terms_.now) {
            refuse("chain", subject(certificate) + " expired at " + time_text(end),
                   &certificate == &leaf_ ? "renew it with your authority" : "get the present chain of your authority");
        } else if (begin > terms_.now) {
            refuse("chain", subject(certificate) + " is not valid before " + time_text(begin),
                   "wait until then, or correct the clock of this machine (" + time_text(terms_.now) + ")");
        } else if (end - terms_.now < kExpiryWarning) {
            note(subject(certificate) + " ends in " + std::to_string((end - terms_.now) / kDay) + " days, at " +
                     time_text(end),
                 "renew it with your authority");
        }
    }

    void check_strength(X509& certificate) {
        const char* renew = "have it issued anew by an authority that follows today's rules";
        int digest = NID_undef;
        if (X509_get_signature_info(&certificate, &digest, nullptr, nullptr, nullptr) == 1 &&
            (digest == NID_sha1 || digest == NID_md5 || digest == NID_md4 || digest == NID_md2)) {
            refuse("chain", subject(certificate) + " is signed with " + OBJ_nid2sn(digest) + ", which can be forged",
                   renew);
        }
        ERR_clear_error();
        EVP_PKEY* key = X509_get0_pubkey(&certificate);
        int kind = key ? EVP_PKEY_get_base_id(key) : NID_undef;
        if (kind == EVP_PKEY_RSA) {
            if (EVP_PKEY_get_bits(key) < kLeastRsaBits) {
                refuse("chain",
                       subject(certificate) + " has an RSA key of " + std::to_string(EVP_PKEY_get_bits(key)) +
                           " bits; partners demand " + std::to_string(kLeastRsaBits),
                       "make a key of 2048 bits or more, or one of ECDSA P-256, and have it certified");
            }
        } else if (kind == EVP_PKEY_EC) {
            if (&certificate == &leaf_ && !usual_curve(*key)) {
                refuse("chain", subject(certificate) + " has an ECDSA key that is neither P-256 nor P-384",
                       "make a key of ECDSA P-256 and have it certified");
            } else if (EVP_PKEY_get_bits(key) < kLeastCurveBits) {
                refuse("chain",
                       subject(certificate) + " has an ECDSA key of " + std::to_string(EVP_PKEY_get_bits(key)) +
                           " bits; partners demand " + std::to_string(kLeastCurveBits),
                       "make a key of ECDSA P-256 and have it certified");
            }
        } else {
            refuse("chain", subject(certificate) + " has a key that is neither RSA nor ECDSA; few partners know others",
                   "make a key of ECDSA P-256 or RSA 2048 and have it certified");
        }
    }

    void check_names() {
        if (!has_alternative_names(leaf_)) {
            return refuse("chain",
                          "the name stands in the subject alone (" + subject(leaf_) +
                              "); partners look at the subject alternative names only",
                          "have it issued with every name of the edge as DNS alternative name");
        }
        size_t count = facts_of(leaf_).names.size();
        if (count > kMaxNames) {
            return refuse("chain", "it has " + std::to_string(count) + " names, which no partner needs to read",
                          "spread them over several certificates of at most " + std::to_string(kMaxNames) + " names");
        }
        auto names = dns_names(leaf_);
        if (names.empty())
            note("it proves no DNS name, so partners that connect by name will refuse it", "add DNS alternative names");
        for (const auto& name : names) {
            if (!name) {
                refuse("chain", "one of its DNS names has characters that no DNS name has",
                       "have it issued with names in ASCII (A-labels)");
            } else if (name->find('*') != std::string::npos && terms_.external) {
                refuse("chain", "it has the wildcard name " + *name + ", which SIP partners never accept (RFC 5922)",
                       "have it issued with each name of the edge, or serve TLS on internal interfaces only");
            }
        }
        note_missing_domain(names);
    }

    // sip.example.org proves the edge to SIP partners; XMPP partners ask for example.org.
    void note_missing_domain(const std::vector<std::optional<std::string>>& names) {
        std::string host;
        for (const auto& name : names) {
            if (!name || name->find('*') != std::string::npos) continue;
            if (std::count(name->begin(), name->end(), '.') < 2) return;
            std::string parent = name->substr(name->find('.') + 1);
            if (std::find(names.begin(), names.end(), std::optional(parent)) != names.end()) return;
            if (host.empty()) host = *name;
        }
        if (host.empty()) return;
        note("it proves hosts such as " + host + " but no bare domain: XMPP partners will not accept it for user@" +
                 host.substr(host.find('.') + 1),
             "if you federate by XMPP, have the bare domain added");
    }

    void check_purpose() {
        if (X509_check_ca(&leaf_) > 0) {
            refuse("chain", subject(leaf_) + " is the certificate of an authority, not of a server",
                   "put the certificate of the edge first");
        }
        if (!(X509_get_key_usage(&leaf_) & KU_DIGITAL_SIGNATURE)) {
            refuse("chain", "its key usage has no digitalSignature, which every TLS 1.3 handshake needs",
                   "have it issued for a TLS server");
        }
        if (!serves(leaf_, NID_server_auth)) {
            refuse("chain", "its extended key usage has no serverAuth, so clients and partners refuse it",
                   "have it issued for a TLS server");
        }
        if (!serves(leaf_, NID_client_auth)) {
            note(
                "its extended key usage has no clientAuth, as with all that public authorities issue since 2026: "
                "partners that check the purpose of those that connect to them will refuse us",
                "such partners must accept serverAuth (at a fedge: tls.peer-purpose server-or-client)");
        }
    }

    // OpenSSL's judgement: signatures, basic constraints, path lengths, name constraints, unknown critical extensions.
    void check_chain() {
        StoreContext context(X509_STORE_CTX_new());
        STACK_OF(X509)* others = sk_X509_new_null();
        for (size_t i = 1; i < chain_.size(); i++) sk_X509_push(others, chain_[i].get());
        bool ready = context && X509_STORE_CTX_init(context.get(), terms_.roots, &leaf_, others) == 1;
        bool good = ready && X509_verify_cert(context.get()) == 1;
        int error = ready ? X509_STORE_CTX_get_error(context.get()) : X509_V_ERR_OUT_OF_MEM;
        X509* at = ready ? X509_STORE_CTX_get_current_cert(context.get()) : nullptr;
        if (!good) explain(error, at ? *at : leaf_);
        if (good && chain_.size() > 1 && self_issued(*chain_.back()))
            note("the root is in the file; partners have it already", "leave it out and save a round trip");
        context.reset();
        sk_X509_free(others);
        ERR_clear_error();
    }

    void explain(int error, X509& at) {
        switch (error) {
            case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
                return refuse("chain", "it is self-signed, so nobody but us trusts it",
                              "have it issued by an authority, or in a lab use fedge cert generate");
            case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
            case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
            case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
                return refuse("chain",
                              "the chain does not lead to a root: " + issuer(at) + ", which issued " + subject(at) +
                                  ", is neither in the file nor among the authorities here",
                              "append the intermediate certificates of your authority, each behind what it issued; if "
                              "the authority is your own, give its root with --ca FILE");
            case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
                return refuse("chain", "the root of the chain, " + subject(at) + ", is not among the authorities here",
                              "if the authority is your own, give its root with --ca FILE");
            case X509_V_ERR_CERT_SIGNATURE_FAILURE:
                return refuse("chain",
                              "the signature on " + subject(at) + " is wrong: " + issuer(at) +
                                  " in the file is of that name, but has not issued it",
                              "get the present chain of your authority");
            default:
                return refuse("chain", subject(at) + ": " + X509_verify_cert_error_string(error),
                              "ask your authority; partners will say the same");
        }
    }

    const CertificateList& chain_;
    X509& leaf_;
    EVP_PKEY& key_;
    const ImportTerms& terms_;
    ImportCheck out_;
};

}  // namespace

StorePtr store_of(const CertificateList& authorities, int64_t now) {
    StorePtr store(X509_STORE_new());
    if (!store) fail_openssl("a certificate store");
    for (const auto& authority : authorities) X509_STORE_add_cert(store.get(), authority.get());
    X509_VERIFY_PARAM* terms = X509_STORE_get0_param(store.get());
    X509_VERIFY_PARAM_set_time(terms, now);
    X509_VERIFY_PARAM_set_purpose(terms, X509_PURPOSE_SSL_SERVER);
    ERR_clear_error();
    return store;
}

ImportCheck check_import(const CertificateList& chain, EVP_PKEY& key, const ImportTerms& terms) {
    return Check(chain, key, terms).run();
}

CertificateList verified_chain(const CertificateList& chain, X509_STORE* roots) {
    StoreContext context(X509_STORE_CTX_new());
    STACK_OF(X509)* others = sk_X509_new_null();
    for (size_t i = 1; i < chain.size(); i++) sk_X509_push(others, chain[i].get());
    CertificateList out;
    if (context && X509_STORE_CTX_init(context.get(), roots, chain.front().get(), others) == 1 &&
        X509_verify_cert(context.get()) == 1) {
        STACK_OF(X509)* whole = X509_STORE_CTX_get1_chain(context.get());
        while (sk_X509_num(whole) > 0) out.emplace_back(sk_X509_shift(whole));
        sk_X509_free(whole);
    }
    context.reset();
    sk_X509_free(others);
    ERR_clear_error();
    return out;
}

std::vector<Problem> check_authority(X509& certificate, int64_t now) {
    std::vector<Problem> out;
    std::string name = subject(certificate);
    if (X509_check_ca(&certificate) != 1) {
        out.push_back({"certificate", name + " is not the certificate of an authority",
                       "give the root of the authority, not a certificate that it issued"});
    } else if (!self_issued(certificate)) {
        out.push_back({"certificate", name + " is an intermediate, issued by " + issuer(certificate),
                       "give the root; partners send the intermediates themselves"});
    }
    int64_t end = unix_time(X509_get0_notAfter(&certificate));
    if (end <= now) {
        out.push_back({"certificate", name + " expired at " + time_text(end), "get the present root of the authority"});
    }
    return out;
}

bool has_wildcard(X509& certificate) {
    auto names = dns_names(certificate);
    return std::any_of(names.begin(), names.end(),
                       [](const auto& name) { return name && name->find('*') != std::string::npos; });
}

std::string time_text(int64_t unix_seconds) {
    std::time_t seconds = unix_seconds;
    std::tm parts{};
    char text[32];
    if (!gmtime_r(&seconds, &parts) || std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%SZ", &parts) == 0) return "?";
    return text;
}

}  // namespace fedge::control
