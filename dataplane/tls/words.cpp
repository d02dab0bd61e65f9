#include "dataplane/tls/words.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace fedge::tls {
namespace {

std::string joined(const std::vector<std::string>& all) {
    std::string text;
    for (const std::string& one : all) {
        text += text.empty() ? "" : ", ";
        for (char c : one.substr(0, 32)) text += c > ' ' && c <= '~' ? c : '?';
    }
    return text.empty() ? "none" : text;
}

// What to do about an alert of the peer; RFC 8446 section 6.2.
const char* advice(int alert) {
    switch (alert) {
        case SSL_AD_HANDSHAKE_FAILURE:
            return "it shares no cipher, group or signature algorithm with us, or wants a certificate";
        case SSL_AD_BAD_CERTIFICATE:
        case SSL_AD_CERTIFICATE_UNKNOWN: return "it does not accept our certificate; see its log for the reason";
        case SSL_AD_UNSUPPORTED_CERTIFICATE:
            return "it does not accept the kind or purpose of our certificate: public authorities no longer issue "
                   "clientAuth, which it may demand";
        case SSL_AD_CERTIFICATE_REVOKED: return "our certificate was revoked";
        case SSL_AD_CERTIFICATE_EXPIRED: return "our certificate has expired, or its clock is wrong";
        case SSL_AD_UNKNOWN_CA:
            return "it does not trust the issuer of our certificate: check that our chain has all intermediates, or "
                   "let "
                   "it import our authority";
        case SSL_AD_ACCESS_DENIED: return "our certificate is good but it does not let us in";
        case SSL_AD_PROTOCOL_VERSION: return "it does not speak a version of TLS that we allow";
        case SSL_AD_INSUFFICIENT_SECURITY: return "it demands stronger ciphers";
        case SSL_AD_UNRECOGNIZED_NAME: return "it has no certificate for the name that we asked for";
        case SSL_AD_CERTIFICATE_REQUIRED: return "it demands a certificate and we showed none";
        case SSL_AD_NO_APPLICATION_PROTOCOL: return "it speaks none of the protocols that we offered (ALPN)";
        case SSL_AD_DECRYPT_ERROR:
        case SSL_AD_BAD_RECORD_MAC: return "what we sent was damaged on the way";
        default: return nullptr;
    }
}

std::string alert_text(int alert) {
    return "'" + std::string(SSL_alert_desc_string_long(alert)) + "' (" + std::to_string(alert) + ")";
}

// The reasons that have a better explanation than OpenSSL's own; empty: it has none.
std::string reason_text(int reason, const Failure& f) {
    switch (reason) {
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_VERSION_TOO_LOW:
        case SSL_R_WRONG_SSL_VERSION:
            return (f.server && f.highest_version ? "it offered at most " + version_name(f.highest_version)
                                                  : std::string("it chose a version that we do not allow")) +
                   ", and we speak " + (f.tls_1_2 ? "TLS 1.2 and 1.3" : "TLS 1.3 only (tls min_version)");
        case SSL_R_NO_SHARED_CIPHER:
            return "it offered no cipher that we allow for certificate '" + std::string(f.certificate) +
                   "': we need ECDHE with AES-GCM or ChaCha20-Poly1305 in TLS 1.2";
        case SSL_R_NO_SUITABLE_KEY_SHARE:
        case SSL_R_NO_SUITABLE_GROUPS: return "it offered none of our groups: X25519, P-256, P-384";
        case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
            return "it accepts no signature that our certificates can make: it may need an RSA beside an ECDSA "
                   "certificate, or the other way round";
        case SSL_R_NO_APPLICATION_PROTOCOL:
            return "it offered the protocols " + (f.peer_alpn ? joined(*f.peer_alpn) : "?") + " (ALPN), and here is " +
                   (f.own_alpn ? joined(*f.own_alpn) : "none");
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return "it showed no certificate, which is demanded here";
        case SSL_R_EXCESSIVE_MESSAGE_SIZE: return "a message, probably its list of certificates, was beyond 64 KiB";
        case SSL_R_UNEXPECTED_EOF_WHILE_READING:
            return f.finished ? "the connection ended without a close notification"
                              : "it ended the connection in the middle of the handshake";
        case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
            return "a record was damaged on the way, or the peer lost its keys";
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST: return f.server ? "what came is not TLS" : "it does not speak TLS on this port";
        case SSL_R_BAD_KEY_SHARE:
        case SSL_R_BAD_ECPOINT: return "its key share is not a point of the group that it named";
        case SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED:
            return "it does not support secure renegotiation (RFC 5746): it must be updated";
        default: return {};
    }
}

}  // namespace

