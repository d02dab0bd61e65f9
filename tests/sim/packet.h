// What travels on the simulated wire: a TCP segment and the addresses of its IP header.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/tcp/tcp.h"
#include "dataplane/wire/tcp.h"

namespace fedge::sim {

struct Packet {
    IpAddress source;
    IpAddress destination;
    std::vector<uint8_t> bytes;  // from the TCP header on

    size_t ip_header() const { return source.is_v4() ? 20 : 40; }
    size_t ip_bytes() const { return bytes.size() + ip_header(); }
    Endpoint from() const { return {source, load_be16(bytes.data())}; }
    Endpoint to() const { return {destination, load_be16(bytes.data() + 2)}; }
    tcp::Arrival arrival() const { return {source, destination, bytes}; }
};

// Fills in the checksum, whatever it was before.
void seal(Packet& packet);
bool checksum_ok(const Packet& packet);

// From a segment as attackers and tests write it, with `payload` of the segment; sealed. Ports are those of the
// segment.
Packet make_packet(const IpAddress& source, const IpAddress& destination, const wire::TcpSegment& segment);

// "192.0.2.1:40000 > 192.0.2.2:5061 SA seq 17 ack 4 win 512 len 0 <mss 1460,...>".
std::string text_of(const Packet& packet);

}  // namespace fedge::sim
