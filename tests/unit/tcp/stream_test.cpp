// Two TCPs back to back: what the users of streams see.
#include <gtest/gtest.h>

#include <string>

#include "dataplane/tcp/tcp.h"
#include "tests/support/tcp_segments.h"

namespace fedge::tcp {
namespace {

using test::CollectingOutput;

const IpAddress kClient = IpAddress::v4(0xc0000201);
const IpAddress kServer = IpAddress::v4(0xc6336401);

// Reads everything, remembers what happened.
struct User : StreamHandler, Acceptor {
    Stream* stream = nullptr;
    bool opened = false;
    bool ended = false;
    bool reads = true;
    bool counts_only = false;
    uint64_t counted = 0;
    std::optional<CloseReason> closed;
    std::string received;
    std::string to_write;

    StreamHandler* on_accept(Stream& s) override {
        stream = &s;
        return this;
    }
    void on_open() override { opened = true; }
    void on_readable() override {
        if (!reads) return;
        while (true) {
            Bytes b = stream->peek();
            if (b.empty()) break;
            if (!counts_only) received += text_of(b);
            counted += b.size();
            stream->consume(b.size());
        }
        ended = stream->at_end();
    }
    void on_writable() override { write_more(); }
    void on_closed(CloseReason reason) override {
        closed = reason;
        stream = nullptr;
    }
    void write(std::string text) {
        to_write += text;
        write_more();
    }
    void write_more() { to_write.erase(0, stream->write(bytes_of(to_write))); }
};

struct Side {
    SeededRandom random;
    contract::CounterBlock block{};
    CollectingOutput output{16000};
    Tcp tcp;
    explicit Side(uint64_t seed) : random(seed), tcp(settings(), Counters{block}, random, output, Instant{1s}) {}
    static Settings settings() {
        Settings s;
        s.limits = {64, 16, 16, 512, 32, 8, 100, 64};
        return s;
    }
};

class TcpStreams : public testing::Test {
  protected:
    void run(Duration time) {
        for (Instant end = now_ + time; now_ < end; now_ += 1ms) {
            a.tcp.advance(now_);
            b.tcp.advance(now_);
            for (bool busy = true; busy;) {
                a.tcp.flush(now_);
                b.tcp.flush(now_);
                busy = carry(a, b);
                busy = carry(b, a) || busy;
            }
        }
    }
    bool carry(Side& from, Side& to) {
        auto segments = from.output.take();
        for (auto& s : segments) {
            if (lose_every && ++carried % lose_every == 0) continue;
            Arrival one = s.arrival();
            to.tcp.receive({&one, 1}, now_);
        }
        return !segments.empty();
    }
    void connect() {
        ASSERT_TRUE(b.tcp.listen({kServer, 5061}, {}, server));
        client.stream = a.tcp.connect({kClient, 0}, {kServer, 5061}, {}, client);
        ASSERT_TRUE(client.stream);
        run(5ms);
        ASSERT_TRUE(client.opened);
        ASSERT_TRUE(server.stream);
    }

    Instant now_{1s};
    uint32_t lose_every = 0;
    uint32_t carried = 0;
    Side a{1};
    Side b{2};
    User client;
    User server;
};

TEST_F(TcpStreams, ListenersAreFoundByPortThenByAddress) {
    User any, own, taken;
    Endpoint every{IpAddress::v4(0), 5061};
    ASSERT_TRUE(b.tcp.listen(every, {}, any));
    ASSERT_TRUE(b.tcp.listen({kServer, 5061}, {}, own));
    EXPECT_FALSE(b.tcp.listen({kServer, 5061}, {}, taken));
    auto reached = [&](User& user) {
        client = {};
        client.stream = a.tcp.connect({kClient, 0}, {kServer, 5061}, {}, client);
        run(5ms);
        return client.opened && user.stream;
    };
    EXPECT_TRUE(reached(own));
    b.tcp.unlisten({kServer, 5061});
    EXPECT_FALSE(any.stream);
    EXPECT_TRUE(reached(any));
    b.tcp.unlisten(every);
    b.tcp.unlisten(every);
    reached(any);
    EXPECT_EQ(client.closed, CloseReason::refused);
}

TEST_F(TcpStreams, ListenersAreAsManyAsTheLimitSays) {
    User user;
    uint32_t limit = Side::settings().limits.listeners;
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < limit; i++)
            ASSERT_TRUE(b.tcp.listen({kServer, static_cast<uint16_t>(1000 + i % 7)}, {}, user) == (i < 7)) << i;
        for (uint32_t i = 7; i < limit; i++)
            ASSERT_TRUE(b.tcp.listen({IpAddress::v4(i), static_cast<uint16_t>(1000 + i % 7)}, {}, user)) << i;
        EXPECT_FALSE(b.tcp.listen({kServer, 2000}, {}, user));
        for (uint32_t i = 0; i < limit; i++)
            b.tcp.unlisten({i < 7 ? kServer : IpAddress::v4(i), static_cast<uint16_t>(1000 + i % 7)});
    }
}

TEST_F(TcpStreams, CarryBytesBothWaysAndEndInOrder) {
    connect();
    client.write("INVITE");
    server.write("100 Trying");
    run(50ms);
    EXPECT_EQ(server.received, "INVITE");
    EXPECT_EQ(client.received, "100 Trying");
    client.stream->shutdown();
    run(5ms);
    EXPECT_TRUE(server.ended);
    server.write("200 OK");
    server.stream->shutdown();
    run(5ms);
    EXPECT_EQ(client.received, "100 Trying200 OK");
    EXPECT_EQ(client.closed, CloseReason::finished);
    EXPECT_EQ(server.closed, CloseReason::finished);
    EXPECT_EQ(a.tcp.memory().time_wait, 1u);
    run(61s);
    EXPECT_EQ(a.tcp.memory().time_wait, 0u);
    EXPECT_EQ(a.tcp.memory().blocks_used, 0u);
    EXPECT_EQ(b.tcp.memory().blocks_used, 0u);
    EXPECT_EQ(b.tcp.memory().connections, 0u);
}

// Twice around half of the sequence space and once around the whole: nothing remembered may go stale.
TEST_F(TcpStreams, CarryMoreThanTheSequenceSpace) {
    StreamOptions options;
    options.send_buffer = options.receive_buffer = kMaxBuffer;
    ASSERT_TRUE(b.tcp.listen({kServer, 5061}, options, server));
    client.stream = a.tcp.connect({kClient, 0}, {kServer, 5061}, options, client);
    run(5ms);
    ASSERT_TRUE(server.stream);
    server.counts_only = true;
    const std::string piece(kMaxBuffer, 'x');
    const uint64_t total = (uint64_t{1} << 32) + (uint64_t{1} << 29);
    uint64_t written = 0;
    while (server.counted < total) {
        uint64_t before = server.counted;
        if (written < total) written += client.stream->write(bytes_of(piece));
        run(1ms);
        ASSERT_TRUE(client.stream) << "after " << server.counted << " bytes";
        ASSERT_TRUE(server.counted > before || client.stream->info().in_flight > 0) << "stalls at " << server.counted;
    }
    EXPECT_EQ(server.counted, written);
}

TEST_F(TcpStreams, CarryBulkAcrossLoss) {
    connect();
    std::string text;
    for (int i = 0; text.size() < 1'000'000; i++) text += std::to_string(i);
    lose_every = 50;
    client.write(text);
    run(60s);
    EXPECT_EQ(server.received.size(), text.size());
    EXPECT_TRUE(server.received == text);
}

}  // namespace
}  // namespace fedge::tcp
