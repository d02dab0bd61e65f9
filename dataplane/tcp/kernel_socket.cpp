#include "dataplane/tcp/kernel_socket.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fedge::tcp {
namespace {

constexpr int kKeepaliveProbes = 4;  // as ours: timers.cpp
constexpr int kKeepaliveSeconds = 15;
constexpr int kSynRetransmissions = 5;
// The kernel's enum of states, which <linux/tcp.h> does not export.
constexpr uint8_t kTcpClose = 7;
constexpr const char* kStates[] = {"",          "ESTABLISHED", "SYN-SENT",   "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2",
                                   "TIME-WAIT", "CLOSED",      "CLOSE-WAIT", "LAST-ACK",     "LISTEN",     "CLOSING"};

const char* state_name(uint8_t state) {
    return state < std::size(kStates) ? kStates[state] : "";
}

void set(int descriptor, int level, int option, int value) {
    // None of the options used here can be refused for a TCP socket; buffer sizes are clamped by the kernel.
    setsockopt(descriptor, level, option, &value, sizeof(value));
}

int whole_seconds(Duration duration) {
    return std::max(1, static_cast<int>(std::chrono::ceil<std::chrono::seconds>(duration).count()));
}

int close_keeping_errno(int descriptor) {
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

}  // namespace

SocketAddress::SocketAddress(const Endpoint& endpoint) {
    Bytes wire = endpoint.address.wire();
    if (endpoint.address.is_v4()) {
        auto* in = reinterpret_cast<sockaddr_in*>(&storage);
        in->sin_family = AF_INET;
        in->sin_port = htons(endpoint.port);
        std::memcpy(&in->sin_addr, wire.data(), wire.size());
        length = sizeof(*in);
    } else {
        auto* in = reinterpret_cast<sockaddr_in6*>(&storage);
        in->sin6_family = AF_INET6;
        in->sin6_port = htons(endpoint.port);
        std::memcpy(&in->sin6_addr, wire.data(), wire.size());
        length = sizeof(*in);
    }
}

Endpoint SocketAddress::endpoint() const {
    if (storage.ss_family == AF_INET) {
        const auto* in = reinterpret_cast<const sockaddr_in*>(&storage);
        return {IpAddress::v4(ntohl(in->sin_addr.s_addr)), ntohs(in->sin_port)};
    }
    const auto* in = reinterpret_cast<const sockaddr_in6*>(&storage);
    return {IpAddress::v6_bytes(in->sin6_addr.s6_addr), ntohs(in->sin6_port)};
}

int open_socket(Family family, const StreamOptions& options) {
    int domain = family == Family::ipv4 ? AF_INET : AF_INET6;
    int descriptor = socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    if (family == Family::ipv6) set(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
    set(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
    // The kernel doubles these for its own book-keeping; the window it offers comes out near the size that is given.
    set(descriptor, SOL_SOCKET, SO_SNDBUF, static_cast<int>(std::min(options.send_buffer, kMaxBuffer)));
    set(descriptor, SOL_SOCKET, SO_RCVBUF, static_cast<int>(std::min(options.receive_buffer, kMaxBuffer)));
    set(descriptor, IPPROTO_TCP, TCP_SYNCNT, kSynRetransmissions);
    if (options.user_timeout != Duration{0})
        set(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT,
            static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(options.user_timeout).count()));
    if (options.keepalive != Duration{0}) {
        int idle = whole_seconds(options.keepalive);
        set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
        set(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, idle);
        set(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, std::min(idle, kKeepaliveSeconds));
        set(descriptor, IPPROTO_TCP, TCP_KEEPCNT, kKeepaliveProbes);
    }
    return descriptor;
}

int open_listener(const Endpoint& local, const StreamOptions& options, int backlog) {
    int descriptor = open_socket(local.address.family(), options);
    if (descriptor < 0) return -1;
    if (options.shares_port) set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1);
    SocketAddress address(local);
    if (bind(descriptor, address.get(), address.length) != 0 || listen(descriptor, backlog) != 0)
        return close_keeping_errno(descriptor);
    return descriptor;
}

int bind_before_connect(int descriptor, SocketAddress local) {
    if (local.endpoint().port) {
        set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1);
    } else {
        set(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    }
    return bind(descriptor, local.get(), local.length);
}

void reset_socket(int descriptor) {
    linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(descriptor);
}

KernelState kernel_state(int descriptor) {
    KernelState state;
    tcp_info info{};
    socklen_t length = sizeof(info);
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return state;
    int queued = 0, unsent = 0, unread = 0;
    ioctl(descriptor, SIOCOUTQ, &queued);
    ioctl(descriptor, SIOCOUTQNSD, &unsent);
    ioctl(descriptor, SIOCINQ, &unread);
    state.closed = info.tcpi_state == kTcpClose;
    state.window_shut = info.tcpi_snd_wnd == 0;
    state.name = state_name(info.tcpi_state);
    state.since_heard = std::chrono::milliseconds(std::min(info.tcpi_last_data_recv, info.tcpi_last_ack_recv));
    state.unacknowledged = static_cast<uint32_t>(queued);
    state.info.smoothed_rtt = std::chrono::microseconds(info.tcpi_rtt);
    state.info.congestion_window = info.tcpi_snd_cwnd * info.tcpi_snd_mss;
    state.info.in_flight = static_cast<uint32_t>(std::max(queued - unsent, 0));
    state.info.unsent = static_cast<uint32_t>(unsent);
    state.info.unread = static_cast<uint32_t>(unread);
    state.info.mss = info.tcpi_snd_mss;
    state.info.retransmits = info.tcpi_total_retrans;
    return state;
}

int socket_error(int descriptor) {
    int error = 0;
    socklen_t length = sizeof(error);
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length);
    return error;
}

}  // namespace fedge::tcp
