// One TLS connection: the handler of the stream below, and itself a stream for those above, with the meaning that
// tcp/stream.h gives to everything. What is particular:
//  * write() takes at least a little when nothing is held back, also when writable() is 0.
//  * at_end() is true after the peer's close notification. A stream below that ends without one has been cut off by
//    somebody: on_closed(broken), and nothing that arrived before is lost.
//  * shutdown(), close() and linger() send our close notification first.
//  * on_open() (client role) comes, and a server's Acceptor is called, when the handshake is finished.
//  * local() and remote() are those of the stream below, and so is info(), except for what is unread.
//
// Owned by the Engine. Like every stream it must not be used after on_closed(), close() or abort().
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/time.h"
#include "dataplane/tcp/stream.h"
#include "dataplane/tls/bio.h"
#include "dataplane/tls/context.h"
#include "dataplane/tls/names.h"
#include "dataplane/tls/peer.h"
#include "dataplane/tls/usages.h"

namespace fedge::tls {

// Whether the client has to show a certificate.
enum class PeerMode : uint8_t { none, required };

// What a listener offers. Lives as long as the listener; sessions keep a pointer until their handshake is over.
struct ServerOptions {
    std::vector<std::string> alpn;  // in order of preference; empty: ALPN is not answered
    PeerMode peer = PeerMode::none;
    std::string purpose = "fedge";  // a ticket of a listener of one purpose does not resume at another's
    std::string own_name;           // that who sends no SNI gets a certificate for, in lower case; empty: the first
};

// How to connect to a peer. Copied.
struct ClientOptions {
    std::string sni;                    // empty: none
    std::vector<std::string> alpn;      // offered
    std::string certificate;            // ours, by name; empty: one for ...
    std::string own_name;               // ... this name of ours, in lower case; if there is none, the first
    std::vector<std::string> expected;  // domains of which the certificate must prove one; empty: any that we trust
    Matching matching = Matching::host;
    std::optional<Purpose> purpose;  // of the partner; the configuration's holds as well
    bool note_peer = false;          // SessionInfo::peer_notes are wanted
};

// What a peer showed, whether it was accepted or not.
struct PeerNotes {
    PeerNames names;                 // of its certificate
    std::vector<std::string> chain;  // a line for each certificate that it sent, its own first
};

// Whose doing it was that a session came to nothing, or broke.
enum class Fault : uint8_t {
    none,
    not_reached,       // the stream below was not established
    peer_certificate,  // was refused by us
    own_certificate,   // was refused by the peer, whose alert says so; in TLS 1.3 after the handshake, as we see it
    negotiation,       // of anything else
    broken,            // once it was open
};

// What was negotiated, or why it failed.
struct SessionInfo {
    bool server = true;
    std::string version;  // "TLS 1.3"; empty while the handshake goes on
    std::string cipher;   // as IANA names it
    std::string group;    // "x25519"; empty when no keys were exchanged
    bool resumed = false;
    std::string sni;
    std::string alpn;                             // chosen; empty: none
    std::string certificate;                      // name of ours
    PeerNames peer_names;                         // proved by the peer's certificate
    Usages peer_usages;                           // what that certificate is for
    std::string error;                            // one sentence; empty: none
    Fault fault = Fault::none;                    // of which `error` tells
    int alert = -1;                               // that the peer ended it with
    int peer_error = 0;                           // X509_V_ERR_*, of Fault::peer_certificate
    bool reached = false;                         // client role: the stream below was established
    std::unique_ptr<const PeerNotes> peer_notes;  // if they were asked for, and a certificate came
};

class Engine;

class Session final : public tcp::Stream, public tcp::StreamHandler {
  public:
    const SessionInfo& negotiated() const { return info_; }
    bool handshaking() const { return state_ < State::open; }
    Instant started() const { return started_; }
    // To recognize it by; it may be gone.
    const tcp::Stream* below() const { return identity_; }

    Bytes peek() override;
    void consume(size_t n) override;
    size_t look(MutableBytes out) override;
    bool at_end() const override { return ended_ && !has_plain(); }
    size_t write(Bytes bytes) override;
    size_t writable() const override;
    void shutdown() override;
    void set_handler(tcp::StreamHandler& handler) override { above_ = &handler; }
    void close() override;
    void linger() override;
    void abort() override;
    Endpoint local() const override { return local_; }
    Endpoint remote() const override { return remote_; }
    tcp::StreamInfo info() const override;

    void on_open() override;
    void on_readable() override;
    void on_writable() override;
    void on_closed(tcp::CloseReason reason) override;
    void describe(tcp::StreamDetails& details) const override;

    ~Session() override;

