// The other side of a connection as OpenSSL alone plays it, over any tcp::Stream: to do what ours never does.
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "dataplane/tcp/stream.h"
#include "tests/support/certificates.h"

namespace fedge::test {

// A context of OpenSSL's defaults, with the authorities of `trust` (may be empty) and a certificate (may be null).
inline tls::SslContextPointer openssl_context(bool server, const std::string& trust = {},
                                              const TestCertificate* own = nullptr) {
    tls::SslContextPointer context(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
    SSL_CTX_set_security_level(context.get(), 0);
    if (own) {
        SSL_CTX_use_certificate(context.get(), own->get());
        SSL_CTX_use_PrivateKey(context.get(), own->key());
    }
    if (!trust.empty()) {
        tls::BioPointer bio(BIO_new_mem_buf(trust.data(), static_cast<int>(trust.size())));
        tls::CertificatePointer authority(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), authority.get());
        X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(context.get()), kTestTime);
    }
    return context;
}

class OpenSslPeer final : public tcp::StreamHandler {
  public:
    explicit OpenSslPeer(SSL_CTX* context, bool server = false) : ssl(SSL_new(context)) {
        in_ = BIO_new(BIO_s_mem());
        out_ = BIO_new(BIO_s_mem());
        SSL_set_bio(ssl.get(), in_, out_);
        if (server) {
            SSL_set_accept_state(ssl.get());
        } else {
            SSL_set_connect_state(ssl.get());
        }
    }

    tls::SslPointer ssl;
    tcp::Stream* stream = nullptr;
    std::optional<tcp::CloseReason> closed;
    bool established = false;
    bool failed = false;
    bool ended = false;  // close notification, or the end of the stream
    int alert = -1;      // fatal, received
    std::string received;
    unsigned long error = 0;  // of the handshake or of reading
    // Instead of writing to the stream: what leaves, cut as a test likes.
    std::function<void(Bytes)> send;

    void begin(tcp::Stream* on) { stream = on; }
    void on_open() override { pump(); }
    void on_readable() override { pump(); }
    void on_writable() override {}
    void on_closed(tcp::CloseReason reason) override {
        closed = reason;
        stream = nullptr;
    }

    void write(std::string_view text) {
        SSL_write(ssl.get(), text.data(), static_cast<int>(text.size()));
        flush();
    }
    void pump() {
        while (stream) {
            Bytes bytes = stream->peek();
            if (bytes.empty()) break;
            BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
            stream->consume(bytes.size());
        }
        if (stream && stream->at_end()) ended = true;
        if (failed) return;
        SSL_set_info_callback(ssl.get(), [](const SSL* s, int where, int value) {
            if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && (value & 0xff) != 0)
                static_cast<OpenSslPeer*>(SSL_get_app_data(s))->alert = value & 0xff;
        });
        SSL_set_app_data(ssl.get(), this);
        ERR_clear_error();
        if (!established) {
            int result = SSL_do_handshake(ssl.get());
            established = result == 1;
            note(result);
        }
        flush();
        if (established && !failed) {
            char buffer[4096];
            int n;
            while ((n = SSL_read(ssl.get(), buffer, sizeof(buffer))) > 0)
                received.append(buffer, static_cast<size_t>(n));
            if (SSL_get_error(ssl.get(), n) == SSL_ERROR_ZERO_RETURN) ended = true;
            note(n);
            flush();
        }
    }
    void flush() {
        char* bytes = nullptr;
        long size = BIO_get_mem_data(out_, &bytes);
        if (size <= 0 || !stream) return;
        Bytes all{reinterpret_cast<const uint8_t*>(bytes), static_cast<size_t>(size)};
        std::string copy(text_of(all));
        BIO_reset(out_);
        if (send) {
            send(bytes_of(copy));
        } else {
            stream->write(bytes_of(copy));
        }
    }

  private:
    void note(int result) {
        int what = SSL_get_error(ssl.get(), result);
        if (result > 0 || what == SSL_ERROR_WANT_READ || what == SSL_ERROR_ZERO_RETURN) return;
        failed = true;
        error = ERR_peek_error();
    }
    BIO* in_;
    BIO* out_;
};

}  // namespace fedge::test
