#include "dataplane/tcp/stream.h"

#include <algorithm>
#include <cstring>

#include "dataplane/tcp/engine.h"

namespace fedge::tcp {

namespace {

constexpr uint32_t kScarceSendBuffer = 4 * kBlockSize;

}  // namespace

std::string_view name(CloseReason reason) {
    switch (reason) {
        case CloseReason::finished: return "finished";
        case CloseReason::reset: return "reset by peer";
        case CloseReason::refused: return "refused by peer";
        case CloseReason::timed_out: return "timed out";
        case CloseReason::window_held_shut: return "peer kept its window shut";
        case CloseReason::idle: return "idle";
        case CloseReason::unreachable: return "unreachable";
        case CloseReason::no_memory: return "no memory";
        case CloseReason::aborted: return "aborted";
        case CloseReason::broken: return "broken";
    }
    return "";
}

size_t Stream::read(MutableBytes out) {
    size_t done = 0;
    while (done < out.size()) {
        Bytes next = peek();
        if (next.empty()) break;
        size_t n = std::min(next.size(), out.size() - done);
        std::memcpy(out.data() + done, next.data(), n);
        done += n;
        consume(n);
    }
    return done;
}

Bytes Connection::peek() {
    if (unread() == 0) return {};
    return receive_bytes.view(engine->pool(), rcv_read.raw(), unread());
}

void Connection::consume(size_t n) {
    n = std::min<size_t>(n, unread());
    if (n == 0) return;
    rcv_read += static_cast<uint32_t>(n);
    // What is out of order lies beyond: its blocks stay.
    receive_bytes.release(engine->pool(), rcv_read.raw(), unread() == 0 && assembler == kNoBlock);
    engine->on_consumed(*this);
}

size_t Connection::look(MutableBytes out) {
    size_t wanted = std::min<size_t>(out.size(), unread());
    size_t done = 0;
    while (done < wanted) {
        auto left = static_cast<uint32_t>(wanted - done);
        Bytes next = receive_bytes.view(engine->pool(), (rcv_read + static_cast<uint32_t>(done)).raw(), left);
        std::memcpy(out.data() + done, next.data(), next.size());
        done += next.size();
    }
    return done;
}

size_t Connection::writable() const {
    bool sends = state == State::syn_sent || state == State::syn_received || state == State::established ||
                 state == State::close_wait;
    if (!sends || fin_queued) return 0;
    Seq oldest = oldest_byte();
    uint32_t queued = snd_end - oldest;
    // When memory runs short, those who do not read must not keep it from those who do.
    uint32_t limit = engine->pool().scarce() ? std::min(options.send_buffer, kScarceSendBuffer) : options.send_buffer;
    return queued < limit ? limit - queued : 0;
}

size_t Connection::write(Bytes bytes) {
    size_t n = std::min(bytes.size(), writable());
    if (n < bytes.size()) write_blocked = true;
    if (n == 0) return 0;
    Seq oldest = oldest_byte();
    if (!send_bytes.reserve(engine->pool(), oldest.raw(), snd_end.raw(), static_cast<uint32_t>(n))) {
        write_blocked = true;
        engine->starve(*this);
        return 0;
    }
    send_bytes.write(engine->pool(), snd_end.raw(), bytes.first(n));
    snd_end += static_cast<uint32_t>(n);
    engine->mark(*this);
    return n;
}

void Connection::shutdown() {
    if (fin_queued || pending_close) return;
    fin_queued = true;
    engine->mark(*this);
}

void Connection::close() {
    engine->orphan(*this);
}

void Connection::linger() {
    consume(unread());
    lingers = true;
    irs = rcv_nxt;
    engine->orphan(*this);
}

void Connection::abort() {
    engine->abort(*this, CloseReason::aborted);
}

StreamInfo Connection::info() const {
    StreamInfo info;
    info.smoothed_rtt = srtt;
    info.congestion_window = congestion.window();
    info.in_flight = in_flight();
    info.unsent = state == State::syn_sent ? snd_end - (iss + 1) : unsent();
    info.unread = unread();
    info.mss = mss;
    info.buffer_bytes =
        (send_bytes.blocks() + receive_bytes.blocks() + records.blocks() + (assembler != kNoBlock)) * kBlockSize;
    info.retransmits = retransmits;
    return info;
}

// The user has read: a window that was nearly closed is told anew when it is worth it.
void Engine::on_consumed(Connection& c) {
    if (c.pending_close) return mark(c);  // the end may be told now
    if (!c.synchronized() || c.fin_received) return;
    uint32_t told = c.rcv_adv < c.rcv_nxt ? 0 : c.rcv_adv - c.rcv_nxt;
    uint32_t free = c.options.receive_buffer - std::min(c.options.receive_buffer, c.unread());
    if (free < told + std::min<uint32_t>(c.options.receive_buffer / 2, 2U * c.rcv_mss)) return;
    // While the window is wide, the next segment or the delayed acknowledgement will do.
    if (told >= c.options.receive_buffer / 2) return;
    c.ack_now = true;
    mark(c);
}

bool Engine::listen(const Endpoint& local, const StreamOptions& options, Acceptor& acceptor) {
    if (listener_free_ == 0) return false;
    for (uint16_t at = listener_at_[local.port]; at; at = listeners_[at - 1U].next)
        if (listeners_[at - 1U].local == local) return false;
    uint16_t place = listener_free_;
    Listener& listener = listeners_[place - 1U];
    listener_free_ = listener.next;
    listener = {local, bounded(options), &acceptor, listener_at_[local.port]};
    listener_at_[local.port] = place;
    return true;
}

void Engine::unlisten(const Endpoint& local) {
    for (uint16_t* link = &listener_at_[local.port]; *link; link = &listeners_[*link - 1U].next) {
        uint16_t place = *link;
        Listener& listener = listeners_[place - 1U];
        if (listener.local != local) continue;
        *link = listener.next;
        listener = {};
        listener.next = listener_free_;
        listener_free_ = place;
        return;
    }
}

// --- Tcp

Tcp::Tcp(const Settings& settings, Counters counters, Random& random, SegmentOutput& output, Instant now)
    : engine_(std::make_unique<Engine>(settings, counters, random, output, now)) {}
Tcp::~Tcp() = default;

bool Tcp::listen(const Endpoint& local, const StreamOptions& options, Acceptor& acceptor) {
    return engine_->listen(local, options, acceptor);
}
void Tcp::unlisten(const Endpoint& local) {
    engine_->unlisten(local);
}
Stream* Tcp::connect(const Endpoint& local, const Endpoint& remote, const StreamOptions& options,
                     StreamHandler& handler) {
    return engine_->connect(local, remote, options, handler);
}
void Tcp::receive(std::span<const Arrival> burst, Instant now) {
    engine_->receive(burst, now);
}
void Tcp::receive(const IcmpError& error, Instant now) {
    engine_->receive(error, now);
}
uint32_t Tcp::advance(Instant now, uint32_t budget) {
    return engine_->advance(now, budget);
}
void Tcp::flush(Instant now) {
    engine_->flush(now);
}
MemoryUse Tcp::memory() const {
    return engine_->memory();
}
size_t Tcp::bytes_per_connection() const {
    return engine_->bytes_per_connection();
}
size_t Tcp::list(std::span<ConnectionRow> out, uint32_t& cursor) const {
    return engine_->list(out, cursor);
}

}  // namespace fedge::tcp
