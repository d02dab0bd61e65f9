#include "dataplane/tcp/kernel_transport.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "dataplane/tcp/kernel_socket.h"
#include "dataplane/tcp/kernel_stream.h"
#include "dataplane/tcp/source_network.h"

namespace fedge::tcp {
namespace {

constexpr uint64_t kListenerTag = uint64_t{1} << 63;
constexpr Duration kTick = 10ms;                  // of idle timeouts
constexpr size_t kDiscardedPerTurn = 256 * 1024;  // of one stream

// The kernel reports an ICMP error that was seen meanwhile instead of ETIMEDOUT when it gives up.
bool gave_up(int error) {
    return error == ETIMEDOUT || error == EHOSTUNREACH || error == ENETUNREACH || error == ENOPROTOOPT ||
           error == EACCES;
}

CloseReason reason_before_open(int error) {
    switch (error) {
        case ECONNREFUSED: return CloseReason::refused;
        case ECONNRESET: return CloseReason::reset;
        case ETIMEDOUT: return CloseReason::timed_out;
        case ENOBUFS:
        case ENOMEM: return CloseReason::no_memory;
        default: return CloseReason::unreachable;
    }
}

}  // namespace

KernelTransport::KernelTransport(const KernelLimits& limits, Counters counters, Instant now)
    : limits_(limits),
      counters_(counters),
      now_(now),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      spare_(open("/dev/null", O_RDONLY | O_CLOEXEC)),
      wheel_(limits.connections, kTick, now) {
    if (epoll_ < 0 || spare_ < 0) {
        int error = errno;
        if (epoll_ >= 0) ::close(epoll_);
        if (spare_ >= 0) ::close(spare_);
        throw std::system_error(error, std::generic_category(), "kernel TCP: epoll");
    }
    streams_.reserve(limits.connections);
    free_.reserve(limits.connections);
    for (uint32_t i = 0; i < limits.connections; i++) {
        streams_.push_back(std::make_unique<KernelStream>(*this, i));
        free_.push_back(limits.connections - 1 - i);
    }
}

KernelTransport::~KernelTransport() {
    for (auto& stream : streams_)
        if (stream->in_use && stream->descriptor >= 0) reset_socket(stream->descriptor);
    for (const Listener& listener : listeners_) ::close(listener.descriptor);
    ::close(epoll_);
    ::close(spare_);
}

bool KernelTransport::watch(int descriptor, uint32_t events, uint64_t tag) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = tag;
    return epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

bool KernelTransport::listen(const Endpoint& local, const StreamOptions& options, Acceptor& acceptor) {
    for (const Listener& listener : listeners_)
        if (listener.local == local) return false;
    int descriptor = open_listener(local, options, limits_.backlog);
    if (descriptor < 0) return false;
    uint32_t id = next_listener_++;
    if (!watch(descriptor, EPOLLIN, kListenerTag | id)) {
        ::close(descriptor);
        return false;
    }
    listeners_.push_back({id, descriptor, local, options, &acceptor});
    return true;
}

void KernelTransport::unlisten(const Endpoint& local) {
    std::erase_if(listeners_, [&](const Listener& listener) {
        if (listener.local != local) return false;
        ::close(listener.descriptor);
        return true;
    });
}

Stream* KernelTransport::connect(const Endpoint& local, const Endpoint& remote, const StreamOptions& options,
                                 StreamHandler& handler) {
    if (free_.empty()) return nullptr;
    int descriptor = open_socket(remote.address.family(), options);
    if (descriptor < 0) return nullptr;
    SocketAddress from(local), to(remote);
    int error = 0;
    if ((local.port || !local.address.is_unspecified()) && bind_before_connect(descriptor, from) != 0) error = errno;
    if (error == 0 && ::connect(descriptor, to.get(), to.length) != 0 && errno != EINPROGRESS) error = errno;
    if (error == EADDRNOTAVAIL || error == EADDRINUSE || error == EAGAIN || error == ENOBUFS) {
        ::close(descriptor);
        return nullptr;
    }
    KernelStream* stream = take(descriptor, remote, options);
    if (!stream) return nullptr;
    counters_.add(Counter::tcp_connects);
    stream->handler = &handler;
    stream->connecting = stream->outgoing = true;
    stream->local_endpoint = local;
    if (error != 0) {
        end(*stream, reason_before_open(error));
        mark(*stream);
    }
    return stream;
}

// Takes the descriptor; nullptr when the kernel has no room to watch it.
KernelStream* KernelTransport::take(int descriptor, const Endpoint& remote, const StreamOptions& options) {
    uint32_t index = free_.back();
    KernelStream& s = *streams_[index];
    uint64_t tag = uint64_t{s.generation & 0x7fffffff} << 32 | index;
    if (!watch(descriptor, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, tag)) {
        reset_socket(descriptor);
        return nullptr;
    }
    free_.pop_back();
    s.descriptor = descriptor;
    s.handler = nullptr;
    s.options = options;
    s.options.send_buffer = std::min(options.send_buffer, kMaxBuffer);
    s.options.receive_buffer = std::min(options.receive_buffer, kMaxBuffer);
    s.remote_endpoint = remote;
    s.opened_at = now_;
    s.in_use = true;
    s.outgoing = s.connecting = s.closed = s.may_read = s.may_write = s.hung_up = false;
    s.end_received = s.end_queued = s.end_sent = false;
    s.linger_left = 0;
    s.write_blocked = s.event_open = s.event_readable = s.error_pending = s.pending_close = false;
    per_prefix_[source_network(remote.address)]++;
    if (options.idle_timeout != Duration{0}) wheel_.arm(index, now_ + options.idle_timeout);
    return &s;
}

void KernelTransport::release(KernelStream& s, bool orderly) {
    if (!s.in_use) return;
    wheel_.cancel(s.index);
    auto prefix = per_prefix_.find(source_network(s.remote_endpoint.address));
    if (--prefix->second == 0) per_prefix_.erase(prefix);
    if (orderly) {
        ::close(s.descriptor);
    } else {
        reset_socket(s.descriptor);  // on a connection that is no more it sends nothing
    }
    s.descriptor = -1;
    s.handler = nullptr;
    s.unread.clear(blocks_);
    s.written.clear(blocks_);
    s.in_use = false;
    s.generation++;
    released_.push_back(s.index);
}

void KernelTransport::mark(KernelStream& s) {
    if (s.dirty) return;
    s.dirty = true;
    dirty_.push_back(s.index);
}

void KernelTransport::wait(Duration timeout) {
    if (!dirty_.empty()) return;
    pollfd one{epoll_, POLLIN, 0};
    auto seconds = std::chrono::floor<std::chrono::seconds>(timeout);
    timespec limit{static_cast<time_t>(seconds.count()), static_cast<long>((timeout - seconds).count())};
    ppoll(&one, 1, &limit, nullptr);
}

uint32_t KernelTransport::turn(Instant now) {
    now_ = now;
    std::array<epoll_event, kEvents> events;
    int count = std::max(0, epoll_wait(epoll_, events.data(), kEvents, 0));
    for (int i = 0; i < count; i++) {
        uint64_t tag = events[static_cast<size_t>(i)].data.u64;
        if (tag & kListenerTag) {
            on_listener(static_cast<uint32_t>(tag));
            continue;
        }
        KernelStream& s = *streams_[static_cast<uint32_t>(tag)];
        if (s.in_use && (s.generation & 0x7fffffff) == tag >> 32) on_event(s, events[static_cast<size_t>(i)].events);
    }
    uint32_t work = static_cast<uint32_t>(count);
    work += wheel_.advance(now, 256, [&](uint32_t index) { on_idle_timer(*streams_[index]); });
    // Whoever is dirty again after its share of this turn is looked at in the next.
    size_t dirty = dirty_.size();
    for (size_t i = 0; i < dirty; i++) {
        KernelStream& s = *streams_[dirty_[i]];
        s.dirty = false;
        if (s.in_use) serve(s);
    }
    dirty_.erase(dirty_.begin(), dirty_.begin() + static_cast<std::ptrdiff_t>(dirty));
    free_.insert(free_.end(), released_.begin(), released_.end());
    released_.clear();
    return work + static_cast<uint32_t>(dirty);
}

void KernelTransport::on_listener(uint32_t id) {
    bool more = true;
    for (uint32_t n = 0; n < limits_.accepts_per_turn && more; n++) {
        // Looked up every time: an acceptor may remove listeners, its own too.
        auto found = std::find_if(listeners_.begin(), listeners_.end(), [&](const Listener& l) { return l.id == id; });
        if (found == listeners_.end() || !accept_one(Listener(*found), more)) return;
    }
}

// False when the listener has nothing more.
bool KernelTransport::accept_one(const Listener& listener, bool& more) {
    SocketAddress from;
    int descriptor = accept4(listener.descriptor, from.get(), &from.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) {
        if (errno == EMFILE || errno == ENFILE) refuse_one(listener.descriptor);
        // The connection may be gone before we came to accept it.
        more = errno == ECONNABORTED || errno == EINTR || errno == EPROTO;
        return more;
    }
    Endpoint remote = from.endpoint();
    counters_.add(Counter::tcp_syn_received);
    auto prefix = per_prefix_.find(source_network(remote.address));
    if (free_.empty() || (prefix != per_prefix_.end() && prefix->second >= limits_.connections_per_prefix)) {
        counters_.drop(free_.empty() ? Drop::tcp_no_room : Drop::tcp_prefix_limit);
        reset_socket(descriptor);
        return true;
    }
    KernelStream* s = take(descriptor, remote, listener.options);
    if (!s) {
        counters_.drop(Drop::tcp_no_room);
        return true;
    }
    SocketAddress own;
    if (getsockname(descriptor, own.get(), &own.length) == 0) s->local_endpoint = own.endpoint();
    counters_.add(Counter::tcp_accepted);
    s->may_write = true;
    StreamHandler* handler = listener.acceptor->on_accept(*s);
    if (!s->in_use || s->closed) return true;  // the acceptor has ended it
    if (!handler) {
        s->abort();
    } else {
        s->handler = handler;
    }
    return true;
}

// Without a descriptor for the connection the listener would stay ready for ever.
void KernelTransport::refuse_one(int listener) {
    counters_.drop(Drop::tcp_no_room);
    ::close(spare_);
    int descriptor = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor >= 0) reset_socket(descriptor);
    spare_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void KernelTransport::on_event(KernelStream& s, uint32_t events) {
    if (s.pending_close) return deliver(s);
    if (s.connecting) {
        if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) return;
        if (int error = socket_error(s.descriptor)) {
            end(s, reason_before_open(error));
            return deliver(s);
        }
        SocketAddress own;
        if (getsockname(s.descriptor, own.get(), &own.length) == 0) s.local_endpoint = own.endpoint();
        s.connecting = false;
        s.event_open = true;
        counters_.add(Counter::tcp_connected);
    }
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) s.may_read = true;
    if (events & (EPOLLRDHUP | EPOLLHUP)) s.hung_up = true;
    if (events & EPOLLERR) s.error_pending = true;
    if (events & EPOLLOUT) s.may_write = true;
    serve(s);
}

