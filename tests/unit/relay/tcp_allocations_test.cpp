// Allocations of TCP (RFC 6062) as dialogues over streams of the test's own.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/support/stream_edge.h"

namespace fedge::relay {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace)

struct TcpAllocations : testing::Test {
    FakeTransport transport;
    StreamEdge server{transport};
    StreamClient control{server, "198.51.100.7:4000"};
    StreamClient data{server, "198.51.100.7:4001"};
    Endpoint peer = at("203.0.113.5:80");

    Endpoint allocate(StreamClient& client) {
        Reply reply = client.allocate_tcp();
        EXPECT_TRUE(reply.success()) << reply.code();
        return reply.relayed();
    }
    // The stream to a peer that a Connect has begun, established, and the CONNECTION-ID.
    struct Connected {
        FakeStream* stream;
        uint32_t id;
    };
    Connected connect(StreamClient& client, const Endpoint& to) {
        Reply silence = client.connect(to);
        EXPECT_FALSE(silence) << "answered when it is known whether the peer is there: " << silence.code();
        FakeStream& stream = transport.streams.back();
        EXPECT_EQ(stream.remote(), to);
        stream.handler->on_open();
        Reply reply{client.stream.take()};
        EXPECT_TRUE(reply.success());
        return {&stream, StreamClient::connection_id(reply)};
    }
    // The ConnectionAttempt that the client has been sent, if any.
    static uint32_t attempt(StreamClient& client, const Endpoint& from) {
        auto messages = client.received();
        if (messages.size() != 1) return 0;
        auto message = wire::StunMessage::parse(messages[0]);
        if (!message || message->klass() != StunClass::indication || !message->is(StunMethod::connection_attempt))
            return 0;
        EXPECT_EQ(message->address(StunAttribute::xor_peer_address), from);
        return message->u32(StunAttribute::connection_id).value_or(0);
    }
};

TEST_F(TcpAllocations, ListenOnTheirRelayAddress) {
    Endpoint relay = allocate(control);
    ASSERT_EQ(transport.listeners.size(), 1U);
    EXPECT_EQ(transport.listeners[0].first, relay);
    EXPECT_EQ(server.count(Counter::turn_tcp_allocations), 1U);
    EXPECT_FALSE(server.edge.from_peer(peer, relay, bytes_of("a datagram"))) << "the port is no port of UDP";
    EXPECT_EQ(server.count(Drop::relay_port_unused), 1U);
    uint32_t free = server.edge.free_ports();
    ASSERT_TRUE(control.refresh(0).success());
    EXPECT_TRUE(transport.listeners.empty());
    server.edge.pass(62s);
    EXPECT_EQ(server.edge.free_ports(), free + 1) << "it comes back after the quarantine";
}

TEST_F(TcpAllocations, AreRefusedAsTheRfcSays) {
    struct Case {
        const char* what;
        uint8_t transport;
        StunAttribute attribute;
        std::vector<uint8_t> value;
        uint16_t code;
    };
    const std::vector<Case> cases{
        {"EVEN-PORT", 6, StunAttribute::even_port, {0}, 400},
        {"RESERVATION-TOKEN", 6, StunAttribute::reservation_token, {0, 0, 0, 0, 0, 0, 0, 1}, 400},
        {"DONT-FRAGMENT", 6, StunAttribute::dont_fragment, {}, 400},
        {"ADDITIONAL-ADDRESS-FAMILY", 6, StunAttribute::additional_address_family, {2, 0, 0, 0}, 400},
        {"a family that does not exist", 6, StunAttribute::requested_address_family, {3, 0, 0, 0}, 440},
        {"SCTP", 132, StunAttribute::lifetime, {0, 0, 2, 0}, 442},
    };
    for (const Case& c : cases) {
        Reply reply = control.allocate_bare([&](StunWriter& w) {
            w.attribute_u32(StunAttribute::requested_transport, uint32_t{c.transport} << 24);
            w.attribute(c.attribute, Bytes{c.value});
        });
        EXPECT_EQ(reply.code(), c.code) << c.what;
    }
    Client udp{server.edge, "198.51.100.9:4000"};
    EXPECT_EQ(
        udp.allocate_bare([](StunWriter& w) { w.attribute_u32(StunAttribute::requested_transport, 6U << 24); }).code(),
        400)
        << "section 5.1: the client itself must come by TCP";
    transport.refuses_to_listen = true;
    uint32_t free = server.edge.free_ports();
    EXPECT_EQ(control.allocate_tcp().code(), 508);
    EXPECT_EQ(server.edge.free_ports(), free);
    EXPECT_EQ(server.edge.turn.allocations(), 0U);
    EXPECT_EQ(server.edge.quota.total(), 0U);
    transport.refuses_to_listen = false;
    EXPECT_TRUE(control.allocate_tcp(2).success()) << "IPv6";
}

