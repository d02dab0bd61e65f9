// Clients on streams with allocations of UDP: framing, order, room, limits, and what ends a connection.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/stream_edge.h"

namespace fedge::relay {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace)

struct StreamMessages : testing::Test {
    FakeTransport transport;
    StreamEdge server{transport};
    StreamClient client{server, "198.51.100.7:4000"};
    Endpoint peer = at("203.0.113.5:9000");

    Endpoint allocate_and_bind(StreamClient& who) {
        Reply reply = who.allocate();
        EXPECT_TRUE(reply.success());
        EXPECT_TRUE(who.bind(0x4000, peer).success());
        return reply.relayed();
    }
    std::vector<uint8_t> send_indication(StreamClient& who, std::string_view data) {
        return who.build(
            StunClass::indication, StunMethod::send,
            [&](StunWriter& w) {
                w.xor_address(StunAttribute::xor_peer_address, peer);
                w.attribute(StunAttribute::data, data);
            },
            false);
    }
    static void append(std::vector<uint8_t>& all, const std::vector<uint8_t>& more) {
        all.insert(all.end(), more.begin(), more.end());
    }
};

TEST_F(StreamMessages, AnswerBindingRequests) {
    auto request = client.build(
        StunClass::request, StunMethod::binding, [](StunWriter&) {}, false);
    Reply reply = client.ask(request);
    ASSERT_TRUE(reply.success());
    EXPECT_EQ(reply.address(StunAttribute::xor_mapped_address), client.self);
}

TEST_F(StreamMessages, AllocateAndRelayBothWays) {
    Endpoint relay = allocate_and_bind(client);
    client.stream.send(channel_data(0x4000, "hello"));
    auto sent = server.take();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].source, relay);
    EXPECT_EQ(sent[0].destination, peer);
    EXPECT_EQ(text_of(sent[0].payload), "hello") << "padding stays behind";
    client.stream.send(send_indication(client, "by indication"));
    sent = server.take();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(text_of(sent[0].payload), "by indication");

    ASSERT_TRUE(server.from_peer(peer, relay, "welcome"));
    auto received = client.received();
    ASSERT_EQ(received.size(), 1U);
    EXPECT_EQ(received[0], channel_data(0x4000, "welcome")) << "padded to a multiple of 4 (RFC 8656 section 12.5)";
    ASSERT_TRUE(server.from_peer(at("203.0.113.5:9001"), relay, "other port"));
    received = client.received();
    ASSERT_EQ(received.size(), 1U);
    auto indication = wire::StunMessage::parse(received[0]);
    ASSERT_TRUE(indication);
    EXPECT_TRUE(indication->is(StunMethod::data));
    EXPECT_EQ(indication->text(StunAttribute::data), "other port");
}

TEST_F(StreamMessages, UdpDataIsNotPadded) {
    Client udp{server.edge, "198.51.100.9:4000"};
    Endpoint relay = udp.allocate().relayed();
    ASSERT_TRUE(udp.bind(0x4000, peer).success());
    auto sent = server.edge.from_peer(peer, relay, bytes_of("abc"));
    ASSERT_TRUE(sent);
    EXPECT_EQ(sent->payload.size(), 7U);
    EXPECT_FALSE(server.edge.forward.to_stream);
}

TEST_F(StreamMessages, IcmpErrorsReachTheClient) {
    Endpoint relay = allocate_and_bind(client);
    Forward forward;
    ASSERT_TRUE(server.edge.turn.on_icmp(server.edge.now, 0, relay.port, peer, {3, 3, 0}, forward));
    EXPECT_TRUE(forward.to_stream);
    server.clients.to_client(forward, {}, server.edge.now);
    auto received = client.received();
    ASSERT_EQ(received.size(), 1U);
    auto indication = wire::StunMessage::parse(received[0]);
    ASSERT_TRUE(indication);
    EXPECT_TRUE(indication->has(StunAttribute::icmp));
}