void KernelTransport::on_idle_timer(KernelStream& s) {
    if (s.linger_left > 0) {
        // Before that the peer has yet to take what was written, for which it has the user timeout.
        if (!s.end_sent) return wheel_.arm(s.index, now_ + kLingerTime);
        counters_.add(Counter::tcp_linger_limit);
        return release(s, true);
    }
    Duration quiet = s.connecting ? s.options.idle_timeout : kernel_state(s.descriptor).since_heard;
    if (quiet < s.options.idle_timeout) return wheel_.arm(s.index, now_ + (s.options.idle_timeout - quiet));
    end(s, CloseReason::idle);
    deliver(s);
}

void KernelTransport::serve(KernelStream& s) {
    if (!s.pending_close && !s.connecting) {
        if (s.linger_left > 0) {
            discard(s);
        } else {
            receive(s);
        }
        transmit(s);
        if (s.error_pending && !s.pending_close) {
            s.error_pending = false;
            if (int error = socket_error(s.descriptor)) fail(s, error);
        }
        if (!s.pending_close && s.end_sent && s.end_received && kernel_state(s.descriptor).closed)
            end(s, CloseReason::finished);
    }
    deliver(s);
}

void KernelTransport::receive(KernelStream& s) {
    size_t limit = std::min(s.options.receive_buffer, kKernelBlock);
    while (s.may_read && !s.pending_close && s.unread.size() < limit) {
        MutableBytes room = s.unread.tail(blocks_);
        room = room.first(std::min(room.size(), limit - s.unread.size()));
        ssize_t n = recv(s.descriptor, room.data(), room.size(), 0);
        if (n > 0) {
            if (s.closed) {  // nobody is there any more to read it
                counters_.drop(Drop::tcp_closed);
                s.unread.commit(static_cast<size_t>(n));
                return end(s, CloseReason::aborted);
            }
            s.unread.commit(static_cast<size_t>(n));
            s.event_readable = true;
            // Less than there was room for: empty, and whatever comes later is a new event.
            if (static_cast<size_t>(n) < room.size() && !s.hung_up) s.may_read = false;
            continue;
        }
        s.unread.trim(blocks_);
        if (n < 0 && errno == EINTR) continue;
        s.may_read = false;
        if (n == 0) {
            if (!s.end_received) s.event_readable = true;
            s.end_received = true;
        } else if (errno != EAGAIN) {
            fail(s, errno);
        }
    }
}

