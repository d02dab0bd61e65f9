// What the command line shows of allocations and streams: plain rows, filled without heap by Turn::list.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/base/address.h"
#include "dataplane/base/time.h"

namespace fedge::relay {

// The first 64 bytes of a USERNAME, made printable: what a stranger chose never reaches a terminal raw.
struct UserText {
    std::array<char, 64> text{};
    uint8_t length = 0;
    std::string_view view() const { return {text.data(), length}; }
};

struct AllocationRow {
    uint64_t id = 0;  // unique among all cores while the allocation lives; never 0
    UserText user;
    Endpoint client;
    Endpoint server;
    uint16_t listener = 0xffff;          // position in Config::listeners; 0xffff: gone
    uint8_t relays = 0;                  // 1 or 2
    std::array<Endpoint, 2> relay;       // ours
    std::array<Endpoint, 2> advertised;  // as told to the client
    Duration age{};
    Duration expires{};
    uint32_t permissions = 0;
    uint32_t channels = 0;
    uint64_t to_peer_packets = 0;
    uint64_t to_peer_bytes = 0;
    uint64_t to_client_packets = 0;
    uint64_t to_client_bytes = 0;
    uint64_t dropped = 0;
};

enum class StreamKind : uint8_t { rtp, rtcp, dtls, stun, other };

struct StreamRow {
    uint64_t allocation = 0;
    UserText user;
    Endpoint peer;
    bool to_peer = false;  // else to the client
    StreamKind kind = StreamKind::other;
    uint32_t ssrc = 0;
    uint8_t payload_type = 0;
    uint64_t packets = 0;
    uint64_t bytes = 0;
    int64_t lost = 0;
    double loss_percent = 0;
    double jitter_ms = 0;  // negative: not known yet (no clock rate)
    Duration idle{};
};

}  // namespace fedge::relay
