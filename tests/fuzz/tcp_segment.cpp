// TCP segments: what was parsed and written again is parsed to the same.
#include <algorithm>
#include <array>
#include <vector>

#include "dataplane/wire/tcp.h"
#include "tests/fuzz/expect.h"

using namespace fedge;
using fuzz::expect;

namespace {

void expect_same(const wire::TcpOptions& first, const wire::TcpOptions& second) {
    expect(first.mss == second.mss, "MSS survives");
    expect(first.has_window_scale == second.has_window_scale, "window scale survives");
    expect(first.window_scale == second.window_scale, "the shift survives");
    expect(first.sack_permitted == second.sack_permitted, "SACK-permitted survives");
    expect(first.has_timestamps == second.has_timestamps, "timestamps survive");
    expect(first.timestamps.value == second.timestamps.value, "TSval survives");
    expect(first.timestamps.echo == second.timestamps.echo, "TSecr survives");
    // The writer leaves out ranges that find no room beside the other options.
    expect(second.sack_count <= first.sack_count, "no range is invented");
    bool alone = !first.mss && !first.has_window_scale && !first.sack_permitted;
    uint8_t room = first.has_timestamps ? 3 : 4;
    if (alone) expect(second.sack_count == std::min(first.sack_count, room), "ranges survive as far as there is room");
    for (uint8_t i = 0; i < second.sack_count; i++) expect(first.sacks[i] == second.sacks[i], "each range survives");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Bytes bytes{data, size};
    wire::TcpSegment first;
    if (!wire::parse_tcp(bytes, first)) return 0;
    expect(fuzz::inside(bytes, first.payload), "payload inside");
    expect(first.payload.size() + wire::kTcpHeader <= size, "payload behind the header");
    expect(first.options.sack_count <= wire::kMaxSackRanges, "no more ranges than fit");
    expect(first.options.window_scale <= 14, "no shift above 14");
    expect(first.has(wire::kSyn) ||
               (!first.options.mss && !first.options.has_window_scale && !first.options.sack_permitted),
           "options of SYNs in SYNs only");

    std::vector<uint8_t> again(wire::kMaxTcpHeader);
    size_t header = wire::write_tcp(again.data(), first);
    expect(header >= wire::kTcpHeader && header <= wire::kMaxTcpHeader && header % 4 == 0, "a header's length");
    again.resize(header);
    again.insert(again.end(), first.payload.begin(), first.payload.end());
    wire::TcpSegment second;
    expect(wire::parse_tcp(again, second), "what was written can be parsed");
    expect(first.source_port == second.source_port && first.destination_port == second.destination_port, "ports");
    expect(first.seq == second.seq && first.ack == second.ack, "numbers");
    expect(first.flags == second.flags && first.window == second.window, "flags and window");
    expect(std::equal(first.payload.begin(), first.payload.end(), second.payload.begin(), second.payload.end()),
           "payload");
    expect_same(first.options, second.options);
    return 0;
}
