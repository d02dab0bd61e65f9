// Which core a flow belongs to when the one that it arrived on does not serve it. Every core computes the same, by the
// hash that NICs spread flows with: with as many queues as such cores, a power of two, the NIC has put it there
// already.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/port/rss.h"

namespace fedge::core {

class Steering {
  public:
    Steering() = default;
    // Numbers of the cores that have the role, ascending.
    Steering(std::vector<uint16_t> media, std::vector<uint16_t> signalling)
        : media_(std::move(media)), signalling_(std::move(signalling)) {}

    // `local` is the edge's end, `remote` the other.
    uint16_t media_core(const Endpoint& local, const Endpoint& remote) const { return pick(media_, local, remote); }
    uint16_t signalling_core(const Endpoint& local, const Endpoint& remote) const {
        return pick(signalling_, local, remote);
    }
    // All connections of one client address to one of ours: RFC 6062 wants a client's data connections where its
    // control connection is, and a connection cannot move.
    uint16_t signalling_core_of_client(const IpAddress& local, const IpAddress& remote) const {
        return pick(signalling_, {local, 0}, {remote, 0});
    }
    bool has_signalling() const { return !signalling_.empty(); }
    uint16_t media_cores() const { return static_cast<uint16_t>(media_.size()); }

  private:
    static uint16_t pick(const std::vector<uint16_t>& cores, const Endpoint& local, const Endpoint& remote) {
        return cores.size() == 1 ? cores[0] : cores[port::rss_hash(remote, local) % cores.size()];
    }

    std::vector<uint16_t> media_;
    std::vector<uint16_t> signalling_;
};

}  // namespace fedge::core
