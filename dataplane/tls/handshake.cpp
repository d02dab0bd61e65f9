#include <openssl/err.h>
#include <openssl/sha.h>

#include <algorithm>

#include "dataplane/tls/callbacks.h"
#include "dataplane/tls/client_hello.h"
#include "dataplane/tls/engine.h"
#include "dataplane/tls/words.h"

namespace fedge::tls {
namespace {

constexpr uint32_t kMaxHandshakeRecords = 256;  // received in one handshake
constexpr uint8_t kHandshakeRecord = 22;
constexpr uint8_t kCertificateRequest = 13;
constexpr uint8_t kFinished = 20;

// What a ticket is bound to (threats: "session ticket of another listener").
std::array<uint8_t, 32> session_context(const ServerOptions& options, const Config& config) {
    std::string all = options.purpose + '\0';
    if (options.peer == PeerMode::required)
        all.append(reinterpret_cast<const char*>(config.trust_digest.data()), config.trust_digest.size());
    std::array<uint8_t, 32> digest;
    SHA256(reinterpret_cast<const uint8_t*>(all.data()), all.size(), digest.data());
    return digest;
}

// SSL_set_tlsext_host_name with casts of C++.
bool set_host_name(SSL* ssl, std::string& host) {
    return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data()) == 1;
}

}  // namespace

// --- server: before OpenSSL

void Session::gather_hello() {
    std::vector<uint8_t>& gathered = link_.gathered();
    while (true) {
        HelloProgress progress = scan_hello(gathered);
        if (progress.state == HelloState::foreign) return refuse_hello(progress.why, -1);
        if (progress.state == HelloState::refused) return refuse_hello(progress.why, SSL_AD_ILLEGAL_PARAMETER);
        if (progress.state == HelloState::complete) break;
        Bytes next = link_.below()->peek();
        if (next.empty()) {
            if (link_.below()->at_end())
                refuse_hello("it ended the connection before its ClientHello was complete", -1);
            return;
        }
        size_t n = std::min(next.size(), kMaxHelloBytes - gathered.size());
        if (n == 0) return refuse_hello("its ClientHello is larger than 16 KiB", SSL_AD_ILLEGAL_PARAMETER);
        gathered.insert(gathered.end(), next.begin(), next.begin() + static_cast<std::ptrdiff_t>(n));
        link_.below()->consume(n);
    }
    ClientHello hello;
    if (!parse_hello(gathered, hello)) return refuse_hello("its ClientHello is malformed", SSL_AD_DECODE_ERROR);
    info_.sni = std::move(hello.sni);
    peer_alpn_ = std::move(hello.alpn);
    highest_version_ = hello.highest_version;
    if (!begin_server()) return fail_handshake("TLS handshake with client failed: no memory");
    engine_.want_step(*this);
}

void Session::refuse_hello(const char* why, int alert) {
    engine_.counters_.add(Counter::tls_hello_refused);
    info_.error = std::string("TLS handshake with client refused: ") + why;
    if (alert >= 0) {
        const uint8_t record[] = {21, 3, 1, 0, 2, SSL3_AL_FATAL, static_cast<uint8_t>(alert)};
        link_.below()->write(record);
    }
    tell_closed(tcp::CloseReason::broken);
}

// --- both roles

bool Session::make_ssl(SSL_CTX* context) {
    ssl_.reset(SSL_new(context));
    BIO* bio = ssl_ ? link_.make_bio() : nullptr;
    if (!bio) return false;
    SSL_set_bio(ssl_.get(), bio, bio);  // takes it over
    SSL_set_app_data(ssl_.get(), this);
    return true;
}

bool Session::begin_server() {
    Context::Choice choice = context_->server(info_.sni.empty() ? server_options_->own_name : info_.sni);
    named_ = choice.named && !info_.sni.empty();
    if (!make_ssl(choice.context)) return false;
    SSL* ssl = ssl_.get();
    SSL_set_accept_state(ssl);
    std::array<uint8_t, 32> bound = session_context(*server_options_, context_->config());
    SSL_set_session_id_context(ssl, bound.data(), bound.size());
    if (server_options_->peer == PeerMode::required)
        SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    state_ = State::negotiating;
    return true;
}

bool Session::begin_client() {
    ClientOptions& options = *client_options_;
    if (!make_ssl(context_->client(options.certificate, options.own_name))) return false;
    SSL* ssl = ssl_.get();
    SSL_set_connect_state(ssl);
    SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
    if (!options.sni.empty() && !set_host_name(ssl, options.sni)) return false;
    std::vector<uint8_t> protocols;
    for (const std::string& one : options.alpn) {
        protocols.push_back(static_cast<uint8_t>(one.size()));
        protocols.insert(protocols.end(), one.begin(), one.end());
    }
    if (!protocols.empty() && SSL_set_alpn_protos(ssl, protocols.data(), static_cast<unsigned>(protocols.size())) != 0)
        return false;
    state_ = State::negotiating;
    engine_.want_step(*this);
    return true;
}

