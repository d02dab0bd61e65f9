// The kernel twin where it has rules of its own: caps, descriptors, timeouts, addresses. What it has in common with our
// TCP is in streams_both_test.cpp.
#include "dataplane/tcp/kernel_transport.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <list>
#include <optional>
#include <string>

#include "dataplane/tcp/kernel_socket.h"

namespace fedge::tcp {
namespace {

const IpAddress kLoopback4 = *IpAddress::parse("127.0.0.1");
const IpAddress kLoopback6 = *IpAddress::parse("::1");
const IpAddress kAny4 = *IpAddress::parse("0.0.0.0");

struct User : StreamHandler {
    Stream* stream = nullptr;
    bool reads = true;
    bool opened = false;
    std::string received;
    std::optional<CloseReason> closed;

    void on_open() override { opened = true; }
    void on_readable() override {
        for (Bytes b; reads && !(b = stream->peek()).empty(); stream->consume(b.size())) received += text_of(b);
    }
    void on_writable() override {}
    void on_closed(CloseReason reason) override {
        closed = reason;
        stream = nullptr;
    }
};

struct Users : Acceptor {
    std::list<User> all;
    bool reads = true;
    StreamHandler* on_accept(Stream& stream) override {
        all.emplace_back();
        all.back().stream = &stream;
        all.back().reads = reads;
        return &all.back();
    }
};

// A kernel socket with nothing of ours, as a peer.
struct Plain {
    int descriptor;
    explicit Plain(int family = AF_INET) : descriptor(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
    ~Plain() { close(descriptor); }
    Plain(const Plain&) = delete;
    Plain& operator=(const Plain&) = delete;

    int connect(uint16_t port) const {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return ::connect(descriptor, reinterpret_cast<sockaddr*>(&to), sizeof(to));
    }
    uint16_t listen() const {
        sockaddr_in own{};
        own.sin_family = AF_INET;
        own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof(own);
        EXPECT_EQ(bind(descriptor, reinterpret_cast<sockaddr*>(&own), sizeof(own)), 0);
        EXPECT_EQ(::listen(descriptor, 4), 0);
        getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &length);
        return ntohs(own.sin_port);
    }
};

class KernelTwin : public testing::Test {
  protected:
    static Instant clock() { return Instant{std::chrono::steady_clock::now().time_since_epoch()}; }

    void open(const KernelLimits& limits = {}) {
        transport.emplace(limits, Counters{block}, clock());
        for (port = 20000; port < 21000; port++)
            if (transport->listen({kLoopback4, port}, options, users)) return;
        FAIL() << "no free port";
    }
    bool run_until(const std::function<bool()>& done, Duration limit = 5s) {
        for (Instant end = clock() + limit; clock() < end;) {
            transport->turn(clock());
            if (done()) return true;
            transport->wait(5ms);
        }
        return false;
    }
    Stream* connect(User& user, const IpAddress& local = kLoopback4) {
        user.stream = transport->connect({local, 0}, {kLoopback4, port}, options, user);
        return user.stream;
    }
    uint64_t dropped(Drop drop) { return Counters{block}.value(drop); }

