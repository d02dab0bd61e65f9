// A host on TCP outside of an EdgeBox: our own engine, whose segments go into the box as frames of the gateway and
// whose answers come out of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/tcp/tcp.h"
#include "dataplane/wire/packet.h"
#include "tests/support/edge_box.h"
#include "tests/support/tcp_segments.h"

namespace fedge::test {

// The user of one stream: keeps what arrives.
struct StreamUser : tcp::StreamHandler {
    tcp::Stream* stream = nullptr;
    bool open = false;
    std::optional<tcp::CloseReason> closed;
    std::vector<uint8_t> received;

    void on_open() override { open = true; }
    void on_readable() override {
        for (Bytes bytes; !(bytes = stream->peek()).empty(); stream->consume(bytes.size()))
            received.insert(received.end(), bytes.begin(), bytes.end());
    }
    void on_writable() override {}
    void on_closed(tcp::CloseReason reason) override {
        closed = reason;
        stream = nullptr;
    }
};

class StreamHost {
  public:
    explicit StreamHost(EdgeBox& box);

    tcp::Tcp& tcp() { return tcp_; }
    // Frames go into this queue of the box from now on.
    void use_queue(uint16_t queue) { queue_ = queue; }
    bool connect(StreamUser& user, const IpAddress& from, const Endpoint& to);
    // Both sides and the wire between them, until `done` or for as long as `limit`. What comes out of the box and is
    // not TCP is kept in other().
    bool until(const std::function<bool()>& done, Duration limit = 5s);
    std::vector<Frame>& other() { return other_; }
    // The VLAN in which an address of the edge is reached; without it none is tagged.
    std::function<uint16_t(const IpAddress&)> vlan_of;
    // Time stamp counts that the box has taken up to now: for benchmarks.
    uint64_t box_cycles() const { return box_cycles_; }
    // Asked for each segment of the edge: whether it is lost on the way.
    std::function<bool(const Frame&)> loses;

  private:
    void turn();

    EdgeBox& box_;
    SeededRandom random_{7};
    contract::CounterBlock block_{};
    CollectingOutput output_;
    tcp::Tcp tcp_;
    uint16_t queue_ = 0;
    uint64_t box_cycles_ = 0;
    std::vector<Frame> other_;
};

// One TCP segment as a frame from the box's gateway to the edge.
Frame tcp_frame(const MacAddress& edge, const SentSegment& segment, uint16_t vlan = 0);

}  // namespace fedge::test
