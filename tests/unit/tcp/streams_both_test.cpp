// The same scenarios over our TCP and over the kernel's: what the users of tcp/stream.h may rely on, whoever carries
// their streams. Where the two may differ, the test says so and why.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/tcp_requests.h"
#include "tests/support/tcp_services.h"
#include "tests/unit/tcp/both_streams.h"

namespace fedge::tcp {
namespace {

TEST_P(BothStreams, TellBothSidesWhoTheyAre) {
    User& client = fresh();
    User& server = connect(client);
    EXPECT_EQ(client.stream->remote(), (Endpoint{world->server_address(), port}));
    EXPECT_EQ(server.stream->local(), client.stream->remote());
    EXPECT_EQ(server.stream->remote(), client.stream->local());
    EXPECT_EQ(client.stream->local().address, world->client_address());
}

TEST_P(BothStreams, CarryBytesBothWaysAndEndInOrder) {
    User& client = fresh();
    User& server = connect(client);
    EXPECT_EQ(client.write("INVITE "), 7u);
    EXPECT_EQ(client.write("sip:"), 4u);
    EXPECT_EQ(server.write("100"), 3u);
    ASSERT_TRUE(until([&] { return server.received == "INVITE sip:" && client.received == "100"; }));
    client.end();
    server.end();
    ASSERT_TRUE(until([&] { return client.closed && server.closed; }));
    EXPECT_EQ(client.closed, CloseReason::finished);
    EXPECT_EQ(server.closed, CloseReason::finished);
    EXPECT_EQ(client.events.front(), "open");
    EXPECT_FALSE(server.told("open")) << "accepted streams are open";
}

TEST_P(BothStreams, CarryBulkThereAndBack) {
    test::EchoServer echo;
    uint16_t to = listen(echo);
    std::vector<test::StreamReport> reports;
    test::ExchangePlan plan;
    plan.send_bytes = 3'000'000;
    {
        test::Exchange exchange(plan, [&](const auto& report) { reports.push_back(report); });
        ASSERT_TRUE(exchange.connect(world->client(), world->client_address(), {world->server_address(), to}, options));
        ASSERT_TRUE(until([&] { return exchange.done(); }, 300s));
    }
    EXPECT_EQ(reports[0].closed, CloseReason::finished);
    EXPECT_EQ(reports[0].received, plan.send_bytes);
    EXPECT_EQ(reports[0].received_sha256, reports[0].sent_sha256);
    EXPECT_TRUE(until([&] { return echo.open() == 0; }));
}

TEST_P(BothStreams, GoOnInOneDirectionWhenTheOtherHasEnded) {
    for (bool client_first : {true, false}) {
        User& client = fresh();
        User& server = connect(client);
        User& first = client_first ? client : server;
        User& second = client_first ? server : client;
        first.write("over");
        first.end();
        EXPECT_EQ(first.write("more"), 0u) << "nothing can follow the end";
        EXPECT_EQ(first.stream->writable(), 0u);
        ASSERT_TRUE(until([&] { return second.ended; }));
        EXPECT_EQ(second.received, "over");
        std::string text = numbers(20000);
        ASSERT_EQ(second.write(text), text.size());
        ASSERT_TRUE(until([&] { return first.received.size() == text.size(); }));
        EXPECT_EQ(first.received, text);
        EXPECT_FALSE(first.closed);
        second.end();
        ASSERT_TRUE(until([&] { return first.closed && second.closed; }));
        EXPECT_EQ(first.closed, CloseReason::finished);
        EXPECT_EQ(second.closed, CloseReason::finished);
    }
}

// Somebody finds out what the stream is for, then hands it on.
TEST_P(BothStreams, LookWithoutTakingAndChangeTheUser) {
    User& client = fresh();
    User& first = connect(client);
    first.reads = false;
    std::string text = numbers(5000);  // more than lies together in our queue
    ASSERT_EQ(client.write(text), text.size());
    std::vector<uint8_t> seen(text.size() + 100);
    ASSERT_TRUE(until([&] { return first.stream->look(seen) == text.size(); }));
    EXPECT_EQ(text_of(Bytes(seen).first(text.size())), text);
    std::vector<uint8_t> begin(7);
    EXPECT_EQ(first.stream->look(begin), 7u);
    EXPECT_EQ(text_of(begin), text.substr(0, 7));

    User& second = fresh();
    second.stream = first.stream;
    first.stream->set_handler(second);
    first.gone = true;
    second.read();
    EXPECT_EQ(second.received, text) << "what was only looked at is still there";
    client.write("to the second");
    ASSERT_TRUE(until([&] { return second.received.size() > text.size(); }));
    EXPECT_TRUE(second.told("readable"));
    client.abort();
    ASSERT_TRUE(until([&] { return second.closed.has_value(); }));
    EXPECT_EQ(second.closed, CloseReason::reset);
}

TEST_P(BothStreams, AreListedWithWhatTheirUsersKnow) {
    User& client = fresh();
    User& server = connect(client);
    server.service = "tested";
    auto rows = world->list_server();
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].local, server.stream->local());
    EXPECT_EQ(rows[0].remote, server.stream->remote());
    EXPECT_STREQ(rows[0].state, "ESTABLISHED");
    EXPECT_FALSE(rows[0].outgoing);
    EXPECT_EQ(rows[0].details.service, "tested");
}

