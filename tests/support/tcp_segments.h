// What a Tcp under test sends, collected for whoever plays the wire.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/time.h"
#include "dataplane/tcp/tcp.h"

namespace fedge::test {

struct SentSegment {
    IpAddress source;
    IpAddress destination;
    std::vector<uint8_t> bytes;  // from the TCP header on
    Instant at{};

    tcp::Arrival arrival() const { return {source, destination, bytes}; }
};

class CollectingOutput final : public tcp::SegmentOutput {
  public:
    explicit CollectingOutput(uint16_t mtu = 1500) : mtu_(mtu) {}

    void send(const Segment& segment, ip::Hop&, Instant now) override {
        SentSegment sent{segment.source, segment.destination, {segment.header.begin(), segment.header.end()}, now};
        for (Bytes piece : segment.payload) sent.bytes.insert(sent.bytes.end(), piece.begin(), piece.end());
        sent_.push_back(std::move(sent));
    }
    uint16_t mtu(const IpAddress&, const IpAddress&) override { return mtu_; }

    std::vector<SentSegment> take() { return std::exchange(sent_, {}); }

  private:
    uint16_t mtu_;
    std::vector<SentSegment> sent_;
};

}  // namespace fedge::test
