// One end of a SIP connection over TLS on a socket, for load generators: whole messages in, bytes out in large records.
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace fedge::perf {

struct SslFree {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

// Mutual TLS with the files named; throws std::runtime_error.
std::unique_ptr<SSL_CTX, SslFree> mutual_tls(const std::string& chain, const std::string& key,
                                             const std::string& trust);

class SipPeer {
  public:
    // Told of each message; what it adds to `out` is sent.
    using OnMessage = std::function<void(std::string& out, std::string_view header)>;

    // Takes the non-blocking socket. `server_name`: of the client side, empty on the server's.
    SipPeer(int socket, SSL_CTX* context, const std::string& server_name, OnMessage on_message);
    ~SipPeer();
    SipPeer(const SipPeer&) = delete;
    SipPeer& operator=(const SipPeer&) = delete;

    int socket() const { return socket_; }
    bool open() const { return open_; }
    bool heard() const { return heard_; }  // something came once it was open
    bool wants_write() const { return wants_write_; }
    // What leaves with the next run().
    std::string& out() { return out_; }
    // Handshake, reading, writing, as far as they go. Throws std::runtime_error when the connection is no more.
    void run();

  private:
    void read();
    void flush();

    int socket_;
    std::unique_ptr<SSL, SslFree> ssl_;
    OnMessage on_message_;
    bool open_ = false;
    bool heard_ = false;
    bool wants_write_ = false;
    std::string in_, out_;
};

}  // namespace fedge::perf
