// The byte stream that TLS, SIP, XMPP and TURN see, whoever carries it: our TCP (tcp.h) or the kernel's
// (kernel_transport.h). Everything here happens on one core; nothing blocks.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/base/address.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/time.h"

namespace fedge::tcp {

// Why a stream is no more. The names are shown to operators and written to logs.
enum class CloseReason : uint8_t {
    finished,          // both sides ended it in order
    reset,             // the peer reset it
    refused,           // the peer refused the connection
    timed_out,         // nothing was acknowledged for the user timeout (RFC 5482), or nobody answered our SYN
    window_held_shut,  // the peer kept a zero window for the user timeout (RFC 6429)
    idle,              // nothing came for the idle timeout, or keepalives remained unanswered
    unreachable,       // ICMP said so before the connection was established
    no_memory,         // the core's buffers are exhausted
    aborted,           // by this side
    broken,            // what came on it, or how it ended, was not what the protocol above allows
};
std::string_view name(CloseReason reason);

// What those above a stream know about it, one layer over the other. Texts belong to them and are good during the call.
struct StreamDetails {
    std::string_view service;  // turn-tcp, turn-tls, ...
    std::string_view why;      // why this side ended it, as far as the user of the stream decided so
    uint64_t allocation = 0;   // id; 0 = none
    // TLS; empty without
    bool handshaking = false;
    bool resumed = false;
    std::string_view tls_version;
    std::string_view cipher;
    std::string_view group;
    std::string_view sni;
    std::string_view alpn;
    std::string_view certificate;                // of ours, by its name
    std::array<std::string_view, 4> peer_names;  // that the peer's certificate proves, the first of them
    std::string_view tls_error;                  // why the handshake failed, in words
};

// The user of one stream. Calls come from within Transport::poll or what drives it, never from within a call to the
// Stream, except that abort() and close() end all calls. Inside a call the user may use the stream in every way.
class StreamHandler {
  public:
    virtual ~StreamHandler() = default;
    virtual void on_open() {}                        // connect() succeeded; not called for accepted streams
    virtual void on_readable() = 0;                  // there is something to read, or at_end() became true
    virtual void on_writable() = 0;                  // there is room again after a write() that took less than all
    virtual void on_closed(CloseReason reason) = 0;  // the stream is gone; do not use it any more
    virtual void describe(StreamDetails&) const {}   // fills in what it knows; may be asked at any time
};

// What `fedge show connections` tells of one stream, and what tests look at.
struct StreamInfo {
    Duration smoothed_rtt{};
    uint32_t congestion_window = 0;  // bytes; 0 where the transport does not tell
    uint32_t in_flight = 0;          // bytes sent and not acknowledged
    uint32_t unsent = 0;             // bytes written and not sent
    uint32_t unread = 0;             // bytes received in order and not read
    uint32_t mss = 0;                // of what we send
    uint32_t buffer_bytes = 0;       // memory behind it, counted by buffer and not by payload
    uint64_t retransmits = 0;        // segments
};

// One line of `fedge show connections`.
struct ConnectionRow {
    const char* transport = "";  // "own", or "kernel"
    Endpoint local;
    Endpoint remote;
    const char* state = "";
    bool outgoing = false;
    Duration age{};
    Duration idle{};  // since something came; 0 where the transport does not tell
    StreamInfo info;
    StreamDetails details;  // texts: see there
};

// Is told of every stream when it ends for its user: before on_closed(), or by close() and abort(). `how`: in words.
class StreamObserver {
  public:
    virtual ~StreamObserver() = default;
    virtual void on_end(const ConnectionRow& row, std::string_view how) = 0;
};

// Owned by the transport. Valid from accept or connect until on_closed(), close() or abort().
class Stream {
  public:
    // Takes bytes that have arrived, in order. 0: none there now, see at_end().
    size_t read(MutableBytes out);
    // A view of the first bytes that have arrived, as many as lie together; valid until the next call. Take them with
    // consume(n), n at most its size.
    virtual Bytes peek() = 0;
    virtual void consume(size_t n) = 0;
    // Copies the first bytes that have arrived, and leaves them there: for who looks before taking. Returns how many.
    virtual size_t look(MutableBytes out) = 0;
    // The peer has ended its direction and everything before that has been read.
    virtual bool at_end() const = 0;

    // Queues bytes and returns how many were taken: fewer than given when the send queue is full, then on_writable()
    // follows. What is written within one turn of the loop leaves together.
    virtual size_t write(Bytes bytes) = 0;
    // Room in the send queue.
    virtual size_t writable() const = 0;
    // Ends our direction behind what was written (half-close). Reading goes on.
    virtual void shutdown() = 0;

    // From now on this is the user: who has found out what the stream is for hands it on. The new one is not told what
    // has happened before: it looks for what has arrived by itself.
    virtual void set_handler(StreamHandler& handler) = 0;

    // No more calls to the handler. close(): what was written is still delivered, what arrives is refused.
    virtual void close() = 0;
    // The same, but what arrives, or was not read, is thrown away until the peer ends its direction: the reset that
    // refuses it could overtake what was written last. The stream takes kLingerBytes and waits kLingerTime at most.
    virtual void linger() = 0;
    // abort(): a reset, now.
    virtual void abort() = 0;

    virtual Endpoint local() const = 0;
    virtual Endpoint remote() const = 0;
    virtual StreamInfo info() const = 0;

  protected:
    ~Stream() = default;
};

// Who takes the streams of a listener.
class Acceptor {
  public:
    virtual ~Acceptor() = default;
    // The connection is established. Returns its user, who lives until on_closed(), close() or abort(); nullptr refuses
    // it (reset).
    virtual StreamHandler* on_accept(Stream& stream) = 0;
};

struct StreamOptions {
    uint32_t send_buffer = 64 * 1024;     // bytes, at most kMaxBuffer
    uint32_t receive_buffer = 64 * 1024;  // bytes, at most kMaxBuffer: the window that the peer sees
    Duration user_timeout = 60s;          // without progress of what we sent (RFC 9293 section 3.9.1, RFC 5482)
    Duration idle_timeout = Duration{0};  // without any segment from the peer; 0 = never
    Duration keepalive = Duration{0};     // probe after so long without one (RFC 9293 section 3.8.4); 0 = off
    bool shares_port = false;             // of a listener: connect() may begin from its port
};
inline constexpr uint32_t kMaxBuffer = 512 * 1024;
inline constexpr uint32_t kLingerBytes = 8
                                         << 20;  // more than the largest message that is on its way when it is refused
inline constexpr Duration kLingerTime = 10s;

// Makes streams. One per core.
class Transport {
  public:
    virtual ~Transport() = default;
    // Streams to this address and port go to the acceptor, which must outlive the transport or be removed with
    // unlisten(). An unspecified address of a family means every address of that family. False: taken, no room, or (a
    // kernel transport) not permitted.
    virtual bool listen(const Endpoint& local, const StreamOptions& options, Acceptor& acceptor) = 0;
    // Streams that were accepted stay.
    virtual void unlisten(const Endpoint& local) = 0;
    // Starts to connect from an address of this edge; port 0 leaves the choice of one to the transport. From a port
    // that is named, one connection to each peer can be had at a time, and beside a listener on it whose options say
    // so. nullptr: no port or no memory left, or there is such a connection. on_open() or on_closed() follows.
    virtual Stream* connect(const Endpoint& local, const Endpoint& remote, const StreamOptions& options,
                            StreamHandler& handler) = 0;
};

}  // namespace fedge::tcp
