// Authorities, certificates, OCSP responses and revocation lists of every kind that an operator may bring, made in the
// test.
#pragma once

#include <optional>
#include <string>

#include "control/certificates/openssl.h"

namespace fedge::control::test {

enum class TestKey { p256, p384, p521, p192, secp256k1, rsa1024, rsa2048, ed25519 };

struct Recipe {
    std::string subject = "edge.example.org";
    std::string names = "DNS:edge.example.org,DNS:example.org";  // empty: no alternative names
    std::string raw_dns;                                         // a dNSName with bytes that text cannot give
    TestKey key = TestKey::p256;
    const char* digest = "SHA256";
    int64_t begins_in = -3600;  // seconds from now
    int64_t ends_in = 90 * 86400;
    std::string purposes = "serverAuth";  // empty: no such extension
    std::string usage = "critical,digitalSignature";
    std::string constraints = "critical,CA:FALSE";
    std::string critical;  // OID of an extension that nobody knows
};

struct Made {
    X509Ptr certificate;
    KeyPtr key;

    std::string pem() const;
    std::string key_pem() const;
};

KeyPtr test_key(TestKey kind);
// Signed by `issuer`, or by itself.
Made make(const Recipe& recipe, const Made* issuer = nullptr);
Recipe authority(const std::string& name);

struct Answer {
    int status = V_OCSP_CERTSTATUS_GOOD;
    int64_t begins_in = -3600;
    int64_t ends_in = 7 * 86400;
    const char* id_digest = "SHA1";
};
std::string ocsp_der(const Answer& answer, const Made& about, const Made& issuer, const Made& signer);

struct List {
    int64_t begins_in = -3600;
    int64_t ends_in = 7 * 86400;
    bool delta = false;
    std::vector<const Made*> revoked = {};
};
CrlPtr crl(const List& list, const Made& issuer);

}  // namespace fedge::control::test
