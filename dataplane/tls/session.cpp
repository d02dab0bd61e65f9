#include "dataplane/tls/session.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "dataplane/tls/engine.h"
#include "dataplane/tls/words.h"

namespace fedge::tls {
namespace {

constexpr size_t kMaxRecord = 16 * 1024;
constexpr size_t kOverhead = 29;         // of a record: TLS 1.2 with AES-GCM; TLS 1.3 has less
constexpr size_t kLeastRecord = 1024;    // is written even if the stream below takes only a part at once
constexpr size_t kSegment = 1400;        // where the transport does not tell
constexpr uint32_t kSmallFirst = 65536;  // bytes in records of one segment before large ones
constexpr Duration kPause = 1s;          // after which small records come again
constexpr uint32_t kSilentRecords = 32;  // key updates, tickets, empty records in kSilentWindow
constexpr Duration kSilentWindow = 60s;
constexpr Duration kLinger = 10s;  // for the peer's end after ours

}  // namespace

Session::~Session() = default;

// --- reading

bool Session::silent_too_often() {
    // One of the difference may be a record whose rest has not come yet.
    uint32_t silent = records_ - data_records_;
    if (engine_.now_ - silent_since_ > kSilentWindow) {
        silent_since_ = engine_.now_;
        silent_before_ = silent;
    }
    return silent - silent_before_ > kSilentRecords + 1;
}

Session::Got Session::decrypt(MutableBytes out, size_t& size) {
    link_.ran_dry();
    // OpenSSL stops behind each record without data, and once more when it wants to answer a key update.
    for (uint32_t idle = 0; idle < 4;) {
        uint32_t before = records_;
        bool fresh = SSL_pending(ssl_.get()) == 0;
        ERR_clear_error();
        int good = SSL_read_ex(ssl_.get(), out.data(), out.size(), &size);
        if (renegotiation_) return Got::failure;
        if (good == 1) {
            data_records_ += fresh;
            return Got::bytes;
        }
        switch (SSL_get_error(ssl_.get(), good)) {
            case SSL_ERROR_WANT_READ:
                if (silent_too_often()) return Got::failure;
                if (link_.ran_dry()) return Got::nothing;
                idle = records_ == before ? idle + 1 : 0;
                break;
            case SSL_ERROR_ZERO_RETURN: ended_ = true; return Got::end;
            default: return Got::failure;
        }
    }
    return Got::nothing;
}

void Session::broke() {
    Counters& counters = engine_.counters_;
    unsigned long error = ERR_peek_error();
    bool empty_records = ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_RECORD_TOO_SMALL;
    if (renegotiation_) {
        counters.add(Counter::tls_records_limit);
        info_.error = "TLS connection ended: the peer began a renegotiation, which is not allowed";
    } else if (empty_records || silent_too_often()) {
        counters.add(Counter::tls_records_limit);
        info_.error = "TLS connection ended: the peer sent more than " + std::to_string(kSilentRecords) +
                      " key updates or empty records in a minute";
    } else {
        counters.add(alert_ >= 0 ? Counter::tls_alerts_received : Counter::tls_broken);
        info_.error = failure_words();
    }
    blame(Fault::broken);
    ERR_clear_error();
    reason_ = tcp::CloseReason::broken;
    state_ = State::failed;
    engine_.want_wake(*this);
}

void Session::drop_plain() {
    plain_size_ = plain_used_ = 0;
    if (plain_) engine_.give_block(std::move(plain_));
}

void Session::fill() {
    if (has_plain() || state_ != State::open || ended_) return;
    if (!plain_) plain_ = engine_.take_block();
    size_t size = 0;
    Got got = decrypt({plain_.get(), kMaxRecord}, size);
    plain_used_ = 0;
    plain_size_ = got == Got::bytes ? static_cast<uint32_t>(size) : 0;
    if (got == Got::bytes) return;
    drop_plain();
    if (got == Got::failure) broke();
}

Bytes Session::peek() {
    fill();
    if (has_plain()) return {plain_.get() + plain_used_, plain_size_ - plain_used_};
    hungry_ = false;
    return {};
}

void Session::consume(size_t n) {
    plain_used_ += static_cast<uint32_t>(std::min<size_t>(n, plain_size_ - plain_used_));
    if (has_plain()) return;
    drop_plain();
    hungry_ = true;
    engine_.want_wake(*this);
}

size_t Session::look(MutableBytes out) {
    fill();
    // What the first record does not have the next ones may.
    while (has_plain() && state_ == State::open && !ended_ && plain_size_ - plain_used_ < out.size() &&
           plain_size_ < kMaxRecord) {
        size_t size = 0;
        Got got = decrypt({plain_.get() + plain_size_, kMaxRecord - plain_size_}, size);
        if (got == Got::failure) broke();
        if (got != Got::bytes) break;
        plain_size_ += static_cast<uint32_t>(size);
    }
    size_t n = std::min<size_t>(out.size(), plain_size_ - plain_used_);
    if (n > 0) std::memcpy(out.data(), plain_.get() + plain_used_, n);
    return n;
}

void Session::deliver() {
    if (state_ != State::open) return;
    fill();
    if (has_plain() || (ended_ && !end_told_)) {
        end_told_ = ended_;
        above_->on_readable();
    }
    if (state_ == State::failed) return tell_closed(reason_);
    if (state_ == State::open && below_closed_ && at_end()) tell_closed(tcp::CloseReason::finished);
}

void Session::wake() {
    switch (state_) {
        case State::hello: return gather_hello();
        case State::failed: return tell_closed(reason_);
        case State::draining: return drain();
        case State::open:
            if (std::exchange(hungry_, false) || below_closed_) deliver();
            return;
        default: return;
    }
}

// --- writing

size_t Session::record_size() {
    if (engine_.now_ - wrote_ > kPause) burst_ = 0;
    wrote_ = engine_.now_;
    if (burst_ >= kSmallFirst) return kMaxRecord;
    size_t segment = link_.below()->info().mss;
    return (segment < kLeastRecord || segment > kMaxRecord ? kSegment : segment) - kOverhead;
}

size_t Session::write(Bytes bytes) {
    if (state_ != State::open || shut_ || !link_.below()) return 0;
    size_t done = 0;
    while (done < bytes.size() && !link_.holds()) {
        size_t room = link_.below()->writable();
        size_t most = std::max(room > kOverhead ? room - kOverhead : 0, kLeastRecord);
        size_t n = std::min({bytes.size() - done, record_size(), most});
        size_t taken = 0;
        ERR_clear_error();
        if (SSL_write_ex(ssl_.get(), bytes.data() + done, n, &taken) != 1) {
            broke();
            return done;
        }
        done += taken;
        burst_ += static_cast<uint32_t>(std::min<size_t>(taken, kSmallFirst));
        burst_ = std::min(burst_, kSmallFirst);
    }
    blocked_ = done < bytes.size();
    return done;
}

size_t Session::writable() const {
    if (state_ != State::open || shut_ || !link_.below() || link_.holds()) return 0;
    size_t room = link_.below()->writable();
    return room > kOverhead ? room - kOverhead : 0;
}

void Session::notify_end() {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
    fin_due_ = link_.holds();
    if (!fin_due_ && link_.below()) link_.below()->shutdown();
}

void Session::shutdown() {
    if (shut_) return;
    shut_ = true;
    if (state_ == State::open) notify_end();  // else as soon as it is
}

void Session::close() {
    if (state_ >= State::draining) {
        if (state_ == State::failed) {
            end_below(Ending::abort);
            finish(reason_);
        }
        return;
    }
    if (state_ < State::open) {
        end_below(Ending::abort);
        return finish(tcp::CloseReason::aborted);
    }
    fill();  // a ticket or a close notification that waits would make a reset of our end
    if (has_plain() || state_ != State::open) {
        end_below(Ending::abort);
        return finish(tcp::CloseReason::aborted);
    }
    if (below_closed_) return finish(tcp::CloseReason::finished);
    if (!std::exchange(shut_, true)) notify_end();
    begin_draining();
    if (link_.below()->at_end()) engine_.want_wake(*this);
}

// Nothing of this is kept while the stream below lingers: what comes there needs no key to be thrown away.
void Session::linger() {
    if (state_ != State::open || below_closed_) return close();
    drop_plain();
    if (!std::exchange(shut_, true)) notify_end();
    if (!link_.holds()) {
        end_below(Ending::linger);
        return finish(tcp::CloseReason::finished);
    }
    lingers_ = true;
    begin_draining();
}

void Session::begin_draining() {
    tcp::StreamDetails details;
    if (above_) above_->describe(details);
    last_words_.reset(new LastWords{std::string(details.service), std::string(details.why), details.allocation});
    above_ = nullptr;
    state_ = State::draining;
    engine_.deadlines_.arm(index_, engine_.now_ + kLinger);
}

// Closed by the user. The stream below is not closed at once, because it would answer the tickets or the close
// notification that may be on their way with a reset, which could overtake what we sent.
void Session::drain() {
    if (lingers_) {
        if (link_.holds()) return;
        end_below(Ending::linger);
        return finish(tcp::CloseReason::finished);
    }
    uint8_t byte;
    size_t size = 0;
    Got got = ended_ ? Got::end : decrypt({&byte, 1}, size);
    if (got == Got::bytes) {  // nobody will read it
        end_below(Ending::abort);
        return finish(tcp::CloseReason::aborted);
    }
    if (got == Got::nothing || link_.holds()) return;
    end_below(Ending::close);
    finish(tcp::CloseReason::finished);
}

void Session::abort() {
    if (state_ == State::gone || state_ == State::draining) return;
    end_below(Ending::abort);
    finish(tcp::CloseReason::aborted);
}

void Session::describe(tcp::StreamDetails& details) const {
    details.handshaking = handshaking();
    details.resumed = info_.resumed;
    details.tls_version = info_.version;
    details.cipher = info_.cipher;
    details.group = info_.group;
    details.sni = info_.sni;
    details.alpn = info_.alpn;
    details.certificate = info_.certificate;
    for (size_t i = 0; i < std::min(details.peer_names.size(), info_.peer_names.size()); i++)
        details.peer_names[i] = info_.peer_names[i].value;
    details.tls_error = info_.error;
    if (last_words_) {
        details.service = last_words_->service;
        details.why = last_words_->why;
        details.allocation = last_words_->allocation;
    } else if (above_) {
        above_->describe(details);
    }
}

tcp::StreamInfo Session::info() const {
    if (!link_.below()) return {};
    tcp::StreamInfo info = link_.below()->info();
    info.unread += plain_size_ - plain_used_;
    info.unsent += static_cast<uint32_t>(link_.held());
    info.buffer_bytes += static_cast<uint32_t>(link_.held()) + (plain_ ? static_cast<uint32_t>(kMaxRecord) : 0);
    return info;
}

// --- the stream below

void Session::on_open() {
    if (state_ != State::connecting) return;
    local_ = link_.below()->local();
    info_.reached = true;
    if (!begin_client()) fail_handshake("TLS handshake with server failed: no memory");
}

void Session::on_readable() {
    switch (state_) {
        case State::hello: return gather_hello();
        case State::negotiating: return wants_step();
        case State::open: return deliver();
        case State::draining: return drain();
        default: return;
    }
}

void Session::on_writable() {
    if (!link_.flush()) return;
    if (std::exchange(fin_due_, false)) link_.below()->shutdown();
    if (state_ == State::draining) return drain();
    if (state_ == State::open && std::exchange(blocked_, false)) above_->on_writable();
}

void Session::on_closed(tcp::CloseReason reason) {
    link_.attach(nullptr);
    switch (state_) {
        case State::connecting:
            info_.error = "TLS handshake with server failed: the connection was not established: ";
            info_.error += name(reason);
            blame(Fault::not_reached);
            return tell_closed(reason);
        case State::hello:
            engine_.counters_.add(Counter::tls_hello_refused);
            info_.error = "TLS handshake with client failed: the connection ended without a ClientHello: ";
            info_.error += name(reason);
            return finish(reason);
        case State::negotiating:
            engine_.counters_.add(Counter::tls_handshake_failed);
            info_.error = std::string("TLS handshake with ") + (info_.server ? "client" : "server") +
                          " failed: the connection ended in the middle of it: ";
            info_.error += name(reason);
            blame(Fault::negotiation);
            return tell_closed(reason == tcp::CloseReason::finished ? tcp::CloseReason::broken : reason);
        case State::open:
            if (reason != tcp::CloseReason::finished) return tell_closed(reason);
            below_closed_ = true;
            if (!has_plain()) deliver();  // else when that is read
            return;
        case State::draining: return finish(reason);
        case State::failed: return tell_closed(reason_);
        case State::gone: return;
    }
}

// --- ends

void Session::end_below(Ending how) {
    tcp::Stream* below = link_.below();
    if (!below) return;
    link_.attach(nullptr);
    switch (how) {
        case Ending::abort: return below->abort();
        case Ending::close: return below->close();
        case Ending::linger: return below->linger();
    }
}

void Session::tell_closed(tcp::CloseReason reason) {
    tcp::StreamHandler* above = above_;
    end_below(Ending::linger);  // an alert is on its way
    finish(reason);
    if (above) above->on_closed(reason);
}

void Session::finish(tcp::CloseReason reason) {
    if (state_ == State::gone) return;
    state_ = State::gone;
    above_ = nullptr;
    drop_plain();
    engine_.bury(*this, reason);
}

void Session::blame(Fault otherwise) {
    info_.alert = alert_;
    info_.fault = info_.peer_error != X509_V_OK       ? Fault::peer_certificate
                  : alert_refuses_certificate(alert_) ? Fault::own_certificate
                                                      : otherwise;
}

std::string Session::failure_words() const {
    Failure failure;
    failure.server = info_.server;
    failure.finished = state_ == State::open;
    failure.openssl = ERR_peek_error();
    failure.alert = alert_;
    failure.peer_why = peer_why_;
    failure.sni = info_.sni;
    failure.highest_version = highest_version_;
    failure.peer_alpn = &peer_alpn_;
    failure.own_alpn = server_options_ ? &server_options_->alpn : nullptr;
    const OwnCertificate* shown = context_ && ssl_ ? context_->shown(ssl_.get()) : nullptr;
    failure.certificate = shown ? std::string_view(shown->name) : std::string_view(info_.certificate);
    failure.tls_1_2 = !context_ || context_->config().allow_tls_1_2;
    return words_for(failure);
}

}  // namespace fedge::tls