TEST_F(StreamMessages, SameAddressAndPortOnUdpAndOnAStreamAreTwoClients) {
    Client udp{server.edge, "198.51.100.7:4000"};
    Endpoint one = udp.allocate().relayed();
    Endpoint other = client.allocate().relayed();
    EXPECT_NE(one, other);
    EXPECT_EQ(server.edge.turn.allocations(), 2U);
    std::array<AllocationRow, 4> rows;
    uint64_t cursor = 0;
    ASSERT_EQ(server.edge.turn.list(server.edge.now, cursor, std::span<AllocationRow>{rows}), 2U);
    EXPECT_STREQ(rows[0].transport, "udp");
    EXPECT_STREQ(rows[1].transport, "tcp");
    StreamClient secure{server, "198.51.100.8:4000", "bob", kStreamListener, true};
    ASSERT_TRUE(secure.allocate().success());
    cursor = 0;
    ASSERT_EQ(server.edge.turn.list(server.edge.now, cursor, std::span<AllocationRow>{rows}), 3U);
    EXPECT_STREQ(rows[2].transport, "tls");
}

TEST_F(StreamMessages, ClientsReachEachOtherWhateverTheyComeBy) {
    StreamClient bob{server, "198.51.100.8:4000", "bob"};
    Endpoint of_alice = client.allocate().relayed();
    Endpoint of_bob = bob.allocate().relayed();
    ASSERT_TRUE(client.bind(0x4000, of_bob).success());
    ASSERT_TRUE(bob.bind(0x4001, of_alice).success());
    client.stream.send(channel_data(0x4000, "hi"));
    auto received = bob.received();
    ASSERT_EQ(received.size(), 1U);
    EXPECT_EQ(received[0], channel_data(0x4001, "hi"));
    // To oneself, too: what is written comes from within the handling of what was read.
    ASSERT_TRUE(client.bind(0x4002, of_alice).success());
    client.stream.send(channel_data(0x4002, "me"));
    received = client.received();
    ASSERT_EQ(received.size(), 1U);
    EXPECT_EQ(received[0], channel_data(0x4002, "me"));
}

TEST_F(StreamMessages, ComeInAnyPieces) {
    allocate_and_bind(client);
    std::vector<uint8_t> all;
    std::string expected;
    for (int i = 0; i < 12; i++) {
        std::string data(static_cast<size_t>(i * 37), static_cast<char>('a' + i));
        append(all, i % 3 ? channel_data(0x4000, data) : send_indication(client, data));
        expected += data;
        if (i % 4 == 0)
            append(all, client.build(
                            StunClass::request, StunMethod::binding, [](StunWriter&) {}, false));
    }
    for (size_t piece : {1UL, 2UL, 3UL, 5UL, 19UL, 64UL, 1000UL, all.size()}) {
        for (size_t together : {size_t{1}, size_t{7}, size_t{100}, SIZE_MAX}) {
            SCOPED_TRACE(std::to_string(piece) + " at a time, " + std::to_string(together) + " lie together");
            client.stream.together = together;
            client.stream.take();
            for (size_t i = 0; i < all.size(); i += piece)
                client.stream.send(Bytes{all}.subspan(i, std::min(piece, all.size() - i)));
            server.turn();
            std::string data;
            for (const Sent& sent : server.take()) data += text_of(sent.payload);
            EXPECT_EQ(data, expected);
            EXPECT_EQ(client.received().size(), 3U);
            EXPECT_EQ(client.stream.unread(), 0U);
        }
    }
}

TEST_F(StreamMessages, BreakTheConnectionWhenTheyAreNone) {
    auto stun = client.build(
        StunClass::request, StunMethod::binding, [](StunWriter&) {}, false);
    auto odd = stun;
    odd[3] = 2;
    auto other_cookie = stun;
    other_cookie[5] ^= 1;
    auto too_long = stun;
    store_be16(too_long.data() + 2, 4000);
    for (const auto& bytes : {std::vector<uint8_t>{0x80}, {0xff, 0xff}, odd, other_cookie, too_long}) {
        uint64_t before = server.count(Counter::turn_streams_broken);
        uint32_t sessions = server.clients.sessions();
        StreamClient stranger{server, "198.51.100.66:4000"};
        stranger.stream.send(bytes);
        EXPECT_TRUE(stranger.stream.aborted);
        EXPECT_EQ(server.count(Counter::turn_streams_broken), before + 1);
        EXPECT_EQ(server.clients.sessions(), sessions);
    }
}

