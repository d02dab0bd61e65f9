// What a core serves on streams, from frames in to frames out: on a core that does everything, on signalling cores
// beside media cores, over our TCP and over the kernel's.
#include <gtest/gtest.h>
#include <unistd.h>

#include "dataplane/core/run_config.h"
#include "tests/support/sip_edge.h"
#include "tests/support/stream_client.h"
#include "tests/unit/core/edge_fixture.h"

namespace fedge::core {
namespace {

using namespace test_edge;
using contract::Service;
using test::StreamHost;
using test::StreamUser;

const Endpoint kPlain = at("192.0.2.10:3478");
const Endpoint kPlain6 = at("[2001:db8:1::10]:3478");
const Endpoint kShared = at("192.0.2.10:443");
const IpAddress kGuest = IpAddress::parse("198.51.100.9").value();
const IpAddress kGuest6 = IpAddress::parse("2001:db8:2::9").value();

contract::SnapshotT stream_snapshot() {
    auto snapshot = EdgeBox::snapshot();
    test::add_listener(snapshot, Service::turn_tcp, kPlain);
    test::add_listener(snapshot, Service::turn_tcp, kPlain6);
    test::add_listener(snapshot, Service::shared_tls, kShared);
    return snapshot;
}

// How the cores are laid out, and whose TCP serves port 3478.
struct Layout {
    const char* name;
    uint16_t cores;
    uint16_t media;
    uint16_t signalling_from;
    bool kernel;
};

class Streams : public Edge, public testing::WithParamInterface<Layout> {
  protected:
    void SetUp() override {
        if (GetParam().kernel && geteuid() != 0) GTEST_SKIP() << "a network namespace needs root";
        EdgeBoxPlan plan;
        plan.media = GetParam().media;
        plan.signalling_from = GetParam().signalling_from;
        plan.signalling.connections = 128;
        plan.signalling.tcp_memory_mb = 4;
        plan.signalling.undecided = 8;
        if (GetParam().kernel) plan.signalling.kernel_ports = {3478};
        start(GetParam().cores, plan);
        box_->publish(stream_snapshot());
        host_ = std::make_unique<StreamHost>(*box_);
    }
    void TearDown() override {
        if (!host_) return;
        host_->until([] { return false; }, 5ms);  // what is under way arrives
        Edge::TearDown();
    }

    bool until(const std::function<bool()>& done) { return host_->until(done); }

    // The next message that the client received.
    std::vector<uint8_t> next(StreamUser& user) {
        auto whole = [&] {
            return user.received.size() >= 4 &&
                   user.received.size() >= (user.received[0] & 0xc0 ? (4U + load_be16(&user.received[2]) + 3U) / 4 * 4
                                                                    : 20U + load_be16(&user.received[2]));
        };
        if (!until(whole)) throw std::runtime_error("no answer; " + box_->drops());
        size_t size = user.received[0] & 0xc0 ? (4U + load_be16(&user.received[2]) + 3U) / 4 * 4
                                              : 20U + load_be16(&user.received[2]);
        std::vector<uint8_t> message(user.received.begin(), user.received.begin() + static_cast<ptrdiff_t>(size));
        user.received.erase(user.received.begin(), user.received.begin() + static_cast<ptrdiff_t>(size));
        return message;
    }
    wire::StunMessage ask(StreamUser& user, const StunAttempt& attempt) {
        user.stream->write(attempt.write());
        last_ = next(user);
        return wire::StunMessage::parse(last_).value();
    }
    wire::StunMessage ask_logged_in(StreamUser& user, StunAttempt attempt) {
        auto challenge = ask(user, {});
        attempt.log_in("alice", "example.org", "secret");
        attempt.nonce = std::string(challenge.text(StunAttribute::nonce));
        return ask(user, attempt);
    }
    Endpoint allocate(StreamUser& user, Family family = Family::ipv4) {
        StunAttempt attempt;
        attempt.family = family == Family::ipv4 ? 1 : 2;
        auto reply = ask_logged_in(user, attempt);
        EXPECT_EQ(reply.klass(), wire::StunClass::success);
        EXPECT_EQ(reply.address(StunAttribute::xor_mapped_address), user.stream->local());
        return reply.address(StunAttribute::xor_relayed_address).value();
    }
    void bind(StreamUser& user, const Endpoint& peer, uint16_t channel) {
        StunAttempt attempt;
        attempt.method = StunMethod::channel_bind;
        attempt.channel = channel;
        attempt.peer = peer;
        EXPECT_EQ(ask_logged_in(user, attempt).klass(), wire::StunClass::success);
    }
    void bind_connection(StreamUser& user, uint32_t id) {
        ASSERT_TRUE(host_->connect(user, kGuest, kPlain));
        StunAttempt attempt;
        attempt.method = StunMethod::connection_bind;
        attempt.connection = id;
        EXPECT_EQ(ask_logged_in(user, attempt).klass(), wire::StunClass::success) << box_->drops();
    }
    // The next UDP datagram that left the edge.
    Datagram next_datagram() {
        std::optional<Datagram> found;
        until([&] {
            for (const Frame& frame : host_->other())
                if (!found) found = open(frame);
            host_->other().clear();
            return found.has_value();
        });
        if (!found) throw std::runtime_error("no datagram; " + box_->drops());
        return *found;
    }
    uint16_t last_core() const { return static_cast<uint16_t>(GetParam().cores - 1); }
    std::vector<ConnectionRecord> all_connections(bool ended = false) {
        std::vector<ConnectionRecord> all;
        for (uint16_t i = 0; i < GetParam().cores; i++)
            for (const auto& row : box_->connections(i, ended)) all.push_back(row);
        return all;
    }

