// Flow tokens: nothing that was made up is taken for ours, under any context; what is ours comes back as it was.
#include "dataplane/sip/flow_token.h"

#include "tests/fuzz/expect.h"

using namespace fedge;
using fuzz::expect;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const sip::FlowTokens tokens{{.keys = {{1, 2, 3}, {4, 5, 6}}, .hash_key = {7}}};
    ByteReader r{{data, size}};
    sip::Flow flow;
    flow.node = r.u16();
    flow.core = r.u8();
    flow.side = static_cast<sip::Side>(r.u8() & 1);
    flow.connection = r.u32();
    flow.generation = r.u32();
    flow.peer = r.u64();
    uint32_t now = r.u32();
    if (!r.ok()) return 0;
    std::string_view rest = text_of(r.bytes(r.remaining()));
    for (sip::TokenUse use : {sip::TokenUse::via, sip::TokenUse::record_route}) {
        expect(tokens.open(use, rest, "context", now).verdict == sip::TokenVerdict::forged, "made up");
        auto token = tokens.issue(use, flow, rest, now);
        auto opened = tokens.open(use, sip::view(token), rest, now);
        expect(opened.verdict == sip::TokenVerdict::good && opened.flow == flow, "comes back");
        expect(rest == "context" ||
                   tokens.open(use, sip::view(token), "context", now).verdict == sip::TokenVerdict::forged,
               "worth nothing elsewhere");
    }
    return 0;
}
