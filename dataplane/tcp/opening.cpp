#include <algorithm>

#include "dataplane/tcp/engine.h"

namespace fedge::tcp {
namespace {

constexpr uint8_t kSynAckTransmissions = 5;  // 1 + 2 + 4 + 8 + 16 s
constexpr Duration kCookieLifetime = 128s;
constexpr uint16_t kDefaultMssIpv4 = 536;   // RFC 9293 section 3.7.1
constexpr uint16_t kDefaultMssIpv6 = 1220;  // RFC 8200 section 8.3 and RFC 9293 section 3.7.1

// Six bits of a SYN-ACK's timestamp tell a cookie's answer what the SYN had offered.
constexpr uint32_t kCookieOptionBits = 0x3f;
constexpr uint32_t kCookieNoScale = 0xf;
constexpr uint32_t kCookieSack = 0x10;

// The shift that lets 16 bits say the whole buffer (RFC 7323 section 2.3).
uint8_t scale_for(uint32_t buffer) {
    uint8_t shift = 0;
    while (buffer >> shift > 0xffff) shift++;
    return shift;
}

uint16_t first_window(const StreamOptions& options) {
    return static_cast<uint16_t>(std::min(options.receive_buffer, 0xffffU));
}

uint16_t offered_mss(const wire::TcpOptions& options, const IpAddress& peer) {
    if (options.mss == 0) return peer.is_v4() ? kDefaultMssIpv4 : kDefaultMssIpv6;
    return std::max(options.mss, kMinMss);
}

}  // namespace

// RFC 9293 section 3.10.7.2.
void Engine::on_listener_segment(Incoming& in, Listener& listener) {
    const wire::TcpSegment& s = in.segment;
    if (s.has(wire::kRst)) return counters_.drop(Drop::tcp_no_connection);
    if (s.has(wire::kAck)) {
        if (!s.has(wire::kSyn) && now_ < cookies_until_) return on_cookie(in, listener);
        return reset_stranger(in);
    }
    if (!s.has(wire::kSyn) || s.has(wire::kFin)) return counters_.drop(Drop::tcp_no_connection);
    on_syn(in, listener, std::nullopt);
}

void Engine::on_syn(const Incoming& in, Listener& listener, std::optional<Seq> floor) {
    counters_.add(Counter::tcp_syn_received);
    // Under pressure the new is refused, the established goes on.
    if (free_.empty() || pool_.scarce()) return counters_.drop(Drop::tcp_no_room);
    if (per_prefix_.count(in.source) >= settings_.limits.connections_per_prefix)
        return counters_.drop(Drop::tcp_prefix_limit);
    if (half_open_count_ >= settings_.limits.half_open ||
        half_open_per_prefix_.count(in.source) >= settings_.limits.half_open_per_prefix)
        return answer_with_cookie(in, listener);
    uint32_t index = half_open_free_;
    if (!set_flow(in.key, Kind::half_open, index)) return answer_with_cookie(in, listener);
    HalfOpen& half = half_open_[index];
    half_open_free_ = half.next_free;
    half_open_count_++;
    half_open_per_prefix_.add(in.source);
    const wire::TcpOptions& options = in.segment.options;
    half = {};
    half.key = in.key;
    half.irs = in.segment.seq;
    Seq iss{secrets_.initial_sequence(in.key, now_)};
    half.iss = (floor && iss < *floor ? *floor : iss).raw();
    half.ts_recent = options.timestamps.value;
    half.peer_mss = offered_mss(options, in.source);
    half.peer_scale = options.window_scale;
    half.has_scale = options.has_window_scale;
    half.sack = options.sack_permitted;
    half.timestamps = options.has_timestamps;
    half.answered = now_;
    send_syn_ack(half);
    half_open_wheel_.arm(index, now_ + kInitialRto);
}

void Engine::send_syn_ack(HalfOpen& half) {
    const Listener* listener = find_listener(half.key.local_address(), half.key.local_port());
    if (!listener) return;
    half.transmissions++;
    half.sent_at = now_;
    wire::TcpSegment s;
    s.seq = half.iss;
    s.ack = half.irs + 1;
    s.flags = wire::kSyn | wire::kAck;
    s.window = first_window(listener->options);
    s.options.mss = advertised_mss(half.key.local_address(), half.key.remote_address());
    s.options.sack_permitted = half.sack;
    s.options.has_window_scale = half.has_scale;
    s.options.window_scale = scale_for(listener->options.receive_buffer);
    if (half.timestamps) {
        s.options.has_timestamps = true;
        s.options.timestamps = {timestamp(secrets_.timestamp_offset(half.key)), half.ts_recent};
    }
    send_control(half.key, half.hop, s);
}

void Engine::on_half_open_timer(uint32_t index) {
    HalfOpen& half = half_open_[index];
    if (half.transmissions >= kSynAckTransmissions) {
        counters_.add(Counter::tcp_half_open_expired);
        remove_flow(half.key);
        return release_half_open(index);
    }
    counters_.add(Counter::tcp_retransmits);
    send_syn_ack(half);
    half_open_wheel_.arm(index, now_ + kInitialRto * (1 << (half.transmissions - 1)));
}

// The flow must already be another's, or gone.
void Engine::release_half_open(uint32_t index) {
    HalfOpen& half = half_open_[index];
    half_open_wheel_.cancel(index);
    half_open_per_prefix_.remove(half.key.remote_address());
    half.next_free = half_open_free_;
    half_open_free_ = index;
    half_open_count_--;
}

// RFC 9293 section 3.10.7.4 for SYN-RECEIVED, with RFC 5961.
void Engine::on_half_open_segment(Incoming& in, uint32_t index) {
    HalfOpen& half = half_open_[index];
    const wire::TcpSegment& s = in.segment;
    Listener* listener = find_listener(in.destination, s.destination_port);
    if (!listener) {  // gone since
        remove_flow(half.key);
        release_half_open(index);
        return reset_stranger(in);
    }
    Seq next{half.irs + 1};
    bool in_window = in.seq() - next < std::max<uint32_t>(first_window(listener->options), 1);
    auto acknowledge = [&] {
        if (now_ - half.answered < kRepeatInterval) return counters_.drop(Drop::tcp_out_of_window);
        half.answered = now_;
        wire::TcpSegment ack;
        ack.seq = half.iss + 1;
        ack.ack = next.raw();
        ack.flags = wire::kAck;
        ack.window = first_window(listener->options);
        if (half.has_scale) ack.window >>= scale_for(listener->options.receive_buffer);
        if (half.timestamps) {
            ack.options.has_timestamps = true;
            ack.options.timestamps = {timestamp(secrets_.timestamp_offset(half.key)), half.ts_recent};
        }
        counters_.add(Counter::tcp_challenges_sent);
        send_control(half.key, half.hop, ack);
    };

    if (s.has(wire::kSyn) && !s.has(wire::kAck) && s.seq == half.irs) {
        // The SYN again: our SYN-ACK was lost, or is still on its way.
        if (now_ - half.answered < kRepeatInterval) return counters_.drop(Drop::tcp_out_of_window);
        half.answered = now_;
        return send_syn_ack(half);
    }
    if (s.has(wire::kRst)) {
        if (in.seq() == next) {
            counters_.add(Counter::tcp_resets_received);
            remove_flow(half.key);
            return release_half_open(index);
        }
        return in_window ? acknowledge() : counters_.drop(Drop::tcp_out_of_window);
    }
    if (!in_window || s.has(wire::kSyn)) return acknowledge();
    if (!s.has(wire::kAck)) return counters_.drop(Drop::tcp_out_of_window);
    if (s.ack != half.iss + 1) return reset_stranger(in);
    if (half.timestamps && s.options.has_timestamps &&
        static_cast<int32_t>(s.options.timestamps.value - half.ts_recent) < 0)
        return acknowledge();  // PAWS
    HalfOpen copy = half;
    release_half_open(index);
    establish(copy, *listener, in);
}

// The three-way handshake is complete: from here on there is a control block. `in` is the segment that completed it.
Connection* Engine::establish(const HalfOpen& half, Listener& listener, Incoming& in) {
    Connection* c = per_prefix_.count(in.source) < settings_.limits.connections_per_prefix
                        ? take_connection(half.key, listener.options)
                        : nullptr;
    if (!c) {
        remove_flow(half.key);
        counters_.drop(Drop::tcp_no_room);
        reset_stranger(in);
        return nullptr;
    }
    counters_.add(Counter::tcp_accepted);
    c->state = State::established;
    c->hop = half.hop;
    c->iss = Seq{half.iss};
    c->irs = Seq{half.irs};
    c->syn_transmissions = half.transmissions;
    c->snd_una = c->snd_nxt = c->snd_end = c->iss + 1;
    wire::TcpOptions options;
    options.mss = half.peer_mss;
    options.has_window_scale = half.has_scale;
    options.window_scale = half.peer_scale;
    options.sack_permitted = half.sack;
    options.has_timestamps = half.timestamps;
    options.timestamps.value = half.ts_recent;
    take_peer_options(*c, options);
    open_windows(*c, uint32_t{in.segment.window} << c->snd_scale);
    if (half.transmissions == 1) sample_rtt(*c, now_ - half.sent_at);
    StreamHandler* user = listener.acceptor->on_accept(*c);
    if (!c->in_use) return nullptr;  // the acceptor has aborted it
    if (!c->closed_by_user) c->handler = user;
    if (!c->closed_by_user && !user) {
        abort(*c, CloseReason::aborted);
        return nullptr;
    }
    on_segment(*c, in);
    if (c->in_use) deliver(*c);
    if (c->in_use) file(*c);
    return c;
}

void Engine::answer_with_cookie(const Incoming& in, const Listener& listener) {
    uint16_t mss = offered_mss(in.segment.options, in.source);
    counters_.add(Counter::tcp_cookies_sent);
    cookies_until_ = now_ + kCookieLifetime;
    wire::TcpSegment s;
    s.seq = secrets_.cookie(in.key, in.segment.seq, mss, now_);
    s.ack = in.segment.seq + 1;
    s.flags = wire::kSyn | wire::kAck;
    s.window = first_window(listener.options);
    s.options.mss = advertised_mss(in.destination, in.source);
    const wire::TcpOptions& theirs = in.segment.options;
    if (theirs.has_timestamps) {
        uint32_t tell = theirs.has_window_scale ? theirs.window_scale : kCookieNoScale;
        if (theirs.sack_permitted) tell |= kCookieSack;
        uint32_t stamp = timestamp(secrets_.timestamp_offset(in.key));
        uint32_t told = (stamp & ~kCookieOptionBits) | tell;
        if (static_cast<int32_t>(told - stamp) > 0) told -= kCookieOptionBits + 1;
        s.options.has_timestamps = true;
        s.options.timestamps = {told, theirs.timestamps.value};
        s.options.sack_permitted = theirs.sack_permitted;
        s.options.has_window_scale = theirs.has_window_scale;
        s.options.window_scale = scale_for(listener.options.receive_buffer);
    }
    ip::Hop way;
    send_control(in.key, way, s);
}

void Engine::on_cookie(Incoming& in, Listener& listener) {
    const wire::TcpSegment& s = in.segment;
    auto mss = secrets_.check_cookie(in.key, s.seq - 1, s.ack - 1, now_);
    if (!mss) {
        counters_.add(Counter::tcp_cookies_refused);
        return reset_stranger(in);
    }
    counters_.add(Counter::tcp_cookies_accepted);
    HalfOpen half{};
    half.key = in.key;
    half.irs = s.seq - 1;
    half.iss = s.ack - 1;
    half.peer_mss = *mss;
    half.transmissions = 1;
    half.sent_at = now_;
    if (s.options.has_timestamps) {
        uint32_t told = s.options.timestamps.echo & kCookieOptionBits;
        half.timestamps = true;
        half.ts_recent = s.options.timestamps.value;
        half.sack = (told & kCookieSack) != 0;
        half.has_scale = (told & kCookieNoScale) != kCookieNoScale;
        half.peer_scale = half.has_scale ? told & kCookieNoScale : 0;
    }
    if (Connection* c = establish(half, listener, in)) c->srtt = {};  // the handshake was not timed
}

Stream* Engine::connect(const Endpoint& local, const Endpoint& remote, const StreamOptions& options,
                        StreamHandler& handler) {
    if (pool_.scarce()) return nullptr;
    uint16_t port = local.port ? local.port : pick_port(local.address, remote);
    FlowKey key = FlowKey::of({local.address, port}, remote);
    if (!port || (local.port && flows_.find(key))) return nullptr;
    Connection* c = take_connection(key, options);
    if (!c) return nullptr;
    counters_.add(Counter::tcp_connects);
    c->state = State::syn_sent;
    c->handler = &handler;
    c->outgoing = true;
    c->iss = Seq{secrets_.initial_sequence(c->key, now_)};
    c->snd_una = c->iss;
    c->snd_nxt = c->snd_end = c->iss + 1;
    c->rcv_scale = scale_for(c->options.receive_buffer);
    mark(*c);
    return c;
}

// RFC 6056 section 3.3.4.
uint16_t Engine::pick_port(const IpAddress& local, const Endpoint& remote) {
    constexpr uint32_t kRange = kLastEphemeralPort - kFirstEphemeralPort + 1U;
    uint32_t offset = secrets_.port_offset(local, remote);
    uint16_t& next = port_counters_[offset % port_counters_.size()];
    for (uint32_t tried = 0; tried < kRange; tried++) {
        auto port = static_cast<uint16_t>(kFirstEphemeralPort + (offset + next++) % kRange);
        Endpoint from{local, port};
        if (settings_.arrives_here && !settings_.arrives_here(from, remote)) continue;
        if (!flows_.find(FlowKey::of(from, remote))) return port;
    }
    return 0;
}

void Engine::send_syn(Connection& c) {
    wire::TcpSegment s;
    s.seq = c.iss.raw();
    s.flags = wire::kSyn;
    s.window = first_window(c.options);
    s.options.mss = advertised_mss(c.key.local_address(), c.key.remote_address());
    s.options.sack_permitted = true;
    s.options.has_window_scale = true;
    s.options.window_scale = c.rcv_scale;
    s.options.has_timestamps = true;
    s.options.timestamps = {timestamp(c.ts_offset), 0};
    if (c.state == State::syn_received) {
        // Simultaneous open: the SYN-ACK carries what both have offered.
        s.flags |= wire::kAck;
        s.ack = c.rcv_nxt.raw();
        s.options.sack_permitted = c.sack_on;
        s.options.has_window_scale = c.rcv_scale != 0 || c.snd_scale != 0;
        s.options.has_timestamps = c.timestamps_on;
        s.options.timestamps.echo = c.ts_recent;
        c.last_ack_sent = c.rcv_nxt;
    }
    c.syn_transmissions++;
    c.last_sent_at = now_;
    send_control(c.key, c.hop, s);
    set_timer(c, TimerKind::retransmission, give_up_at(c, now_ + kInitialRto * (1 << (c.syn_transmissions - 1))));
}

uint16_t Engine::advertised_mss(const IpAddress& local, const IpAddress& remote) {
    size_t headers = header_length(local);
    return static_cast<uint16_t>(std::max<size_t>(output_.mtu(local, remote), headers + kMinMss) - headers);
}

void Engine::take_peer_options(Connection& c, const wire::TcpOptions& options) {
    c.timestamps_on = options.has_timestamps;
    c.ts_recent = options.timestamps.value;
    c.ts_recent_at = second();
    c.sack_on = options.sack_permitted;
    c.snd_scale = options.has_window_scale ? options.window_scale : uint8_t{0};
    c.rcv_scale = options.has_window_scale ? scale_for(c.options.receive_buffer) : uint8_t{0};
    c.peer_mss = offered_mss(options, c.key.remote_address());
}

// Everything that is known once both SYNs are: `window` is the peer's, scaled.
void Engine::open_windows(Connection& c, uint32_t window) {
    IpAddress remote = c.key.remote_address();
    set_mss(c, path_mtu_.find(remote, output_.mtu(c.key.local_address(), remote), now_));
    c.congestion.start(c.mss, c.syn_transmissions > 1 ? 1 : 10, settings_.cubic);
    c.rcv_mss = kDefaultMssIpv4;
    c.rcv_nxt = c.rcv_read = c.last_ack_sent = c.irs + 1;
    c.rcv_adv = c.rcv_nxt + first_window(c.options);
    c.snd_wnd = c.max_snd_wnd = window;
    c.snd_wl1 = c.irs;
    c.snd_wl2 = c.snd_una;
    c.rack_fack = c.rack_end = c.probe_end = c.snd_una;
    c.recovery_point = c.snd_una - 1;
    c.heard_at = c.progress_at = now_;
    set_life(c);
}

// RFC 9293 section 3.10.7.3.
void Engine::on_syn_sent(Connection& c, Incoming& in) {
    wire::TcpSegment& s = in.segment;
    bool acknowledged = s.has(wire::kAck);
    if (acknowledged && in.ack() != c.iss + 1) {
        if (!s.has(wire::kRst)) reset_stranger(in);
        return;
    }
    if (s.has(wire::kRst)) {
        if (acknowledged) {
            counters_.add(Counter::tcp_resets_received);
            end(c, CloseReason::refused);
        }
        return;
    }
    if (!s.has(wire::kSyn)) return counters_.drop(Drop::tcp_out_of_window);
    c.irs = in.seq();
    take_peer_options(c, s.options);
    if (!acknowledged) {
        c.state = State::syn_received;
        c.rcv_nxt = c.rcv_read = c.irs + 1;
        open_windows(c, s.window);
        c.syn_transmissions = 0;
        return send_syn(c);
    }
    c.snd_una = in.ack();
    c.state = State::established;
    open_windows(c, s.window);
    if (c.syn_transmissions == 1) sample_rtt(c, now_ - c.last_sent_at);
    set_timer(c, TimerKind::none, kNever);
    c.ack_now = true;
    mark(c);
    counters_.add(Counter::tcp_connected);
    if (c.handler) c.handler->on_open();
    if (!c.in_use) return;
    // Step six on: text and FIN behind the SYN.
    s.seq++;
    s.flags &= static_cast<uint8_t>(~wire::kSyn);
    if (!s.payload.empty() || s.has(wire::kFin)) on_text(c, in);
}

}  // namespace fedge::tcp
