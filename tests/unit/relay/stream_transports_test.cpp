// TURN on streams that are carried: by two of our TCPs under virtual time, across an impaired wire, and by the kernel,
// and by TLS on each of them. The same scenarios over all of them.
#include <gtest/gtest.h>

#include <list>
#include <memory>
#include <string>
#include <tuple>

#include "tests/support/own_namespace.h"
#include "tests/support/stream_edge.h"
#include "tests/support/tls_world.h"

namespace fedge::relay {
namespace {

using namespace test;  // NOLINT(google-build-using-namespace)
using tcp::CloseReason;

constexpr const char* kNear = "192.0.2.1";  // clients and peers
constexpr const char* kServer = "198.51.100.1";
constexpr const char* kRelay = "198.51.100.10";

EdgeSettings settings() {
    EdgeSettings s;
    s.listeners = {};
    s.stream_listeners = {std::string(kServer) + ":3478"};
    s.relays = {{kRelay, kRelay}};
    s.interface_addresses = {std::string(kServer) + "/24"};
    s.port_first = 20000;
    s.port_last = 20999;
    return s;
}

// One end of a connection on the near side: what it has received, and what it still has to say.
struct End final : tcp::StreamHandler {
    tcp::Stream* stream = nullptr;
    bool open = false;
    bool reads = true;
    bool ended = false;
    std::optional<CloseReason> closed;
    std::string received;
    std::string unsaid;
    bool shut_when_said = false;

    void on_open() override {
        open = true;
        say();
    }
    void on_readable() override {
        if (!reads) return;
        for (Bytes b; !(b = stream->peek()).empty(); stream->consume(b.size())) received += text_of(b);
        ended = stream->at_end();
    }
    void on_writable() override { say(); }
    void on_closed(CloseReason reason) override {
        closed = reason;
        stream = nullptr;
    }
    void say(std::string_view text) {
        unsaid += text;
        say();
    }
    void say() {
        if (!stream) return;
        unsaid.erase(0, stream->write(bytes_of(unsaid)));
        if (unsaid.empty() && std::exchange(shut_when_said, false)) stream->shutdown();
    }
    void say_and_end(std::string_view text) {
        shut_when_said = true;
        say(text);
    }
    ~End() override {
        if (stream) stream->abort();
    }
};

struct Peers final : tcp::Acceptor {
    std::list<End> all;
    bool read = true;
    tcp::StreamHandler* on_accept(tcp::Stream& stream) override {
        all.emplace_back();
        all.back().stream = &stream;
        all.back().open = true;
        all.back().reads = read;
        return &all.back();
    }
};

class OnStreams : public testing::TestWithParam<std::tuple<Carrier, bool>>, public tcp::Acceptor {
  protected:
    void SetUp() override {
        if (carrier() == Carrier::kernel) {
            own_namespace = std::make_unique<OwnNamespace>(std::initializer_list<const char*>{kNear, kServer});
            if (!own_namespace->permitted()) GTEST_SKIP() << "a network namespace needs CAP_SYS_ADMIN";
            ASSERT_TRUE(own_namespace->ready());
        }
        if (secure()) {
            auto made = std::make_unique<TlsWorld>(carrier(), Family::ipv4);
            plain = &made->plain();
            world = std::move(made);
        } else {
            world = make_plain_world(carrier(), Family::ipv4);
            plain = world.get();
        }
        began = world->now();
        server = std::make_unique<StreamEdge>(plain->server(), settings());
        ASSERT_TRUE(world->server().listen({addr(kServer), 3478}, {}, *this));
        ASSERT_TRUE(plain->client().listen(peer, {}, peers));
    }
    // Nothing stays behind when the ends on the near side are gone.
    void TearDown() override {
        if (!world) return;
        for (auto* ends : {&own, &peers.all})
            for (End& end : *ends)
                if (end.stream) std::exchange(end.stream, nullptr)->abort();
        // A reset that is lost is not sent again: then it is the server's timeouts that end it.
        EXPECT_TRUE(until(
            [&] { return server->clients.sessions() == 0 && server->clients.peers() == 0 && world->streams() == 0; },
            carrier() == Carrier::impaired ? 4000s : 30s));
        server->edge.pass(1s);
        EXPECT_EQ(server->edge.turn.allocations(), 0U);
        EXPECT_EQ(server->edge.quota.total(), 0U);
    }

