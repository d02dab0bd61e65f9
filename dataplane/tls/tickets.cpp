// Tickets (RFC 5077, RFC 8446 section 4.6.1) under keys that every core and every edge of a pool has from the snapshot.
#include <openssl/core_names.h>
#include <openssl/rand.h>

#include <cstring>

#include "dataplane/tls/callbacks.h"
#include "dataplane/tls/engine.h"

namespace fedge::tls {
namespace {

bool set_mac(EVP_MAC_CTX* mac, const TicketKey& key) {
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<uint8_t*>(key.mac.data()), key.mac.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
    return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

}  // namespace

// Returns as SSL_CTX_set_tlsext_ticket_key_evp_cb(3) demands: 0 = go on without, 1 = used, 2 = used and to be renewed.
int Callbacks::ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                      int encrypt) {
    Session& session = *Callbacks::session(ssl);
    const Context& context = *session.context_;
    const std::vector<TicketKey>& keys = context.config().ticket_keys;
    const EVP_CIPHER* aes = context.library().ticket_cipher();
    if (encrypt) {
        if (keys.empty()) return 0;
        const TicketKey& key = keys.front();
        std::memcpy(name, key.name.data(), key.name.size());
        int iv_size = EVP_CIPHER_get_iv_length(aes);
        if (RAND_bytes_ex(context.library().get(), iv, static_cast<size_t>(iv_size), 0) != 1) return -1;
        if (EVP_EncryptInit_ex2(cipher, aes, key.cipher.data(), iv, nullptr) != 1 || !set_mac(mac, key)) return -1;
        return 1;
    }
    for (const TicketKey& key : keys) {
        if (std::memcmp(name, key.name.data(), key.name.size()) != 0) continue;
        if (EVP_DecryptInit_ex2(cipher, aes, key.cipher.data(), iv, nullptr) != 1 || !set_mac(mac, key)) return -1;
        return &key == &keys.front() ? 1 : 2;
    }
    session.engine_.counters_.add(Counter::tls_tickets_refused);
    return 0;
}

}  // namespace fedge::tls
