// The kernel twin of Tcp: the streams of stream.h over non-blocking kernel sockets and epoll, on one thread.
//
// Handlers are called from turn() alone and in the order of stream.h: on_open, on_readable, on_writable, on_closed.
// What differs from our TCP:
//  * System calls, and heap for buffers: at most the send buffer and two blocks of 16 KiB for each stream that has
//    something to write or to read. The kernel holds as much again: its own send and receive queues have the sizes of
//    StreamOptions, so a peer that does not read stops us one queue later, and the same for us.
//  * A connection beyond a cap, or that on_accept() refuses, has been established by the kernel before it is reset;
//    SYN cache, cookies, TIME-WAIT and the number of half-open connections are the kernel's matter (sysctl
//    net.ipv4.tcp_*).
//  * After close() the kernel delivers what is left by its own rules (tcp_orphan_retries, tcp_fin_timeout).
//  * ICMP port unreachable for a SYN counts as refused, and every other kind of unreachable ends the attempt, where
//  ours
//    goes on trying if it may be over soon. Keepalives are counted in whole seconds, at least one; a SYN is sent six
//    times in 63 s, but a user timeout that falls between two of them ends it only with the next.
//  * on_closed(finished) comes when the kernel has left LAST-ACK or gone to TIME-WAIT, as with ours; the TIME-WAIT of
//    the flow is the kernel's.
//  * Link-local IPv6 peers cannot be named (an Endpoint has no scope).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/base/time.h"
#include "dataplane/base/wheel.h"
#include "dataplane/tcp/kernel_blocks.h"
#include "dataplane/tcp/stream.h"

namespace fedge::tcp {

struct KernelLimits {
    uint32_t connections = 4096;            // streams; each is a file descriptor (RLIMIT_NOFILE)
    uint32_t connections_per_prefix = 256;  // from one IPv4 address or IPv6 /64
    uint32_t accepts_per_turn = 64;         // per listener
    int backlog = 1024;                     // established and not accepted yet, per listener
    StreamObserver* observer = nullptr;     // outlives the transport; may be null
};

class KernelStream;

class KernelTransport final : public Transport {
  public:
    // Throws std::system_error.
    KernelTransport(const KernelLimits& limits, Counters counters, Instant now);
    // Every stream is reset, no handler is called.
    ~KernelTransport() override;
    KernelTransport(const KernelTransport&) = delete;
    KernelTransport& operator=(const KernelTransport&) = delete;

    bool listen(const Endpoint& local, const StreamOptions& options, Acceptor& acceptor) override;
    void unlisten(const Endpoint& local) override;
    Stream* connect(const Endpoint& local, const Endpoint& remote, const StreamOptions& options,
                    StreamHandler& handler) override;

    // What the kernel has to tell, timers, and the sending of all that was written. Does not block. Returns how much
    // there was to do.
    uint32_t turn(Instant now);
    // Blocks until turn() has something to do other than idle timeouts, or for `timeout`.
    void wait(Duration timeout);

    // Streams in use, those included that were closed and still have something to send.
    uint32_t connections() const {
        return limits_.connections - static_cast<uint32_t>(free_.size() + released_.size());
    }

    // As Tcp::list().
    size_t list(std::span<ConnectionRow> out, uint32_t& cursor) const;

  private:
    friend class KernelStream;
    struct Listener {
        uint32_t id;
        int descriptor;
        Endpoint local;
        StreamOptions options;
        Acceptor* acceptor;
    };
    static constexpr int kEvents = 256;

    KernelStream* take(int descriptor, const Endpoint& remote, const StreamOptions& options);
    // orderly: the kernel still delivers what it has; otherwise a reset.
    void release(KernelStream& stream, bool orderly);
    void mark(KernelStream& stream);
    bool watch(int descriptor, uint32_t events, uint64_t tag);

    void on_listener(uint32_t id);
    bool accept_one(const Listener& listener, bool& more);
    void refuse_one(int listener);
    void on_event(KernelStream& stream, uint32_t events);
    void on_idle_timer(KernelStream& stream);
    // Moves bytes both ways as far as queues and kernel let it, and finds the end.
    void serve(KernelStream& stream);
    void receive(KernelStream& stream);
    void discard(KernelStream& stream);
    void transmit(KernelStream& stream);
    void fail(KernelStream& stream, int error);
    void end(KernelStream& stream, CloseReason reason);
    // The user is told what there is to tell; the stream may be gone afterwards.
    void deliver(KernelStream& stream);
    ConnectionRow row(const KernelStream& stream) const;
    void tell_end(const KernelStream& stream, std::string_view how) const;

    KernelLimits limits_;
    Counters counters_;
    Instant now_;
    int epoll_;
    int spare_;  // given up for a moment to refuse connections when descriptors have run out
    uint32_t next_listener_ = 0;
    std::vector<Listener> listeners_;
    std::vector<std::unique_ptr<KernelStream>> streams_;
    std::vector<uint32_t> free_;
    std::vector<uint32_t> released_;  // in this turn: events of this turn may still name them
    std::vector<uint32_t> dirty_;
    std::map<IpAddress, uint32_t> per_prefix_;
    TimingWheel wheel_;
    KernelBlocks blocks_;
};

}  // namespace fedge::tcp
