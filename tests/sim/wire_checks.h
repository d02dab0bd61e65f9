// What must hold for every segment of a TCP that behaves, as somebody sees it who stands at both ends of the wire.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "dataplane/tcp/seq.h"
#include "tests/sim/findings.h"
#include "tests/sim/packet.h"

namespace fedge::sim {

class WireChecks {
  public:
    explicit WireChecks(Findings& findings) : findings_(findings) {}

    // A host gave this to the wire.
    void sent(const Packet& packet, Instant now);
    // That host is about to see it.
    void delivered(const Packet& packet, Instant now);

    // Whether the host at `from` reset the current connection to `to` before both directions had ended and its own end
    // was acknowledged.
    bool broke(const Endpoint& from, const Endpoint& to) const;
    // Sequence number of the segment that `from` sent last; nullopt: none on a current connection.
    std::optional<uint32_t> last_sent(const Endpoint& from, const Endpoint& to) const;
    // Behind the last sequence number that `from` has sent: what `to` expects next, once all of it has arrived.
    uint32_t end_sent(const Endpoint& from, const Endpoint& to) const { return ways_.at({from, to}).end_sent.raw(); }
    uint64_t resets() const { return resets_; }
    uint64_t retransmitted_bytes() const { return retransmitted_bytes_; }

  private:
    // One direction of a connection, seen as its sender.
    struct Way {
        bool started = false;  // its SYN was sent
        tcp::Seq isn{};
        uint16_t mss = 0;  // option in its SYN
        bool scales = false;
        uint8_t scale = 0;
        bool timestamps = false;
        tcp::Seq last_seq{};
        tcp::Seq end_sent{};
        tcp::Seq end_delivered{};
        bool anything_delivered = false;
        // Rightmost edge of the windows that reached it.
        bool has_window = false;
        tcp::Seq window_edge{};
        // Of the windows that it offered.
        bool has_offered = false;
        tcp::Seq offered_edge{};
        bool fin_sent = false;
        bool fin_delivered = false;
        bool fin_acknowledged = false;
        bool broke = false;
        uint32_t resets = 0;
        // Of the other direction, since the first reset; before it, in this instant: a burst is seen as one.
        uint32_t arrivals = 0;
        Instant arrived_at{};
    };
    struct Key {
        Endpoint from;
        Endpoint to;
        friend std::strong_ordering operator<=>(const Key&, const Key&) = default;
    };

    void start(Way& mine, const wire::TcpSegment& segment);
    void check_reset(Way& mine, const Way& theirs, const Packet& packet, Instant now);
    void check_payload(Way& mine, const Way& theirs, const Packet& packet, const wire::TcpSegment& s, Instant now);
    void check_ack(Way& mine, const Way& theirs, const Packet& packet, const wire::TcpSegment& s, Instant now);
    static uint8_t shift(const Way& mine, const Way& theirs, const wire::TcpSegment& s) {
        return !s.has(wire::kSyn) && mine.scales && theirs.scales ? mine.scale : uint8_t{0};
    }
    void fault(const Packet& packet, Instant now, const std::string& what) {
        findings_.add(now, what + ": " + text_of(packet));
    }

    Findings& findings_;
    std::map<Key, Way> ways_;
    uint64_t resets_ = 0;
    uint64_t retransmitted_bytes_ = 0;
};

}  // namespace fedge::sim
