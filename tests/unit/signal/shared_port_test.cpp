#include "dataplane/signal/shared_port.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/fake_stream.h"
#include "tests/support/hex.h"

namespace fedge::signal {
namespace {

using test::FakeStream;
using test::from_hex;

const Endpoint kNear, kFar;

std::vector<uint8_t> left_in(FakeStream& stream) {
    Bytes bytes = stream.peek();
    return {bytes.begin(), bytes.end()};
}

// Whoever the shared port hands streams to.
struct User final : tcp::StreamHandler {
    int readable = 0;
    void on_readable() override { readable++; }
    void on_writable() override {}
    void on_closed(tcp::CloseReason) override {}
};

struct Services final : SharedServices {
    User tls, plain_turn, secured_turn, sip;
    bool refuses = false;
    tcp::StreamHandler* start_tls(tcp::Stream&) override { return refuses ? nullptr : &tls; }
    tcp::StreamHandler* start_turn(tcp::Stream&, bool secured) override {
        return refuses ? nullptr : secured ? &secured_turn : &plain_turn;
    }
    tcp::StreamHandler* start_sip(tcp::Stream&) override { return refuses ? nullptr : &sip; }
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
    FakeStream stream{kNear, kFar};
    ASSERT_TRUE(arrive(stream));
    stream.send(kAllocate);
    EXPECT_EQ(stream.handler, &services.plain_turn);
    EXPECT_EQ(services.plain_turn.readable, 1) << "told to look at what has arrived";
    EXPECT_EQ(left_in(stream), kAllocate);
    EXPECT_EQ(port.undecided(), 0U);
    EXPECT_EQ(count(Counter::shared_turn), 1U);

    FakeStream other{kNear, kFar};
    ASSERT_TRUE(arrive(other));
    other.send(kHello);
    EXPECT_EQ(other.handler, &services.tls);
    EXPECT_EQ(left_in(other), kHello);
}

TEST_F(SharedPortTest, OneByteAtATime) {
    FakeStream stream{kNear, kFar};
    ASSERT_TRUE(arrive(stream));
    for (size_t i = 0; i < 8; i++) {
        EXPECT_NE(stream.handler, &services.plain_turn) << i;
        stream.send(Bytes(kAllocate).subspan(i, 1));
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
        FakeStream stream{kNear, kFar};
        ASSERT_TRUE(arrive(stream));
        stream.send(row.bytes);
        EXPECT_TRUE(stream.aborted);
        EXPECT_EQ(stream.details.why, row.why);
        EXPECT_EQ(stream.details.service, "shared-tls");
        EXPECT_EQ(count(row.counter), 1U);
        EXPECT_EQ(port.undecided(), 0U);
    }
}

TEST_F(SharedPortTest, DecidesSecuredStreamsByNameOrBytes) {
    FakeStream by_alpn{kNear, kFar}, by_sni{kNear, kFar}, by_bytes{kNear, kFar}, sip{kNear, kFar};
    EXPECT_EQ(port.accept_secured(by_alpn, "stun.turn", "", now), &services.secured_turn);
    EXPECT_EQ(port.accept_secured(by_sni, "", "turn.example.org", now), &services.secured_turn);
    by_bytes.handler = port.accept_secured(by_bytes, "", "www.example.org", now);
    ASSERT_TRUE(by_bytes.handler);
    by_bytes.send(kAllocate);
    EXPECT_EQ(by_bytes.handler, &services.secured_turn);
    EXPECT_EQ(count(Counter::shared_turn), 3U);
    EXPECT_EQ(port.accept_secured(sip, "sip/2", "", now), &services.sip);
    EXPECT_EQ(count(Counter::shared_sip), 1U);
    EXPECT_EQ(port.undecided(), 0U);
}

TEST_F(SharedPortTest, TlsInsideTlsIsNobody) {
    FakeStream stream{kNear, kFar};
    stream.handler = port.accept_secured(stream, "", "", now);
    ASSERT_TRUE(stream.handler);
    stream.send(kHello);
    EXPECT_TRUE(stream.aborted);
    EXPECT_EQ(count(Counter::shared_unknown), 1U);
}

TEST_F(SharedPortTest, WaitsOnlySoLongAndForSoMany) {
    FakeStream streams[] = {{kNear, kFar}, {kNear, kFar}, {kNear, kFar}, {kNear, kFar}};
    for (int i = 0; i < 3; i++) EXPECT_TRUE(arrive(streams[i]));
    EXPECT_FALSE(arrive(streams[3])) << "too many whose kind is not known";
    EXPECT_EQ(count(Counter::shared_full), 1U);
    streams[1].send(from_hex("16"));
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
    FakeStream gone{kNear, kFar}, ended{kNear, kFar};
    ASSERT_TRUE(arrive(gone));
    gone.handler->on_closed(tcp::CloseReason::reset);
    EXPECT_EQ(port.undecided(), 0U);
    ASSERT_TRUE(arrive(ended));
    ended.end();
    EXPECT_TRUE(ended.aborted);
    EXPECT_EQ(port.undecided(), 0U);
}

TEST_F(SharedPortTest, ServiceThatRefuses) {
    services.refuses = true;
    FakeStream stream{kNear, kFar};
    ASSERT_TRUE(arrive(stream));
    stream.send(kHello);
    EXPECT_TRUE(stream.aborted);
    EXPECT_EQ(port.undecided(), 0U);
}

}  // namespace
}  // namespace fedge::signal
