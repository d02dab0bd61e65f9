// The look at a ClientHello before OpenSSL exists: what comes in pieces must be judged as what comes at once, and a
// message that was called complete must be parsed within bounds.
#include <cstdint>

#include "dataplane/tls/client_hello.h"
#include "tests/fuzz/expect.h"

using namespace fedge;
using tls::HelloState;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Bytes all{data, size};
    tls::HelloProgress whole = tls::scan_hello(all);
    fuzz::expect(whole.records <= tls::kMaxHelloRecords + 1, "records are counted and bounded");
    // The first verdict other than "incomplete" on the way is the verdict on the whole.
    size_t step = size > 512 ? size / 256 : 1;
    for (size_t n = 0; n < size; n += step) {
        HelloState state = tls::scan_hello(all.first(n)).state;
        if (state == HelloState::incomplete) {
            fuzz::expect(n <= tls::kMaxHelloBytes, "nobody has to gather more");
            continue;
        }
        fuzz::expect(state == whole.state, "more bytes change no verdict");
        break;
    }
    if (whole.state != HelloState::complete) return 0;
    tls::ClientHello hello;
    if (!tls::parse_hello(all, hello)) return 0;
    fuzz::expect(hello.sni.size() <= 255, "a name is bounded");
    fuzz::expect(hello.alpn.size() <= 16, "protocols are bounded");
    for (char c : hello.sni) fuzz::expect(c > ' ' && c <= '~' && !(c >= 'A' && c <= 'Z'), "a name is plain");
    return 0;
}