TEST_F(TcpAllocations, KnowNoDatagrams) {
    allocate(control);
    EXPECT_EQ(control.bind(0x4000, peer).code(), 400);
    ASSERT_TRUE(control.permit({peer}).success());
    control.stream.send(control.build(
        StunClass::indication, StunMethod::send,
        [&](StunWriter& w) {
            w.xor_address(StunAttribute::xor_peer_address, peer);
            w.attribute(StunAttribute::data, "x");
        },
        false));
    EXPECT_TRUE(server.take().empty());
    EXPECT_EQ(server.count(Drop::send_malformed), 1U);
}

TEST_F(TcpAllocations, ConnectThenBindThenBytesBothWays) {
    Endpoint relay = allocate(control);
    auto [stream, id] = connect(control, peer);
    EXPECT_EQ(stream->local(), relay) << "section 5.2: from the relayed transport address";
    stream->send(bytes_of("early"));
    EXPECT_EQ(stream->unread(), 5U) << "kept in the receive queue until there is a client connection";
    // What the client sends right behind the request already is for the peer.
    ASSERT_TRUE(data.allocate_bare([](StunWriter&) {}).code() == 400) << "for the nonce";
    auto request = data.build(StunClass::request, StunMethod::connection_bind, [&, wanted = id](StunWriter& w) {
        w.attribute_u32(StunAttribute::connection_id, wanted);
    });
    auto with_data = request;
    with_data.insert(with_data.end(), {'G', 'E', 'T'});
    data.stream.send(with_data);
    auto written = data.stream.take();
    ASSERT_GT(written.size(), 5U);
    EXPECT_EQ(text_of(Bytes{written}.last(5)), "early") << "behind the answer";
    written.resize(written.size() - 5);
    EXPECT_TRUE(Reply{written}.success());
    EXPECT_EQ(text_of(stream->take()), "GET");

    data.stream.send(bytes_of("\xff\x00 anything"));
    EXPECT_EQ(text_of(stream->take()), std::string_view("\xff"));
    stream->send(bytes_of("200 OK"));
    EXPECT_EQ(text_of(data.stream.take()), "200 OK");
    EXPECT_EQ(server.count(Counter::turn_tcp_bound), 1U);
    EXPECT_EQ(server.count(Counter::turn_tcp_bytes_to_peer), 4U);
    EXPECT_EQ(server.count(Counter::turn_tcp_bytes_to_client), 11U);
    EXPECT_EQ(server.clients.unproven(), 0U);
    server.pass(300s);
    EXPECT_FALSE(data.stream.over()) << "bound connections have no deadline";
    std::array<AllocationRow, 2> rows;
    uint64_t cursor = 0;
    ASSERT_EQ(server.edge.turn.list(server.edge.now, cursor, std::span<AllocationRow>{rows}), 1U);
    EXPECT_EQ(rows[0].to_peer_bytes, 4U);
    EXPECT_EQ(rows[0].to_client_bytes, 11U);
}

