// Looks at a ClientHello before anything of OpenSSL exists for its connection (RFC 8446 sections 4.1.2 and 5.1, RFC
// 6066, RFC 7301).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/bytes.h"

namespace fedge::tls {

inline constexpr size_t kMaxHello = 16 * 1024;  // bytes of the message
inline constexpr size_t kMaxHelloRecords = 64;  // that it may come in
inline constexpr size_t kRecordHeader = 5;
// What has to be gathered at most.
inline constexpr size_t kMaxHelloBytes = kMaxHello + 4 + kMaxHelloRecords * kRecordHeader;

enum class HelloState : uint8_t {
    incomplete,  // good so far
    complete,    // the whole message is there
    foreign,     // this is not TLS
    refused,     // TLS, but malformed or beyond the limits
};
struct HelloProgress {
    HelloState state;
    const char* why = "";  // foreign, refused: a clause for the operator
    size_t records = 0;
    size_t message_bytes = 0;  // of the handshake message, its header included, as far as it is there
};
// Looks at record and message headers alone: the cost depends on the number of records.
HelloProgress scan_hello(Bytes records);

struct ClientHello {
    uint16_t highest_version = 0;   // 0x0303 = TLS 1.2, 0x0304 = TLS 1.3
    std::string sni;                // host name in lower case without a final dot; empty: none
    std::vector<std::string> alpn;  // as offered, at most 16
};
// Of records in which scan_hello found a complete message. False: malformed. Extensions beyond those named here are not
// looked at.
bool parse_hello(Bytes records, ClientHello& hello);

}  // namespace fedge::tls
