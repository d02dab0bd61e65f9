// Stream::linger(): what was written last arrives, whatever the peer sends meanwhile; within bounds.
#include "tests/unit/tcp/both_streams.h"

namespace fedge::tcp {
namespace {

class LingeringStreams : public BothStreams {};

TEST_P(LingeringStreams, DeliverWhatWasWrittenToWhoSendsOn) {
    User& client = fresh();
    client.reads = false;
    User& server = connect(client);
    server.reads = false;
    client.write("never read");
    ASSERT_TRUE(until([&] { return server.told("readable"); }));
    server.write("last words");
    server.linger();
    std::string more(16 * 1024, 'x');
    size_t sent = 0;
    ASSERT_TRUE(until([&] {
        if (!client.gone) sent += client.write(more);
        return sent >= 1'000'000 || client.gone;
    }));
    ASSERT_FALSE(client.closed) << name(*client.closed);
    client.read();
    EXPECT_EQ(client.received, "last words");
    ASSERT_TRUE(until([&] {
        client.read();
        return client.ended;
    }));
    client.end();
    ASSERT_TRUE(until([&] { return client.closed.has_value(); }));
    EXPECT_EQ(client.closed, CloseReason::finished);
}

TEST_P(LingeringStreams, EndWithThePeersEnd) {
    User& client = fresh();
    User& server = connect(client);
    server.write("bye");
    server.linger();
    ASSERT_TRUE(until([&] { return client.ended; }));
    pass(50ms);
    EXPECT_FALSE(client.closed);
    client.end();
    ASSERT_TRUE(until([&] { return client.closed.has_value(); }));
    EXPECT_EQ(client.closed, CloseReason::finished);
    EXPECT_TRUE(until([&] { return world->streams() == 0; }, 1s)) << "at once";
}

TEST_P(LingeringStreams, AreBoundedInBytes) {
    User& client = fresh();
    User& server = connect(client);
    server.linger();
    std::string more(64 * 1024, 'x');
    size_t sent = 0;
    ASSERT_TRUE(until([&] {
        if (!client.gone) sent += client.write(more);
        return client.closed.has_value();
    }));
    EXPECT_EQ(client.closed, CloseReason::reset);
    if (carrier() != Carrier::impaired) EXPECT_GT(sent, kLingerBytes - more.size());  // on that one time ends it
    // Behind it, what lay in buffers.
    EXPECT_LT(sent, 2 * kLingerBytes);
}

// Of the kernel's in kernel_transport_test.cpp, where the test has the clock.
class LingeringOwnStreams : public BothStreams {};

TEST_P(LingeringOwnStreams, AreBoundedInTime) {
    User& client = fresh();
    User& server = connect(client);
    server.linger();
    ASSERT_TRUE(until([&] { return client.ended; }));
    Instant begin = world->now();
    ASSERT_TRUE(until([&] {
        if (!client.gone) client.write("x");
        return client.closed.has_value();
    }));
    EXPECT_EQ(client.closed, CloseReason::reset);
    EXPECT_GT(world->now() - begin, kLingerTime - 1s);
    EXPECT_LT(world->now() - begin, kLingerTime + 2s);
}

INSTANTIATE_TEST_SUITE_P(Over, LingeringStreams, kWorlds, label);
INSTANTIATE_TEST_SUITE_P(Over, LingeringOwnStreams,
                         testing::Combine(testing::Values(Carrier::memory, Carrier::impaired),
                                          testing::Values(Family::ipv4, Family::ipv6)),
                         label);

}  // namespace
}  // namespace fedge::tcp
