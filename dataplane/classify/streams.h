// What flows through an allocation, measured per stream: packets, bytes, loss and interarrival jitter as in RFC 3550
// (sections 6.4.1, A.1, A.3, A.8). For display only: nothing is ever dropped, learned or trusted because of what is
// seen here.
//
// One table per core in memory of the caller. A stream is one cache line; an allocation holds a StreamLinks and at most
// kMaxStreamsPerOwner streams hang on it. When they are all taken, one that was silent for kStreamIdle makes room; if
// none was, the packet goes unmeasured. So whoever sprays SSRCs costs a bounded walk and cannot push live streams out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "dataplane/base/bytes.h"
#include "dataplane/base/time.h"
#include "dataplane/classify/rtp_clock.h"
#include "dataplane/wire/rtp.h"

namespace fedge::classify {

enum class StreamKind : uint8_t { rtp, rtcp, dtls, stun, other };
enum class Direction : uint8_t { to_peer, to_client };

// As the contract's StreamRow spells them: "rtp", "rtcp", ...; "to-peer", "to-client".
std::string_view words(StreamKind kind);
std::string_view words(Direction direction);

using StreamId = uint32_t;  // index into the table
inline constexpr StreamId kNoStream = UINT32_MAX;
inline constexpr uint32_t kMaxStreamsPerOwner = 8;
inline constexpr Duration kStreamIdle = std::chrono::seconds{2};

// Kept by the allocation, zero cost to move; only StreamTable changes it. Must be released before it is forgotten.
struct StreamLinks {
    StreamId head = kNoStream;
    StreamId last[2] = {kNoStream, kNoStream};  // last one used, by direction
};

// Where a packet belongs, besides what its own bytes say.
struct StreamKey {
    uint32_t owner;  // allocation handle; not UINT32_MAX
    uint16_t peer;   // the caller's number for the peer within the allocation (permission or channel slot)
    Direction direction;

    uint32_t tag(StreamKind kind) const {
        return uint32_t{peer} << 16 | static_cast<uint32_t>(direction) << 8 | static_cast<uint32_t>(kind);
    }
};

// One record. Public for its size only; read it through StreamTable::report.
struct alignas(64) Stream {
    uint32_t owner = UINT32_MAX;  // UINT32_MAX: not in use
    uint32_t tag = 0;             // StreamKey::tag
    uint32_t ssrc = 0;            // RTP, RTCP: of the sender; else 0
    StreamId next = kNoStream;    // in the owner's chain, or in the list of free records
    uint64_t packets = 0;
    uint64_t bytes = 0;   // payload as relayed: RTP header included, UDP header not
    int64_t last_ns = 0;  // arrival of the latest packet
    // RTP only. `highest` is A.1's cycles and max_seq. `base` is moved by whatever A.1 does not count as received, so
    // that lost = highest - base + 1 - packets (A.3) modulo 2^32 without a counter of its own.
    uint32_t highest = 0;
    uint32_t base = 0;
    uint32_t timestamp = 0;  // of the latest packet
    uint32_t jitter_or_start =
        0;  // nanoseconds of jitter; while the clock is unknown, the timestamp at which measuring it began
    uint16_t start_ms = 0;      // while the clock is unknown: arrival then, in units of 2^20 ns
    uint16_t bad_sequence = 0;  // A.1's bad_seq, if expecting_restart
    uint8_t payload_type = 0;   // of the latest packet
    RtpClock clock = RtpClock::unknown;
    uint8_t probation = 0;  // A.1: packets in sequence still wanted before the stream is taken for RTP
    bool expecting_restart = false;
};
static_assert(sizeof(Stream) == 64);

struct StreamReport {
    StreamId id;
    uint32_t owner;
    uint16_t peer;
    Direction direction;
    StreamKind kind;
    uint32_t ssrc;
    uint8_t payload_type;
    uint64_t packets;
    uint64_t bytes;
    int64_t lost;                     // may be negative: duplicates (RFC 3550 section 6.4.1). 0 unless valid RTP
    double loss_percent;              // of the packets expected, 0-100
    uint32_t clock_rate;              // Hz; 0 = not known
    std::optional<double> jitter_ms;  // only once the clock rate is known
    Duration idle;
};

class StreamTable {
  public:
    // `memory` belongs to the caller, outlives the table and needs no initialising; 64-byte aligned, fewer than 2^32-1
    // records. Two to four records per allocation are what calls and WebRTC sessions use.
    explicit StreamTable(std::span<Stream> memory) : pool_(memory) {}

    // Measure one allocation in `n`, chosen by its handle: per-packet sampling would make loss meaningless. 1 = all, 0
    // = off. Streams that exist go on being counted unless it is off.
    void measure_one_in(uint32_t n) { one_in_ = n; }

