// What the command line shows of allocations and streams: plain rows, filled without heap by Turn::list.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "dataplane/base/address.h"
#include "dataplane/base/time.h"
#include "dataplane/classify/streams.h"

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
    const char* transport = "udp";  // of the client: udp, tcp or tls
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

struct StreamRow {
    uint64_t allocation = 0;
    UserText user;
    Endpoint peer;
    classify::Direction direction = classify::Direction::to_peer;
    classify::StreamKind kind = classify::StreamKind::other;
    uint32_t ssrc = 0;
    uint8_t payload_type = 0;
    uint64_t packets = 0;
    uint64_t bytes = 0;
    int64_t lost = 0;
    double loss_percent = 0;
    std::optional<double> jitter_ms;  // once the clock rate is known
    Duration idle{};
};

}  // namespace fedge::relay
