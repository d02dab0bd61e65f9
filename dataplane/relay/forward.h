// What the relay decides about one packet of data: where it goes and how its bytes change. core/ carries it out on the
// mbuf; nothing in relay/ knows mbufs, so everything here runs in tests and fuzzers on plain bytes.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/base/address.h"
#include "dataplane/ip/hop.h"

namespace fedge::relay {

struct Forward {
    Endpoint source;  // ours
    Endpoint destination;
    // Only of data from a client. The destination is a relay port of ours: the data is not to be sent but to be dealt
    // with, on the core that owns the port, by Turn::from_relay, as coming from `source`, the endpoint that others know
    // this client's relay port by. `hop` means nothing then.
    bool hairpin = false;
    // Only of data to a client. It is to be written to the client's connection, by StreamClients::to_client; `session`
    // names it, `hop` means nothing then.
    bool to_stream = false;
    uint32_t session = 0;
    ip::Hop* hop = nullptr;  // cache to use and refresh; owned by the allocation, valid until the next call into relay
    uint16_t data_offset = 0;  // application data within the received UDP payload
    uint16_t data_length = 0;
    uint8_t prepend_length = 0;  // bytes to put in front of the data: ChannelData header or Data indication head
    uint8_t append_zeros = 0;    // padding behind the data (0-3): Data indications, and ChannelData on streams
    bool dont_fragment = false;
    std::array<uint8_t, 56> prepend;
};

}  // namespace fedge::relay