    std::unique_ptr<StreamHost> host_;
};

// Only of our TCP: what the kernel does inside is not seen here.
class OwnStreams : public Streams {};

TEST_P(Streams, TurnOverTcpRelaysBothWays) {
    for (Family family : {Family::ipv4, Family::ipv6}) {
        StreamUser user;
        bool v4 = family == Family::ipv4;
        ASSERT_TRUE(host_->connect(user, v4 ? kGuest : kGuest6, v4 ? kPlain : kPlain6));
        Endpoint relay = allocate(user);
        EXPECT_EQ(relay.address, EdgeBox::relay_address(Family::ipv4));
        bind(user, kPeer, 0x4001);

        auto data = bytes_of("media");
        auto framed = channel_data(0x4001, data);
        framed.resize(12);  // padded to four (RFC 8656 section 12.5)
        user.stream->write(framed);
        Datagram sent = next_datagram();
        EXPECT_EQ(sent.source, relay);
        EXPECT_EQ(sent.destination, kPeer);
        EXPECT_EQ(text_of(sent.payload), "media");

        ASSERT_TRUE(box_->send(test::udp_frame(box_->mac(), kPeer, relay, bytes_of("answer"))));
        auto received = next(user);
        EXPECT_EQ(load_be16(received.data()), 0x4001);
        EXPECT_EQ(load_be16(received.data() + 2), 6);
        EXPECT_EQ(text_of(Bytes(received).subspan(4, 6)), "answer");
        EXPECT_EQ(received.size(), 12U);
        user.stream->abort();
    }
}

TEST_P(Streams, TheAllocationEndsWithItsConnection) {
    StreamUser user;
    ASSERT_TRUE(host_->connect(user, kGuest, kPlain));
    allocate(user);
    auto rows = all_connections();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].service.view(), "turn-tcp");
    EXPECT_STREQ(rows[0].transport, GetParam().kernel ? "kernel" : "own");
    EXPECT_STREQ(rows[0].state, "ESTABLISHED");
    EXPECT_EQ(rows[0].remote, user.stream->local());
    EXPECT_EQ(rows[0].local, kPlain);
    EXPECT_NE(rows[0].allocation, 0U);
    user.stream->abort();
    ASSERT_TRUE(until([&] { return all_connections().empty(); }));
    auto ended = all_connections(true);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].id, rows[0].id);
    EXPECT_EQ(ended[0].why.view(), "reset by peer");
    uint32_t left = 0;
    until([&] {
        left = 0;
        for (uint16_t i = 0; i < GetParam().cores; i++) left += box_->core(i).turn().allocations();
        return left == 0;
    });
    EXPECT_EQ(left, 0U);
}

TEST_P(Streams, DataBetweenAStreamAndAUdpClientOfThisEdge) {
    StreamUser user;
    ASSERT_TRUE(host_->connect(user, kGuest, kPlain));
    Endpoint ours = allocate(user);
    Endpoint theirs = Edge::allocate(kClient, kServer);
    bind(user, theirs, 0x4002);
    Edge::bind(kClient, kServer, ours, 0x4003);

    auto framed = channel_data(0x4002, bytes_of("from tcp"));
    user.stream->write(framed);
    Datagram sent = next_datagram();
    EXPECT_EQ(sent.source, kServer);
    EXPECT_EQ(sent.destination, kClient);
    EXPECT_EQ(text_of(Bytes(sent.payload).subspan(4)), "from tcp");

    ASSERT_TRUE(box_->send(test::udp_frame(box_->mac(), kClient, kServer, channel_data(0x4003, bytes_of("from udp")))));
    auto received = next(user);
    EXPECT_EQ(text_of(Bytes(received).subspan(4)), "from udp");
    user.stream->abort();
}

