// ChannelData framing: what parses names bytes that are there, and writing it again gives the same bytes.
#include "dataplane/wire/channel_data.h"

#include <algorithm>
#include <vector>

#include "tests/fuzz/expect.h"

using namespace fedge;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Bytes datagram{data, size};
    auto frame = wire::ChannelData::parse(datagram);
    if (!frame) return 0;
    fuzz::expect(wire::is_channel_data(datagram), "parse accepts only what the predicate accepts");
    fuzz::expect(frame->channel >= wire::kChannelFirst && frame->channel <= wire::kChannelLast,
                 "channel number in range");
    fuzz::expect(wire::kChannelHeader + frame->length <= size, "data inside the datagram");
    std::vector<uint8_t> again(wire::kChannelHeader + frame->length);
    store_be16(again.data(), frame->channel);
    store_be16(again.data() + 2, frame->length);
    std::copy_n(data + wire::kChannelHeader, frame->length, again.begin() + wire::kChannelHeader);
    fuzz::expect(std::equal(again.begin(), again.end(), data), "written again it is the same");
    return 0;
}
