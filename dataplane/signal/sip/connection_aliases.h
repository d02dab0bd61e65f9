// Connections that partners began and on which requests may go back to them (RFC 5923). The sender of a request says so
// with `alias` in its Via: at its address and the port of that Via it listens itself, and what is meant for there may
// take this connection instead. Whether who is there has proved to be the one that is meant, the user checks
// (RFC 5923 section 9.3).
#pragma once

#include <map>
#include <utility>

#include "dataplane/base/address.h"
#include "dataplane/signal/sip/sip_connection.h"

namespace fedge::signal {

class ConnectionAliases {
  public:
    // A connection leads to one place: the latest. Several may lead to the same: of one partner, or of partners who
    // share an address.
    void add(const Endpoint& place, FlowId connection) {
        auto known = places_.find(connection.index);
        if (known != places_.end() && known->second->first == place) return;
        remove(connection);
        places_[connection.index] = connections_.emplace(place, connection);
    }
    // It is no more.
    void remove(FlowId connection) {
        auto known = places_.find(connection.index);
        if (known == places_.end()) return;
        connections_.erase(known->second);
        places_.erase(known);
    }
    // The first to this place for which `fits(FlowId)` is not null, as that; or nullptr.
    template <typename Fits>
    SipConnection* find(const Endpoint& place, Fits&& fits) const {
        auto [from, to] = connections_.equal_range(place);
        for (; from != to; ++from)
            if (SipConnection* connection = fits(from->second)) return connection;
        return nullptr;
    }

  private:
    using Connections = std::multimap<Endpoint, FlowId>;
    // Neither has more entries than there are connections.
    Connections connections_;
    std::map<uint32_t, Connections::iterator> places_;  // by slot of the connection
};

}  // namespace fedge::signal