TEST_P(Streams, TheSharedPortServesPlainTurnAndClosesStrangers) {
    StreamUser user;
    ASSERT_TRUE(host_->connect(user, kGuest, kShared));
    allocate(user);
    EXPECT_EQ(box_->total(Counter::shared_turn), 1U);

    StreamUser stranger;
    ASSERT_TRUE(host_->connect(stranger, kGuest, kShared));
    stranger.stream->write(bytes_of("GET / HTTP/1.1\r\n\r\n"));
    ASSERT_TRUE(until([&] { return stranger.closed.has_value(); }));
    EXPECT_EQ(stranger.closed, tcp::CloseReason::reset);
    EXPECT_EQ(box_->total(Counter::shared_unknown), 1U);
    auto ended = all_connections(true);
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].why.view(), "neither TLS nor STUN");
    user.stream->abort();
}

TEST_P(Streams, ManyConnectionsWhereverTheyArrive) {
    std::vector<std::unique_ptr<StreamUser>> users;
    for (uint16_t i = 0; i < 24; i++) {
        users.push_back(std::make_unique<StreamUser>());
        host_->use_queue(static_cast<uint16_t>(i % GetParam().cores));
        std::array<uint8_t, 4> guest{198, 51, 100, static_cast<uint8_t>(20 + i)};
        ASSERT_TRUE(host_->connect(*users.back(), IpAddress::v4_bytes(guest.data()), kPlain)) << i << box_->drops();
        EXPECT_EQ(ask(*users.back(), {}).klass(), wire::StunClass::error);
    }
    EXPECT_EQ(all_connections().size(), users.size());
    if (GetParam().cores - GetParam().signalling_from > 1)
        for (uint16_t i = GetParam().signalling_from; i < GetParam().cores; i++)
            EXPECT_GT(box_->connections(i).size(), 3U) << "core " << i << " has its share";
    for (auto& user : users) user->stream->abort();
}

// The error comes in by the first queue, whichever core has the connection.
TEST_P(OwnStreams, IcmpErrorsFindTheConnection) {
    for (uint8_t i = 0; i < 6; i++) {  // over all cores; from many hosts, because a core remembers what it was told
        StreamUser user;
        std::array<uint8_t, 4> guest{198, 51, 100, static_cast<uint8_t>(20 + i)};
        ASSERT_TRUE(host_->connect(user, IpAddress::v4_bytes(guest.data()), kPlain));
        std::optional<Frame> lost;
        host_->loses = [&](const Frame& frame) {
            if (lost || frame.size() < 100) return false;
            lost = frame;
            return true;
        };
        StunAttempt attempt;
        user.stream->write(attempt.write());
        ASSERT_TRUE(until([&] { return lost.has_value(); }));
        uint64_t before = box_->total(Counter::tcp_path_mtu_lowered);
        box_->send(test::icmp_error_frame(box_->mac(), IpAddress::parse("192.0.2.1").value(), 3, 4, *lost, 900), 0);
        EXPECT_TRUE(until([&] { return box_->total(Counter::tcp_path_mtu_lowered) > before; })) << +i << box_->drops();
        EXPECT_EQ(next(user)[0], 1) << "sent again";
        host_->loses = nullptr;
        user.stream->abort();
    }
}

// RFC 6062 between two clients of this edge, on whichever cores they are: segments go from relay port to relay port
// inside the machine.
TEST_P(OwnStreams, TcpAllocationsOfOneEdgeReachEachOther) {
    StreamUser a, b;
    ASSERT_TRUE(host_->connect(a, kGuest, kPlain));
    ASSERT_TRUE(host_->connect(b, kGuest, kPlain));
    StunAttempt tcp;
    tcp.transport = 6;
    Endpoint relay_a = ask_logged_in(a, tcp).address(StunAttribute::xor_relayed_address).value();
    Endpoint relay_b = ask_logged_in(b, tcp).address(StunAttribute::xor_relayed_address).value();
    StunAttempt permit;
    permit.method = StunMethod::create_permission;
    permit.peer = relay_a;
    ASSERT_EQ(ask_logged_in(b, permit).klass(), wire::StunClass::success);
    StunAttempt connect;
    connect.method = StunMethod::connect;
    connect.peer = relay_b;
    auto connected = ask_logged_in(a, connect);
    ASSERT_EQ(connected.klass(), wire::StunClass::success);
    uint32_t connection_a = connected.u32(StunAttribute::connection_id).value();
    last_ = next(b);
    auto attempt = wire::StunMessage::parse(last_).value();
    EXPECT_EQ(attempt.method(), static_cast<uint16_t>(StunMethod::connection_attempt));
    EXPECT_EQ(attempt.address(StunAttribute::xor_peer_address), relay_a);
    EXPECT_EQ(box_->total(Counter::turn_tcp_attempts), 1U);

    // Data connections come from other ports of the client, and must arrive where their control connection is.
    StreamUser data_a, data_b;
    bind_connection(data_b, attempt.u32(StunAttribute::connection_id).value());
    bind_connection(data_a, connection_a);
    data_a.stream->write(bytes_of("from a"));
    ASSERT_TRUE(until([&] { return data_b.received.size() == 6; })) << box_->drops();
    EXPECT_EQ(text_of(data_b.received), "from a");
    data_b.stream->write(bytes_of("from b"));
    ASSERT_TRUE(until([&] { return data_a.received.size() == 6; })) << box_->drops();
    for (StreamUser* user : {&a, &b, &data_a, &data_b}) user->stream->abort();
}

