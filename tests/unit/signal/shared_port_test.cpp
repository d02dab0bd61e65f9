#include "dataplane/signal/shared_port.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/hex.h"

namespace fedge::signal {
namespace {

using test::from_hex;

// A stream whose other end is the test.
class FakeStream final : public tcp::Stream {
  public:
    std::vector<uint8_t> arrived;
    bool end = false;
    bool aborted = false;
    tcp::StreamHandler* handler = nullptr;

    void receive(const std::vector<uint8_t>& bytes) {
        arrived.insert(arrived.end(), bytes.begin(), bytes.end());
        if (handler) handler->on_readable();
    }

    size_t read(MutableBytes out) override {
        size_t n = look(out);
        consume(n);
        return n;
    }
    Bytes peek() override { return arrived; }
    void consume(size_t n) override { arrived.erase(arrived.begin(), arrived.begin() + static_cast<ptrdiff_t>(n)); }
    size_t look(MutableBytes out) override {
        size_t n = std::min(out.size(), arrived.size());
        std::copy_n(arrived.begin(), n, out.begin());
        return n;
    }
    bool at_end() const override { return end && arrived.empty(); }
    size_t write(Bytes bytes) override { return bytes.size(); }
    size_t writable() const override { return 1000; }
    void shutdown() override {}
    void set_handler(tcp::StreamHandler& user) override { handler = &user; }
    void close() override { handler = nullptr; }
    void abort() override {
        if (handler) handler->describe(details);
        handler = nullptr;
        aborted = true;
    }
    Endpoint local() const override { return {}; }
    Endpoint remote() const override { return {}; }
    tcp::StreamInfo info() const override { return {}; }

    tcp::StreamDetails details;  // when it was aborted
};

// Whoever the shared port hands streams to.
struct User final : tcp::StreamHandler {
    int readable = 0;
    void on_readable() override { readable++; }
    void on_writable() override {}
    void on_closed(tcp::CloseReason) override {}
};

struct Services final : SharedServices {
    User tls, plain_turn, secured_turn;
    bool refuses = false;
    tcp::StreamHandler* start_tls(tcp::Stream&) override { return refuses ? nullptr : &tls; }
    tcp::StreamHandler* start_turn(tcp::Stream&, bool secured) override {
        return refuses ? nullptr : secured ? &secured_turn : &plain_turn;
    }
};

class SharedPortTest : public testing::Test {
  protected:
    SharedPortTest() { port.adopt(&names); }

    // As a transport does: the stream belongs to whom the port returns.
    bool arrive(FakeStream& stream) {
        stream.handler = port.accept(stream, now);
        return stream.handler != nullptr;
    }
    uint64_t count(Counter counter) { return Counters{block}.value(counter); }

