// The TCP of one core (RFC 9293): segments in, segments out, streams for those above.
//
// Shares nothing with other cores. No clock: `now` comes in with every call and never goes back. No packet buffers:
// arriving payload is copied to where it belongs in the receive queue, leaving payload is handed to SegmentOutput as
// views. All memory is taken at construction.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/counters.h"
#include "dataplane/base/random.h"
#include "dataplane/base/time.h"
#include "dataplane/ip/hop.h"
#include "dataplane/tcp/stream.h"

namespace fedge::tcp {

struct Limits {
    uint32_t connections = 4096;            // control blocks
    uint32_t half_open = 1024;              // entries of the SYN cache; beyond them SYN cookies answer
    uint32_t time_wait = 4096;              // entries; the oldest goes first
    uint32_t buffer_blocks = 16384;         // of 2 KiB: send and receive queues of all connections
    uint32_t connections_per_prefix = 256;  // from one IPv4 address or IPv6 /64: connections
    uint32_t half_open_per_prefix = 64;     // from one IPv4 address or IPv6 /64: SYN cache; beyond, cookies
    uint32_t resets_per_second = 200;       // to segments that belong to no connection
    uint32_t destinations = 4096;           // path MTU cache
    uint32_t syns_per_second = 20000;       // that are looked at; under a flood the others leave the core to those who
                                            // are connected
    uint32_t listeners = 64;                // at most 65,534
};

// Ports of ours that connections are begun from (RFC 6056), those of the kernel's TCP as well: which of the two a
// segment is for is told by the other end's port.
inline constexpr uint16_t kFirstEphemeralPort = 32768;
inline constexpr uint16_t kLastEphemeralPort = 60999;

struct Settings {
    Limits limits;
    int socket = -1;           // NUMA node, -1 = any
    Duration time_wait = 60s;  // 2 MSL
    bool cubic = true;         // RFC 9438; false: RFC 5681
    // Whether segments from `remote` to `local` arrive on this core: an outgoing connection takes a port for which
    // this is true. Empty: all do.
    std::function<bool(const Endpoint& local, const Endpoint& remote)> arrives_here;
    StreamObserver* observer = nullptr;  // outlives the Tcp; may be null
};

// Where segments go. One per core; core/ writes IP headers, tests carry them themselves.
class SegmentOutput {
  public:
    struct Segment {
        const IpAddress& source;
        const IpAddress& destination;
        Bytes header;                    // TCP header and options, checksum zero
        std::span<const Bytes> payload;  // one after the other
    };
    virtual ~SegmentOutput() = default;
    // Sends with "don't fragment". Whoever cannot send drops: TCP finds out. `hop` is the connection's memory of the
    // way.
    virtual void send(const Segment& segment, ip::Hop& hop, Instant now) = 0;
    // Of the interface towards the destination: the largest IP packet.
    virtual uint16_t mtu(const IpAddress& source, const IpAddress& destination) = 0;
};

// A segment that arrived: its IP addresses and its bytes from the TCP header on.
struct Arrival {
    IpAddress source;
    IpAddress destination;
    Bytes bytes;
    bool checksum_known_good = true;
};

// An ICMP error that quotes a segment of ours (RFC 5927): what is common to both families.
struct IcmpError {
    enum class Kind : uint8_t {
        too_big,           // fragmentation needed, packet too big
        unreachable_hard,  // protocol, port, administratively prohibited
        unreachable_soft,  // network, host, time exceeded, parameter problem
    };
    Kind kind;
    Endpoint local;   // source of the quoted segment
    Endpoint remote;  // its destination
    uint32_t seq = 0;
    uint32_t mtu = 0;  // too_big
};

struct MemoryUse {
    uint32_t connections = 0;
    uint32_t half_open = 0;
    uint32_t time_wait = 0;
    uint32_t blocks_used = 0;
    uint32_t blocks_total = 0;
};

class Engine;

class Tcp final : public Transport {
  public:
    static constexpr size_t kBurst = 32;

    // Throws std::runtime_error when there is not enough memory.
    Tcp(const Settings& settings, Counters counters, Random& random, SegmentOutput& output, Instant now);
    ~Tcp() override;

    bool listen(const Endpoint& local, const StreamOptions& options, Acceptor& acceptor) override;
    void unlisten(const Endpoint& local) override;
    Stream* connect(const Endpoint& local, const Endpoint& remote, const StreamOptions& options,
                    StreamHandler& handler) override;

    // At most kBurst segments. Handlers are called from here.
    void receive(std::span<const Arrival> burst, Instant now);
    // Does nothing unless the quoted sequence number is in flight (RFC 5927 section 4).
    void receive(const IcmpError& error, Instant now);
    // Timers, at most `budget` connections. Returns how many.
    uint32_t advance(Instant now, uint32_t budget = 256);
    // Sends what the turn has produced: at the end of every turn of the loop, and after any use of a stream from
    // outside of a handler.
    void flush(Instant now);

    MemoryUse memory() const;
    size_t bytes_per_connection() const;  // control block and its share of tables, without buffers
    // Rows from `cursor` on as of the last turn, at most out.size(); returns how many and moves the cursor, to 0 at the
    // end.
    size_t list(std::span<ConnectionRow> out, uint32_t& cursor) const;

  private:
    std::unique_ptr<Engine> engine_;
};

}  // namespace fedge::tcp
