#include "tests/packet/player.h"

#include <algorithm>

#include "dataplane/wire/tcp.h"

namespace fedge::packet {
namespace {

// Not the epoch: an engine that takes a zero for "never" would go unnoticed. On the tick of the wheel.
constexpr Instant kStart{1000s};
constexpr Duration kTick{1ms};
// How long "*" waits.
constexpr Duration kPatience{1200s};
// The default peer's numbers wrap within the first kilobyte.
constexpr uint32_t kPeerIsn = 0xfffffc00;
constexpr uint16_t kPeerPort = 40000;
constexpr uint32_t kTimerBudget = 256;

}  // namespace

Player::Player(const Script& script, Family family)
    : script_(script),
      family_(family),
      local_address_(*IpAddress::parse(family == Family::ipv4 ? "192.0.2.1" : "2001:db8::1")),
      mtu_(of_family(script.mtu)),
      start_(kStart),
      now_(kStart),
      last_(kStart),
      counter_block_(std::make_unique<contract::CounterBlock>()),
      random_(script.seed) {
    tcp_ = std::make_unique<tcp::Tcp>(script.settings, Counters{*counter_block_}, random_, *this, now_);
}

Player::~Player() = default;

std::optional<std::string> Player::run() {
    try {
        for (const Event& event : script_.events) {
            current_ = &event;
            play(event);
        }
        nothing_unexpected();
        for (const Flow& flow : flows_) {
            if (flow.told_closed)
                throw Failure{"the stream was closed (" + std::string(tcp::name(flow.reason)) +
                              ") and the script did not expect it"};
        }
    } catch (const Failure& failure) {
        return current_->place + ": at " + time_text() + " s over " + (family_ == Family::ipv4 ? "IPv4" : "IPv6") +
               "\n  script: " + current_->text + "\n  " + failure.what;
    } catch (const ScriptError& error) {
        return current_->place + ": " + error.what() + "\n  script: " + current_->text;
    }
    return {};
}

void Player::play(const Event& event) {
    if (event.kind == Event::Kind::expected) return expect_sent(event);
    switch (event.when.kind) {
        case When::Kind::relative: advance_to(last_ + event.when.low); break;
        case When::Kind::absolute: advance_to(start_ + event.when.low); break;
        case When::Kind::any:
        case When::Kind::none: break;
    }
    nothing_unexpected();
    last_ = now_;
    if (event.kind == Event::Kind::arrives) {
        arrive(event);
    } else {
        run_command(event);
    }
    tcp_->flush(now_);
}

void Player::step(Instant to) {
    now_ = to;
    while (tcp_->advance(now_, kTimerBudget) == kTimerBudget) {
    }
    tcp_->flush(now_);
}

void Player::advance_to(Instant to) {
    if (to < now_) throw Failure{"this line's time has passed already"};
    while (now_ < to) {
        step(std::min(to, now_ - now_.time_since_epoch() % kTick + kTick));
        if (!unexpected_.empty()) return;  // the caller complains, with the time at which it was sent
    }
}

void Player::arrive(const Event& event) {
    Flow& flow = flow_named(event.flow);
    std::vector<std::vector<uint8_t>> segments;
    for (const SegmentText& piece : event.segment.pieces())
        segments.push_back(build_segment(piece, flow.numbering, flow.remote().port, flow.local().port));
    for (size_t first = 0; first < segments.size(); first += tcp::Tcp::kBurst) {
        std::vector<tcp::Arrival> burst;
        for (size_t i = first; i < std::min(segments.size(), first + tcp::Tcp::kBurst); i++)
            burst.push_back({flow.remote().address, flow.local().address, segments[i]});
        tcp_->receive(burst, now_);
    }
}

void Player::send(const Segment& segment, ip::Hop&, Instant now) {
    test::SentSegment sent{segment.source, segment.destination, {segment.header.begin(), segment.header.end()}, now};
    for (Bytes piece : segment.payload) sent.bytes.insert(sent.bytes.end(), piece.begin(), piece.end());
    wire::TcpSegment parsed;
    if (!wire::parse_tcp(sent.bytes, parsed)) {
        wire_failure_ = "a malformed segment was sent";
        return;
    }
    if (now != now_) wire_failure_ = "a segment was sent with a time that is not now";
    Flow* flow = flow_between({sent.source, parsed.source_port}, {sent.destination, parsed.destination_port});
    if (flow && parsed.has(wire::kSyn) && !flow->numbering.our_isn) {
        flow->numbering.our_isn = parsed.seq;
        if (parsed.options.has_timestamps) flow->numbering.our_timestamp = parsed.options.timestamps.value;
    }
    std::string text = describe(sent.bytes, flow ? flow->numbering : Numbering{});
    unexpected_.push_back({std::move(sent), flow, std::move(text)});
}

uint16_t Player::mtu(const IpAddress&, const IpAddress&) {
    return mtu_;
}

void Player::nothing_unexpected() const {
    if (wire_failure_) throw Failure{*wire_failure_};
    if (!unexpected_.empty()) {
        const Sent& sent = unexpected_.front();
        throw Failure{"expected: nothing to be sent\n  seen:     " + (sent.flow ? sent.flow->name() : "nobody's flow") +
                      ": > " + sent.text + " at " + seconds_text(sent.segment.at - start_)};
    }
    for (const Flow& flow : flows_)
        if (flow.wrong_bytes)
            throw Failure{"the application of " + flow.name() + " read bytes that the peer never sent"};
}

void Player::expect_sent(const Event& event) {
    Instant earliest = last_;
    Instant latest = last_ + kPatience;
    if (event.when.kind == When::Kind::relative) {
        earliest = last_ + event.when.low;
        latest = last_ + event.when.high + script_.late;
    } else if (event.when.kind == When::Kind::absolute) {
        earliest = start_ + event.when.low;
        latest = start_ + event.when.high + script_.late;
    }
    // What is due at once is not late by a tick: no timer is needed for it.
    if (event.when.kind == When::Kind::relative && event.when.high == Duration{0}) latest = earliest;
    for (const SegmentText& piece : event.segment.pieces()) expect_piece(piece, event, earliest, latest);
}

void Player::expect_piece(const SegmentText& piece, const Event& event, Instant earliest, Instant latest) {
    while (unexpected_.empty() && now_ < latest) advance_to(std::min(latest, now_ + kTick));
    if (wire_failure_) throw Failure{*wire_failure_};
    std::string window = seconds_text(earliest - start_) + " to " + seconds_text(latest - start_);
    if (unexpected_.empty()) throw Failure{"expected: a segment at " + window + "\n  seen:     nothing was sent"};
    Sent sent = std::move(unexpected_.front());
    unexpected_.pop_front();
    std::string seen = "\n  seen:     " + (sent.flow ? sent.flow->name() : "nobody's flow") + ": > " + sent.text +
                       " at " + seconds_text(sent.segment.at - start_);
    if (!sent.flow || sent.flow->name() != event.flow) throw Failure{"expected: a segment of " + event.flow + seen};
    if (auto wrong = mismatch(piece, sent.flow->numbering, sent.segment.bytes)) throw Failure{*wrong + seen};
    if (sent.segment.at < earliest || sent.segment.at > latest) throw Failure{"expected: at " + window + seen};
    last_ = sent.segment.at;
}

tcp::StreamHandler* Player::on_accept(tcp::Stream& stream) {
    if (refuse_) return nullptr;
    Flow* flow = flow_between(stream.local(), stream.remote());
    if (!flow) {
        wire_failure_ = "a stream was accepted that belongs to no flow of the script";
        return nullptr;
    }
    flow->stream = &stream;
    flow->accepted = true;
    flow->react(flow->on_accept_do);
    return flow;
}

Flow* Player::flow_between(const Endpoint& local, const Endpoint& remote) {
    for (Flow& flow : flows_)
        if (flow.local() == local && flow.remote() == remote) return &flow;
    // An active flow learns its port from its first segment: connect() may send before it returns.
    for (Flow& flow : flows_) {
        if (!flow.active || flow.local().port != 0 || flow.remote() != remote) continue;
        flow.local().port = local.port;
        return &flow;
    }
    return nullptr;
}

Flow& Player::flow_named(const std::string& name) {
    for (Flow& flow : flows_)
        if (flow.name() == name) return flow;
    auto number = static_cast<uint32_t>(flows_.size());
    IpAddress host = *IpAddress::parse(family_ == Family::ipv4 ? "198.51.100.1" : "2001:db8:100:1::1");
    flows_.emplace_back(name, Endpoint{local_address_, listening_port_},
                        Endpoint{host, static_cast<uint16_t>(kPeerPort + number)}, kPeerIsn + number * 0x01234567);
    return flows_.back();
}

}  // namespace fedge::packet