// Also on a port that the kernel's TCP has elsewhere: what goes from relay ports is always ours.
TEST_P(Streams, TcpAllocationsReachPeersOnThePortOfAListener) {
    test::Taker<StreamUser> peer;
    const Endpoint place{kPeer.address, kPlain.port};
    ASSERT_TRUE(host_->tcp().listen(place, {}, peer));
    StreamUser user, data;
    ASSERT_TRUE(host_->connect(user, kGuest, kPlain));
    StunAttempt tcp;
    tcp.transport = 6;
    ASSERT_EQ(ask_logged_in(user, tcp).klass(), wire::StunClass::success);
    StunAttempt connect;
    connect.method = StunMethod::connect;
    connect.peer = place;
    auto connected = ask_logged_in(user, connect);
    ASSERT_EQ(connected.klass(), wire::StunClass::success) << box_->drops();
    bind_connection(data, connected.u32(StunAttribute::connection_id).value());
    data.stream->write(bytes_of("to the peer"));
    ASSERT_TRUE(until([&] { return peer.user.received.size() == 11; })) << box_->drops();
    for (StreamUser* one : {&user, &data, &peer.user})
        if (one->stream) one->stream->abort();
    host_->tcp().unlisten(place);
}

TEST_P(Streams, ListenersComeAndGo) {
    StreamUser before;
    ASSERT_TRUE(host_->connect(before, kGuest, kPlain));
    auto snapshot = EdgeBox::snapshot();
    snapshot.revision = 2;
    box_->publish(snapshot);
    StreamUser late;
    EXPECT_FALSE(host_->connect(late, kGuest, kPlain));
    snapshot = stream_snapshot();
    snapshot.revision = 3;
    box_->publish(snapshot);
    StreamUser after;
    EXPECT_TRUE(host_->connect(after, kGuest, kPlain));
    for (StreamUser* user : {&before, &after})
        if (user->stream) user->stream->abort();
}

const Layout kOwn[] = {{"one_core_for_all", 1, 1, 0, false},
                       {"media_and_signalling", 2, 1, 1, false},
                       {"two_of_each", 4, 2, 2, false},
                       {"all_do_all", 3, 3, 0, false}};
const Layout kKernel[] = {{"kernel_on_one_core", 1, 1, 0, true}, {"kernel_beside_media", 2, 1, 1, true}};

std::string name_of(const testing::TestParamInfo<Layout>& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(On, Streams, testing::ValuesIn(kOwn), name_of);
INSTANTIATE_TEST_SUITE_P(OnTheKernels, Streams, testing::ValuesIn(kKernel), name_of);
INSTANTIATE_TEST_SUITE_P(On, OwnStreams, testing::ValuesIn(kOwn), name_of);

// Without a signalling core.
class NoStreams : public Edge {};

TEST_F(NoStreams, SegmentsAreCountedAndListenersRefused) {
    start(1);
    StreamHost host(*box_);
    StreamUser user;
    user.stream = host.tcp().connect({kGuest, 0}, kPlain, {}, user);
    host.until([&] { return box_->total(Drop::tcp_not_served) > 0; });
    EXPECT_GT(box_->total(Drop::tcp_not_served), 0U);
    user.stream->abort();
    try {
        box_->publish(stream_snapshot());
        ADD_FAILURE() << "accepted";
    } catch (const SnapshotError& error) {
        EXPECT_STREQ(error.what(),
                     "listener 192.0.2.10:3478 over TCP needs a signalling core: name CPUs in cores.signalling of the "
                     "dataplane's boot configuration");
    }
}

}  // namespace
}  // namespace fedge::core