TEST_P(BothStreams, EndsAreObserved) {
    struct Case {
        const char* how;
        std::function<void(User& client, User& server)> end;
    };
    const Case cases[] = {
        {"finished",
         [](User& client, User& server) {
             client.end();
             server.end();
         }},
        {"reset by peer", [](User& client, User&) { client.abort(); }},
        {"closed by the edge", [](User&, User& server) { server.close(); }},
        {"aborted", [](User&, User& server) { server.abort(); }},
    };
    for (const Case& one : cases) {
        world->ends().clear();
        User& client = fresh();
        User& server = connect(client);
        server.service = one.how;
        one.end(client, server);
        ASSERT_TRUE(until([&] { return !world->ends().empty(); })) << one.how;
        EXPECT_EQ(world->ends()[0].first, one.how) << "the service, as it was told before the end";
        EXPECT_EQ(world->ends()[0].second, one.how);
        if (!client.gone) client.abort();
    }
}

TEST_P(BothStreams, TellTheEndOnlyBehindWhatIsUnread) {
    User& client = fresh();
    client.reads = false;
    User& server = connect(client);
    client.end();
    server.write("last words");
    server.end();
    ASSERT_TRUE(until([&] { return server.closed.has_value(); }));
    pass(50ms);
    EXPECT_FALSE(client.closed) << "the user has not read yet";
    EXPECT_FALSE(client.stream->at_end());
    client.read();
    EXPECT_TRUE(client.ended);
    EXPECT_EQ(client.received, "last words");
    ASSERT_TRUE(until([&] { return client.closed.has_value(); }));
    EXPECT_EQ(client.closed, CloseReason::finished);
}

TEST_P(BothStreams, CloseDeliversWhatWasWritten) {
    User& client = fresh();
    User& server = connect(client);
    std::string text = numbers(world->fits(options.send_buffer));
    ASSERT_EQ(client.write(text), text.size());
    client.close();
    ASSERT_TRUE(until([&] { return server.ended; }));
    EXPECT_EQ(server.received, text);
    server.close();
    EXPECT_TRUE(until([&] { return world->streams() == 0; }));
}

TEST_P(BothStreams, CloseWithUnreadDataResets) {
    User& client = fresh();
    User& server = connect(client);
    server.reads = false;
    client.write("never read");
    ASSERT_TRUE(until([&] { return server.told("readable"); }));
    server.close();
    ASSERT_TRUE(until([&] { return client.closed.has_value(); }));
    EXPECT_EQ(client.closed, CloseReason::reset);
}

TEST_P(BothStreams, ResetWhatComesAfterClose) {
    User& client = fresh();
    User& server = connect(client);
    server.close();
    ASSERT_TRUE(until([&] { return client.ended; }));
    EXPECT_FALSE(client.closed) << "our direction is open as far as we know";
    client.write("to nobody");
    ASSERT_TRUE(until([&] { return client.closed.has_value(); }));
    EXPECT_EQ(client.closed, CloseReason::reset);
}

TEST_P(BothStreams, AbortIsAResetForThePeerAndSilenceForItsUser) {
    User& client = fresh();
    User& server = connect(client);
    size_t told = client.events.size();
    client.write("lost perhaps");
    client.abort();
    // A lost reset is found when the peer speaks.
    ASSERT_TRUE(until([&] {
        if (!server.closed && carrier() == Carrier::impaired) server.write("?");
        return server.closed.has_value();
    }));
    EXPECT_EQ(server.closed, CloseReason::reset);
    EXPECT_EQ(client.events.size(), told);
}

TEST_P(BothStreams, AreRefusedWhereNobodyListens) {
    User& client = fresh();
    begin(client, 20999);
    EXPECT_TRUE(client.events.empty()) << "never from within connect()";
    ASSERT_TRUE(until([&] { return client.closed.has_value(); }));
    EXPECT_EQ(client.closed, CloseReason::refused);
    EXPECT_EQ(client.events.size(), 1u);
}