TEST_F(StreamMessages, BreakTheConnectionWhenTheyAreDataWithoutAnAllocation) {
    for (std::string text : {"GET / HTTP/1.1\r\n", "G", "OPTIONS sip:edge.example SIP/2.0\r\n"}) {
        StreamClient stranger{server, "198.51.100.66:4000"};
        stranger.stream.send(bytes_of(text));
        EXPECT_TRUE(stranger.stream.aborted) << text;
    }
    EXPECT_EQ(server.count(Counter::turn_streams_broken), 3U);
    // All at once is fine: the allocation is there when the data is looked at.
    client.allocate_bare([](StunWriter&) {});
    auto all = client.build(StunClass::request, StunMethod::allocate,
                            [](StunWriter& w) { w.attribute_u32(StunAttribute::requested_transport, 17U << 24); });
    append(all, channel_data(0x4000, "too early for a channel"));
    client.stream.send(all);
    EXPECT_FALSE(client.stream.over());
    EXPECT_EQ(server.count(Drop::channel_unbound), 1U);
}

TEST_F(StreamMessages, LongerThanAnyDatagramAreSkipped) {
    allocate_and_bind(client);
    std::vector<uint8_t> all = channel_data(0x4000, std::string(65535, 'x'));
    append(all, channel_data(0x4000, "after"));
    for (size_t i = 0; i < all.size(); i += 1447)
        client.stream.send(Bytes{all}.subspan(i, std::min<size_t>(1447, all.size() - i)));
    for (int i = 0; i < 4; i++) server.turn();
    auto sent = server.take();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(text_of(sent[0].payload), "after");
    EXPECT_EQ(server.count(Drop::too_big), 1U);
}

TEST_F(StreamMessages, OfOneClientAreBoundedInATurn) {
    allocate_and_bind(client);
    std::vector<uint8_t> all;
    for (int i = 0; i < 200; i++) append(all, channel_data(0x4000, "0123456789"));
    client.stream.send(all);
    EXPECT_EQ(server.take().size(), 64U - 3U) << "three requests came in the same turn";
    client.stream.tell();
    EXPECT_TRUE(server.take().empty()) << "nothing more in this turn";
    server.turn();
    EXPECT_EQ(server.take().size(), 64U);
    server.turn();
    server.turn();
    server.turn();
    EXPECT_EQ(server.take().size(), 200U - 61U - 64U);
}

TEST_F(StreamMessages, WaitUnreadWhileThereIsNoRoomForTheAnswer) {
    allocate_and_bind(client);
    client.stream.room = 1000;
    auto request = client.build(
        StunClass::request, StunMethod::binding, [](StunWriter&) {}, false);
    client.stream.send(request);
    client.stream.send(request);
    EXPECT_TRUE(client.stream.written.empty());
    EXPECT_EQ(client.stream.unread(), 2 * request.size());
    server.pass(50ms);
    EXPECT_TRUE(client.stream.written.empty());
    client.stream.room = 64 * 1024;
    server.pass(20ms);
    EXPECT_EQ(client.received().size(), 2U);
    EXPECT_FALSE(client.stream.over());
}

TEST_F(StreamMessages, DataWithoutRoomIsDroppedWhole) {
    Endpoint relay = allocate_and_bind(client);
    std::string data(500, 'x');
    client.stream.room = 4000;
    for (int i = 0; i < 20; i++) server.from_peer(peer, relay, data);
    EXPECT_EQ(server.count(Drop::stream_full), 20U - 5U) << "and room for an answer is kept";
    EXPECT_TRUE(client.bind(0x4001, at("203.0.113.5:9001")).success()) << "Refresh and the like get through";
    for (int i = 0; i < 20; i++) server.from_peer(peer, relay, data);
    for (const auto& message : client.received()) EXPECT_EQ(message, channel_data(0x4000, data));
}

