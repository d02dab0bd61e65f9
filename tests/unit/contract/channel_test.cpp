#include "dataplane/contract/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace fedge::contract {
namespace {

std::pair<Channel, Channel> connected_pair() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    return {Channel(Descriptor(fds[0])), Channel(Descriptor(fds[1]))};
}

std::vector<uint8_t> pattern(size_t size) {
    std::vector<uint8_t> out(size);
    for (size_t i = 0; i < size; i++) out[i] = static_cast<uint8_t>(i * 31 + 7);
    return out;
}

class ScratchDirectory {
  public:
    ScratchDirectory() {
        char name[] = "/tmp/fedge-channel-XXXXXX";
        path_ = mkdtemp(name);
    }
    ~ScratchDirectory() { std::filesystem::remove_all(path_); }
    std::string socket() const { return path_ + "/s"; }

  private:
    std::string path_;
};

class ChannelMessage : public testing::TestWithParam<size_t> {};

TEST_P(ChannelMessage, ArrivesWholeWithItsBoundaries) {
    auto [a, b] = connected_pair();
    std::vector<uint8_t> first = pattern(GetParam()), second = {1, 2, 3}, buffer(kMaxMessage);
    ASSERT_EQ(a.send(first), ChannelStatus::ok) << strerror(errno);
    size_t size;
    Descriptor fd;
    ASSERT_EQ(b.receive(buffer, size, fd), ChannelStatus::ok);
    EXPECT_EQ(std::vector<uint8_t>(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(size)), first);
    EXPECT_FALSE(fd);
    ASSERT_EQ(a.send(second), ChannelStatus::ok);
    ASSERT_EQ(b.receive(buffer, size, fd), ChannelStatus::ok);
    EXPECT_EQ(size, second.size());
    EXPECT_EQ(b.receive(buffer, size, fd), ChannelStatus::again);
}

INSTANTIATE_TEST_SUITE_P(Sizes, ChannelMessage, testing::Values(1, 2, 4096, 65537, kMaxMessage));

TEST(Channel, RefusesEmptyAndOversizedMessages) {
    auto [a, b] = connected_pair();
    EXPECT_EQ(a.send({}), ChannelStatus::failed);
    EXPECT_EQ(a.send(pattern(kMaxMessage + 1)), ChannelStatus::too_big);
}

TEST(Channel, MessageLongerThanTheBufferIsLostAndTheNextOneArrives) {
    auto [a, b] = connected_pair();
    ASSERT_EQ(a.send(pattern(100)), ChannelStatus::ok);
    ASSERT_EQ(a.send(pattern(10)), ChannelStatus::ok);
    std::vector<uint8_t> buffer(50);
    size_t size;
    Descriptor fd;
    EXPECT_EQ(b.receive(buffer, size, fd), ChannelStatus::too_big);
    EXPECT_EQ(b.receive(buffer, size, fd), ChannelStatus::ok);
    EXPECT_EQ(size, 10U);
}

TEST(Channel, CarriesADescriptor) {
    auto [a, b] = connected_pair();
    Descriptor memory(memfd_create("channel-test", MFD_CLOEXEC));
    ASSERT_EQ(write(memory.get(), "hello", 5), 5);
    ASSERT_EQ(a.send(pattern(4), memory.get()), ChannelStatus::ok);
    memory.reset();
    std::vector<uint8_t> buffer(16);
    size_t size;
    Descriptor received;
    ASSERT_EQ(b.receive(buffer, size, received), ChannelStatus::ok);
    ASSERT_TRUE(received);
    EXPECT_NE(fcntl(received.get(), F_GETFD) & FD_CLOEXEC, 0);
    char text[5];
    ASSERT_EQ(pread(received.get(), text, 5, 0), 5);
    EXPECT_EQ(std::string(text, 5), "hello");
}

TEST(Channel, SaysThatTheOtherSideIsGone) {
    auto [a, b] = connected_pair();
    b.close();
    std::vector<uint8_t> buffer(16);
    size_t size;
    Descriptor fd;
    EXPECT_EQ(a.receive(buffer, size, fd), ChannelStatus::closed);
    EXPECT_EQ(a.send(pattern(4)), ChannelStatus::closed);
}

TEST(Channel, FullQueueIsNeverWaitedFor) {
    auto [a, b] = connected_pair();
    ChannelStatus status = ChannelStatus::ok;
    for (int i = 0; i < 10000 && status == ChannelStatus::ok; i++) status = a.send(pattern(60000));
    EXPECT_EQ(status, ChannelStatus::again);
}

TEST(ChannelListener, AcceptsAndRemovesItsSocket) {
    ScratchDirectory scratch;
    {
        auto listener = ChannelListener::listen(scratch.socket(), 0600);
        ASSERT_TRUE(listener.open()) << strerror(errno);
        struct stat info;
        ASSERT_EQ(stat(scratch.socket().c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 0777, 0600U);
        EXPECT_FALSE(listener.accept().open());
        Channel client = Channel::connect(scratch.socket());
        ASSERT_TRUE(client.open());
        Channel server = listener.accept();
        ASSERT_TRUE(server.open());
        ASSERT_EQ(server.send(pattern(3)), ChannelStatus::ok);
        ChannelListener moved = std::move(listener);
        EXPECT_TRUE(moved.open());
    }
    EXPECT_FALSE(std::filesystem::exists(scratch.socket()));
    EXPECT_FALSE(Channel::connect(scratch.socket()).open());
}

TEST(ChannelListener, TakesOverADeadSocketButNotALiveOne) {
    ScratchDirectory scratch;
    if (pid_t child = fork(); child == 0) {
        auto listener = ChannelListener::listen(scratch.socket(), 0600);
        _exit(listener.open() ? 0 : 1);  // without destructors: the socket file stays, as after kill -9
    } else {
        int status;
        waitpid(child, &status, 0);
        ASSERT_EQ(status, 0);
    }
    ASSERT_TRUE(std::filesystem::exists(scratch.socket()));
    auto listener = ChannelListener::listen(scratch.socket(), 0600);
    ASSERT_TRUE(listener.open()) << strerror(errno);
    auto second = ChannelListener::listen(scratch.socket(), 0600);
    EXPECT_FALSE(second.open());
    EXPECT_TRUE(Channel::connect(scratch.socket()).open()) << "the first listener must still be there";
}

TEST(ChannelListener, LeavesAFileThatIsNoSocketAlone) {
    ScratchDirectory scratch;
    std::ofstream(scratch.socket()) << "precious";
    EXPECT_FALSE(ChannelListener::listen(scratch.socket(), 0600).open());
    EXPECT_TRUE(std::filesystem::exists(scratch.socket()));
}

TEST(Channel, PathTooLongForASocketAddressIsRefused) {
    EXPECT_FALSE(Channel::connect("/tmp/" + std::string(200, 'x')).open());
    EXPECT_EQ(errno, ENAMETOOLONG);
}

}  // namespace
}  // namespace fedge::contract