TEST_P(BothStreams, AreResetWhenTheAcceptorRefuses) {
    users.refuses = true;
    User& client = fresh();
    begin(client);
    ASSERT_TRUE(until([&] {
        // The handshake is over before anybody can refuse; a lost reset is found by speaking.
        if (carrier() == Carrier::impaired && client.told("open") && !client.gone) client.write("?");
        return client.closed.has_value();
    }));
    EXPECT_EQ(client.closed, CloseReason::reset);
    EXPECT_TRUE(client.told("open"));
}

TEST_P(BothStreams, StayWhenTheirListenerGoes) {
    User& client = fresh();
    User& server = connect(client);
    world->server().unlisten({world->server_address(), port});
    User& late = fresh();
    begin(late);
    ASSERT_TRUE(until([&] { return late.closed.has_value(); }));
    EXPECT_EQ(late.closed, CloseReason::refused);
    client.write("still here");
    ASSERT_TRUE(until([&] { return server.received == "still here"; }));
    EXPECT_TRUE(world->server().listen({world->server_address(), port}, options, users)) << "the port is free again";
    EXPECT_FALSE(world->server().listen({world->server_address(), port}, options, users));
}

// Neither side can be made to hold more than its buffers, whoever reads slowly.
TEST_P(BothStreams, AWriterIsHeldUpByAReaderThatDoesNotRead) {
    for (bool client_writes : {true, false}) {
        User& client = fresh();
        User& server = connect(client);
        User& writer = client_writes ? client : server;
        User& reader = client_writes ? server : client;
        reader.reads = false;
        std::string text = numbers(4'000'000);
        size_t taken = 0;
        writer.when_writable = [&](User& user) { taken += user.write(std::string_view(text).substr(taken)); };
        taken = writer.write(text);
        EXPECT_LE(taken, options.send_buffer);
        // Until nothing goes any more: the reader's window is shut.
        for (size_t before = 0; before != taken || taken == 0;) {
            before = taken;
            pass(kernel() ? 300ms : 3s);
        }
        // The kernel has queues of its own besides ours, and counts them double (kernel_transport.h).
        size_t most = (options.send_buffer + options.receive_buffer) * (kernel() ? 8U : 1U) + world->held_besides();
        EXPECT_LE(taken, most);
        EXPECT_FALSE(writer.closed) << "a reader that is slow is not gone";
        reader.reads = true;
        reader.read();
        ASSERT_TRUE(until([&] { return reader.received.size() == text.size(); }, 300s))
            << reader.received.size() << " bytes arrived, " << taken << " were taken";
        EXPECT_TRUE(reader.received == text);
        EXPECT_TRUE(writer.told("writable"));
    }
}

TEST_P(BothStreams, OnWritableComesOnceForEachTimeTheBufferWasFull) {
    User& client = fresh();
    connect(client);
    size_t room = world->fits(options.send_buffer);
    std::string text = numbers(room);
    size_t taken = client.write(text);
    EXPECT_EQ(taken, text.size());
    pass(kernel() ? 50ms : 2s);
    EXPECT_FALSE(client.told("writable")) << "everything was taken: there is nothing to tell";
    ASSERT_TRUE(until([&] { return client.stream->writable() >= room; }));
    taken = client.write(text + text);
    EXPECT_GE(taken, room);
    EXPECT_LE(taken, options.send_buffer + world->held_besides());
    EXPECT_EQ(client.stream->writable(), 0u);
    ASSERT_TRUE(until([&] { return client.told("writable"); }));
    EXPECT_GE(client.stream->writable(), options.send_buffer / 16) << "not for every few bytes";
    pass(kernel() ? 50ms : 2s);
    EXPECT_EQ(std::count(client.events.begin(), client.events.end(), "writable"), 1);
}

TEST_P(BothStreams, ManyShortOnes) {
    test::EchoServer echo;
    test::RequestPlan plan;
    plan.local = world->client_address();
    plan.server = {world->server_address(), listen(echo)};
    plan.at_once = 40;
    plan.connections = 600;
    plan.requests_per_connection = 2;
    {
        test::RequestClient requests(world->client(), plan);
        ASSERT_TRUE(until(
            [&] {
                requests.advance();
                return requests.done();
            },
            300s));
        EXPECT_EQ(requests.stats().finished, 600u);
        EXPECT_EQ(requests.stats().replies, 1200u);
        EXPECT_EQ(requests.stats().broken, 0u);
    }
    EXPECT_TRUE(until([&] { return echo.open() == 0; }));
}