TEST_F(TcpAllocations, ConnectIsRefusedAsTheRfcSays) {
    EXPECT_EQ(control.connect(peer).code(), 437) << "no allocation";
    StreamClient of_udp{server, "198.51.100.8:4000"};
    ASSERT_TRUE(of_udp.allocate().success());
    EXPECT_EQ(of_udp.connect(peer).code(), 400) << "an allocation of datagrams";
    Client udp{server.edge, "198.51.100.9:4000"};
    EXPECT_EQ(
        udp.request(StunMethod::connect, [&](StunWriter& w) { w.xor_address(StunAttribute::xor_peer_address, peer); })
            .code(),
        400);
    allocate(control);
    EXPECT_EQ(control.request(StunMethod::connect, [](StunWriter&) {}).code(), 400) << "no peer";
    EXPECT_EQ(control.connect(at("203.0.113.5:0")).code(), 400) << "no port";
    EXPECT_EQ(control.connect(at("[2001:db8:5::1]:80")).code(), 443) << "the other family";
    EXPECT_EQ(control.connect(at("127.0.0.1:80")).code(), 403);
    EXPECT_FALSE(control.connect(peer));
    EXPECT_EQ(control.connect(peer).code(), 446) << "under way";
    transport.streams.back().handler->on_open();
    control.stream.take();
    EXPECT_EQ(control.connect(peer).code(), 446) << "pending";
    EXPECT_EQ(server.count(Counter::turn_tcp_exists), 2U);
    EXPECT_FALSE(control.connect(at("203.0.113.5:81"))) << "another port is another peer";
    transport.refuses_to_connect = true;
    EXPECT_EQ(control.connect(at("203.0.113.5:82")).code(), 447);
    EXPECT_EQ(server.count(Counter::turn_tcp_failed), 1U);
    control.user = "bob";
    control.password = "secret-bob";
    EXPECT_EQ(control.connect(at("203.0.113.5:83")).code(), 441);
}

TEST_F(TcpAllocations, ConnectThatFailsIsAnsweredWith447) {
    allocate(control);
    control.fingerprint = true;
    EXPECT_FALSE(control.connect(peer));
    transport.streams.back().reset(tcp::CloseReason::refused);
    Reply reply{control.stream.take()};
    EXPECT_EQ(reply.code(), 447);
    EXPECT_TRUE(reply.has(StunAttribute::message_integrity)) << "signed like any answer";
    EXPECT_EQ(reply.message()->fingerprint_ok(), true);
    EXPECT_EQ(reply.message()->transaction(), control.transaction);
    EXPECT_EQ(server.clients.peers(), 0U);

    EXPECT_FALSE(control.connect(peer)) << "may be tried again";
    server.pass(29s);
    EXPECT_TRUE(control.stream.written.empty());
    server.pass(2s);
    EXPECT_EQ(Reply{control.stream.take()}.code(), 447) << "section 5.2: at least 30 seconds";
    EXPECT_TRUE(transport.streams.back().aborted);
    EXPECT_EQ(server.clients.peers(), 0U);
}

TEST_F(TcpAllocations, PeersAreAnnouncedAndMayBeBound) {
    Endpoint relay = allocate(control);
    ASSERT_TRUE(control.permit({peer}).success());
    FakeStream* visitor = transport.visit(relay, at("203.0.113.5:7777"));
    ASSERT_TRUE(visitor && visitor->handler);
    uint32_t id = attempt(control, at("203.0.113.5:7777"));
    ASSERT_NE(id, 0U);
    EXPECT_EQ(server.count(Counter::turn_tcp_attempts), 1U);
    visitor->send(bytes_of("knock"));
    data.stream.take();
    Reply bound = data.bind_connection(id);
    EXPECT_EQ(text_of(Bytes{bound.bytes}.last(5)), "knock");
    EXPECT_EQ(control.connect(at("203.0.113.5:7777")).code(), 446) << "that peer is connected";
}

TEST_F(TcpAllocations, ClientsOfOneEdgeKnowEachOtherByWhatIsAdvertised) {
    EdgeSettings settings = stream_settings();
    settings.relays[0].second = "203.0.113.10";
    FakeTransport own;
    StreamEdge nat{own, settings};
    StreamClient alice{nat, "198.51.100.7:4000"}, bob{nat, "198.51.100.8:4000", "bob"};
    Endpoint of_alice = alice.allocate_tcp().relayed(), of_bob = bob.allocate_tcp().relayed();
    ASSERT_EQ(of_bob.address, addr("203.0.113.10"));
    ASSERT_TRUE(bob.permit({of_alice}).success());
    EXPECT_FALSE(alice.connect(of_bob));
    EXPECT_EQ(own.streams.back().local(), (Endpoint{addr("192.0.2.10"), of_alice.port}));
    EXPECT_EQ(own.streams.back().remote(), (Endpoint{addr("192.0.2.10"), of_bob.port}));
    EXPECT_EQ(alice.connect(of_bob).code(), 446);
    bob.stream.take();
    FakeStream* visitor = own.visit({addr("192.0.2.10"), of_bob.port}, {addr("192.0.2.10"), of_alice.port});
    ASSERT_TRUE(visitor && visitor->handler);
    EXPECT_NE(attempt(bob, of_alice), 0U);
    EXPECT_EQ(bob.connect(of_alice).code(), 446);
    EXPECT_EQ(alice.connect(of_alice).code(), 403) << "itself";
    nat.reload(settings);
    EXPECT_FALSE(visitor->over()) << "still allowed";
}

