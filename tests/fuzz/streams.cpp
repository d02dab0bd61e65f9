// Stream measuring under any sequence of packets, jumps of time, releases and changes of setting. Input: operations of
// one byte and what they take, see below.
#include "dataplane/classify/streams.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <vector>

#include "tests/fuzz/expect.h"

using namespace fedge;
using namespace fedge::classify;
using fedge::fuzz::expect;

namespace {

constexpr uint32_t kOwners = 4;
constexpr size_t kRecords = 24;  // fewer than four allocations may want

struct World {
    std::array<Stream, kRecords> memory;
    StreamTable table{memory};
    std::array<StreamLinks, kOwners> links;
    std::array<uint64_t, kOwners> sent{};  // upper bound of what the rows of an allocation may show
    Instant now{};
};

// What must hold after every step.
void check(const World& w) {
    uint32_t records = 0;
    for (uint32_t owner = 0; owner < kOwners; owner++) {
        std::set<std::tuple<StreamKind, Direction, uint16_t, uint32_t>> seen;
        std::set<StreamId> ids;
        uint64_t packets = 0;
        w.table.list_of(w.links[owner], w.now, [&](const StreamReport& r) {
            expect(ids.size() < kMaxStreamsPerOwner, "a chain is bounded and has no loop");
            expect(r.owner == owner, "a chain holds streams of its owner only");
            expect(seen.insert({r.kind, r.direction, r.peer, r.ssrc}).second, "one record per stream");
            expect(r.packets > 0, "a stream has a packet");
            expect(r.loss_percent >= 0 && r.loss_percent <= 100, "loss is a percentage");
            expect(!r.jitter_ms || (*r.jitter_ms >= 0 && *r.jitter_ms < 4295), "jitter is bounded");
            expect(!r.jitter_ms || r.clock_rate > 0, "no jitter without a clock");
            expect(r.idle >= Duration::zero(), "idle is not negative");
            expect(r.kind == StreamKind::rtp || (r.lost == 0 && !r.jitter_ms), "only RTP has loss and jitter");
            ids.insert(r.id);
            packets += r.packets;
        });
        expect(packets <= w.sent[owner], "no packet is counted twice");
        for (StreamId last : w.links[owner].last)
            expect(last == kNoStream || ids.contains(last), "the stream last used is in the chain");
        records += static_cast<uint32_t>(ids.size());
    }
    expect(records == w.table.in_use(), "every record in use is in a chain");
    uint32_t listed = 0;
    w.table.list(0, UINT32_MAX, w.now, [&](const StreamReport&) { return ++listed, true; });
    expect(listed == records, "the listing shows every record in use");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    World w;
    ByteReader in{{data, size}};
    while (in.remaining()) {
        uint8_t op = in.u8();
        uint32_t owner = op % kOwners;
        switch (op >> 6) {
            case 0:
            case 1: {  // a packet: time step in 2^(0..31) ns, peer and direction, length, bytes
                w.now += Duration{int64_t{1} << (in.u8() & 31)};
                uint8_t where = in.u8();
                size_t length = std::min<size_t>(in.u8(), in.remaining());
                // An exact-size copy, so that a sanitizer sees a read past the end.
                Bytes bytes = in.bytes(length);
                std::vector<uint8_t> payload(bytes.begin(), bytes.end());
                w.sent[owner]++;
                w.table.update(w.links[owner], w.now,
                               {owner, static_cast<uint16_t>(where >> 1 & 3), static_cast<Direction>(where & 1)},
                               payload);
                break;
            }
            case 2: w.table.release_peer(w.links[owner], op >> 2 & 3); break;
            case 3:
                if (op & 0x20) {
                    w.table.measure_one_in(op >> 2 & 3);
                } else {
                    w.table.release(w.links[owner]);
                    w.sent[owner] = 0;
                }
                break;
        }
        check(w);
    }
    for (StreamLinks& links : w.links) w.table.release(links);
    expect(w.table.in_use() == 0, "everything comes back");
    return 0;
}
