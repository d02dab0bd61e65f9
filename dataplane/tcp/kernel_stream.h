// One stream of the kernel twin; see kernel_transport.h.
#pragma once

#include <cstdint>

#include "dataplane/tcp/kernel_blocks.h"
#include "dataplane/tcp/stream.h"

namespace fedge::tcp {

class KernelTransport;

class KernelStream final : public Stream {
  public:
    KernelStream(KernelTransport& transport_, uint32_t index_) : transport(transport_), index(index_) {}

    Bytes peek() override { return unread.front(); }
    void consume(size_t n) override;
    size_t look(MutableBytes out) override;
    bool at_end() const override { return end_received && unread.size() == 0; }
    size_t write(Bytes bytes) override;
    size_t writable() const override;
    void shutdown() override;
    void set_handler(StreamHandler& user) override { handler = &user; }
    void close() override;
    void linger() override;
    void abort() override;
    Endpoint local() const override { return local_endpoint; }
    Endpoint remote() const override { return remote_endpoint; }
    StreamInfo info() const override;

    KernelTransport& transport;
    const uint32_t index;
    uint32_t generation = 0;  // of the use of this place: events of an earlier one are told by it
    int descriptor = -1;
    StreamHandler* handler = nullptr;
    StreamOptions options;
    Endpoint local_endpoint;
    Endpoint remote_endpoint;
    KernelQueue unread;   // at most a block full
    KernelQueue written;  // at most the send buffer

    bool in_use = false;
    bool dirty = false;  // in the transport's list
    Instant opened_at{};
    bool outgoing = false;
    bool connecting = false;
    bool closed = false;       // close() or linger() was called
    uint32_t linger_left = 0;  // bytes that are still thrown away; 0: what comes is refused
    bool may_read = false;     // the kernel may have more than we took (epoll tells of changes only)
    bool hung_up = false;      // an end is behind what the kernel has
    bool may_write = false;    // the kernel took all that we gave
    bool end_received = false;
    bool end_queued = false;  // shutdown() was called
    bool end_sent = false;
    bool write_blocked = false;
    bool event_open = false;
    bool event_readable = false;
    bool error_pending = false;
    bool pending_close = false;
    CloseReason pending_reason = CloseReason::finished;
};

}  // namespace fedge::tcp