TEST_F(TcpAllocations, PeersWithoutPermissionAreReset) {
    Endpoint relay = allocate(control);
    FakeStream* visitor = transport.visit(relay, peer);
    ASSERT_TRUE(visitor);
    EXPECT_FALSE(visitor->handler);
    EXPECT_EQ(server.count(Drop::no_permission), 1U);
    ASSERT_TRUE(control.permit({peer}).success());
    EXPECT_FALSE(transport.visit(relay, at("203.0.113.6:80"))->handler) << "another address";
    server.pass(301s);
    EXPECT_FALSE(transport.visit(relay, peer)->handler) << "permissions run out";
    EXPECT_EQ(control.received().size(), 0U);
    EXPECT_EQ(server.clients.peers(), 0U);
}

TEST_F(TcpAllocations, PeersThatAreNotAnnouncedAreReset) {
    Endpoint relay = allocate(control);
    ASSERT_TRUE(control.permit({peer}).success());
    control.stream.room = 100;
    EXPECT_FALSE(transport.visit(relay, peer)->handler);
    EXPECT_EQ(server.count(Drop::stream_full), 1U);
    EXPECT_FALSE(control.stream.over());
    control.stream.room = 64 * 1024;
    control.stream.most_at_once = 5;
    EXPECT_FALSE(transport.visit(relay, peer)->handler);
    EXPECT_TRUE(control.stream.aborted) << "half an indication was written";
    EXPECT_TRUE(transport.listeners.empty());
    EXPECT_EQ(server.clients.peers(), 0U);
}

TEST_F(TcpAllocations, ConnectionBindIsRefusedAsTheRfcSays) {
    allocate(control);
    auto [stream, id] = connect(control, peer);
    EXPECT_EQ(data.request(StunMethod::connection_bind, [](StunWriter&) {}).code(), 400) << "no CONNECTION-ID";
    EXPECT_EQ(data.bind_connection(id ^ 1).code(), 400) << "no such connection";
    EXPECT_EQ(control.bind_connection(id).code(), 400) << "the control connection";
    Client udp{server.edge, "198.51.100.9:4000"};
    auto by_udp = [&, wanted = id](StunWriter& w) { w.attribute_u32(StunAttribute::connection_id, wanted); };
    EXPECT_EQ(udp.request(StunMethod::connection_bind, by_udp).code(), 400);
    StreamClient bob{server, "198.51.100.8:4000", "bob"};
    EXPECT_EQ(bob.bind_connection(id).code(), 441) << "another user";
    EXPECT_TRUE(data.bind_connection(id).success());
    StreamClient third{server, "198.51.100.7:4002"};
    EXPECT_EQ(third.bind_connection(id).code(), 400) << "bound already";
}

TEST_F(TcpAllocations, ConnectionOfAnotherCoreIs447) {
    TurnPools pools = small_pools();
    pools.cores = 4;
    pools.core = 2;
    FakeTransport own;
    StreamEdge one{own, stream_settings(), {}, pools};
    StreamClient client{one, "198.51.100.7:4000"};
    EXPECT_EQ(client.bind_connection(1U << 24 | 5).code(), 447);
    EXPECT_EQ(client.bind_connection(2U << 24 | 5).code(), 400);
    EXPECT_EQ(client.bind_connection(9U << 24 | 5).code(), 400) << "there is no such core";
    ASSERT_TRUE(client.allocate_tcp().success());
    EXPECT_FALSE(client.connect(peer));
    own.streams.back().handler->on_open();
    EXPECT_EQ(StreamClient::connection_id({client.stream.take()}) >> 24, 2U);
}