bool alert_refuses_certificate(int alert) {
    switch (alert) {
        case SSL_AD_BAD_CERTIFICATE:
        case SSL_AD_UNSUPPORTED_CERTIFICATE:
        case SSL_AD_CERTIFICATE_REVOKED:
        case SSL_AD_CERTIFICATE_EXPIRED:
        case SSL_AD_CERTIFICATE_UNKNOWN:
        case SSL_AD_UNKNOWN_CA:
        case SSL_AD_ACCESS_DENIED:
        case SSL_AD_CERTIFICATE_REQUIRED: return true;
        default: return false;
    }
}

std::string alert_words(int alert) {
    return std::string(SSL_alert_desc_string_long(alert)) + " (" + std::to_string(alert) + ")";
}

std::string_view certificate_words(int error) {
    switch (error) {
        case X509_V_ERR_HOSTNAME_MISMATCH: return "proves another name";
        case X509_V_ERR_CERT_HAS_EXPIRED: return "has expired";
        case X509_V_ERR_CERT_NOT_YET_VALID: return "is not valid yet";
        case X509_V_ERR_CERT_REVOKED: return "was revoked";
        case X509_V_ERR_CRL_HAS_EXPIRED:
        case X509_V_ERR_CRL_NOT_YET_VALID:
        case X509_V_ERR_CRL_SIGNATURE_FAILURE: return "cannot be checked for revocation";
        case X509_V_ERR_INVALID_PURPOSE: return "is for another purpose";
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return "is of no trusted authority";
        default: return "is not good";
    }
}

std::string version_name(uint16_t version) {
    switch (version) {
        case 0x0300: return "SSL 3.0";
        case 0x0301: return "TLS 1.0";
        case 0x0302: return "TLS 1.1";
        case 0x0303: return "TLS 1.2";
        case 0x0304: return "TLS 1.3";
        default: return "version " + std::to_string(version >> 8) + "." + std::to_string(version & 255);
    }
}

std::string words_for(const Failure& f) {
    std::string who = f.finished ? "TLS connection"
                      : f.server ? "TLS handshake with client"
                                 : "TLS handshake with server";
    if (!f.sni.empty()) who += (f.server ? " that asked for " : " ") + std::string(f.sni);
    std::string what = f.finished ? " broke: " : " failed: ";
    if (!f.peer_why.empty()) return who + what + "its certificate was refused: " + std::string(f.peer_why);
    if (f.alert >= 0) {
        const char* todo = advice(f.alert);
        std::string certificate =
            f.certificate.empty() ? std::string() : "; our certificate is '" + std::string(f.certificate) + "'";
        return who + what + "the peer sent the alert " + alert_text(f.alert) + (todo ? std::string(": ") + todo : "") +
               certificate;
    }
    int reason = ERR_GET_REASON(f.openssl);
    std::string text = ERR_GET_LIB(f.openssl) == ERR_LIB_SSL ? reason_text(reason, f) : std::string();
    if (text.empty()) {
        const char* own = f.openssl ? ERR_reason_error_string(f.openssl) : nullptr;
        text = own ? std::string("OpenSSL says '") + own + "'" : "OpenSSL gives no reason";
    }
    return who + what + text;
}

}  // namespace fedge::tls
