// What a connection to the shared port (443) turns out to be. SIP and TURN over TLS share one address and port, with
// plain STUN beside them; nobody announces himself, so the first bytes decide, then ALPN, then SNI, then the first
// bytes inside TLS. The table stands in dataplane/README.md, row by row as the tests have it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/bytes.h"

namespace fedge::signal {

enum class Opening : uint8_t {
    undecided,   // more bytes are needed
    tls,         // a TLS record with a ClientHello
    pseudo_tls,  // the fake handshake of MS-TURN section 2.1.1, or its bare framing (2.1.4)
    turn,        // STUN
    sip,
    unknown,  // nothing that is served here
};

// Bytes that decide at the latest: the fixed part of a pseudo-TLS ClientHello up to its cipher suites.
inline constexpr size_t kOpeningBytes = 50;

// Before TLS.
Opening plain_opening(Bytes first);

// Names that mean one or the other by SNI, lower case.
struct SharedNames {
    std::vector<std::string> turn;
    std::vector<std::string> sip;
};

// Once TLS is there: by ALPN (RFC 7443: stun.turn, stun.nat-discovery; sip/2), else by SNI, else by what comes first
// inside. Never pseudo_tls or tls.
Opening secured_opening(std::string_view alpn, std::string_view sni, const SharedNames& names, Bytes first);

}  // namespace fedge::signal