    // Counts one relayed packet. `payload` is the application data: neither ChannelData nor STUN framing of ours.
    [[gnu::always_inline]] void update(StreamLinks& links, Instant now, const StreamKey& key, Bytes payload) {
        if (one_in_ == 0) return;
        StreamId hint = links.last[static_cast<size_t>(key.direction)];
        if (hint != kNoStream && wire::Rtp::payload_offset_in(payload)) {
            Stream& stream = pool_[hint];
            if (stream.tag == key.tag(StreamKind::rtp) && stream.ssrc == load_be32(payload.data() + 8)) {
                count_rtp(stream, now, payload);
                return;
            }
        }
        find_and_count(links, now, key, payload);
    }

    // Brings the record that the next update() in this direction will most likely write. Worth a call per packet once
    // records outgrow the caches; `links` must be at hand.
    void prefetch(const StreamLinks& links, Direction direction) const {
        StreamId id = links.last[static_cast<size_t>(direction)];
        if (id != kNoStream) __builtin_prefetch(&pool_[id], 1);
    }

    // Gives all streams of an allocation, or those of one of its peers (whose number is about to get a new meaning),
    // back.
    void release(StreamLinks& links);
    void release_peer(StreamLinks& links, uint16_t peer);

    StreamReport report(StreamId id, Instant now) const;

    // Calls fn(StreamReport) for each stream in use from `cursor` on until fn returns false or `scan` records were
    // looked at. Returns the cursor to go on with, or kNoStream when there is nothing more. Streams that come and go
    // meanwhile may be missed, none is shown twice under one cursor.
    template <typename Fn>
    StreamId list(StreamId cursor, uint32_t scan, Instant now, Fn&& fn) const {
        for (; cursor < touched_ && scan; cursor++, scan--)
            if (pool_[cursor].owner != UINT32_MAX && !fn(report(cursor, now))) return cursor;
        return cursor < touched_ ? cursor : kNoStream;
    }
    // The streams of one allocation, newest first.
    template <typename Fn>
    void list_of(const StreamLinks& links, Instant now, Fn&& fn) const {
        for (StreamId id = links.head; id != kNoStream; id = pool_[id].next) fn(report(id, now));
    }

    uint32_t in_use() const { return in_use_; }
    uint32_t capacity() const { return static_cast<uint32_t>(pool_.size()); }
    uint64_t unmeasured() const { return unmeasured_; }  // packets that found no record

  private:
    static constexpr uint16_t kMaxDropout = 3000;  // A.1
    static constexpr uint16_t kMaxMisorder = 100;  // A.1
    static constexpr uint8_t kMinSequential = 2;   // A.1

    static void count_rtp(Stream& stream, Instant now, Bytes payload) {
        const uint8_t* p = payload.data();
        stream.packets++;
        stream.bytes += payload.size();
        auto ahead = static_cast<uint16_t>(load_be16(p + 2) - static_cast<uint16_t>(stream.highest));
        uint8_t payload_type = p[1] & 0x7f;
        // One test for all that is not plain: unknown clock, other payload type, probation, jump, repetition,
        // reordering.
        bool plain = static_cast<uint16_t>(ahead - 1) < kMaxDropout - 1 && payload_type == stream.payload_type &&
                     stream.clock != RtpClock::unknown && stream.probation == 0;
        if (!plain) {
            count_rtp_slowly(stream, now, payload);
            return;
        }
        stream.highest += ahead;
        add_jitter(stream, now, load_be32(p + 4));
    }

    // RFC 3550 A.8 in nanoseconds instead of timestamp units: J += (|D| - J) / 16.
    static void add_jitter(Stream& stream, Instant now, uint32_t timestamp) {
        int64_t at = now.time_since_epoch().count();
        int64_t sent = nanoseconds(stream.clock, static_cast<int32_t>(timestamp - stream.timestamp));
        int64_t d = (at - stream.last_ns) - sent;
        if (d < 0) d = -d;
        if (d > int64_t{UINT32_MAX}) d = UINT32_MAX;
        int64_t jitter = stream.jitter_or_start;
        stream.jitter_or_start = static_cast<uint32_t>(jitter + (d - jitter) / 16);
        stream.last_ns = at;
        stream.timestamp = timestamp;
    }

    static void count_rtp_slowly(Stream& stream, Instant now, Bytes payload);
    static void begin_sequence(Stream& stream, uint16_t sequence, int32_t carried);
    static bool follow_sequence(Stream& stream, uint16_t sequence);
    static void begin_clock(Stream& stream, Instant now, uint32_t timestamp);
    static void follow_clock(Stream& stream, Instant now, uint32_t timestamp);

    void find_and_count(StreamLinks& links, Instant now, const StreamKey& key, Bytes payload);
    StreamId take_idle(StreamLinks& links, Instant now);
    StreamId take_free();
    void give_back(StreamId id);
    bool sampled(uint32_t owner) const { return one_in_ == 1 || (uint64_t{owner * 0x9e3779b1U} * one_in_) >> 32 == 0; }

    std::span<Stream> pool_;
    StreamId free_ = kNoStream;
    uint32_t touched_ = 0;  // records below were used before; those above are still as the caller gave them
    uint32_t in_use_ = 0;
    uint32_t one_in_ = 1;
    uint64_t unmeasured_ = 0;
};

}  // namespace fedge::classify
