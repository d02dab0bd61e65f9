// The outside world of the relay benchmark: many clients with an allocation, a channel and a peer each, and their
// packets. Built and checked by OpenSSL's digests, so that nothing the clients compute comes from the code under test.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/support/edge_box.h"
#include "tests/support/stun_client.h"

namespace fedge::perf {

inline constexpr uint16_t kRtpBytes = 172;  // 20 ms of G.711 with its RTP header

struct Client {
    Endpoint client;
    Endpoint relay;  // from the Allocate response
    Endpoint peer;
    uint16_t to_peer_sequence = 0;  // of RTP, next packet
    uint16_t to_client_sequence = 0;
};

// Cycles that the edge itself took.
struct SetupCost {
    uint64_t allocate_cycles = 0;  // challenge and authenticated Allocate
    uint64_t bind_cycles = 0;
};

class Load {
  public:
    // Makes `count` allocations on `box`, each for a user of its own with time-limited credentials, and binds a channel
    // on each. Throws std::runtime_error when the edge refuses one.
    Load(test::EdgeBox& box, uint32_t count);

    static contract::SnapshotT snapshot(uint32_t allocations);

    const SetupCost& cost() const { return cost_; }
    const std::vector<Client>& clients() const { return clients_; }

    // A packet of client `index`: ChannelData to its peer, or the peer's datagram to its relay address.
    void write_to_peer(uint32_t index, rte_mbuf* mbuf);
    void write_to_client(uint32_t index, rte_mbuf* mbuf);
    // True if `frame` is what the edge must send for it: addresses, ChannelData header, data, checksums.
    bool right_to_peer(uint32_t index, Bytes frame) const;
    bool right_to_client(uint32_t index, Bytes frame) const;

  private:
    void allocate(uint32_t first, uint32_t count);
    void bind(uint32_t first, uint32_t count);
    uint64_t run(const std::vector<test::Frame>& requests, std::vector<test::Frame>& replies);
    void write(rte_mbuf* mbuf, const Endpoint& source, const Endpoint& destination, uint16_t sequence,
               bool channel) const;
    bool right(Bytes frame, const Endpoint& source, const Endpoint& destination, bool channel) const;

    test::EdgeBox& box_;
    std::vector<Client> clients_;
    std::vector<test::StunAttempt> logged_in_;  // of the batch in hand: user, key, nonce
    std::vector<uint8_t> rtp_;
    SetupCost cost_;
};

}  // namespace fedge::perf
