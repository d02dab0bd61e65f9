#include "dataplane/contract/channel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fedge::contract {
namespace {

// A message must fit the send buffer whole; the kernel doubles the value and caps it at net.core.wmem_max before that.
constexpr int kSocketBuffer = 2 * static_cast<int>(kMaxMessage);
// Descriptors taken off one message at most, so that surplus ones can be closed and not leak.
constexpr size_t kMaxDescriptors = 8;
constexpr int kBacklog = 4;

bool make_address(const std::string& path, sockaddr_un& address) {
    address = {};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return true;
}

Descriptor new_socket() {
    return Descriptor(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

bool is_gone(int error) {
    return error == EPIPE || error == ECONNRESET || error == ENOTCONN;
}

void keep_first_descriptor(msghdr& header, Descriptor& fd) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int received;
            std::memcpy(&received, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            Descriptor owned(received);
            if (!fd) fd = std::move(owned);
        }
    }
}

}  // namespace

void Descriptor::reset(int fd) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

Channel::Channel(Descriptor socket) : socket_(std::move(socket)) {
    if (!socket_) return;
    int flags = fcntl(socket_.get(), F_GETFL);
    fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK);
    setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUF, &kSocketBuffer, sizeof(kSocketBuffer));
}

Channel Channel::connect(const std::string& path) {
    sockaddr_un address;
    if (!make_address(path, address)) return {};
    Descriptor socket = new_socket();
    if (!socket) return {};
    if (::connect(socket.get(), generic(address), sizeof(address)) != 0) {
        int error = errno;
        socket.reset();
        errno = error;
        return {};
    }
    return Channel(std::move(socket));
}

ChannelStatus Channel::send(std::span<const uint8_t> message, int fd) {
    if (message.size() > kMaxMessage) return ChannelStatus::too_big;
    if (message.empty()) {
        errno = EINVAL;
        return ChannelStatus::failed;
    }
    iovec part{const_cast<uint8_t*>(message.data()), message.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    if (fd >= 0) {
        header.msg_control = control;
        header.msg_controllen = sizeof(control);
        cmsghdr* c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(c), &fd, sizeof(int));
    }
    ssize_t sent;
    do {
        sent = ::sendmsg(socket_.get(), &header, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0) return ChannelStatus::ok;
    if (errno == EAGAIN || errno == ENOBUFS) return ChannelStatus::again;
    return is_gone(errno) ? ChannelStatus::closed : ChannelStatus::failed;
}

ChannelStatus Channel::receive(std::span<uint8_t> buffer, size_t& size, Descriptor& fd) {
    size = 0;
    fd.reset();
    iovec part{buffer.data(), buffer.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxDescriptors)];
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    ssize_t received;
    do {
        received = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
    } while (received < 0 && errno == EINTR);
    if (received < 0) {
        if (errno == EAGAIN) return ChannelStatus::again;
        return is_gone(errno) ? ChannelStatus::closed : ChannelStatus::failed;
    }
    keep_first_descriptor(header, fd);
    if (received == 0) {
        fd.reset();
        return ChannelStatus::closed;
    }
    if (header.msg_flags & MSG_TRUNC) {
        fd.reset();
        return ChannelStatus::too_big;
    }
    size = static_cast<size_t>(received);
    return ChannelStatus::ok;
}

ChannelListener ChannelListener::listen(const std::string& path, mode_t mode) {
    ChannelListener listener;
    sockaddr_un address;
    if (!make_address(path, address)) return listener;
    // Only a socket that nobody answers on is a left-over; anything else at this path is not ours to remove.
    if (Channel probe = Channel::connect(path); probe.open()) {
        errno = EADDRINUSE;
        return listener;
    }
    struct stat left_over;
    if (errno == ECONNREFUSED && ::lstat(path.c_str(), &left_over) == 0 && S_ISSOCK(left_over.st_mode)) {
        ::unlink(path.c_str());
    }
    Descriptor socket = new_socket();
    if (!socket) return listener;
    // The mode is set between bind and listen: until listen nobody can connect.
    if (::bind(socket.get(), generic(address), sizeof(address)) != 0) return listener;
    if (::chmod(path.c_str(), mode) != 0 || ::listen(socket.get(), kBacklog) != 0) {
        int error = errno;
        ::unlink(path.c_str());
        errno = error;
        return listener;
    }
    listener.socket_ = std::move(socket);
    listener.path_ = path;
    return listener;
}

ChannelListener& ChannelListener::operator=(ChannelListener&& other) noexcept {
    if (this == &other) return *this;
    remove();
    socket_ = std::move(other.socket_);
    path_ = std::move(other.path_);
    return *this;
}

void ChannelListener::remove() {
    if (!socket_) return;
    ::unlink(path_.c_str());
    socket_.reset();
}

Channel ChannelListener::accept() {
    int fd;
    do {
        fd = ::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    return fd < 0 ? Channel{} : Channel(Descriptor(fd));
}

}  // namespace fedge::contract