TEST_F(StreamMessages, HalfAMessageEndsTheConnection) {
    Endpoint relay = allocate_and_bind(client);
    client.stream.most_at_once = 3;
    server.from_peer(peer, relay, "data");
    EXPECT_TRUE(client.stream.aborted);
    EXPECT_EQ(server.edge.turn.allocations(), 0U);
}

TEST_F(StreamMessages, AnAnswerThatMemoryDoesNotSufficeForEndsTheConnection) {
    client.stream.most_at_once = 0;
    client.stream.send(client.build(
        StunClass::request, StunMethod::binding, [](StunWriter&) {}, false));
    EXPECT_TRUE(client.stream.aborted);
    EXPECT_EQ(server.clients.sessions(), 0U);
}

TEST_F(StreamMessages, AllocationEndsWithItsConnection) {
    struct Way {
        const char* what;
        void (*end)(FakeStream&);
    };
    for (const Way& way : {Way{"reset", [](FakeStream& s) { s.reset(); }}, Way{"ended", [](FakeStream& s) { s.end(); }},
                           Way{"broken", [](FakeStream& s) { s.send(bytes_of("\xff")); }}}) {
        SCOPED_TRACE(way.what);
        StreamClient other{server, "198.51.100.9:4000"};
        Endpoint relay = allocate_and_bind(other);
        EXPECT_EQ(server.edge.turn.allocations(), 1U);
        way.end(other.stream);
        EXPECT_TRUE(other.stream.over());
        EXPECT_EQ(server.edge.turn.allocations(), 0U);
        EXPECT_EQ(server.edge.quota.of_user(0), 0U);
        EXPECT_FALSE(server.edge.from_peer(peer, relay, bytes_of("late")));
        EXPECT_EQ(server.clients.sessions(), 1U) << "the fixture's";
        server.edge.tick();
    }
    EXPECT_EQ(server.count(Counter::turn_allocations_deleted), 3U);
}

TEST_F(StreamMessages, WhoDoesNotAllocateIsClosedInTime) {
    StreamClient busy{server, "198.51.100.9:4000"};
    ASSERT_TRUE(busy.allocate().success());
    EXPECT_EQ(server.clients.unproven(), 1U);
    for (int i = 0; i < 58; i++) {
        server.pass(500ms);
        client.stream.send(client.build(
            StunClass::request, StunMethod::binding, [](StunWriter&) {}, false));
    }
    EXPECT_FALSE(client.stream.over());
    server.pass(1100ms);
    EXPECT_TRUE(client.stream.closed) << "Binding requests do not keep it";
    EXPECT_EQ(server.clients.unproven(), 0U);
    EXPECT_FALSE(busy.stream.over());
    server.pass(300s);
    EXPECT_FALSE(busy.stream.over());
    ASSERT_TRUE(busy.refresh(0).success());
    server.pass(25s);
    EXPECT_FALSE(busy.stream.over()) << "another allocation may follow";
    ASSERT_TRUE(busy.allocate().success());
    server.pass(120s);
    EXPECT_FALSE(busy.stream.over());
    ASSERT_TRUE(busy.refresh(0).success());
    server.pass(61s);
    EXPECT_TRUE(busy.stream.closed);
    EXPECT_EQ(server.clients.sessions(), 0U);
}

TEST_F(StreamMessages, AllocationThatRanOutIsForgottenWithTheConnection) {
    ASSERT_TRUE(client.allocate().success());
    server.pass(601s + 61s);
    EXPECT_EQ(server.edge.turn.allocations(), 0U);
    EXPECT_TRUE(client.stream.closed);
}

