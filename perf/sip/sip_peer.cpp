#include "perf/sip/sip_peer.h"

#include <openssl/err.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "perf/sip/traffic.h"

namespace fedge::perf {
namespace {

constexpr size_t kRecord = 16 * 1024;

[[noreturn]] void fail(const std::string& what) {
    int number = errno;
    char text[256] = "";
    if (unsigned long error = ERR_get_error()) ERR_error_string_n(error, text, sizeof(text));
    throw std::runtime_error(what + ": " + (*text ? text : number ? std::strerror(number) : "the far end closed it"));
}

}  // namespace

std::unique_ptr<SSL_CTX, SslFree> mutual_tls(const std::string& chain, const std::string& key,
                                             const std::string& trust) {
    std::unique_ptr<SSL_CTX, SslFree> context(SSL_CTX_new(TLS_method()));
    if (!context || SSL_CTX_use_certificate_chain_file(context.get(), chain.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_load_verify_locations(context.get(), trust.c_str(), nullptr) != 1)
        fail("certificates");
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_mode(context.get(),
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    return context;
}

SipPeer::SipPeer(int socket, SSL_CTX* context, const std::string& server_name, OnMessage on_message)
    : socket_(socket), ssl_(SSL_new(context)), on_message_(std::move(on_message)) {
    SSL_set_fd(ssl_.get(), socket);
    if (server_name.empty()) {
        SSL_set_accept_state(ssl_.get());
    } else {
        SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 const_cast<char*>(server_name.c_str()));  // as SSL_set_tlsext_host_name(), without its cast
        SSL_set_connect_state(ssl_.get());
    }
}

SipPeer::~SipPeer() {
    ::close(socket_);
}

void SipPeer::run() {
    wants_write_ = false;
    if (!open_) {
        ERR_clear_error();
        errno = 0;
        int done = SSL_do_handshake(ssl_.get());
        if (done != 1) {
            int error = SSL_get_error(ssl_.get(), done);
            wants_write_ = error == SSL_ERROR_WANT_WRITE;
            if (error != SSL_ERROR_WANT_READ && !wants_write_) fail("TLS handshake");
            return;
        }
        open_ = true;
    }
    read();
    flush();
}

void SipPeer::read() {
    static std::array<char, kRecord> record;  // one for all, as there may be very many of us
    for (;;) {
        ERR_clear_error();
        int got = SSL_read(ssl_.get(), record.data(), kRecord);
        if (got > 0) {
            heard_ = true;
            in_.append(record.data(), static_cast<size_t>(got));
            continue;
        }
        int error = SSL_get_error(ssl_.get(), got);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) fail("reading");
        return take_messages(in_, [this](std::string_view header) { on_message_(out_, header); });
    }
}

void SipPeer::flush() {
    size_t sent = 0;
    while (sent < out_.size()) {
        ERR_clear_error();
        int n = SSL_write(ssl_.get(), out_.data() + sent, static_cast<int>(std::min(out_.size() - sent, kRecord)));
        if (n <= 0) {
            int error = SSL_get_error(ssl_.get(), n);
            wants_write_ = error == SSL_ERROR_WANT_WRITE;
            if (error != SSL_ERROR_WANT_READ && !wants_write_) fail("writing");
            break;
        }
        sent += static_cast<size_t>(n);
    }
    out_.erase(0, sent);
}

}  // namespace fedge::perf
