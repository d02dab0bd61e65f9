// The connection between control and the dataplane: a SOCK_SEQPACKET UNIX socket that keeps message boundaries and
// carries file descriptors (SCM_RIGHTS). Sockets are non-blocking and close-on-exec; whoever waits does it with poll or
// its own event loop on descriptor(). Nothing here throws; errors are values with errno kept.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace fedge::contract {

// Longest message of the contract. Longer ones are neither sent nor accepted.
inline constexpr size_t kMaxMessage = 256 * 1024;

// Owns a file descriptor.
class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) reset(std::exchange(other.fd_, -1));
        return *this;
    }
    ~Descriptor() { reset(); }

    int get() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }
    void reset(int fd = -1);
    explicit operator bool() const { return fd_ >= 0; }

  private:
    int fd_ = -1;
};

enum class ChannelStatus : uint8_t {
    ok,
    again,    // send: the other side's queue is full; receive: nothing there
    closed,   // the other side is gone
    too_big,  // longer than kMaxMessage, or than the buffer of receive(); a received one is lost
    failed,   // errno says why
};

// One end of a connection. Moves, never copies; closes on destruction.
class Channel {
  public:
    Channel() = default;
    // Takes a connected SOCK_SEQPACKET socket and makes it non-blocking.
    explicit Channel(Descriptor socket);

    // Connects to the listener at `path`. On failure the channel is not open() and errno says why.
    static Channel connect(const std::string& path);

    // Sends one message whole or not at all; `fd` (borrowed) rides along unless it is -1. An empty message is refused
    // as `failed` with EINVAL, because the receiver could not tell it from the end of the connection.
    ChannelStatus send(std::span<const uint8_t> message, int fd = -1);

    // Takes one message into `buffer`; on ok, `size` is its length and `fd` the descriptor that came with it, if any. A
    // message with more than one descriptor is accepted and the surplus closed.
    ChannelStatus receive(std::span<uint8_t> buffer, size_t& size, Descriptor& fd);

    bool open() const { return static_cast<bool>(socket_); }
    int descriptor() const { return socket_.get(); }
    void close() { socket_.reset(); }

  private:
    Descriptor socket_;
};

// The dataplane's end to which control connects.
class ChannelListener {
  public:
    ChannelListener() = default;
    // Binds `path` with `mode`, replacing a socket that a dead process left there. On failure it is not open() and
    // errno says why; EADDRINUSE means that a live process listens there.
    static ChannelListener listen(const std::string& path, mode_t mode);
    ChannelListener(ChannelListener&&) = default;
    ChannelListener& operator=(ChannelListener&& other) noexcept;
    ~ChannelListener() { remove(); }

    // The next connection, or a channel that is not open() when none waits.
    Channel accept();

    bool open() const { return static_cast<bool>(socket_); }
    int descriptor() const { return socket_.get(); }

  private:
    void remove();  // closes and unlinks

    Descriptor socket_;
    std::string path_;
};

}  // namespace fedge::contract
