// Certificates for tests, made as they are needed: good ones and every kind of bad one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/tls/library.h"

namespace fedge::test {

// When tests take place: 2026-01-01 00:00 UTC. Certificates are valid around it unless told otherwise. Tickets know
// only the machine's clock.
inline constexpr int64_t kTestTime = 1767225600;

struct CertificatePlan {
    std::string common_name = "test";
    std::vector<std::string> names;  // as openssl.cnf writes subjectAltName: "DNS:a.example", "URI:sip:a.example"
    std::string usage = "serverAuth,clientAuth";  // extendedKeyUsage; empty: none
    std::string key_usage;                        // keyUsage; empty: none
    std::string key = "P-256";                    // "P-256", "P-384", "RSA-2048", "RSA-1024", "ED25519"
    std::string digest = "SHA256";
    int64_t from = kTestTime - 86400;
    int64_t to = kTestTime + 365 * 86400;
    bool authority = false;
    int path_length = -1;            // of an authority; -1: any
    size_t padding = 0;              // bytes of an extension that means nothing
    std::string common_name_bytes;   // instead of common_name, NUL bytes and all
    std::vector<uint8_t> names_der;  // instead of names: the extension as it stands
};

// A certificate with its key; issues others if it is an authority.
class TestCertificate {
  public:
    static TestCertificate self_signed(const CertificatePlan& plan);
    TestCertificate issue(const CertificatePlan& plan) const;
    // Of this authority, with the serial numbers of `revoked`.
    std::string crl(const std::vector<const TestCertificate*>& revoked, int64_t from = kTestTime - 3600,
                    int64_t to = kTestTime + 7 * 86400) const;

    X509* get() const { return certificate_.get(); }
    EVP_PKEY* key() const { return key_.get(); }
    std::string pem() const;
    std::string key_pem() const;

  private:
    static TestCertificate make(const CertificatePlan& plan, const TestCertificate* issuer);
    tls::CertificatePointer certificate_;
    tls::KeyPointer key_;
};

// An authority named "Test Authority".
TestCertificate make_authority(const std::string& common_name = "Test Authority");
// subjectAltName in DER with these dNSNames, byte for byte.
std::vector<uint8_t> dns_names_der(const std::vector<std::string>& names);

}  // namespace fedge::test