// --- ends from inside of callbacks

enum class Ending { close, abort };

class EndingInside : public BothStreams {
  protected:
    static void end(User& user, Ending ending) {
        if (ending == Ending::close) {
            user.close();
        } else {
            user.abort();
        }
    }
    // After a close the peer sees an end, after an abort a reset, which may be lost.
    void expect_seen(User& peer, Ending ending) {
        EXPECT_TRUE(until([&] {
            if (ending == Ending::abort && carrier() == Carrier::impaired && !peer.gone) peer.write("?");
            return peer.closed.has_value() || (ending == Ending::close && peer.ended);
        }));
        if (ending == Ending::abort) EXPECT_EQ(peer.closed, CloseReason::reset);
    }
};

TEST_P(EndingInside, OnOpen) {
    for (Ending ending : {Ending::close, Ending::abort}) {
        users.all.clear();
        User& client = fresh();
        client.when_open = [&](User& user) { end(user, ending); };
        begin(client);
        ASSERT_TRUE(until([&] { return client.gone; }));
        if (ending == Ending::close || !world->reset_overtakes()) {
            ASSERT_TRUE(until([&] { return users.all.size() == 1; }));
            expect_seen(users.all.front(), ending);
        } else {
            pass(2s);
            EXPECT_TRUE(users.all.empty());
        }
        EXPECT_EQ(client.events, Events{"open"});
        for (User& user : users.all)
            if (!user.gone) user.abort();
    }
}

TEST_P(EndingInside, OnAccept) {
    for (Ending ending : {Ending::close, Ending::abort}) {
        users.prepare = [&](User& user) { end(user, ending); };
        User& client = fresh();
        User& server = connect(client);
        expect_seen(client, ending);
        if (!client.gone) client.abort();
        pass(20ms);
        EXPECT_TRUE(server.events.empty());
    }
}

TEST_P(EndingInside, OnReadable) {
    for (Ending ending : {Ending::close, Ending::abort}) {
        User& client = fresh();
        User& server = connect(client);
        server.when_readable = [&](User& user) {
            user.read();
            end(user, ending);
        };
        client.write("one");
        expect_seen(client, ending);
        EXPECT_EQ(server.events, Events{"readable"});
        EXPECT_EQ(server.received.substr(0, 3), "one");
    }
}

TEST_P(EndingInside, OnWritable) {
    for (Ending ending : {Ending::close, Ending::abort}) {
        User& client = fresh();
        client.when_writable = [&](User& user) { end(user, ending); };
        User& server = connect(client);
        std::string text = numbers(1'000'000);
        client.write(text);
        ASSERT_TRUE(until([&] { return client.gone; }));
        expect_seen(server, ending);
        EXPECT_EQ(client.events, (Events{"open", "writable"}));
        if (ending == Ending::close) EXPECT_EQ(server.received, text.substr(0, server.received.size()));
    }
}

TEST_P(EndingInside, AnotherStreamsCallback) {
    for (Ending ending : {Ending::close, Ending::abort}) {
        User& first = fresh();
        User& second = fresh();
        User& first_peer = connect(first);
        User& second_peer = connect(second);
        // Both have something to be told in the same turn; whoever comes first ends the other.
        first.when_readable = [&](User&) {
            if (!second.gone) end(second, ending);
        };
        second.when_readable = [&](User&) {
            if (!first.gone) end(first, ending);
        };
        first_peer.write("a");
        second_peer.write("b");
        ASSERT_TRUE(until([&] { return first.gone || second.gone; }));
        pass(50ms);
        EXPECT_NE(first.gone, second.gone) << "one is left";
        for (User* user : {&first, &second})
            if (!user->gone) user->abort();
    }
}

TEST_P(EndingInside, ConnectBeforeItIsOpen) {
    for (Ending ending : {Ending::close, Ending::abort}) {
        User& client = fresh();
        begin(client);
        end(client, ending);
        pass(100ms);
        EXPECT_TRUE(client.events.empty());
    }
}

// --- connects from inside of callbacks