// Of a stream that lingers: a share for each turn.
void KernelTransport::discard(KernelStream& s) {
    for (size_t share = kDiscardedPerTurn; s.may_read && share > 0;) {
        ssize_t n = recv(s.descriptor, nullptr, std::min(share, size_t{s.linger_left}), MSG_TRUNC);
        if (n > 0) {
            counters_.drop(Drop::tcp_closed);
            share -= static_cast<size_t>(n);
            s.linger_left -= static_cast<uint32_t>(n);
            if (s.linger_left > 0) continue;
            counters_.add(Counter::tcp_linger_limit);
            return end(s, CloseReason::aborted);
        }
        if (n < 0 && errno == EINTR) continue;
        s.may_read = false;
        if (n == 0) {
            s.end_received = true;
        } else if (errno != EAGAIN) {
            fail(s, errno);
        }
    }
    if (s.may_read) mark(s);
}

void KernelTransport::transmit(KernelStream& s) {
    while (s.may_write && !s.pending_close && s.written.size() > 0) {
        iovec pieces[KernelQueue::kPieces];
        msghdr message{};
        message.msg_iov = pieces;
        message.msg_iovlen = static_cast<size_t>(s.written.pieces(pieces));
        ssize_t n = sendmsg(s.descriptor, &message, MSG_NOSIGNAL);
        if (n > 0) {
            s.written.consume(static_cast<size_t>(n), blocks_);
        } else if (errno == EAGAIN) {
            s.may_write = false;
        } else if (errno != EINTR) {
            fail(s, errno);
        }
    }
    if (!s.end_queued || s.end_sent || s.pending_close || s.written.size() > 0) return;
    s.end_sent = true;
    ::shutdown(s.descriptor, SHUT_WR);
}

