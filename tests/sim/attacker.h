// Somebody without a TCP of his own: writes any segment from any address, sees what comes back to addresses of no host,
// and keeps connections by hand.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "tests/sim/dice.h"
#include "tests/sim/network.h"

namespace fedge::sim {

// The attacker's side of an open connection.
struct RawConnection {
    Endpoint self;
    Endpoint victim;
    uint32_t snd_nxt = 0;
    uint32_t rcv_nxt = 0;
    uint8_t victim_scale = 0;
    bool timestamps = false;
    uint32_t ts_value = 1000;
    uint32_t ts_echo = 0;
};

class Attacker {
  public:
    Attacker(Network& network, const Endpoint& victim) : network_(network), victim_(victim), dice_(99) {
        network.on_stray([this](const Packet& packet) {
            heard_++;
            if (keeps_) kept_.push_back(packet);
        });
    }

    // An address of a documentation or test range that no host has, as IPv4 or IPv6.
    IpAddress address(uint32_t n) const {
        return victim_.address.is_v4() ? IpAddress::v4(0xc6120000 + n)  // 198.18.0.0/15
                                       : IpAddress::words(0x20010db8'00010000 + n, 1);
    }
    Endpoint random_endpoint() {
        return {address(dice_.between(1, 60'000)), static_cast<uint16_t>(dice_.between(1024, 65535))};
    }
    Dice& dice() { return dice_; }
    const Endpoint& victim() const { return victim_; }

    // Ports are filled in. From whom it seems to come is free.
    void send(const Endpoint& from, const Endpoint& to, wire::TcpSegment segment) {
        segment.source_port = from.port;
        segment.destination_port = to.port;
        sent_++;
        network_.inject(make_packet(from.address, to.address, segment));
    }
    // On a connection of his own: sequence numbers, timestamps and the ACK flag are filled in.
    void send(RawConnection& c, wire::TcpSegment segment) {
        segment.seq = c.snd_nxt;
        segment.ack = c.rcv_nxt;
        segment.flags |= wire::kAck;
        stamp(c, segment);
        send(c.self, c.victim, segment);
    }
    static void stamp(const RawConnection& c, wire::TcpSegment& segment) {
        if (!c.timestamps) return;
        segment.options.has_timestamps = true;
        segment.options.timestamps = {c.ts_value, c.ts_echo};
    }

    // Three-way handshake with these options of the SYN and this window in the ACK; nullopt: no SYN-ACK came.
    std::optional<RawConnection> open(const Endpoint& self, const wire::TcpOptions& options, uint16_t window) {
        RawConnection c{self, victim_, dice_.u32()};
        wire::TcpSegment syn;
        syn.seq = c.snd_nxt++;
        syn.flags = wire::kSyn;
        syn.window = window;
        syn.options = options;
        std::vector<Packet> answers = during([&] { send(self, victim_, syn); });
        wire::TcpSegment answer;
        if (answers.size() != 1 || !wire::parse_tcp(answers[0].bytes, answer) ||
            answer.flags != (wire::kSyn | wire::kAck))
            return std::nullopt;
        c.rcv_nxt = answer.seq + 1;
        c.victim_scale = answer.options.has_window_scale ? answer.options.window_scale : uint8_t{0};
        c.timestamps = answer.options.has_timestamps;
        c.ts_echo = answer.options.timestamps.value;
        wire::TcpSegment ack;
        ack.window = window;
        send(c, ack);
        return c;
    }

    // What comes back at once while `what` is done.
    template <typename What>
    std::vector<Packet> during(What&& what) {
        keeps_ = true;
        kept_.clear();
        what();
        keeps_ = false;
        return std::move(kept_);
    }
    uint64_t sent() const { return sent_; }
    uint64_t heard() const { return heard_; }

    // Calls `what` so many times in each millisecond of the next `time`.
    void flood(Duration time, uint32_t per_ms, std::function<void()> what) {
        Instant end = network_.now() + time;
        repeat(end, per_ms, std::make_shared<std::function<void()>>(std::move(what)));
    }

  private:
    void repeat(Instant end, uint32_t per_ms, const std::shared_ptr<std::function<void()>>& what) {
        if (network_.now() >= end) return;
        for (uint32_t i = 0; i < per_ms; i++) (*what)();
        network_.scheduler().after(1ms, [this, end, per_ms, what] { repeat(end, per_ms, what); });
    }

    Network& network_;
    Endpoint victim_;
    Dice dice_;
    uint64_t sent_ = 0;
    uint64_t heard_ = 0;
    bool keeps_ = false;
    std::vector<Packet> kept_;
};

// Users of the streams that an attacker opens: write so much at once, read or do not.
class Victims final : public tcp::Acceptor {
  public:
    size_t writes = 0;
    bool reads = true;

    struct User final : tcp::StreamHandler {
        User(Victims& all, tcp::Stream& its) : victims(all), stream(&its) {}
        void on_readable() override {
            std::array<uint8_t, 4096> buffer;
            while (victims.reads && stream) {
                size_t n = stream->read(buffer);
                received.insert(received.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(n));
                if (n == 0) break;
            }
        }
        void on_writable() override {}
        void on_closed(tcp::CloseReason why) override {
            stream = nullptr;
            reason = why;
        }
        Victims& victims;
        tcp::Stream* stream;
        std::vector<uint8_t> received;
        std::optional<tcp::CloseReason> reason;
    };

    tcp::StreamHandler* on_accept(tcp::Stream& stream) override {
        users.push_back(std::make_unique<User>(*this, stream));
        std::vector<uint8_t> bytes(writes, 'x');
        if (writes) stream.write(bytes);
        return users.back().get();
    }
    size_t closed(tcp::CloseReason reason) const {
        size_t n = 0;
        for (const auto& user : users) n += user->reason == reason;
        return n;
    }
    std::vector<std::unique_ptr<User>> users;
};

}  // namespace fedge::sim
