#include "tests/sim/wire_checks.h"

namespace fedge::sim {

using tcp::Seq;

void WireChecks::start(Way& mine, const wire::TcpSegment& s) {
    mine = {};
    mine.started = true;
    mine.isn = Seq{s.seq};
    mine.end_sent = mine.isn + 1;
    mine.mss = s.options.mss;
    mine.scales = s.options.has_window_scale;
    mine.scale = s.options.window_scale;
    mine.timestamps = s.options.has_timestamps;
}

void WireChecks::sent(const Packet& packet, Instant now) {
    wire::TcpSegment s;
    if (!wire::parse_tcp(packet.bytes, s)) return fault(packet, now, "a segment that cannot be parsed");
    Way& mine = ways_[{packet.from(), packet.to()}];
    Way& theirs = ways_[{packet.to(), packet.from()}];
    if (s.has(wire::kRst)) return check_reset(mine, theirs, packet, now);
    if (s.has(wire::kSyn)) {
        if (!s.options.mss) fault(packet, now, "a SYN without the MSS option (RFC 9293 section 3.7.1)");
        if (!s.payload.empty() || s.has(wire::kFin)) fault(packet, now, "a SYN with data or FIN");
        if (!mine.started || mine.isn != Seq{s.seq}) start(mine, s);
    } else if (!s.has(wire::kAck)) {
        fault(packet, now, "neither SYN nor ACK nor RST");
    } else if (!mine.started) {
        return fault(packet, now, "a segment of a connection that was never opened");
    }
    if (!s.has(wire::kSyn) && mine.timestamps && theirs.timestamps && !s.options.has_timestamps)
        fault(packet, now, "timestamps were negotiated and are missing (RFC 7323 section 3.2)");
    if (!s.payload.empty()) check_payload(mine, theirs, packet, s, now);
    if (s.has(wire::kAck)) check_ack(mine, theirs, packet, s, now);
    mine.fin_sent |= s.has(wire::kFin);
    mine.last_seq = Seq{s.seq};
    mine.end_sent = tcp::later(mine.end_sent, mine.last_seq + s.length());
}

// One reset ends a connection. More are in order only as answers to what still arrives (RFC 9293 section 3.5.2).
void WireChecks::check_reset(Way& mine, const Way& theirs, const Packet& packet, Instant now) {
    resets_++;
    if (mine.resets++ == 0 && mine.arrived_at != now) mine.arrivals = 0;
    if (mine.resets > 1 + mine.arrivals) fault(packet, now, "a reset too many");
    if (!mine.fin_acknowledged || !theirs.fin_delivered) mine.broke = true;
}

void WireChecks::check_payload(Way& mine, const Way& theirs, const Packet& packet, const wire::TcpSegment& s,
                               Instant now) {
    if (!mine.has_window) return fault(packet, now, "data before the peer offered a window");
    Seq end = Seq{s.seq} + static_cast<uint32_t>(s.payload.size());
    // A probe of one byte beyond it is what a zero window asks for (RFC 9293 section 3.8.6.1).
    bool probe = s.payload.size() == 1 && end == mine.window_edge + 1;
    if (end > mine.window_edge && !probe)
        fault(packet, now, std::to_string(end - mine.window_edge) + " bytes beyond the offered window");
    // The peer's MSS counts options as well (RFC 6691).
    size_t options = (packet.bytes[12] >> 4) * size_t{4} - wire::kTcpHeader;
    size_t mss = theirs.mss ? theirs.mss : packet.source.is_v4() ? 536 : 1220;
    if (s.payload.size() + options > mss) fault(packet, now, "larger than the peer's MSS of " + std::to_string(mss));
    if (end <= mine.end_sent) retransmitted_bytes_ += s.payload.size();
}

void WireChecks::check_ack(Way& mine, const Way& theirs, const Packet& packet, const wire::TcpSegment& s, Instant now) {
    if (!theirs.anything_delivered || Seq{s.ack} > theirs.end_delivered)
        return fault(packet, now, "an acknowledgement of what never arrived");
    uint8_t by = shift(mine, theirs, s);
    Seq edge = Seq{s.ack} + (uint32_t{s.window} << by);
    // Scaling rounds down, so the edge may wander back by less than one unit (RFC 7323 section 2.4).
    if (mine.has_offered && edge + (1U << by) <= mine.offered_edge && by > 0)
        fault(packet, now, "the window was taken back by " + std::to_string(mine.offered_edge - edge));
    if (mine.has_offered && by == 0 && edge < mine.offered_edge)
        fault(packet, now, "the window was taken back by " + std::to_string(mine.offered_edge - edge));
    mine.offered_edge = mine.has_offered ? tcp::later(mine.offered_edge, edge) : edge;
    mine.has_offered = true;
}

void WireChecks::delivered(const Packet& packet, Instant now) {
    wire::TcpSegment s;
    if (!wire::parse_tcp(packet.bytes, s)) return;
    Way& theirs = ways_[{packet.from(), packet.to()}];
    Way& mine = ways_[{packet.to(), packet.from()}];
    mine.arrivals = mine.resets || mine.arrived_at == now ? mine.arrivals + 1 : 1;
    mine.arrived_at = now;
    if (s.has(wire::kRst) || !theirs.started) return;
    Seq end = Seq{s.seq} + s.length();
    // What an earlier connection on the same ports left on the wire does not count.
    if (end - theirs.isn > theirs.end_sent - theirs.isn) return;
    theirs.end_delivered = theirs.anything_delivered ? tcp::later(theirs.end_delivered, end) : end;
    theirs.anything_delivered = true;
    theirs.fin_delivered |= s.has(wire::kFin);
    if (!s.has(wire::kAck) || !mine.started || Seq{s.ack} - mine.isn > mine.end_sent - mine.isn) return;
    mine.fin_acknowledged |= mine.fin_sent && Seq{s.ack} == mine.end_sent;
    Seq edge = Seq{s.ack} + (uint32_t{s.window} << shift(theirs, mine, s));
    mine.window_edge = mine.has_window ? tcp::later(mine.window_edge, edge) : edge;
    mine.has_window = true;
}

bool WireChecks::broke(const Endpoint& from, const Endpoint& to) const {
    auto way = ways_.find({from, to});
    return way != ways_.end() && way->second.broke;
}

std::optional<uint32_t> WireChecks::last_sent(const Endpoint& from, const Endpoint& to) const {
    auto way = ways_.find({from, to});
    if (way == ways_.end() || !way->second.started) return std::nullopt;
    return way->second.last_seq.raw();
}

}  // namespace fedge::sim