TEST_F(TcpAllocations, ConnectionsThatNobodyBindsAreClosedInTime) {
    Endpoint relay = allocate(control);
    ASSERT_TRUE(control.permit({peer}).success());
    auto [stream, id] = connect(control, peer);
    FakeStream* visitor = transport.visit(relay, at("203.0.113.5:7777"));
    uint32_t announced = attempt(control, at("203.0.113.5:7777"));
    server.pass(29s);
    EXPECT_FALSE(stream->over() || visitor->over());
    server.pass(2s);
    EXPECT_TRUE(stream->aborted && visitor->aborted);
    EXPECT_EQ(server.clients.peers(), 0U);
    for (uint32_t gone : {id, announced}) {
        StreamClient late{server, "198.51.100.7:4005"};
        EXPECT_EQ(late.bind_connection(gone).code(), 400);
    }
    EXPECT_FALSE(control.connect(peer)) << "may be tried again";
}

TEST_F(TcpAllocations, PeerThatLeavesBeforeItIsBoundIsForgotten) {
    allocate(control);
    auto [stream, id] = connect(control, peer);
    stream->reset();
    EXPECT_EQ(server.clients.peers(), 0U);
    EXPECT_EQ(data.bind_connection(id).code(), 400);
}

TEST_F(TcpAllocations, EndOfEachDirectionIsPassedOnBehindTheLastByte) {
    allocate(control);
    auto [stream, id] = connect(control, peer);
    ASSERT_TRUE(data.bind_connection(id).success());
    stream->room = 4;
    data.stream.arrive(bytes_of("request"));
    data.stream.end();
    EXPECT_EQ(text_of(stream->written), "requ");
    EXPECT_FALSE(stream->shut);
    stream->drain();
    EXPECT_EQ(text_of(stream->written), "est");
    EXPECT_TRUE(stream->shut);
    EXPECT_FALSE(data.stream.over());
    stream->send(bytes_of("answer"));
    EXPECT_EQ(text_of(data.stream.take()), "answer");
    stream->end();
    EXPECT_TRUE(data.stream.shut);
    stream->reset(tcp::CloseReason::finished);
    EXPECT_TRUE(data.stream.closed) << "what was written is still delivered";
    EXPECT_EQ(server.clients.peers(), 0U);
    EXPECT_EQ(server.clients.sessions(), 1U);
}

TEST_F(TcpAllocations, ResetOfOneSideResetsTheOther) {
    allocate(control);
    auto [stream, id] = connect(control, peer);
    ASSERT_TRUE(data.bind_connection(id).success());
    data.stream.reset();
    EXPECT_TRUE(stream->aborted);
    auto [again, second] = connect(control, peer);
    StreamClient more{server, "198.51.100.7:4002"};
    ASSERT_TRUE(more.bind_connection(second).success());
    again->reset(tcp::CloseReason::timed_out);
    EXPECT_TRUE(more.stream.aborted);
    EXPECT_EQ(server.clients.peers(), 0U);
    EXPECT_EQ(server.clients.sessions(), 1U);
}

