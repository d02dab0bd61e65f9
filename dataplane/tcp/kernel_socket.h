// The system calls of the kernel twin (kernel_transport.h): sockets with the options of a stream, addresses in the
// kernel's form, and what the kernel tells of a connection.
#pragma once

#include <sys/socket.h>

#include "dataplane/base/address.h"
#include "dataplane/tcp/stream.h"

namespace fedge::tcp {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = sizeof(storage);

    SocketAddress() = default;
    explicit SocketAddress(const Endpoint& endpoint);
    Endpoint endpoint() const;
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

// Non-blocking, with the options of a stream set: an accepted socket inherits them from its listener. IPv6 sockets
// serve IPv6 alone. -1 and errno when the kernel has none left.
int open_socket(Family family, const StreamOptions& options);
// As open_socket(), bound and listening. -1 and errno.
int open_listener(const Endpoint& local, const StreamOptions& options, int backlog);
// Binds for connect(), which chooses the port if that is 0; any other may be shared. 0, or -1 and errno.
int bind_before_connect(int descriptor, SocketAddress local);
// Closes so that the peer gets a reset, whatever is queued.
void reset_socket(int descriptor);

// What getsockopt(TCP_INFO) and the socket's queues say.
struct KernelState {
    bool closed = false;          // the kernel is done with the connection
    bool window_shut = false;     // the peer's window is zero
    const char* name = "closed";  // of its state, as ours are named
    Duration since_heard{};       // since the last segment of the peer
    uint32_t unacknowledged = 0;  // bytes in the kernel's send queue
    StreamInfo info;              // queues of the kernel only
};
KernelState kernel_state(int descriptor);

// The pending error of a socket, 0 if there is none.
int socket_error(int descriptor);

}  // namespace fedge::tcp
