#include "tests/sim/packet.h"

#include <cinttypes>
#include <cstdio>

#include "dataplane/wire/checksum.h"
#include "tests/sim/findings.h"

namespace fedge::sim {
namespace {

constexpr uint8_t kProtocolTcp = 6;
constexpr size_t kChecksumOffset = 16;

}  // namespace

std::string text_of(Instant at) {
    char buffer[32];
    std::snprintf(buffer, sizeof(buffer), "%12.6f s", static_cast<double>(at.time_since_epoch().count()) / 1e9);
    return buffer;
}

void seal(Packet& packet) {
    store_be16(packet.bytes.data() + kChecksumOffset, 0);
    store_be16(packet.bytes.data() + kChecksumOffset,
               wire::transport_checksum(packet.source, packet.destination, kProtocolTcp, packet.bytes));
}

bool checksum_ok(const Packet& packet) {
    return wire::transport_checksum_ok(packet.source, packet.destination, kProtocolTcp, packet.bytes);
}

Packet make_packet(const IpAddress& source, const IpAddress& destination, const wire::TcpSegment& segment) {
    Packet packet{source, destination, std::vector<uint8_t>(wire::kMaxTcpHeader)};
    packet.bytes.resize(wire::write_tcp(packet.bytes.data(), segment));
    packet.bytes.insert(packet.bytes.end(), segment.payload.begin(), segment.payload.end());
    packet.bytes.shrink_to_fit();
    seal(packet);
    return packet;
}

std::string text_of(const Packet& packet) {
    wire::TcpSegment s;
    if (!wire::parse_tcp(packet.bytes, s))
        return packet.source.text() + " > " + packet.destination.text() + " malformed";
    std::string text = packet.from().text() + " > " + packet.to().text() + " ";
    static constexpr struct {
        uint8_t bit;
        char letter;
    } kFlags[] = {{wire::kSyn, 'S'}, {wire::kFin, 'F'}, {wire::kRst, 'R'}, {wire::kPsh, 'P'}, {wire::kAck, 'A'}};
    for (auto [bit, letter] : kFlags)
        if (s.has(bit)) text += letter;
    text += " seq " + std::to_string(s.seq) + " ack " + std::to_string(s.ack) + " win " + std::to_string(s.window) +
            " len " + std::to_string(s.payload.size());
    if (s.options.mss) text += " mss " + std::to_string(s.options.mss);
    if (s.options.has_window_scale) text += " wscale " + std::to_string(s.options.window_scale);
    if (s.options.sack_permitted) text += " sackOK";
    if (s.options.has_timestamps)
        text += " TS " + std::to_string(s.options.timestamps.value) + " " + std::to_string(s.options.timestamps.echo);
    for (uint8_t i = 0; i < s.options.sack_count; i++)
        text += " sack " + std::to_string(s.options.sacks[i].left) + ":" + std::to_string(s.options.sacks[i].right);
    return text;
}

}  // namespace fedge::sim
