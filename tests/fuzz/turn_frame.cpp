// Framing of TURN on streams: however little of a message has come, what is told of it is what is told of all of it,
// and more is asked for only as long as more is needed. Messages that are framed are those that the parsers take.
#include "dataplane/wire/turn_frame.h"

#include <algorithm>

#include "tests/fuzz/expect.h"

using namespace fedge;
using fuzz::expect;
using Kind = wire::TurnFrame::Kind;

namespace {

void check_prefixes(Bytes stream, const wire::TurnFrame& whole) {
    constexpr size_t kLongest = 64;  // more than is looked at
    for (size_t n = 0; n < std::min(stream.size(), kLongest); n++) {
        wire::TurnFrame part = wire::turn_frame(stream.first(n));
        if (part.kind == Kind::incomplete) {
            expect(part.size > n, "more is asked for than has come");
            expect(whole.kind == Kind::broken || whole.size >= part.size, "what is asked for belongs to the message");
        } else {
            expect(part.kind == whole.kind && part.size == whole.size, "told once, it stays");
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    for (Bytes stream{data, size}; !stream.empty();) {
        wire::TurnFrame frame = wire::turn_frame(stream);
        check_prefixes(stream, frame);
        if (frame.kind == Kind::incomplete) {
            expect(frame.size > stream.size(), "what has come is not enough");
            return 0;
        }
        if (frame.kind == Kind::broken) return 0;
        expect(frame.size >= wire::kChannelHeader && frame.size % 4 == 0, "messages are of whole words");
        if (frame.size > stream.size()) return 0;
        Bytes message = stream.first(frame.size);
        if (frame.kind == Kind::channel_data) {
            auto channel = wire::ChannelData::parse(message);
            expect(channel && wire::kChannelHeader + size_t{channel->length} + 4 > frame.size,
                   "padded by less than a word");
        } else {
            expect(!wire::is_channel_data(message) && wire::is_stun(message), "one kind or the other");
        }
        stream = stream.subspan(frame.size);
    }
    return 0;
}
