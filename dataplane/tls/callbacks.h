// What OpenSSL calls back, in one place: each finds its Session behind the SSL and hands over. Inside of the module
// only.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>

namespace fedge::tls {

class Session;

struct Callbacks {
    static Session* session(const SSL* ssl) { return static_cast<Session*>(SSL_get_app_data(ssl)); }

    static int peer_chain(X509_STORE_CTX* chain, void*);
    static int alpn(SSL* ssl, const uint8_t** out, uint8_t* out_size, const uint8_t* in, unsigned in_size, void*);
    static int server_name(SSL* ssl, int* alert, void*);
    static int ocsp(SSL* ssl, void*);
    static void message(int sent, int version, int type, const void* bytes, size_t size, SSL* ssl, void*);
    static void state(const SSL* ssl, int where, int value);
    // tickets.cpp
    static int ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                      int encrypt);
};

}  // namespace fedge::tls
