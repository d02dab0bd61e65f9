// What one signalling core negotiates with: certificates, trust, tickets, parameters. Built on the management thread
// for the library of that core (it takes milliseconds), adopted by the core as a pointer. Sessions hold the one that
// they began with, so replacing it ends no connection.
//
// TLS 1.2 and 1.3; ECDHE with AEAD only; groups X25519, P-256, P-384; no compression, renegotiation, session cache or
// early data.
//
// OpenSSL reads the system clock itself for the age of sessions and tickets alone; certificate dates are checked
// against the time that the engine is given.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/tls/config.h"
#include "dataplane/tls/library.h"

namespace fedge::tls {

class Context {
  public:
    // Empty and `error` (a sentence) when OpenSSL does not accept what Config did.
    static std::shared_ptr<const Context> build(std::shared_ptr<const Library> library,
                                                std::shared_ptr<const Config> config, std::string& error);
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    const Config& config() const { return *config_; }
    const Library& library() const { return *library_; }
    X509_STORE* trust() const { return trust_.get(); }

    struct Choice {
        SSL_CTX* context = nullptr;  // nullptr: there is no certificate
        bool named = false;          // the certificate has that name
    };
    // For a client that asks for `sni` (in lower case; empty: for nothing): an exact name before a wildcard before the
    // first certificate.
    Choice server(std::string_view sni) const;
    // For connections that we begin, with the certificate of that name; empty: with the one that server() finds for
    // `own_name`, or without.
    SSL_CTX* client(std::string_view certificate, std::string_view own_name = {}) const;
    // The certificate of ours that `ssl` shows; nullptr: none.
    const OwnCertificate* shown(const SSL* ssl) const;

  private:
    Context() = default;

    // Certificates with the same names and keys of different types, between which the signature algorithms of the peer
    // decide.
    struct Group {
        std::vector<const OwnCertificate*> certificates;
        SslContextPointer server;
        SslContextPointer client;
    };
    struct Served {
        CertificatePointer leaf;
        const OwnCertificate* certificate;
    };
    const Group* group_for(std::string_view name, bool& named) const;
    bool add(const OwnCertificate& certificate, Group& group, std::string& error);
    SslContextPointer make(bool server, std::string& error) const;

    std::shared_ptr<const Library> library_;
    std::shared_ptr<const Config> config_;
    StorePointer trust_;
    std::vector<Group> groups_;
    std::vector<Served> served_;
    SslContextPointer anonymous_client_;
};

}  // namespace fedge::tls