void KernelTransport::fail(KernelStream& s, int error) {
    if (!gave_up(error)) {
        if (error == ENOMEM || error == ENOBUFS) return end(s, CloseReason::no_memory);
        counters_.add(Counter::tcp_resets_received);
        return end(s, CloseReason::reset);
    }
    KernelState state = kernel_state(s.descriptor);
    if (state.unacknowledged == 0) return end(s, CloseReason::idle);  // keepalives
    end(s, state.window_shut ? CloseReason::window_held_shut : CloseReason::timed_out);
}

void KernelTransport::end(KernelStream& s, CloseReason reason) {
    if (s.pending_close) return;
    if (reason != CloseReason::finished) counters_.add(Counter::tcp_broken);
    s.pending_close = true;
    s.pending_reason = reason;
}

void KernelTransport::deliver(KernelStream& s) {
    uint32_t generation = s.generation;
    auto gone = [&] { return s.generation != generation || !s.handler; };
    if (!s.handler) {
        // A stream that was closed is the kernel's as soon as the kernel has all of it, and when it lingers, all of
        // what the peer sends.
        bool over = s.end_sent && (s.linger_left == 0 || s.end_received);
        if (s.pending_close || over) release(s, !s.pending_close);
        return;
    }
    if (std::exchange(s.event_open, false)) {
        s.handler->on_open();
        if (gone()) return;
    }
    if (std::exchange(s.event_readable, false)) {
        s.handler->on_readable();
        if (gone()) return;
    }
    if (s.write_blocked && !s.pending_close && s.writable() >= std::max(s.options.send_buffer / 16, 1U)) {
        s.write_blocked = false;
        s.handler->on_writable();
        if (gone()) return;
    }
    // In order to the end means that the user has read all of it.
    if (s.pending_close && (s.pending_reason != CloseReason::finished || s.unread.size() == 0)) {
        StreamHandler* handler = s.handler;
        CloseReason reason = s.pending_reason;
        tell_end(s, name(reason));
        release(s, reason == CloseReason::finished);
        handler->on_closed(reason);
    }
}

ConnectionRow KernelTransport::row(const KernelStream& s) const {
    KernelState state = s.descriptor >= 0 ? kernel_state(s.descriptor) : KernelState{};
    ConnectionRow row{"kernel",           s.local(),         s.remote(), state.name, s.outgoing,
                      now_ - s.opened_at, state.since_heard, s.info(),   {}};
    if (s.handler) s.handler->describe(row.details);
    return row;
}

void KernelTransport::tell_end(const KernelStream& s, std::string_view how) const {
    if (limits_.observer && s.handler) limits_.observer->on_end(row(s), how);
}

size_t KernelTransport::list(std::span<ConnectionRow> out, uint32_t& cursor) const {
    size_t n = 0;
    for (; cursor < streams_.size() && n < out.size(); cursor++)
        if (streams_[cursor]->in_use) out[n++] = row(*streams_[cursor]);
    if (cursor >= streams_.size()) cursor = 0;
    return n;
}

}  // namespace fedge::tcp