    tcp::StreamHandler* on_accept(tcp::Stream& stream) override { return server->clients.accept(stream, 0, secure()); }
    Carrier carrier() const { return std::get<0>(GetParam()); }
    bool secure() const { return std::get<1>(GetParam()); }

    void turn() {
        Edge& edge = server->edge;
        edge.now = Edge::start + (world->now() - began);
        edge.tick();
        server->clients.set_time(edge.now, edge.unix_now());
        world->turn();
        server->clients.turn(edge.now, edge.unix_now());
    }
    bool until(const std::function<bool()>& done, Duration limit = 60s) {
        for (Instant end = world->now() + limit; world->now() < end; turn())
            if (done()) return true;
        return done();
    }
    // A peer's by TCP; a client's by what this run is about.
    End& connect(const Endpoint& to, bool of_peer = true) {
        End& end = own.emplace_back();
        tcp::Transport& transport = of_peer ? plain->client() : world->client();
        end.stream = transport.connect({addr(kNear), 0}, to, {}, end);
        EXPECT_TRUE(end.stream);
        return end;
    }

    // A client whose messages travel.
    struct Caller final : Client {
        OnStreams& test;
        End& end;
        Caller(OnStreams& t, End& e) : Client(t.server->edge, e.stream->local()), test(t), end(e) {
            test.until([&] { return end.open; });
            self = end.stream->local();
        }
        Reply ask(Bytes message) override {
            end.say(text_of(message));
            return next();
        }
        // The next message from the edge, taken off.
        Reply next() {
            size_t size = 0;
            test.until([&] {
                if (end.received.size() < 4) return false;
                size_t length = load_be16(bytes_of(end.received).data() + 2);
                size = end.received[0] & 0x40 ? (4 + length + 3) & ~size_t{3} : 20 + length;
                return end.received.size() >= size;
            });
            if (size == 0 || end.received.size() < size) return {};
            Reply reply;
            reply.bytes.assign(end.received.begin(), end.received.begin() + static_cast<ptrdiff_t>(size));
            end.received.erase(0, size);
            return reply;
        }
        Endpoint allocate_tcp() {
            Reply reply =
                allocate_bare([](StunWriter& w) { w.attribute_u32(StunAttribute::requested_transport, 6U << 24); });
            EXPECT_TRUE(reply.success());
            return reply.relayed();
        }
        Reply connect_to(const Endpoint& to) {
            return request(StunMethod::connect,
                           [&](StunWriter& w) { w.xor_address(StunAttribute::xor_peer_address, to); });
        }
        Reply bind_to(uint32_t id) {
            return request(StunMethod::connection_bind,
                           [&](StunWriter& w) { w.attribute_u32(StunAttribute::connection_id, id); });
        }
    };
    Caller& call() {
        callers.emplace_back(*this, connect({addr(kServer), 3478}, false));
        return callers.back();
    }
    // A client's data connection and the peer's end of what it is spliced to.
    std::pair<Caller*, End*> spliced(Caller& control) {
        Reply connected = control.connect_to(peer);
        EXPECT_TRUE(connected.success());
        EXPECT_TRUE(until([&] { return !peers.all.empty(); }));
        Caller& data = call();
        EXPECT_TRUE(data.bind_to(StreamClient::connection_id(connected)).success());
        return {&data, &peers.all.back()};
    }
    static std::string numbers(size_t size) {
        std::string text;
        for (uint32_t i = 0; text.size() < size; i++) text += std::to_string(i) + ' ';
        text.resize(size);
        return text;
    }