void Session::wants_step() {
    // After our Finished a server waits for the client's alone: no more than a MAC to check.
    if (info_.server && finished_sent_ && server_options_->peer == PeerMode::none) return negotiate();
    engine_.want_step(*this);
}

void Session::negotiate() {
    ERR_clear_error();
    int result = SSL_do_handshake(ssl_.get());
    if (result == 1) return on_established();
    if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) {
        if (records_ <= kMaxHandshakeRecords) return;
        engine_.counters_.add(Counter::tls_records_limit);
        return fail_handshake("TLS handshake failed: the peer cut it into more than 256 records");
    }
    if (!peer_why_.empty()) engine_.counters_.add(Counter::tls_peer_refused);
    if (alert_ >= 0) engine_.counters_.add(Counter::tls_alerts_received);
    fail_handshake(failure_words());
}

void Session::note_negotiated() {
    SSL* ssl = ssl_.get();
    info_.version = version_name(static_cast<uint16_t>(SSL_version(ssl)));
    if (const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl)) info_.cipher = SSL_CIPHER_standard_name(cipher);
    info_.resumed = SSL_session_reused(ssl) == 1;
    bool exchanged = !info_.resumed || SSL_version(ssl) == TLS1_3_VERSION;
    if (exchanged)
        if (const char* group = SSL_group_to_name(ssl, static_cast<int>(SSL_get_negotiated_group(ssl))))
            info_.group = group;
    const uint8_t* alpn = nullptr;
    unsigned alpn_size = 0;
    SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
    if (alpn_size > 0) info_.alpn = text_of({alpn, alpn_size});
    const OwnCertificate* shown = context_->shown(ssl);
    if (shown && (info_.server ? !info_.resumed : asked_)) info_.certificate = shown->name;
}

// The chain of a resumed session was checked when the session was made; tickets are bound to the same trust. Its dates
// and names are looked at again.
std::string Session::resumed_peer_problem() {
    if (!info_.resumed || !server_options_ || server_options_->peer == PeerMode::none) return {};
    X509* certificate = SSL_get0_peer_certificate(ssl_.get());
    if (!certificate) return "its session has no certificate";
    time_t now = engine_.unix_seconds_;
    if (X509_cmp_time(X509_get0_notAfter(certificate), &now) < 0)
        return "'" + subject_of(certificate) + "' has expired since the session was made";
    info_.peer_usages = read_usages(certificate);
    std::string why;
    return read_names(certificate, info_.peer_names, why) ? std::string() : why;
}

void Session::on_established() {
    note_negotiated();
    if (std::string problem = resumed_peer_problem(); !problem.empty()) {
        peer_why_ = problem;
        info_.peer_error = X509_V_ERR_CERT_HAS_EXPIRED;
        engine_.counters_.add(Counter::tls_peer_refused);
        return fail_handshake(failure_words());
    }
    engine_.end_handshake(*this);
    engine_.counters_.add(info_.server ? Counter::tls_accepted : Counter::tls_connected);
    if (info_.resumed) engine_.counters_.add(Counter::tls_resumed);
    state_ = State::open;
    silent_since_ = engine_.now_;
    silent_before_ = records_;
    // What only the handshake needed.
    forget_peer_chain(ssl_.get());
    context_.reset();
    client_options_.reset();
    peer_alpn_ = {};
    server_options_ = nullptr;
    if (info_.server) {
        tcp::StreamHandler* user = acceptor_->on_accept(*this);
        if (state_ == State::gone || state_ == State::draining) return;
        if (!user) return abort();
        above_ = user;
    } else {
        above_->on_open();
    }
    if (state_ == State::open && shut_ && !info_.server) notify_end();
    deliver();
}

void Session::fail_handshake(const std::string& why) {
    engine_.counters_.add(Counter::tls_handshake_failed);
    info_.error = why;
    blame(Fault::negotiation);
    ERR_clear_error();
    tell_closed(tcp::CloseReason::broken);
}

void Session::on_timeout() {
    if (state_ == State::draining) {
        end_below(link_.holds() ? Ending::abort : Ending::close);
        return finish(tcp::CloseReason::finished);
    }
    if (!handshaking()) return;
    engine_.counters_.add(Counter::tls_handshake_timeout);
    auto seconds = duration_cast<std::chrono::seconds>(context_->config().handshake_timeout).count();
    info_.error = std::string("TLS handshake with ") + (info_.server ? "client" : "server") + " not finished within " +
                  std::to_string(seconds) + " s";
    if (state_ == State::hello)
        info_.error += ": " + std::to_string(link_.gathered().size()) + " bytes of a ClientHello came";
    blame(info_.server || info_.reached ? Fault::negotiation : Fault::not_reached);
    tcp::StreamHandler* above = above_;
    end_below(Ending::abort);
    finish(tcp::CloseReason::timed_out);
    if (above) above->on_closed(tcp::CloseReason::timed_out);
}

// --- what OpenSSL asks

