// What the shared port makes of the first bytes: the same however they are cut, decided at the latest with
// kOpeningBytes, and never taken back.
#include <cstdint>
#include <cstdlib>

#include "dataplane/signal/opening.h"

namespace {

using fedge::Bytes;
using fedge::signal::Opening;

template <typename Decide>
void check(Bytes bytes, Decide&& decide) {
    Opening verdict = Opening::undecided;
    for (size_t n = 0; n <= bytes.size() && n <= fedge::signal::kOpeningBytes; n++) {
        Opening now = decide(bytes.first(n));
        if (verdict != Opening::undecided && now != verdict) abort();
        verdict = now;
    }
    if (bytes.size() >= fedge::signal::kOpeningBytes && verdict == Opening::undecided) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const fedge::signal::SharedNames kNames{{"turn.example.org"}, {"sip.example.org"}};
    Bytes bytes{data, size};
    check(bytes, [](Bytes first) { return fedge::signal::plain_opening(first); });
    check(bytes, [](Bytes first) { return fedge::signal::secured_opening({}, {}, kNames, first); });
    return 0;
}
