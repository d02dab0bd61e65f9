// Why a handshake failed or a session broke, in one sentence that an operator can act on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fedge::tls {

struct Failure {
    bool server = true;            // our role
    bool finished = false;         // the handshake had been finished
    unsigned long openssl = 0;     // ERR_peek_error(); 0: none
    int alert = -1;                // received, fatal; -1: none
    std::string_view peer_why;     // why the peer's certificate was refused (a clause); empty: it was not
    std::string_view sni;          // asked for by or from the peer; empty: none
    uint16_t highest_version = 0;  // offered by a client; 0: unknown
    const std::vector<std::string>* peer_alpn = nullptr;
    const std::vector<std::string>* own_alpn = nullptr;
    std::string_view certificate;  // name of ours; empty: none
    bool tls_1_2 = true;           // whether we would do 1.2
};
std::string words_for(const Failure& failure);

// Whether the alert says that a certificate, which can only be ours, is not good enough (RFC 8446 section 6.2).
bool alert_refuses_certificate(int alert);
// A few words on an alert, and on an X509_V_ERR_* of the peer's certificate.
std::string alert_words(int alert);
std::string_view certificate_words(int error);

std::string version_name(uint16_t version);  // "TLS 1.3"

}  // namespace fedge::tls
