#include "dataplane/signal/sip/peer_connections.h"

namespace fedge::signal {

void PeerConnections::add(uint64_t peer, sip::Side side, FlowId connection) {
    Place& place = places_[connection.index];
    place = {connection, peer, side};
    auto [known, fresh] = latest(side).try_emplace(peer, connection.index);
    if (fresh) return;
    place.older = known->second;
    places_[place.older].newer = connection.index;
    known->second = connection.index;
}

void PeerConnections::remove(FlowId connection) {
    Place& place = places_[connection.index];
    if (place.connection != connection) return;
    if (place.older != kNone) places_[place.older].newer = place.newer;
    if (place.newer != kNone) {
        places_[place.newer].older = place.older;
    } else if (place.older != kNone) {
        latest(place.side)[place.peer] = place.older;
    } else {
        latest(place.side).erase(place.peer);
    }
    place = {};
}

FlowId PeerConnections::find(uint64_t peer, sip::Side side) const {
    const Latest& latest = latest_[static_cast<size_t>(side)];
    auto known = latest.find(peer);
    return known == latest.end() ? FlowId{} : places_[known->second].connection;
}

}  // namespace fedge::signal
