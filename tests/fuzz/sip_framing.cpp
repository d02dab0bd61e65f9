// SIP framing: whatever the cut, the same messages come out, and what is taken never exceeds what is there. The first
// byte chooses limits and cuts.
#include "dataplane/sip/framing.h"

#include <algorithm>
#include <vector>

#include "tests/fuzz/expect.h"

using namespace fedge;
using fuzz::expect;

namespace {

struct Event {
    sip::Framed what;
    sip::FramingFault fault;
    size_t end;  // bytes taken so far
    friend bool operator==(const Event&, const Event&) = default;
};

// What comes out, without the pieces of bodies, whose cuts are the input's.
std::vector<Event> run(Bytes input, const sip::FramingLimits& limits, size_t piece) {
    sip::Framer framer{limits};
    std::vector<Event> events;
    size_t taken = 0;
    for (size_t there = 0; there < input.size();) {
        there += std::min(piece, input.size() - there);
        for (;;) {
            // A copy of its own size, so that a look beyond it is seen.
            std::vector<uint8_t> shown(input.begin() + static_cast<long>(taken),
                                       input.begin() + static_cast<long>(there));
            sip::Frame frame = framer.scan({}, shown);
            expect(frame.take <= shown.size(), "takes what is there");
            if (frame.what == sip::Framed::more) break;
            taken += frame.take;
            if (frame.what == sip::Framed::header)
                expect(frame.body_bytes <= limits.body_bytes && frame.take <= limits.header_bytes, "within limits");
            if (frame.what != sip::Framed::body || frame.last) events.push_back({frame.what, frame.fault, taken});
            if (frame.what == sip::Framed::refused) return events;
            expect(frame.take > 0, "every frame takes something");
        }
    }
    return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0 || size > 4096) return 0;
    sip::FramingLimits limits;
    limits.strict_length = data[0] & 1;
    if (data[0] & 2) limits = {.header_bytes = 128, .headers = 4, .body_bytes = 20};
    Bytes input{data + 1, size - 1};
    auto whole = run(input, limits, SIZE_MAX);
    expect(run(input, limits, 1) == whole, "byte by byte as at once");
    expect(run(input, limits, 1 + data[0] / 4) == whole, "in pieces as at once");
    return 0;
}