TEST_F(TcpAllocations, ThatEndTakeTheirConnectionsAlong) {
    for (const char* how : {"deleted", "disconnected", "expired", "control connection reset", "relay address gone"}) {
        SCOPED_TRACE(how);
        StreamClient owner{server, "198.51.100.17:4000"}, bound{server, "198.51.100.17:4001"};
        Endpoint relay = allocate(owner);
        ASSERT_TRUE(owner.permit({peer}).success());
        auto [stream, id] = connect(owner, peer);
        ASSERT_TRUE(bound.bind_connection(id).success());
        auto [waiting, unused] = connect(owner, at("203.0.113.5:81"));
        ASSERT_FALSE(owner.connect(at("203.0.113.5:82")));
        FakeStream& connecting = transport.streams.back();
        std::string word = how;
        if (word == "deleted") {
            ASSERT_TRUE(owner.refresh(0).success());
        } else if (word == "disconnected") {
            std::array<AllocationRow, 2> rows;
            uint64_t cursor = 0;
            ASSERT_EQ(server.edge.turn.list(server.edge.now, cursor, std::span<AllocationRow>{rows}), 1U);
            ASSERT_TRUE(server.edge.turn.disconnect(server.edge.now, rows[0].id));
        } else if (word == "expired") {
            server.edge.now += 601s;
            server.edge.tick();
        } else if (word == "control connection reset") {
            owner.stream.reset();
        } else {
            EdgeSettings settings = stream_settings();
            settings.relays = {{"192.0.2.11", "192.0.2.11"}, {"2001:db8::10", "2001:db8::10"}};
            server.reload(settings);
            server.edge.tick();
            server.reload(stream_settings());
        }
        EXPECT_TRUE(stream->closed);
        EXPECT_TRUE(bound.stream.closed);
        EXPECT_TRUE(waiting->over());
        EXPECT_TRUE(connecting.aborted);
        EXPECT_TRUE(transport.listeners.empty());
        EXPECT_EQ(server.clients.peers(), 0U);
        EXPECT_EQ(server.edge.turn.allocations(), 0U);
        EXPECT_EQ(server.edge.quota.total(), 0U);
        server.edge.tick();
        (void)relay;
        (void)unused;
    }
}

TEST_F(TcpAllocations, PeersThatBecomeForbiddenAreCutOff) {
    allocate(control);
    auto [stream, id] = connect(control, peer);
    ASSERT_TRUE(data.bind_connection(id).success());
    EXPECT_FALSE(control.connect(at("203.0.113.6:80")));
    FakeStream& connecting = transport.streams.back();
    auto [other, unused] = connect(control, at("198.51.100.99:80"));
    EdgeSettings settings = stream_settings();
    settings.peer_deny = {"203.0.113.0/24"};
    server.reload(settings);
    EXPECT_TRUE(stream->aborted && data.stream.aborted && connecting.aborted);
    EXPECT_EQ(Reply{control.stream.take()}.code(), 447);
    EXPECT_FALSE(other->over());
    (void)unused;
}

TEST_F(TcpAllocations, ConnectionsAreBoundedPerAllocationAndInTotal) {
    FakeTransport own;
    StreamEdge small{own, stream_settings(), {.tcp_allocations = 2, .peers = 3, .peers_per_allocation = 2}};
    StreamClient a{small, "198.51.100.7:4000"}, b{small, "198.51.100.7:4001"}, c{small, "198.51.100.7:4002"};
    ASSERT_TRUE(a.allocate_tcp().success());
    ASSERT_TRUE(b.allocate_tcp().success());
    EXPECT_EQ(c.allocate_tcp().code(), 508);
    EXPECT_TRUE(c.allocate().success());
    EXPECT_FALSE(a.connect(at("203.0.113.1:1")));
    EXPECT_FALSE(a.connect(at("203.0.113.1:2")));
    EXPECT_EQ(a.connect(at("203.0.113.1:3")).code(), 508);
    ASSERT_TRUE(b.permit({peer}).success());
    EXPECT_FALSE(b.connect(at("203.0.113.1:1")));
    EXPECT_EQ(b.connect(at("203.0.113.1:2")).code(), 508);
    EXPECT_FALSE(own.visit(own.listeners[1].first, peer)->handler);
    EXPECT_EQ(small.count(Drop::tcp_no_room), 1U);
    ASSERT_TRUE(a.refresh(0).success());
    EXPECT_FALSE(b.connect(at("203.0.113.1:2"))) << "there is room again";
}