  private:
    friend class Engine;
    friend struct Callbacks;
    enum class State : uint8_t {
        connecting,  // the stream below is not open yet
        hello,       // server: gathering the ClientHello
        negotiating,
        open,
        draining,  // closed by its user; our end has still to go, and unless it lingers, the peer's to come
        failed,    // whoever is above has still to be told
        gone,      // nobody is told anything any more; the engine frees it
    };
    enum class Got : uint8_t { bytes, nothing, end, failure };

    explicit Session(Engine& engine) : engine_(engine) {}

    // Handshake (handshake.cpp).
    void gather_hello();
    bool begin_server();
    bool begin_client();
    bool make_ssl(SSL_CTX* context);
    void negotiate();   // one step, which a turn of the engine grants
    void wants_step();  // in turn, or at once when it costs no public-key work
    void on_established();
    void note_negotiated();
    std::string resumed_peer_problem();
    void fail_handshake(const std::string& why);
    void blame(Fault otherwise);
    void refuse_hello(const char* why, int alert);
    void on_timeout();
    int on_peer_chain(X509_STORE_CTX* chain);
    void note_peer(X509_STORE_CTX* chain);
    int choose_alpn(const uint8_t** out, uint8_t* out_size, Bytes offered) const;
    int staple(SSL* ssl) const;
    void on_message(bool sent, int type, Bytes bytes);
    void on_alert(int level, int description);

    // Once it is open (session.cpp).
    // What its user said of it, for who asks after the user has closed.
    struct LastWords {
        std::string service;
        std::string why;
        uint64_t allocation;
    };

    Got decrypt(MutableBytes out, size_t& size);
    bool silent_too_often();
    void fill();     // decrypts the next record if there is none
    void deliver();  // tells what there is to tell
    void wake();     // a turn of the engine: what could not be told at once
    void broke();    // notes why, after Got::failure
    bool has_plain() const { return plain_used_ < plain_size_; }
    void drop_plain();
    size_t record_size();
    void begin_draining();
    void drain();
    void notify_end();                          // close notification, and the end below when nothing is held
    void tell_closed(tcp::CloseReason reason);  // and finish()
    enum class Ending : uint8_t { abort, close, linger };
    void end_below(Ending how);
    void finish(tcp::CloseReason reason);  // to State::gone
    std::string failure_words() const;

    Engine& engine_;
    tcp::StreamHandler* above_ = nullptr;
    tcp::Acceptor* acceptor_ = nullptr;  // server role, until it was called
    const ServerOptions* server_options_ = nullptr;
    std::unique_ptr<ClientOptions> client_options_;
    std::shared_ptr<const Context> context_;
    StreamLink link_;
    SslPointer ssl_;
    SessionInfo info_;
    std::unique_ptr<LastWords> last_words_;
    Endpoint local_;
    Endpoint remote_;
    const tcp::Stream* identity_ = nullptr;  // of the stream below, which may be gone
    Instant started_{};
    Instant wrote_{};         // last
    Instant silent_since_{};  // records without data are counted from then
    uint64_t queued_turn_ = 0;
    uint32_t index_ = 0;
    uint32_t burst_ = 0;                // bytes written since the last pause
    uint32_t records_ = 0;              // headers of records received
    uint32_t data_records_ = 0;         // that brought data
    uint32_t silent_before_ = 0;        // records without data until silent_since_
    std::unique_ptr<uint8_t[]> plain_;  // one record, decrypted
    uint32_t plain_size_ = 0;
    uint32_t plain_used_ = 0;
    std::vector<std::string> peer_alpn_;  // offered; during the handshake only
    std::string peer_why_;                // why its certificate was refused
    uint16_t highest_version_ = 0;        // offered
    int16_t alert_ = -1;                  // received, ends the connection
    tcp::CloseReason reason_ = tcp::CloseReason::broken;
    State state_ = State::hello;
    bool counted_ = false;        // among the handshakes in progress
    bool queued_ = false;         // for a step
    bool waking_ = false;         // in the engine's list
    bool named_ = false;          // the client's SNI is a name of the certificate
    bool finished_sent_ = false;  // of the handshake
    bool asked_ = false;          // the server wants our certificate
    bool hungry_ = false;         // the user took what there was and has not seen that there is no more
    bool blocked_ = false;        // a write took less than all
    bool below_closed_ = false;   // in order, and the user has still to read
    bool ended_ = false;          // close notification received
    bool end_told_ = false;
    bool shut_ = false;           // our close notification is sent, or due
    bool lingers_ = false;        // while draining: see linger()
    bool fin_due_ = false;        // the stream below is ended as soon as nothing is held
    bool renegotiation_ = false;  // the peer tried
};

}  // namespace fedge::tls
