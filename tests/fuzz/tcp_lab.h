// What the fuzzers of TCP share: the EAL, small limits, one Tcp for the life of the process, and a wire in memory.
//
// A Tcp is made once, because making it costs more than a run. Each run ends all its connections and lets time pass
// until nothing is left, so that runs do not depend on each other; this is an invariant at the same time.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "dataplane/base/random.h"
#include "dataplane/contract/counters.h"
#include "dataplane/tcp/tcp.h"
#include "dataplane/wire/tcp.h"
#include "tests/fuzz/expect.h"
#include "tests/sim/eal.h"
#include "tests/support/tcp_segments.h"

namespace fedge::fuzz {

inline tcp::Settings small_settings(bool cubic) {
    tcp::Settings settings;
    settings.limits.connections = 8;
    settings.limits.half_open = 2;
    settings.limits.time_wait = 2;
    settings.limits.buffer_blocks = 128;
    settings.limits.connections_per_prefix = 6;
    settings.limits.half_open_per_prefix = 2;
    settings.limits.destinations = 4;
    settings.time_wait = 1s;
    settings.cubic = cubic;
    return settings;
}

inline tcp::StreamOptions small_options() {
    tcp::StreamOptions options;
    options.send_buffer = 16 * 1024;
    options.receive_buffer = 16 * 1024;
    options.user_timeout = 20s;
    options.idle_timeout = 60s;
    return options;
}

// A user that keeps what it needs to end its stream, and checks the order of calls.
class FuzzUser final : public tcp::StreamHandler {
  public:
    void on_open() override {
        expect(stream != nullptr && !open, "on_open comes once, for a stream that is there");
        open = true;
    }
    void on_readable() override {
        expect(stream != nullptr, "on_readable is for streams that are there");
        if (reads) read_all();
    }
    void on_writable() override { expect(stream != nullptr, "on_writable is for streams that are there"); }
    void on_closed(tcp::CloseReason) override {
        expect(stream != nullptr, "on_closed comes once");
        stream = nullptr;
    }
    void read_all() {
        std::array<uint8_t, 2048> buffer;
        while (size_t n = stream->read(buffer)) {
            if (check) check(Bytes{buffer}.first(n), received);
            received += n;
        }
        ended |= stream->at_end();
    }

    tcp::Stream* stream = nullptr;
    bool open = false;
    bool reads = true;
    bool ended = false;
    uint64_t received = 0;
    void (*check)(Bytes, uint64_t offset) = nullptr;
};

class FuzzHost final : public tcp::Acceptor {
  public:
    FuzzHost(uint64_t seed, bool cubic, const IpAddress& address, Instant now)
        : self(address), random_(seed), tcp(small_settings(cubic), Counters{counters_}, random_, output, now) {}

    tcp::StreamHandler* on_accept(tcp::Stream& stream) override {
        if (refuses) return nullptr;
        users.push_back(std::make_unique<FuzzUser>());
        users.back()->stream = &stream;
        users.back()->open = true;
        users.back()->check = check;
        return users.back().get();
    }
    FuzzUser* connect(const Endpoint& to) {
        auto user = std::make_unique<FuzzUser>();
        user->check = check;
        user->stream = tcp.connect({self, 0}, to, small_options(), *user);
        if (!user->stream) return nullptr;
        users.push_back(std::move(user));
        return users.back().get();
    }
    // Books that must balance after every call.
    void check_books() {
        tcp::MemoryUse use = tcp.memory();
        expect(use.connections <= 8 && use.half_open <= 2 && use.time_wait <= 2, "limits hold");
        expect(use.blocks_used <= use.blocks_total, "no block is counted twice");
        for (const auto& user : users) {
            if (!user->stream) continue;
            tcp::StreamInfo info = user->stream->info();
            expect(info.unread <= 16 * 1024, "unread data fits the receive buffer");
            expect(info.unsent + info.in_flight <= 16 * 1024 + 2, "unsent and unacknowledged data fit the send buffer");
        }
    }
    // Ends everything; whoever is attacked must come back to nothing.
    void clean_up(Instant& now) {
        for (const auto& user : users) {
            if (!user->stream) continue;
            tcp::Stream* stream = user->stream;
            user->stream = nullptr;
            stream->abort();
        }
        tcp.flush(now);
        output.take();
        for (int step = 0; step < 40 && !empty(); step++) {
            now += 2s;
            tcp.advance(now);
            tcp.flush(now);
            output.take();
        }
        expect(empty(), "everything comes back");
        users.clear();
    }
    bool empty() const {
        tcp::MemoryUse use = tcp.memory();
        return use.connections == 0 && use.half_open == 0 && use.time_wait == 0 && use.blocks_used == 0;
    }

    IpAddress self;
    test::CollectingOutput output;
    bool refuses = false;
    void (*check)(Bytes, uint64_t offset) = nullptr;
    std::vector<std::unique_ptr<FuzzUser>> users;

  private:
    contract::CounterBlock counters_{};
    SeededRandom random_;

  public:
    tcp::Tcp tcp;
};

}  // namespace fedge::fuzz
