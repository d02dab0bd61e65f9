#include "dataplane/tcp/kernel_stream.h"

#include <algorithm>
#include <cstring>

#include "dataplane/tcp/kernel_socket.h"
#include "dataplane/tcp/kernel_transport.h"

namespace fedge::tcp {

size_t KernelStream::look(MutableBytes out) {
    iovec pieces[KernelQueue::kPieces];
    int count = unread.pieces(pieces);
    size_t done = 0;
    for (int i = 0; i < count && done < out.size(); i++) {
        size_t n = std::min(pieces[i].iov_len, out.size() - done);
        std::memcpy(out.data() + done, pieces[i].iov_base, n);
        done += n;
    }
    return done;
}

void KernelStream::consume(size_t n) {
    unread.consume(std::min(n, unread.size()), transport.blocks_);
    if (may_read || pending_close || end_received) transport.mark(*this);
}

size_t KernelStream::writable() const {
    if (pending_close || end_queued) return 0;
    return options.send_buffer > written.size() ? options.send_buffer - written.size() : 0;
}

size_t KernelStream::write(Bytes bytes) {
    size_t n = std::min(bytes.size(), writable());
    if (n < bytes.size()) write_blocked = true;
    if (n == 0) return 0;
    written.append(bytes.first(n), transport.blocks_);
    transport.mark(*this);
    return n;
}

void KernelStream::shutdown() {
    if (end_queued || pending_close) return;
    end_queued = true;
    transport.mark(*this);
}

// The kernel answers with a reset by itself when it has unread data; it does not know what lies in our queue.
void KernelStream::close() {
    transport.tell_end(*this, "closed by the edge");
    handler = nullptr;
    closed = true;
    if (pending_close) return transport.release(*this, false);
    if (connecting || unread.size() > 0) return abort();
    end_queued = true;
    transport.mark(*this);
}

void KernelStream::linger() {
    unread.clear(transport.blocks_);
    if (!pending_close && !connecting) {
        linger_left = kLingerBytes;
        transport.wheel_.arm(index, transport.now_ + kLingerTime);
    }
    close();
}

void KernelStream::abort() {
    transport.tell_end(*this, name(CloseReason::aborted));
    transport.counters_.add(Counter::tcp_broken);
    transport.release(*this, false);
}

StreamInfo KernelStream::info() const {
    StreamInfo info;
    if (descriptor >= 0) info = kernel_state(descriptor).info;
    info.unsent += static_cast<uint32_t>(written.size());
    info.unread += static_cast<uint32_t>(unread.size());
    info.buffer_bytes = static_cast<uint32_t>((unread.blocks() + written.blocks()) * kKernelBlock);
    return info;
}

}  // namespace fedge::tcp