TEST_P(BothStreams, BeginInsideEveryCallback) {
    User& first = fresh();
    User& from_open = fresh();
    User& from_readable = fresh();
    User& from_writable = fresh();
    User& from_closed = fresh();
    User& from_accept = fresh();
    first.when_open = [&](User& user) {
        begin(from_open);
        user.write(numbers(1'000'000));
    };
    first.when_readable = [&](User&) {
        if (!from_readable.stream) begin(from_readable);
    };
    first.when_writable = [&](User&) {
        if (!from_writable.stream) begin(from_writable);
    };
    first.when_closed = [&](User&) { begin(from_closed); };
    users.prepare = [&](User&) {  // the server's transport is the one that is busy: from there to a closed port
        users.prepare = nullptr;
        from_accept.stream = world->server().connect({world->server_address(), 0}, {world->client_address(), 20998},
                                                     options, from_accept);
    };
    User& server = connect(first);
    server.write("now");
    ASSERT_TRUE(until([&] { return from_readable.told("open") && from_writable.told("open"); }));
    server.abort();
    ASSERT_TRUE(until([&] {
        if (carrier() == Carrier::impaired && !first.gone) first.write("?");
        return from_closed.told("open") && from_open.told("open") && from_accept.closed;
    }));
    EXPECT_EQ(from_accept.closed, CloseReason::refused);
    for (User* user : {&from_open, &from_readable, &from_writable, &from_closed}) user->abort();
}

TEST_P(BothStreams, ListenersChangeInsideOnAccept) {
    users.prepare = [&](User&) { world->server().unlisten({world->server_address(), port}); };
    User& client = fresh();
    User& late = fresh();
    connect(client);
    begin(late);
    ASSERT_TRUE(until([&] { return late.closed.has_value(); }));
    EXPECT_EQ(late.closed, CloseReason::refused);
}

// What a TCP allocation of TURN does (RFC 6062): peers are reached from the port on which others are accepted.
TEST_P(BothStreams, BeginFromAPortThatIsNamedAndListenedOn) {
    options.shares_port = true;
    Users visitors;
    Endpoint own_port{world->client_address(), 0};
    for (own_port.port = 20700; !world->client().listen(own_port, options, visitors);)
        ASSERT_LT(++own_port.port, 20998);
    options.shares_port = false;
    Users others;
    uint16_t other = listen(others);
    auto from_there = [&](User& user, uint16_t to) {
        user.stream = world->client().connect(own_port, {world->server_address(), to}, options, user);
        return user.stream != nullptr;
    };
    User& first = fresh();
    User& second = fresh();
    User& again = fresh();
    ASSERT_TRUE(from_there(first, port));
    ASSERT_TRUE(from_there(second, other));
    EXPECT_FALSE(from_there(again, port)) << "the same two ends";
    ASSERT_TRUE(until([&] { return users.all.size() == 1 && others.all.size() == 1 && second.told("open"); }));
    EXPECT_EQ(first.stream->local(), own_port);
    EXPECT_EQ(users.all.front().stream->remote(), own_port);
    EXPECT_EQ(others.all.front().stream->remote(), own_port);

    User& visitor = fresh();
    visitor.stream = world->server().connect({world->server_address(), 0}, own_port, options, visitor);
    ASSERT_TRUE(visitor.stream);
    ASSERT_TRUE(until([&] { return visitors.all.size() == 1; }));
    visitors.all.front().write("welcome");
    first.write("to the first");
    ASSERT_TRUE(until([&] { return visitor.received == "welcome" && users.all.front().received == "to the first"; }));
    for (User* user : {&first, &second, &visitor}) user->abort();
    ASSERT_TRUE(until([&] { return world->streams() == 0 || carrier() == Carrier::impaired; }));
    for (User* user : {&users.all.front(), &others.all.front(), &visitors.all.front()})
        if (!user->gone) user->abort();
}

TEST_P(BothStreams, EndWhenNothingIsHeardForTheIdleTimeout) {
    options.idle_timeout = 400ms;
    Users quick;
    uint16_t to = listen(quick);
    options.idle_timeout = Duration{0};
    User& client = fresh();
    begin(client, to);
    ASSERT_TRUE(until([&] { return client.told("open") && quick.all.size() == 1; }));
    User& server = quick.all.front();
    for (int i = 0; i < 4; i++) {
        client.write("!");
        pass(200ms);
        ASSERT_FALSE(server.closed) << "heard " << i << " times";
    }
    ASSERT_TRUE(until([&] { return server.closed.has_value(); }));
    EXPECT_EQ(server.closed, CloseReason::idle);
    ASSERT_TRUE(until([&] {
        if (carrier() == Carrier::impaired && !client.gone) client.write("?");
        return client.closed.has_value();
    }));
    EXPECT_EQ(client.closed, CloseReason::reset);
}

INSTANTIATE_TEST_SUITE_P(Over, BothStreams, kWorlds, label);
INSTANTIATE_TEST_SUITE_P(Over, EndingInside, kWorlds, label);

}  // namespace
}  // namespace fedge::tcp
