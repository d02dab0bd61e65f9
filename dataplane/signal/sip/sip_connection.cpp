#include "dataplane/signal/sip/sip_connection.h"

#include <utility>

#include "dataplane/signal/sip/sip_connections.h"

namespace fedge::signal {
namespace {

constexpr std::string_view kPong = "\r\n";  // RFC 5626 section 4.4.1

// Bytes that wait for who does not read, above which nothing more is read from it; the second when memory gets short.
constexpr uint64_t kStalled = 256 * 1024;
constexpr uint64_t kStalledSoon = 16 * 1024;

std::string_view service_name(PeerKind kind) {
    switch (kind) {
        case PeerKind::partner: return "sip-partner";
        case PeerKind::front_end: return "sip-front-end";
        case PeerKind::client: return "sip-client";
    }
    return "sip";
}

}  // namespace

bool SipConnection::send(std::initializer_list<Bytes> parts) {
    if (!open_ || !all_->config_) return false;
    if (!out_.add(all_->blocks_, all_->config_->queue_bytes, parts)) {
        all_->counters_.add(Counter::sip_queue_full);
        return false;
    }
    if (!queued_write_ && !blocked_) {
        queued_write_ = true;
        all_->writable_.push_back(id_);
    }
    return true;
}

void SipConnection::close(std::string_view why) {
    if (!stream_) return;
    why_ = why;
    // What was answered last is to arrive: a refusal tells the peer more than a reset, which would overtake it.
    if (open_ && out_.flush(all_->blocks_, *stream_)) {
        stream_->linger();
    } else {
        stream_->abort();
    }
    stream_ = nullptr;
    all_->end(*this);
}

void SipConnection::on_open() {
    open_ = true;
    all_->counters_.add(Counter::sip_connected);
    all_->touch(*this);
    all_->observer_.on_open(*this);
}

void SipConnection::on_readable() {
    for (uint32_t budget = all_->limits_.messages_per_turn; budget > 0; budget--) {
        // Who does not read answers is not asked for more of what causes them.
        bool is_short = all_->blocks_.used() > all_->blocks_.most() / 2;
        if (blocked_ && out_.size() >= (is_short ? kStalledSoon : kStalled)) {
            stalled_ = true;
            return;
        }
        switch (step()) {
            case Step::again: continue;
            case Step::dry:
                if (stream_ && stream_->at_end()) close("the peer has closed");
                return;
            case Step::over: return;
        }
    }
    if (!std::exchange(queued_read_, true)) all_->readable_.push_back(id_);
}

void SipConnection::on_writable() {
    blocked_ = false;
    if (out_.size() == 0 || std::exchange(queued_write_, true)) return;
    all_->writable_.push_back(id_);
}

void SipConnection::on_closed(tcp::CloseReason reason) {
    // The stream is there until this returns, for the observer to ask what TLS says of its end.
    why_ = tcp::name(reason);
    all_->end(*this);
}

void SipConnection::describe(tcp::StreamDetails& details) const {
    details.service = service_name(kind_);
    details.why = why_;
}

// One message, keepalive, or piece of a message.
SipConnection::Step SipConnection::step() {
    if (!stream_) return Step::over;
    Bytes input = gathered_.empty() ? stream_->peek() : Bytes(gathered_).subspan(used_);
    if (!stream_) return Step::over;
    if (input.empty()) return Step::dry;
    if (!heard_) {
        heard_ = true;
        if (outgoing_) all_->observer_.on_heard(*this);
    }
    Instant now = all_->now_;
    if (header_size_ == 0) {
        sip::Frame frame = framer_->scan(now, input);
        switch (frame.what) {
            case sip::Framed::more: return pull();
            case sip::Framed::ping:
                all_->counters_.add(Counter::sip_keepalives);
                all_->touch(*this);
                send({bytes_of(kPong)});
                take(frame.take);
                return Step::again;
            case sip::Framed::keepalive:
                all_->touch(*this);
                take(frame.take);
                return Step::again;
            case sip::Framed::header: break;
            case sip::Framed::body:
            case sip::Framed::refused: fault(frame, input); return Step::over;
        }
        header_size_ = frame.take;
        body_size_ = frame.body_bytes;
        body_seen_ = 0;
    }
    while (body_seen_ < body_size_) {
        Bytes rest = input.subspan(header_size_ + body_seen_);
        if (rest.empty()) return pull();
        body_seen_ += framer_->scan(now, rest).take;
    }
    // Only what is whole counts: octet by octet a message could take for ever.
    all_->touch(*this);
    uint32_t header = std::exchange(header_size_, 0);
    all_->observer_.on_message(*this, input.first(header), input.subspan(header, body_size_));
    if (!stream_) return Step::over;
    take(header + body_size_);
    return Step::again;
}

// More of a message whose beginning is there: what the stream has goes behind it.
SipConnection::Step SipConnection::pull() {
    Bytes more = stream_->peek();
    if (more.empty()) return stream_ ? Step::dry : Step::over;
    // Nobody gathers more than what is left for all others: short messages find room beside many large ones.
    uint64_t all = all_->gathered_ + more.size();
    uint64_t most = all_->limits_.gathered_bytes;
    if (all > most || gathered_.size() + more.size() > most - all) {
        all_->counters_.add(Counter::sip_overload);
        Bytes begun = gathered_.empty() ? more : Bytes(gathered_).subspan(used_);
        all_->observer_.on_no_room(*this, begun.first(header_size_));
        close("no memory is left for messages in pieces");
        return Step::over;
    }
    if (used_ > 0) {
        gathered_.erase(gathered_.begin(), gathered_.begin() + static_cast<ptrdiff_t>(used_));
        all_->gathered_ -= std::exchange(used_, 0);
    }
    gathered_.insert(gathered_.end(), more.begin(), more.end());
    all_->gathered_ += more.size();
    stream_->consume(more.size());
    return Step::again;
}

void SipConnection::take(size_t bytes) {
    if (gathered_.empty()) return stream_->consume(bytes);
    used_ += bytes;
    if (used_ < gathered_.size()) return;
    all_->gathered_ -= gathered_.size();
    std::vector<uint8_t>().swap(gathered_);
    used_ = 0;
}

void SipConnection::fault(const sip::Frame& frame, Bytes input) {
    all_->counters_.add(Counter::sip_framing);
    all_->observer_.on_fault(*this, frame.fault, input.first(frame.take));
    close(sip::name(frame.fault));
}

}  // namespace fedge::signal