    std::unique_ptr<OwnNamespace> own_namespace;
    std::unique_ptr<StreamWorld> world;
    StreamWorld* plain = nullptr;  // below TLS
    Instant began;
    Endpoint peer{addr(kNear), 8080};
    Peers peers;
    std::list<End> own;
    std::unique_ptr<StreamEdge> server;
    std::list<Caller> callers;
};

TEST_P(OnStreams, DatagramsGoBothWaysInOrder) {
    Caller& client = call();
    Reply allocated = client.allocate();
    ASSERT_TRUE(allocated.success());
    Endpoint far = at("203.0.113.5:9000");
    ASSERT_TRUE(client.bind(0x4000, far).success());
    std::vector<std::string> there, back;
    for (size_t i = 0; i < 400; i++) there.push_back(numbers(i * 7919 % 1400));
    for (const auto& data : there) {
        auto message = channel_data(0x4000, data);
        client.end.say(text_of(message));
    }
    ASSERT_TRUE(until([&] { return server->sent.size() == there.size(); }));
    for (size_t i = 0; i < there.size(); i++) ASSERT_EQ(text_of(server->sent[i].payload), there[i]) << i;
    for (size_t i = 0; i < 400; i++) {
        if (server->from_peer(far, allocated.relayed(), there[i])) back.push_back(there[i]);
        turn();
    }
    ASSERT_EQ(back.size(), 400U);
    uint64_t dropped = server->count(Drop::stream_full);
    if (carrier() != Carrier::impaired) {
        EXPECT_EQ(dropped, 0U);
    }
    size_t last = 0;
    for (size_t i = 0; i < back.size() - dropped; i++) {
        std::vector<uint8_t> bytes = client.next().bytes;
        // What found no room is missing, and the rest is whole and in order.
        while (last < back.size() && channel_data(0x4000, back[last]) != bytes) last++;
        ASSERT_LT(last++, back.size()) << i;
    }
}

TEST_P(OnStreams, ConnectThenBulkBothWaysAndEndsInOrder) {
    for (bool client_first : {true, false}) {
        SCOPED_TRACE(client_first ? "the client ends first" : "the peer ends first");
        Caller& control = call();
        control.allocate_tcp();
        Caller* data = nullptr;
        End* far = nullptr;
        std::tie(data, far) = spliced(control);
        std::string up = numbers(400'000), down = numbers(700'000);
        End& first = client_first ? data->end : *far;
        End& second = client_first ? *far : data->end;
        first.say_and_end(client_first ? up : down);
        ASSERT_TRUE(until([&] { return second.ended; }, 300s));
        EXPECT_FALSE(first.closed);
        second.say_and_end(client_first ? down : up);
        ASSERT_TRUE(until([&] { return first.closed && second.closed; }, 300s));
        EXPECT_EQ(first.closed, CloseReason::finished);
        EXPECT_EQ(second.closed, CloseReason::finished);
        EXPECT_TRUE(far->received == up);
        EXPECT_TRUE(data->end.received == down);
        ASSERT_TRUE(until([&] { return server->clients.peers() == 0; }));
        control.end.stream->abort();
        control.end.stream = nullptr;
        ASSERT_TRUE(until([&] { return server->clients.sessions() == 0; }, 4000s));
        peers.all.clear();
    }
    EXPECT_EQ(server->count(Counter::turn_tcp_bytes_to_peer), 800'000U);
    EXPECT_EQ(server->count(Counter::turn_tcp_bytes_to_client), 1'400'000U);
}

TEST_P(OnStreams, PeersConnectToTheRelayAddress) {
    Caller& control = call();
    Endpoint relay = control.allocate_tcp();
    End& stranger = connect(relay);
    ASSERT_TRUE(until([&] {
        if (carrier() == Carrier::impaired && stranger.open && stranger.stream) stranger.say("?");
        return stranger.closed.has_value();
    }));
    EXPECT_EQ(stranger.closed, CloseReason::reset) << "no permission";
    ASSERT_TRUE(control.permit({peer}).success());
    End& visitor = connect(relay);
    visitor.say("knock, knock");
    Reply attempt = control.next();
    auto message = attempt.message();
    ASSERT_TRUE(message && message->is(StunMethod::connection_attempt));
    EXPECT_EQ(message->address(StunAttribute::xor_peer_address), visitor.stream->local());
    Caller& data = call();
    ASSERT_TRUE(data.bind_to(*message->u32(StunAttribute::connection_id)).success());
    ASSERT_TRUE(until([&] { return data.end.received == "knock, knock"; }));
    data.end.say("come in");
    ASSERT_TRUE(until([&] { return visitor.received == "come in"; }));
    EXPECT_EQ(visitor.stream->remote(), relay);
    // And out from the same port at the same time, to the visitor's address.
    Caller* more = nullptr;
    End* far = nullptr;
    std::tie(more, far) = spliced(control);
    EXPECT_EQ(far->stream->remote(), relay);
    far->say("as well");
    ASSERT_TRUE(until([&] { return more->end.received == "as well"; }));
}

TEST_P(OnStreams, PeerThatRefusesIs447) {
    Caller& control = call();
    control.allocate_tcp();
    Reply reply = control.connect_to({addr(kNear), 8081});
    EXPECT_EQ(reply.code(), 447);
    EXPECT_EQ(server->clients.peers(), 0U);
}

TEST_P(OnStreams, ControlConnectionTakesAllAlong) {
    Caller& control = call();
    Endpoint relay = control.allocate_tcp();
    Caller* data = nullptr;
    End* far = nullptr;
    std::tie(data, far) = spliced(control);
    control.end.stream->abort();
    control.end.stream = nullptr;
    ASSERT_TRUE(until(
        [&] {
            return (far->closed || far->ended) && (data->end.closed || data->end.ended) &&
                   server->edge.turn.allocations() == 0;
        },
        4000s));
    End& late = connect(relay);
    ASSERT_TRUE(until([&] { return late.closed.has_value(); }));
    EXPECT_EQ(late.closed, CloseReason::refused) << "nobody listens there any more";
}

TEST_P(OnStreams, PeerThatDoesNotReadHoldsTheClientAndNothingGrows) {
    peers.read = false;
    Caller& control = call();
    control.allocate_tcp();
    Caller* data = nullptr;
    End* far = nullptr;
    std::tie(data, far) = spliced(control);
    std::string much = numbers(4'000'000);
    data->end.say_and_end(much);
    size_t before = 0;
    until([&] { return data->end.unsaid.size() == std::exchange(before, data->end.unsaid.size()); }, 200ms);
    until([] { return false; }, 1s);
    EXPECT_GT(data->end.unsaid.size(), 2'000'000U) << "queues are bounded on the whole way";
    ASSERT_TRUE(control.refresh().success()) << "the control connection is not held";
    far->reads = true;
    far->on_readable();
    ASSERT_TRUE(until([&] { return far->ended; }, 600s));
    EXPECT_TRUE(far->received == much);
}

std::string label(const testing::TestParamInfo<std::tuple<Carrier, bool>>& info) {
    constexpr const char* kNames[] = {"Ours", "OursImpaired", "Kernel"};
    return kNames[static_cast<size_t>(std::get<0>(info.param))] + std::string(std::get<1>(info.param) ? "Tls" : "");
}
INSTANTIATE_TEST_SUITE_P(Over, OnStreams,
                         testing::Combine(testing::Values(Carrier::memory, Carrier::impaired, Carrier::kernel),
                                          testing::Bool()),
                         label);

}  // namespace
}  // namespace fedge::relay
