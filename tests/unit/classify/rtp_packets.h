// RTP and friends for tests of stream measuring.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/base/bytes.h"
#include "dataplane/classify/streams.h"

namespace fedge::classify::test {

struct RtpFields {
    uint16_t sequence = 0;
    uint32_t timestamp = 0;
    uint32_t ssrc = 0x11111111;
    uint8_t payload_type = 0;
    size_t payload = 160;
};

inline std::vector<uint8_t> rtp(const RtpFields& f) {
    std::vector<uint8_t> p(12 + f.payload);
    p[0] = 0x80;
    p[1] = f.payload_type;
    store_be16(p.data() + 2, f.sequence);
    store_be32(p.data() + 4, f.timestamp);
    store_be32(p.data() + 8, f.ssrc);
    return p;
}

// One allocation on a table of its own.
struct Bench {
    explicit Bench(size_t records = 64) : memory(records), table(memory) {}

    void send(Duration at, const RtpFields& f, uint16_t peer = 1, Direction direction = Direction::to_peer) {
        send(at, rtp(f), peer, direction);
    }
    void send(Duration at, Bytes payload, uint16_t peer = 1, Direction direction = Direction::to_peer) {
        now = Instant{at};
        table.update(links, now, {.owner = 42, .peer = peer, .direction = direction}, payload);
    }
    std::vector<StreamReport> rows() const {
        std::vector<StreamReport> list;
        table.list_of(links, now, [&](const StreamReport& r) { list.push_back(r); });
        return list;
    }
    // The only stream there is.
    StreamReport only() const {
        auto list = rows();
        return list.size() == 1 ? list[0] : StreamReport{.id = kNoStream};
    }

    std::vector<Stream> memory;
    StreamTable table;
    StreamLinks links;
    Instant now;
};

}  // namespace fedge::classify::test
