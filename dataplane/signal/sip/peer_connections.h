// The open connections of a core by what their peers have proved: what names a connection that is gone may go to
// another one of the same peer (RFC 5923). Each step takes the same time however many connections there are, so that
// nobody can make work of old tokens.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "dataplane/signal/sip/sip_connection.h"
#include "dataplane/sip/flow_token.h"

namespace fedge::signal {

class PeerConnections {
  public:
    // `most`: slots of connections. Heap here, and for each peer.
    explicit PeerConnections(uint32_t most) : places_(most) {}

    // `peer`: its peer_hash(), not kNobody. The connection is not in here yet.
    void add(uint64_t peer, sip::Side side, FlowId connection);
    // It is no more; also for one that is not in here.
    void remove(FlowId connection);
    // The latest of this peer; FlowId{} if there is none.
    FlowId find(uint64_t peer, sip::Side side) const;

  private:
    static constexpr uint32_t kNone = UINT32_MAX;
    struct Place {
        FlowId connection;  // FlowId{}: nothing is here
        uint64_t peer = 0;
        sip::Side side{};
        uint32_t newer = kNone;
        uint32_t older = kNone;
    };
    using Latest = std::unordered_map<uint64_t, uint32_t>;
    Latest& latest(sip::Side side) { return latest_[static_cast<size_t>(side)]; }

    std::vector<Place> places_;  // by slot
    std::array<Latest, 2> latest_;
};

}  // namespace fedge::signal