    Instant now{1s};
    contract::CounterBlock block{};
    Services services;
    SharedNames names{{"turn.example.org"}, {"sip.example.org"}};
    SharedPort port{3, Counters{block}, services, now};
};

const auto kAllocate = from_hex("00 03 00 08 21 12 a4 42 00 00 00 00 00 00 00 00 00 00 00 00 00 19 00 04 11 00 00 00");
const auto kHello = from_hex("16 03 01 02 00 01 00 01 fc 03 03");

TEST_F(SharedPortTest, HandsOnWithEverythingStillThere) {
    FakeStream stream;
    ASSERT_TRUE(arrive(stream));
    stream.receive(kAllocate);
    EXPECT_EQ(stream.handler, &services.plain_turn);
    EXPECT_EQ(services.plain_turn.readable, 1) << "told to look at what has arrived";
    EXPECT_EQ(stream.arrived, kAllocate);
    EXPECT_EQ(port.undecided(), 0U);
    EXPECT_EQ(count(Counter::shared_turn), 1U);

    FakeStream other;
    ASSERT_TRUE(arrive(other));
    other.receive(kHello);
    EXPECT_EQ(other.handler, &services.tls);
    EXPECT_EQ(other.arrived, kHello);
}

TEST_F(SharedPortTest, OneByteAtATime) {
    FakeStream stream;
    ASSERT_TRUE(arrive(stream));
    for (size_t i = 0; i < 8; i++) {
        EXPECT_NE(stream.handler, &services.plain_turn) << i;
        stream.receive({kAllocate[i]});
    }
    EXPECT_EQ(stream.handler, &services.plain_turn);
}

TEST_F(SharedPortTest, ClosesAndSaysWhy) {
    struct Row {
        std::vector<uint8_t> bytes;
        Counter counter;
        const char* why;
    };
    const Row rows[] = {
        {from_hex("47 45 54 20"), Counter::shared_unknown, "neither TLS nor STUN"},
        {from_hex("02 00 00 24"), Counter::shared_pseudo_tls,
         "MS-TURN (pseudo-TLS), which this edge does not serve yet"},
    };
    for (const Row& row : rows) {
        FakeStream stream;
        ASSERT_TRUE(arrive(stream));
        stream.receive(row.bytes);
        EXPECT_TRUE(stream.aborted);
        EXPECT_EQ(stream.details.why, row.why);
        EXPECT_EQ(stream.details.service, "shared-tls");
        EXPECT_EQ(count(row.counter), 1U);
        EXPECT_EQ(port.undecided(), 0U);
    }
}

TEST_F(SharedPortTest, DecidesSecuredStreamsByNameOrBytes) {
    FakeStream by_alpn, by_sni, by_bytes, sip;
    EXPECT_EQ(port.accept_secured(by_alpn, "stun.turn", "", now), &services.secured_turn);
    EXPECT_EQ(port.accept_secured(by_sni, "", "turn.example.org", now), &services.secured_turn);
    by_bytes.handler = port.accept_secured(by_bytes, "", "www.example.org", now);
    ASSERT_TRUE(by_bytes.handler);
    by_bytes.receive(kAllocate);
    EXPECT_EQ(by_bytes.handler, &services.secured_turn);
    EXPECT_EQ(count(Counter::shared_turn), 3U);
    EXPECT_EQ(port.accept_secured(sip, "sip/2", "", now), nullptr);
    EXPECT_EQ(count(Counter::shared_sip), 1U);
    EXPECT_EQ(port.undecided(), 0U);
}

TEST_F(SharedPortTest, TlsInsideTlsIsNobody) {
    FakeStream stream;
    stream.handler = port.accept_secured(stream, "", "", now);
    ASSERT_TRUE(stream.handler);
    stream.receive(kHello);
    EXPECT_TRUE(stream.aborted);
    EXPECT_EQ(count(Counter::shared_unknown), 1U);
}

TEST_F(SharedPortTest, WaitsOnlySoLongAndForSoMany) {
    FakeStream streams[4];
    for (int i = 0; i < 3; i++) EXPECT_TRUE(arrive(streams[i]));
    EXPECT_FALSE(arrive(streams[3])) << "too many whose kind is not known";
    EXPECT_EQ(count(Counter::shared_full), 1U);
    streams[1].receive({0x16});
    now += SharedPort::kPatience - 1s;
    port.advance(now);
    EXPECT_EQ(port.undecided(), 3U);
    now += 2s;
    port.advance(now);
    EXPECT_EQ(port.undecided(), 0U);
    for (int i = 0; i < 3; i++) EXPECT_TRUE(streams[i].aborted) << i;
    EXPECT_TRUE(arrive(streams[3]));
}

TEST_F(SharedPortTest, ForgetsStreamsThatEnd) {
    FakeStream gone, ended;
    ASSERT_TRUE(arrive(gone));
    gone.handler->on_closed(tcp::CloseReason::reset);
    EXPECT_EQ(port.undecided(), 0U);
    ASSERT_TRUE(arrive(ended));
    ended.end = true;
    ended.handler->on_readable();
    EXPECT_TRUE(ended.aborted);
    EXPECT_EQ(port.undecided(), 0U);
}

TEST_F(SharedPortTest, ServiceThatRefuses) {
    services.refuses = true;
    FakeStream stream;
    ASSERT_TRUE(arrive(stream));
    stream.receive(kHello);
    EXPECT_TRUE(stream.aborted);
    EXPECT_EQ(port.undecided(), 0U);
}

}  // namespace
}  // namespace fedge::signal