TEST_F(StreamMessages, UnprovenConnectionsAndSessionsAreBounded) {
    FakeTransport own;
    StreamEdge small{own, stream_settings(), {.sessions = 4, .unproven = 2}};
    StreamClient a{small, "198.51.100.7:4001"}, b{small, "198.51.100.7:4002"}, c{small, "198.51.100.7:4003"};
    EXPECT_TRUE(a.stream.handler);
    EXPECT_TRUE(b.stream.handler);
    EXPECT_FALSE(c.stream.handler) << "refused";
    EXPECT_EQ(small.count(Drop::tcp_no_room), 1U);
    ASSERT_TRUE(a.allocate().success());
    ASSERT_TRUE(b.allocate().success());
    StreamClient d{small, "198.51.100.7:4004"}, e{small, "198.51.100.7:4005"};
    EXPECT_TRUE(d.stream.handler);
    EXPECT_TRUE(e.stream.handler);
    ASSERT_TRUE(d.allocate().success());
    StreamClient f{small, "198.51.100.7:4006"};
    EXPECT_FALSE(f.stream.handler) << "every place is taken";
    e.stream.reset();
    StreamClient g{small, "198.51.100.7:4007"};
    EXPECT_TRUE(g.stream.handler);
    EXPECT_EQ(small.count(Counter::turn_streams_opened), 5U);
}

TEST_F(StreamMessages, ReservationsCannotMoveAConnection) {
    TurnPools pools = small_pools();
    pools.cores = 2;
    FakeTransport own;
    StreamEdge one{own, stream_settings(), {}, pools};
    StreamClient here{one, "198.51.100.7:4000"};
    auto redeem = [&](uint64_t token) {
        return here.allocate([&](StunWriter& w) {
            std::array<uint8_t, 8> value;
            store_be64(value.data(), token);
            w.attribute(StunAttribute::reservation_token, Bytes{value});
        });
    };
    EXPECT_EQ(redeem(uint64_t{1} << 56 | 5).code(), 508);
    EXPECT_EQ(one.edge.turn.allocations(), 0U);
    StreamClient first{one, "198.51.100.7:4001"};
    Reply reply = first.allocate([](StunWriter& w) { w.attribute_u32(StunAttribute::even_port, 0x80000000); });
    ASSERT_TRUE(reply.success());
    EXPECT_TRUE(redeem(load_be64(reply.value(StunAttribute::reservation_token).data())).success());
}

TEST_F(StreamMessages, ConnectionsToListenersThatAreGoneAreClosed) {
    StreamClient six{server, "[2001:db8:7::7]:4000", "bob", kStreamListener + 1};
    ASSERT_TRUE(six.allocate().success());
    ASSERT_TRUE(client.allocate().success());
    EdgeSettings settings = stream_settings();
    settings.stream_listeners.erase(settings.stream_listeners.begin());
    server.reload(settings);
    EXPECT_TRUE(client.stream.closed);
    EXPECT_FALSE(six.stream.over());
    EXPECT_EQ(server.edge.turn.allocations(), 1U);
    EXPECT_TRUE(six.refresh().success()) << "its listener has another position now";
    // The same address and port serve UDP from now on.
    settings.stream_listeners.clear();
    settings.listeners = {"[2001:db8::1]:3478"};
    server.reload(settings);
    EXPECT_TRUE(six.stream.closed);
    EXPECT_EQ(server.clients.sessions(), 0U);
    server.edge.pass(1s);
    EXPECT_EQ(server.edge.turn.allocations(), 0U);
}

TEST_F(StreamMessages, ChallengesNeedNoBudget) {
    FakeTransport own;
    EdgeSettings settings = stream_settings();
    settings.unauthenticated_rate = 1;
    settings.unauthenticated_burst = 1;
    StreamEdge mean{own, settings};
    Client udp{mean.edge, "198.51.100.7:4000"};
    EXPECT_FALSE(udp.allocate());
    StreamClient connected{mean, "198.51.100.7:4000"};
    EXPECT_TRUE(connected.allocate().success());
}

TEST_F(StreamMessages, DescribeTheirConnection) {
    tcp::StreamDetails details;
    client.stream.handler->describe(details);
    EXPECT_EQ(details.service, "turn-tcp");
    EXPECT_EQ(details.allocation, 0U);
    ASSERT_TRUE(client.allocate().success());
    client.stream.handler->describe(details);
    std::array<AllocationRow, 4> rows;
    uint64_t cursor = 0;
    ASSERT_EQ(server.edge.turn.list(server.edge.now, cursor, std::span<AllocationRow>{rows}), 1U);
    EXPECT_EQ(details.allocation, rows[0].id);
}

}  // namespace
}  // namespace fedge::relay