TEST_F(TcpAllocations, BackPressureIsPassedOn) {
    allocate(control);
    auto [stream, id] = connect(control, peer);
    ASSERT_TRUE(data.bind_connection(id).success());
    std::string much(100'000, 'x');
    stream->room = 10'000;
    data.stream.send(bytes_of(much));
    EXPECT_EQ(stream->written.size(), 10'000U);
    EXPECT_EQ(data.stream.unread(), 90'000U) << "nothing is kept in between";
    size_t total = 0;
    for (int i = 0; i < 20; i++) {
        total += stream->written.size();
        stream->drain();
        server.turn();
    }
    EXPECT_EQ(total, much.size());
    // A stream that takes more than it has room for.
    stream->take();
    data.stream.send(bytes_of(std::string(10'000, 'a') + "0123456789"));
    stream->overdraft = 4;
    server.turn();
    data.stream.tell();
    size_t overdrawn = stream->written.size();
    EXPECT_EQ(overdrawn, 10'004U);
    stream->drain();
    EXPECT_EQ(text_of(stream->take()), "456789");
    // One direction that is stuck does not hold the other.
    stream->room = 0;
    data.stream.send(bytes_of("stuck"));
    stream->send(bytes_of("flows"));
    EXPECT_EQ(text_of(data.stream.take()), "flows");
}

TEST_F(TcpAllocations, OneConnectionHasItsShareOfATurn) {
    allocate(control);
    auto [stream, id] = connect(control, peer);
    ASSERT_TRUE(data.bind_connection(id).success());
    stream->room = 1 << 20;
    data.stream.send(bytes_of(std::string(200'000, 'x')));
    EXPECT_EQ(stream->written.size(), 65'536U);
    server.turn();
    EXPECT_EQ(stream->written.size(), 131'072U);
    for (int i = 0; i < 3; i++) server.turn();
    EXPECT_EQ(stream->written.size(), 200'000U);
}

TEST_F(TcpAllocations, BandwidthOfAllocationAndUserHold) {
    for (bool of_user : {false, true}) {
        SCOPED_TRACE(of_user ? "user" : "allocation");
        EdgeSettings settings = stream_settings();
        (of_user ? settings.user_kbps : settings.allocation_kbps) = 800;  // 100,000 bytes per second
        FakeTransport own;
        StreamEdge slow{own, settings};
        StreamClient owner{slow, "198.51.100.7:4000"}, bound{slow, "198.51.100.7:4001"};
        ASSERT_TRUE(owner.allocate_tcp().success());
        EXPECT_FALSE(owner.connect(peer));
        FakeStream& stream = own.streams.back();
        stream.handler->on_open();
        ASSERT_TRUE(bound.bind_connection(StreamClient::connection_id({owner.stream.take()})).success());
        stream.room = SIZE_MAX;
        bound.stream.send(bytes_of(std::string(1'000'000, 'x')));
        for (int i = 0; i < 500; i++) slow.turn(10ms);
        EXPECT_NEAR(static_cast<double>(stream.written.size()), 500'000, 60'000);
        for (int i = 0; i < 600; i++) slow.turn(10ms);
        EXPECT_EQ(stream.written.size(), 1'000'000U) << "late, but nothing is lost";
        EXPECT_EQ(slow.count(Drop::bandwidth_allocation) + slow.count(Drop::bandwidth_user), 0U);
    }
}

TEST_F(TcpAllocations, AnswerWithoutRoomEndsTheControlConnection) {
    allocate(control);
    EXPECT_FALSE(control.connect(peer));
    control.stream.room = 10;
    transport.streams.back().handler->on_open();
    EXPECT_TRUE(control.stream.aborted);
    EXPECT_TRUE(transport.streams.back().aborted);
    EXPECT_EQ(server.edge.turn.allocations(), 0U);
}

TEST_F(TcpAllocations, ConnectionIdsDoNotTellTheNext) {
    allocate(control);
    std::set<uint32_t> ids;
    std::set<int64_t> steps;
    int64_t last = 0;
    for (uint16_t port = 1; port <= 60; port++) {
        auto [stream, id] = connect(control, {peer.address, port});
        ids.insert(id);
        steps.insert(int64_t{id} - last);
        last = id;
    }
    EXPECT_EQ(ids.size(), 60U);
    EXPECT_GT(steps.size(), 55U);
}

TEST_F(TcpAllocations, DescribeTheirConnections) {
    allocate(control);
    auto [stream, id] = connect(control, peer);
    tcp::StreamDetails details;
    stream->handler->describe(details);
    EXPECT_EQ(details.service, "relay");
    EXPECT_NE(details.allocation, 0U);
    ASSERT_TRUE(data.bind_connection(id).success());
    tcp::StreamDetails of_client;
    data.stream.handler->describe(of_client);
    EXPECT_EQ(of_client.service, "turn-tcp");
    EXPECT_EQ(of_client.allocation, details.allocation);
}

}  // namespace
}  // namespace fedge::relay
