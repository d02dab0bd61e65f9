#include "dataplane/classify/streams.h"

#include <algorithm>
#include <array>

namespace fedge::classify {
namespace {

// The clock of a dynamic payload type is measured over this long: the arrival jitter of real networks then stays below
// the 4 % that nearest_clock() accepts.
constexpr Duration kClockWindow = std::chrono::seconds{2};
// A pause after which measuring starts anew. Far below the 68 s after which start_ms wraps.
constexpr Duration kClockPause = std::chrono::seconds{20};

// Units of 2^20 ns, about a millisecond.
uint16_t coarse(Instant now) {
    return static_cast<uint16_t>(now.time_since_epoch().count() >> 20);
}

struct Identity {
    StreamKind kind;
    uint32_t ssrc;
};

Identity identify(Bytes payload) {
    switch (wire::classify_payload(payload)) {
        case wire::MediaKind::rtp:
            if (auto rtp = wire::Rtp::parse(payload)) return {StreamKind::rtp, rtp->ssrc};
            break;
        case wire::MediaKind::rtcp:
            if (auto rtcp = wire::Rtcp::parse(payload)) return {StreamKind::rtcp, rtcp->ssrc};
            break;
        case wire::MediaKind::dtls: return {StreamKind::dtls, 0};
        case wire::MediaKind::stun: return {StreamKind::stun, 0};
        case wire::MediaKind::channel:
        case wire::MediaKind::other: break;
    }
    return {StreamKind::other, 0};
}

// RFC 3550 A.3: expected - received.
int32_t lost(const Stream& s) {
    return static_cast<int32_t>(s.highest - s.base + 1 - static_cast<uint32_t>(s.packets));
}

uint16_t peer_of(const Stream& s) {
    return static_cast<uint16_t>(s.tag >> 16);
}

}  // namespace

std::string_view words(StreamKind kind) {
    static constexpr std::array<std::string_view, 5> kWords = {"rtp", "rtcp", "dtls", "stun", "other"};
    return kWords[static_cast<size_t>(kind)];
}

std::string_view words(Direction direction) {
    return direction == Direction::to_peer ? "to-peer" : "to-client";
}

void StreamTable::find_and_count(StreamLinks& links, Instant now, const StreamKey& key, Bytes payload) {
    if (links.head == kNoStream && !sampled(key.owner)) return;
    Identity identity = identify(payload);
    uint32_t tag = key.tag(identity.kind);
    uint32_t chained = 0;
    StreamId id = links.head;
    while (id != kNoStream && (pool_[id].tag != tag || pool_[id].ssrc != identity.ssrc)) {
        id = pool_[id].next;
        chained++;
    }
    bool is_new = id == kNoStream;
    if (is_new) {
        id = chained < kMaxStreamsPerOwner ? take_free() : take_idle(links, now);
        if (id == kNoStream) {
            unmeasured_++;
            return;
        }
        pool_[id] = Stream{.owner = key.owner, .tag = tag, .ssrc = identity.ssrc, .next = links.head};
        links.head = id;
    }

    Stream& stream = pool_[id];
    if (identity.kind != StreamKind::rtp) {
        stream.packets++;
        stream.bytes += payload.size();
        stream.last_ns = now.time_since_epoch().count();
        return;
    }
    links.last[static_cast<size_t>(key.direction)] = id;
    if (is_new) {
        stream.probation = kMinSequential;
        stream.highest = static_cast<uint16_t>(load_be16(payload.data() + 2) - 1);
        stream.payload_type = payload[1] & 0x7f;
        stream.clock = static_clock(stream.payload_type);
    }
    count_rtp(stream, now, payload);
}

// Everything that count_rtp() does not call plain. Packet and bytes are already counted.
void StreamTable::count_rtp_slowly(Stream& stream, Instant now, Bytes payload) {
    uint16_t sequence = load_be16(payload.data() + 2);
    uint32_t timestamp = load_be32(payload.data() + 4);
    uint8_t payload_type = payload[1] & 0x7f;

    if (stream.probation > 0) {
        bool in_sequence = sequence == static_cast<uint16_t>(stream.highest + 1);
        stream.probation = in_sequence ? stream.probation - 1 : kMinSequential - 1;
        stream.highest = sequence;
        stream.payload_type = payload_type;
        stream.clock = static_clock(payload_type);
        if (stream.probation == 0) begin_sequence(stream, sequence, 0);
        begin_clock(stream, now, timestamp);
        return;
    }

    bool restarted = stream.expecting_restart && sequence == stream.bad_sequence;
    if (!follow_sequence(stream, sequence)) return;
    restarted = restarted && !stream.expecting_restart;

    // Telephone events and comfort noise come and go within a stream and share its clock (RFC 4733 section 2.1), so
    // only a type whose rate is known to be another one changes the clock.
    stream.payload_type = payload_type;
    RtpClock declared = static_clock(payload_type);
    if (declared != RtpClock::unknown && declared != stream.clock) {
        stream.clock = declared;
        begin_clock(stream, now, timestamp);
        return;
    }
    if (stream.clock == RtpClock::unknown) {
        restarted ? begin_clock(stream, now, timestamp) : follow_clock(stream, now, timestamp);
        return;
    }
    if (restarted) {
        // The timestamps before and after have nothing to do with each other.
        stream.last_ns = now.time_since_epoch().count();
        stream.timestamp = timestamp;
        return;
    }
    add_jitter(stream, now, timestamp);
}

// A.1's init_seq(). What was lost before is carried over, so that a restart does not hide what was lost before it.
void StreamTable::begin_sequence(Stream& stream, uint16_t sequence, int32_t carried) {
    stream.highest = sequence;
    stream.base = stream.highest + 1 - static_cast<uint32_t>(stream.packets) - static_cast<uint32_t>(carried);
    stream.expecting_restart = false;
}

// A.1's update_seq() behind probation. False: not to be counted as received.
bool StreamTable::follow_sequence(Stream& stream, uint16_t sequence) {
    auto ahead = static_cast<uint16_t>(sequence - static_cast<uint16_t>(stream.highest));
    if (ahead < kMaxDropout) {
        stream.highest += ahead;  // 0: a duplicate, which counts as received
        return true;
    }
    if (ahead > 65536 - kMaxMisorder) return true;  // late or duplicate
    if (stream.expecting_restart && sequence == stream.bad_sequence) {
        // This packet is counted already, so what was lost before it appears as one less.
        begin_sequence(stream, sequence, lost(stream) + 1);
        return true;
    }
    stream.bad_sequence = static_cast<uint16_t>(sequence + 1);
    stream.expecting_restart = true;
    stream.base--;
    return false;
}

void StreamTable::begin_clock(Stream& stream, Instant now, uint32_t timestamp) {
    stream.jitter_or_start = stream.clock == RtpClock::unknown ? timestamp : 0;
    stream.start_ms = coarse(now);
    stream.last_ns = now.time_since_epoch().count();
    stream.timestamp = timestamp;
}

void StreamTable::follow_clock(Stream& stream, Instant now, uint32_t timestamp) {
    int64_t at = now.time_since_epoch().count();
    if (at - stream.last_ns > kClockPause.count()) {
        begin_clock(stream, now, timestamp);
        return;
    }
    stream.last_ns = at;
    stream.timestamp = timestamp;
    Duration elapsed{int64_t{static_cast<uint16_t>(coarse(now) - stream.start_ms)} << 20};
    if (elapsed < kClockWindow) return;
    stream.clock = nearest_clock(timestamp - stream.jitter_or_start, elapsed);
    begin_clock(stream, now, timestamp);
}

StreamId StreamTable::take_free() {
    StreamId id = free_;
    if (id != kNoStream) {
        free_ = pool_[id].next;
    } else if (touched_ < pool_.size()) {
        id = touched_++;
    } else {
        return kNoStream;
    }
    in_use_++;
    return id;
}

// The stream of this allocation that has been silent longest, out of its chain; none if all were active lately.
StreamId StreamTable::take_idle(StreamLinks& links, Instant now) {
    StreamId* oldest = nullptr;
    int64_t oldest_ns = now.time_since_epoch().count() - kStreamIdle.count();
    for (StreamId* link = &links.head; *link != kNoStream; link = &pool_[*link].next) {
        if (pool_[*link].last_ns <= oldest_ns) {
            oldest = link;
            oldest_ns = pool_[*link].last_ns;
        }
    }
    if (!oldest) return kNoStream;
    StreamId id = *oldest;
    *oldest = pool_[id].next;
    std::ranges::replace(links.last, id, kNoStream);
    return id;
}

void StreamTable::give_back(StreamId id) {
    pool_[id].owner = UINT32_MAX;
    pool_[id].next = free_;
    free_ = id;
    in_use_--;
}

void StreamTable::release(StreamLinks& links) {
    for (StreamId id = links.head; id != kNoStream;) {
        StreamId next = pool_[id].next;
        give_back(id);
        id = next;
    }
    links = {};
}

void StreamTable::release_peer(StreamLinks& links, uint16_t peer) {
    for (StreamId* link = &links.head; *link != kNoStream;) {
        StreamId id = *link;
        if (peer_of(pool_[id]) != peer) {
            link = &pool_[id].next;
            continue;
        }
        *link = pool_[id].next;
        std::ranges::replace(links.last, id, kNoStream);
        give_back(id);
    }
}

StreamReport StreamTable::report(StreamId id, Instant now) const {
    const Stream& s = pool_[id];
    StreamReport r{.id = id,
                   .owner = s.owner,
                   .peer = peer_of(s),
                   .direction = static_cast<Direction>(s.tag >> 8 & 0xff),
                   .kind = static_cast<StreamKind>(s.tag & 0xff),
                   .ssrc = s.ssrc,
                   .payload_type = s.payload_type,
                   .packets = s.packets,
                   .bytes = s.bytes,
                   .lost = 0,
                   .loss_percent = 0,
                   .clock_rate = 0,
                   .jitter_ms = std::nullopt,
                   .idle = std::max(Duration::zero(), now.time_since_epoch() - Duration{s.last_ns})};
    if (r.kind != StreamKind::rtp || s.probation > 0) return r;
    r.lost = lost(s);
    if (r.lost > 0)
        r.loss_percent =
            100.0 * static_cast<double>(r.lost) / static_cast<double>(r.packets + static_cast<uint64_t>(r.lost));
    r.clock_rate = hertz(s.clock);
    if (s.clock != RtpClock::unknown) r.jitter_ms = s.jitter_or_start / 1e6;
    return r;
}

}  // namespace fedge::classify