int Session::on_peer_chain(X509_STORE_CTX* chain) {
    PeerPolicy policy{context_->config().purpose, !info_.server, engine_.unix_seconds_,
                      client_options_ ? client_options_->purpose : std::nullopt};
    X509* certificate = X509_STORE_CTX_get0_cert(chain);
    if (client_options_ && client_options_->note_peer) note_peer(chain);
    PeerVerdict verdict =
        verify_peer(context_->library(), context_->trust(), certificate, X509_STORE_CTX_get0_untrusted(chain), policy);
    if (verdict.error == X509_V_OK && client_options_ && !client_options_->expected.empty()) {
        const ClientOptions& options = *client_options_;
        bool proved = std::ranges::any_of(options.expected, [&](const std::string& domain) {
            return proves(verdict.names, domain, options.matching);
        });
        if (!proved) {
            verdict.error = X509_V_ERR_HOSTNAME_MISMATCH;
            verdict.why = "it proves";
            for (size_t i = 0; i < std::min<size_t>(verdict.names.size(), 4); i++)
                verdict.why += (i ? ", " : " ") + verdict.names[i].text();
            if (verdict.names.size() > 4) verdict.why += " and " + std::to_string(verdict.names.size() - 4) + " more";
            for (size_t i = 0; i < options.expected.size(); i++)
                verdict.why += (i ? " or " : ", and not ") + options.expected[i];
        }
    }
    X509_STORE_CTX_set_error(chain, verdict.error);
    if (verdict.error != X509_V_OK) {
        peer_why_ = std::move(verdict.why);
        info_.peer_error = verdict.error;
        return 0;
    }
    info_.peer_names = std::move(verdict.names);
    info_.peer_usages = verdict.usages;
    return 1;
}

void Session::note_peer(X509_STORE_CTX* chain) {
    auto notes = std::make_unique<PeerNotes>();
    std::string why;
    X509* certificate = X509_STORE_CTX_get0_cert(chain);
    read_names(certificate, notes->names, why);
    notes->chain.push_back(summary_of(certificate));
    const STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(chain);
    for (int i = 0; i < std::min(sk_X509_num(sent), kMaxChain); i++)
        if (X509* one = sk_X509_value(sent, i); X509_cmp(one, certificate) != 0)
            notes->chain.push_back(summary_of(one));
    info_.peer_notes = std::move(notes);
}

int Session::choose_alpn(const uint8_t** out, uint8_t* out_size, Bytes offered) const {
    if (server_options_->alpn.empty()) return SSL_TLSEXT_ERR_NOACK;
    for (const std::string& own : server_options_->alpn)
        for (ByteReader reader(offered); reader.remaining() > 0;) {
            Bytes one = reader.bytes(reader.u8());
            if (text_of(one) != own) continue;
            *out = one.data();
            *out_size = static_cast<uint8_t>(one.size());
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // no_application_protocol
}

int Session::staple(SSL* ssl) const {
    const OwnCertificate* shown = context_->shown(ssl);
    if (!shown || shown->ocsp.empty()) return SSL_TLSEXT_ERR_NOACK;
    void* copy = OPENSSL_memdup(shown->ocsp.data(), shown->ocsp.size());
    if (!copy) return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(shown->ocsp.size()));  // takes it over
    return SSL_TLSEXT_ERR_OK;
}

void Session::on_message(bool sent, int type, Bytes bytes) {
    if (bytes.empty()) return;
    if (type == SSL3_RT_HEADER && !sent) {
        records_++;
        // TLS 1.3 shows application data in the header whatever is inside.
        if (state_ == State::open && bytes[0] == kHandshakeRecord) renegotiation_ = true;
    } else if (type == SSL3_RT_HANDSHAKE) {
        if (sent && bytes[0] == kFinished) finished_sent_ = true;
        if (!sent && bytes[0] == kCertificateRequest) asked_ = true;
    }
}

void Session::on_alert(int level, int description) {
    if (description == SSL_AD_CLOSE_NOTIFY || description == SSL_AD_USER_CANCELLED) return;
    if (level == SSL3_AL_FATAL || SSL_version(ssl_.get()) == TLS1_3_VERSION) alert_ = static_cast<int16_t>(description);
}

int Callbacks::peer_chain(X509_STORE_CTX* chain, void*) {
    auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
    return session(ssl)->on_peer_chain(chain);
}

int Callbacks::alpn(SSL* ssl, const uint8_t** out, uint8_t* out_size, const uint8_t* in, unsigned in_size, void*) {
    return session(ssl)->choose_alpn(out, out_size, {in, in_size});
}

int Callbacks::server_name(SSL* ssl, int*, void*) {
    return session(ssl)->named_ ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

int Callbacks::ocsp(SSL* ssl, void*) {
    return session(ssl)->staple(ssl);
}

void Callbacks::message(int sent, int, int type, const void* bytes, size_t size, SSL* ssl, void*) {
    session(ssl)->on_message(sent == 1, type, {static_cast<const uint8_t*>(bytes), size});
}

void Callbacks::state(const SSL* ssl, int where, int value) {
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT) session(ssl)->on_alert(value >> 8, value & 0xff);
}

}  // namespace fedge::tls
