#include "dataplane/tls/context.h"

#include <openssl/err.h>

#include <algorithm>

#include "dataplane/tls/callbacks.h"

namespace fedge::tls {
namespace {

constexpr char kCiphers12[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kCiphers13[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr char kGroups[] = "X25519:P-256:P-384";
constexpr char kSignatures[] =
    "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ed25519:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
    "rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512";
constexpr int kSecurityLevel = 2;

}  // namespace

SslContextPointer Context::make(bool server, std::string& error) const {
    SslContextPointer context(
        SSL_CTX_new_ex(library_->get(), nullptr, server ? TLS_server_method() : TLS_client_method()));
    SSL_CTX* c = context.get();
    if (!c) {
        error = "TLS: " + last_openssl_error();
        return nullptr;
    }
    SSL_CTX_set_security_level(c, kSecurityLevel);
    bool good = SSL_CTX_set_min_proto_version(c, config_->allow_tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION) &&
                SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) && SSL_CTX_set_cipher_list(c, kCiphers12) &&
                SSL_CTX_set_ciphersuites(c, kCiphers13) && SSL_CTX_set1_groups_list(c, kGroups) &&
                SSL_CTX_set1_sigalgs_list(c, kSignatures);
    if (!good) {
        error = "TLS parameters: " + last_openssl_error();
        return nullptr;
    }
    SSL_CTX_clear_options(c, SSL_OP_LEGACY_SERVER_CONNECT);
    SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_PRIORITIZE_CHACHA);
    // Writes are retried by nobody (bio.h). Buffers of records are given back when they are empty.
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_clear_mode(c, SSL_MODE_AUTO_RETRY);  // records without data come back to us, to be counted
    SSL_CTX_set_read_ahead(c, 0);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(c, kMaxCertificateList);
    SSL_CTX_set_quiet_shutdown(c, 0);
    SSL_CTX_set_cert_verify_callback(c, Callbacks::peer_chain, nullptr);
    SSL_CTX_set_msg_callback(c, Callbacks::message);
    SSL_CTX_set_info_callback(c, Callbacks::state);
    if (!server) return context;

    SSL_CTX_set_max_early_data(c, 0);
    SSL_CTX_set_recv_max_early_data(c, 0);
    SSL_CTX_set_timeout(c, config_->ticket_lifetime_s);
    SSL_CTX_set_num_tickets(c, config_->ticket_keys.empty() ? 0 : 1);
    if (config_->ticket_keys.empty()) SSL_CTX_set_options(c, SSL_OP_NO_TICKET);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(c, Callbacks::ticket);
    SSL_CTX_set_alpn_select_cb(c, Callbacks::alpn, nullptr);
    // As the macros of ssl.h do it, with casts of C++.
    SSL_CTX_callback_ctrl(c, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, reinterpret_cast<void (*)()>(Callbacks::server_name));
    return context;
}

bool Context::add(const OwnCertificate& certificate, Group& group, std::string& error) {
    std::string why;
    std::vector<CertificatePointer> chain = library_->certificates(certificate.chain, why);
    KeyPointer key = library_->key(certificate.key, why);
    bool good = key && !chain.empty();
    for (SSL_CTX* c : {group.server.get(), group.client.get()}) {
        good = good && SSL_CTX_use_certificate(c, chain[0].get()) == 1 && SSL_CTX_use_PrivateKey(c, key.get()) == 1;
        for (size_t i = 1; good && i < chain.size(); i++) good = SSL_CTX_add1_chain_cert(c, chain[i].get()) == 1;
    }
    if (!good) {
        error = "tls certificate '" + certificate.name + "' " + (why.empty() ? last_openssl_error() : why);
        return false;
    }
    served_.push_back({std::move(chain[0]), &certificate});
    group.certificates.push_back(&certificate);
    return true;
}

std::shared_ptr<const Context> Context::build(std::shared_ptr<const Library> library,
                                              std::shared_ptr<const Config> config, std::string& error) {
    std::shared_ptr<Context> context(new Context);
    context->library_ = std::move(library);
    context->config_ = std::move(config);
    const Config& from = *context->config_;

    context->trust_.reset(X509_STORE_new());
    std::string why;
    for (const CertificatePointer& one : context->library_->certificates(from.trust, why))
        X509_STORE_add_cert(context->trust_.get(), one.get());
    for (const CrlPointer& one : context->library_->crls(from.crls, why))
        X509_STORE_add_crl(context->trust_.get(), one.get());
    if (!why.empty()) {
        error = "tls trust: " + why;
        return nullptr;
    }

    for (const OwnCertificate& certificate : from.certificates) {
        auto same = std::ranges::find_if(context->groups_, [&](const Group& group) {
            const OwnCertificate& first = *group.certificates.front();
            return first.dns_names == certificate.dns_names &&
                   std::ranges::none_of(group.certificates,
                                        [&](const OwnCertificate* c) { return c->key_type == certificate.key_type; });
        });
        if (same == context->groups_.end()) {
            Group group;
            group.server = context->make(true, error);
            group.client = context->make(false, error);
            if (!group.server || !group.client) return nullptr;
            same = context->groups_.insert(context->groups_.end(), std::move(group));
        }
        if (!context->add(certificate, *same, error)) return nullptr;
    }
    // Only now is it known which SSL_CTX has something to staple; the response of the certificate that is shown is
    // picked for each connection.
    for (Group& group : context->groups_)
        if (std::ranges::any_of(group.certificates, [](const OwnCertificate* c) { return !c->ocsp.empty(); }))
            SSL_CTX_callback_ctrl(group.server.get(), SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB,
                                  reinterpret_cast<void (*)()>(Callbacks::ocsp));
    context->anonymous_client_ = context->make(false, error);
    return context->anonymous_client_ ? context : nullptr;
}

const Context::Group* Context::group_for(std::string_view name, bool& named) const {
    named = true;
    const Group* wildcard = nullptr;
    for (const Group& group : groups_) {
        if (name.empty()) break;
        const std::vector<std::string>& names = group.certificates.front()->dns_names;
        if (std::binary_search(names.begin(), names.end(), name)) return &group;
        if (!wildcard && std::ranges::any_of(names, [&](const std::string& one) { return host_fits(one, name); }))
            wildcard = &group;
    }
    named = wildcard != nullptr;
    if (wildcard) return wildcard;
    return groups_.empty() ? nullptr : &groups_.front();
}

Context::Choice Context::server(std::string_view sni) const {
    bool named = false;
    const Group* group = group_for(sni, named);
    return group ? Choice{group->server.get(), named} : Choice{};
}

SSL_CTX* Context::client(std::string_view certificate, std::string_view own_name) const {
    bool named = false;
    if (groups_.empty()) return certificate.empty() ? anonymous_client_.get() : nullptr;
    if (certificate.empty()) return group_for(own_name, named)->client.get();
    for (const Group& group : groups_)
        for (const OwnCertificate* one : group.certificates)
            if (one->name == certificate) return group.client.get();
    return nullptr;
}

const OwnCertificate* Context::shown(const SSL* ssl) const {
    const X509* leaf = SSL_get_certificate(ssl);
    for (const Served& served : served_)
        if (served.leaf.get() == leaf) return served.certificate;
    return nullptr;
}

}  // namespace fedge::tls