    contract::CounterBlock block{};
    StreamOptions options;
    Users users;
    std::optional<KernelTransport> transport;
    uint16_t port = 0;
};

TEST_F(KernelTwin, TellsBothEndsTheirAddresses) {
    open();
    User user;
    ASSERT_TRUE(connect(user));
    ASSERT_TRUE(run_until([&] { return user.opened && users.all.size() == 1; }));
    Stream* accepted = users.all.front().stream;
    EXPECT_EQ(user.stream->remote(), (Endpoint{kLoopback4, port}));
    EXPECT_EQ(user.stream->local().address, kLoopback4);
    EXPECT_NE(user.stream->local().port, 0);
    EXPECT_EQ(accepted->remote(), user.stream->local());
    EXPECT_EQ(accepted->local(), user.stream->remote());
    EXPECT_GT(user.stream->info().mss, 500u);
}

TEST_F(KernelTwin, ListensOnBothFamiliesOfOnePort) {
    open();
    Users six;
    ASSERT_TRUE(transport->listen({IpAddress{}, port}, options, six));
    EXPECT_FALSE(transport->listen({IpAddress{}, port}, options, six)) << "the same twice";
    User user;
    user.stream = transport->connect({kLoopback6, 0}, {kLoopback6, port}, options, user);
    ASSERT_TRUE(user.stream);
    ASSERT_TRUE(run_until([&] { return six.all.size() == 1; }));
    EXPECT_TRUE(users.all.empty());
    transport->unlisten({IpAddress{}, port});
    User late;
    late.stream = transport->connect({kLoopback6, 0}, {kLoopback6, port}, options, late);
    ASSERT_TRUE(run_until([&] { return late.closed.has_value(); }));
    EXPECT_EQ(late.closed, CloseReason::refused);
}

TEST_F(KernelTwin, RefusesAPortThatIsTaken) {
    open();
    Plain other;
    uint16_t taken = other.listen();
    EXPECT_FALSE(transport->listen({kLoopback4, taken}, options, users));
}

TEST_F(KernelTwin, ResetsConnectionsBeyondTheCapOfTheirPrefix) {
    open({.connections = 16, .connections_per_prefix = 2});
    Plain a, b, c;
    ASSERT_EQ(a.connect(port), 0);
    ASSERT_EQ(b.connect(port), 0);
    ASSERT_EQ(c.connect(port), 0);
    ASSERT_TRUE(run_until([&] { return dropped(Drop::tcp_prefix_limit) == 1; }));
    EXPECT_EQ(users.all.size(), 2u);
    char byte;
    EXPECT_EQ(recv(c.descriptor, &byte, 1, 0), -1);
    EXPECT_EQ(errno, ECONNRESET);
    // One that goes makes room.
    users.all.front().stream->abort();
    Plain d;
    ASSERT_EQ(d.connect(port), 0);
    EXPECT_TRUE(run_until([&] { return users.all.size() == 3; }));
}

TEST_F(KernelTwin, ResetsConnectionsBeyondTheCapAndConnectSaysSo) {
    open({.connections = 2});
    Plain a, b, c;
    ASSERT_EQ(a.connect(port), 0);
    ASSERT_EQ(b.connect(port), 0);
    ASSERT_EQ(c.connect(port), 0);
    ASSERT_TRUE(run_until([&] { return dropped(Drop::tcp_no_room) == 1; }));
    EXPECT_EQ(transport->connections(), 2u);
    User user;
    EXPECT_FALSE(connect(user));
}

TEST_F(KernelTwin, RefusesWhatComesWhenDescriptorsHaveRunOut) {
    open();
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    Plain peer;
    int highest = dup(peer.descriptor);
    close(highest);
    rlimit none{static_cast<rlim_t>(highest), before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    EXPECT_EQ(peer.connect(port), 0);
    bool refused = run_until([&] { return dropped(Drop::tcp_no_room) == 1; });
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_TRUE(refused);
    EXPECT_TRUE(users.all.empty());
    Plain next;
    ASSERT_EQ(next.connect(port), 0);
    EXPECT_TRUE(run_until([&] { return users.all.size() == 1; }));
}

TEST_F(KernelTwin, TellsWhatTheKernelRefusesAtOnceLater) {
    open();
    User user;
    // A connection to a group: the kernel refuses at once.
    user.stream = transport->connect({kAny4, 0}, {IpAddress::v4(0xe0000001), 9}, options, user);
    ASSERT_TRUE(user.stream);
    EXPECT_FALSE(user.closed) << "never from within connect()";
    ASSERT_TRUE(run_until([&] { return user.closed.has_value(); }));
    EXPECT_EQ(user.closed, CloseReason::unreachable);
    EXPECT_EQ(transport->connections(), 0u);
}

TEST_F(KernelTwin, ConnectFromAnAddressThatIsNotOursFails) {
    open();
    User user;
    EXPECT_FALSE(connect(user, IpAddress::v4(0xcb007101)));
    EXPECT_EQ(transport->connections(), 0u);
}

TEST_F(KernelTwin, EndsAnIdleStreamAndNotOneThatIsHeard) {
    options.idle_timeout = 1s;
    open();
    Plain quiet, lively;
    ASSERT_EQ(quiet.connect(port), 0);
    ASSERT_TRUE(run_until([&] { return users.all.size() == 1; }));
    ASSERT_EQ(lively.connect(port), 0);
    ASSERT_TRUE(run_until([&] { return users.all.size() == 2; }));
    Instant begin = clock(), next = begin;
    ASSERT_TRUE(run_until([&] {
        if (clock() >= next) {
            EXPECT_EQ(send(lively.descriptor, "x", 1, MSG_NOSIGNAL), 1);
            next = clock() + 50ms;
        }
        return clock() > begin + 1500ms;
    }));
    EXPECT_EQ(users.all.front().closed, CloseReason::idle);
    EXPECT_FALSE(users.all.back().closed);
}

TEST_F(KernelTwin, EndsAStreamWhosePeerKeepsItsWindowShut) {
    options.user_timeout = 500ms;
    options.send_buffer = 16 * 1024;
    open();
    Plain peer;
    int small = 4096;
    setsockopt(peer.descriptor, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    ASSERT_EQ(peer.connect(port), 0);
    ASSERT_TRUE(run_until([&] { return users.all.size() == 1; }));
    User& user = users.all.front();
    std::string text(64 * 1024, 'x');
    ASSERT_TRUE(run_until(
        [&] {
            if (user.stream) user.stream->write(bytes_of(text));
            return user.closed.has_value();
        },
        20s));
    EXPECT_EQ(user.closed, CloseReason::window_held_shut);
}

TEST_F(KernelTwin, LingersNoLongerThanItsTime) {
    open();
    Plain peer;
    ASSERT_EQ(peer.connect(port), 0);
    ASSERT_TRUE(run_until([&] { return users.all.size() == 1; }));
    users.all.front().stream->linger();
    char byte;
    ASSERT_TRUE(run_until([&] { return recv(peer.descriptor, &byte, 1, MSG_DONTWAIT) == 0; }));
    ASSERT_EQ(send(peer.descriptor, "late", 4, MSG_NOSIGNAL), 4);
    ASSERT_TRUE(run_until([&] { return dropped(Drop::tcp_closed) == 1; }));
    EXPECT_EQ(transport->connections(), 1U);
    transport->turn(clock() + kLingerTime + 100ms);
    EXPECT_EQ(transport->connections(), 0U);
    EXPECT_EQ(Counters{block}.value(Counter::tcp_linger_limit), 1U);
}

// What a listener was given must hold for its streams without a system call for each.
TEST_F(KernelTwin, AcceptedSocketsInheritTheOptionsOfTheirListener) {
    options.user_timeout = 7s;
    options.keepalive = 20s;
    options.receive_buffer = 32 * 1024;
    int listener = open_listener({kLoopback4, 0}, options, 4);
    ASSERT_GE(listener, 0);
    SocketAddress own;
    ASSERT_EQ(getsockname(listener, own.get(), &own.length), 0);
    Plain peer;
    ASSERT_EQ(peer.connect(own.endpoint().port), 0);
    int accepted = accept(listener, nullptr, nullptr);
    ASSERT_GE(accepted, 0);
    struct Case {
        int level, option, expected;
    };
    for (auto [level, option, expected] : {Case{IPPROTO_TCP, TCP_USER_TIMEOUT, 7000},
                                           {IPPROTO_TCP, TCP_NODELAY, 1},
                                           {SOL_SOCKET, SO_KEEPALIVE, 1},
                                           {IPPROTO_TCP, TCP_KEEPIDLE, 20},
                                           {IPPROTO_TCP, TCP_KEEPINTVL, 15},
                                           {IPPROTO_TCP, TCP_KEEPCNT, 4},
                                           {SOL_SOCKET, SO_RCVBUF, 64 * 1024}}) {
        int value = -1;
        socklen_t length = sizeof(value);
        ASSERT_EQ(getsockopt(accepted, level, option, &value, &length), 0);
        EXPECT_EQ(value, expected) << "level " << level << " option " << option;
    }
    close(accepted);
    close(listener);
}

TEST_F(KernelTwin, GivesItsMemoryBack) {
    open();
    for (int round = 0; round < 50; round++) {
        User user;
        ASSERT_TRUE(connect(user));
        ASSERT_TRUE(run_until([&] { return user.opened; }));
        user.stream->write(bytes_of("once"));
        user.stream->close();
        ASSERT_TRUE(run_until([&] {
            return !users.all.empty() && users.all.back().received == "once" && users.all.back().stream->at_end();
        }));
        users.all.back().stream->close();
        ASSERT_TRUE(run_until([&] { return transport->connections() == 0; }));
        users.all.clear();
    }
}

}  // namespace
}  // namespace fedge::tcp
