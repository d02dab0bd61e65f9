// Traces that clients read, with a dataplane that sends what it was told to.
#include "control/traces/traces.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <sstream>

#include "control/problem.h"
#include "message_generated.h"
#include "tests/unit/control/fake_dataplane.h"
#include "tests/unit/control/scratch.h"

namespace fedge::control {
namespace {

using namespace std::chrono_literals;

std::vector<uint8_t> traced(uint32_t id, const std::string& text, uint32_t lost = 0) {
    flatbuffers::FlatBufferBuilder b;
    std::vector<uint8_t> bytes(text.begin(), text.end());
    std::array<uint8_t, 16> address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 203, 0, 113, 5};
    contract::Ip ip{flatbuffers::span<const uint8_t, 16>(address)};
    auto body = contract::CreateTracedDirect(b, id, 1, 5'000'000'000, true, 7, "partner p.example", &ip, 40000, &ip,
                                             5061, "waits for DNS", &bytes, 0, lost);
    contract::FinishMessageBuffer(b, contract::CreateMessage(b, contract::Body::Traced, body.Union()));
    return {b.GetBufferPointer(), b.GetBufferPointer() + b.GetSize()};
}

class TracesTest : public testing::Test {
  protected:
    void begin(std::vector<std::vector<uint8_t>> messages) {
        FakeDataplane::Behaviour behaviour;
        behaviour.messages = std::move(messages);
        fake_ = std::make_unique<FakeDataplane>(scratch_.path() + "/dataplane.sock", behaviour);
    }
    // Lets things happen until `over`, in virtual steps of 100 ms.
    template <typename Over>
    bool until(Over&& over) {
        for (int i = 0; i < 3000 && !over(); i++) {
            plane_.on_tick(now_);
            pollfd wait{plane_.descriptor(), POLLIN, 0};
            if (poll(&wait, 1, 2) > 0) plane_.on_readable(now_);
            traces_.on_tick(now_);
            now_ += 1ms;
        }
        return over();
    }
    struct Got {
        std::vector<TracedMessage> messages;
        uint64_t lost = 0;
        int times = 0;
    };
    void read(uint32_t id, uint64_t after, Got& got, Clock::duration wait = 1s, size_t most = 100) {
        traces_.read(id, after, most, wait, now_, [&got](std::vector<TracedMessage> messages, uint64_t lost) {
            got.messages = std::move(messages);
            got.lost = lost;
            got.times++;
        });
    }

    Scratch scratch_;
    std::ostringstream lines_;
    Log log_{lines_, Severity::debug};
    Clock::time_point now_{1h};
    Dataplane plane_{scratch_.path() + "/dataplane.sock", log_};
    Traces traces_{plane_, log_};
    std::unique_ptr<FakeDataplane> fake_;
};

TEST_F(TracesTest, MessagesComeInOrderAndAreReadOnce) {
    begin({traced(1, "a"), traced(1, "b", 2), traced(9, "of nobody"), traced(1, "c")});
    ASSERT_EQ(traces_.start({"p.example", "call", 7, 50}, "root", now_), 1U);
    Got got;
    read(1, 0, got);
    EXPECT_EQ(got.times, 0) << "it waits";
    ASSERT_TRUE(until([&] { return got.times == 1; }));
    std::vector<TracedMessage> all = got.messages;
    while (all.size() < 3) {
        read(1, all.back().number, got);
        ASSERT_TRUE(until([&] { return got.times >= 2; }));
        got.times = 1;
        all.insert(all.end(), got.messages.begin(), got.messages.end());
    }
    EXPECT_EQ(all[0].text, "a");
    EXPECT_EQ(all[1].text, "b");
    EXPECT_EQ(all[1].lost, 2U);
    EXPECT_EQ(all[2].text, "c");
    EXPECT_EQ(all[2].number, 3U);
    EXPECT_EQ(got.lost, 2U);
    EXPECT_EQ(all[0].remote.text(), "203.0.113.5:40000");
    EXPECT_EQ(all[0].verdict, "waits for DNS");
    // Not acknowledged, they are there again.
    got = {};
    read(1, 2, got);
    ASSERT_EQ(got.times, 1);
    ASSERT_EQ(got.messages.size(), 1U);
    EXPECT_EQ(got.messages[0].text, "c");
    ASSERT_TRUE(until([&] { return fake_->orders().size() == 1; }));
    EXPECT_EQ(fake_->orders()[0], "start 1 p.example call 7 50");
}

TEST_F(TracesTest, SilenceIsAnsweredWhenTheTimeIsOver) {
    begin({});
    traces_.start({}, "root", now_);
    Got got;
    read(1, 0, got, 300ms);
    auto asked = now_;
    ASSERT_TRUE(until([&] { return got.times == 1; }));
    EXPECT_TRUE(got.messages.empty());
    EXPECT_GE(now_ - asked, 300ms);
    // A second reader takes the place of the first.
    Got first, second;
    read(1, 0, first);
    read(1, 0, second);
    EXPECT_EQ(first.times, 1);
    EXPECT_EQ(second.times, 0);
}

TEST_F(TracesTest, OneThatNobodyReadsEndsAndTheCoresAreTold) {
    begin({});
    traces_.start({}, "root", now_);
    ASSERT_TRUE(until([&] { return fake_->orders().size() == 1; }));
    now_ += Traces::kAbandoned + 1s;
    ASSERT_TRUE(until([&] { return fake_->orders().size() == 2; }));
    EXPECT_EQ(fake_->orders()[1], "stop 1");
    EXPECT_EQ(traces_.count(), 0U);
    Got got;
    EXPECT_THROW(read(1, 0, got), Refusal);
    EXPECT_THROW(traces_.stop(1, "root"), Refusal);
}

TEST_F(TracesTest, ANewDataplaneIsToldOfThem) {
    begin({});
    traces_.start({}, "root", now_);
    ASSERT_TRUE(until([&] { return fake_->orders().size() == 1; }));
    fake_.reset();
    ASSERT_TRUE(until([&] { return !plane_.connected(); }));
    begin({traced(1, "again")});
    now_ += 1s;
    Got got;
    read(1, 0, got, 5s);
    ASSERT_TRUE(until([&] { return got.times == 1; }));
    EXPECT_EQ(got.messages.at(0).text, "again");
    ASSERT_TRUE(until([&] { return !fake_->orders().empty(); }));
    EXPECT_EQ(fake_->orders()[0], "start 1   0 200");
}

TEST_F(TracesTest, ASlowReaderLosesAndIsTold) {
    begin({});
    traces_.start({}, "root", now_);
    ASSERT_TRUE(until([&] { return plane_.connected(); }));
    size_t sent = 0;
    Got got;
    // In portions that the socket holds; nothing is acknowledged.
    while (sent < Traces::kKept + 3) {
        for (size_t i = 0; i < 100 && sent < Traces::kKept + 3; i++, sent++) fake_->say(traced(1, "x"));
        ASSERT_TRUE(until([&] {
            read(1, 0, got, 0ms, Traces::kKept * 2);
            return got.messages.size() + got.lost == sent;
        })) << sent;
    }
    EXPECT_EQ(got.messages.size(), Traces::kKept);
    EXPECT_EQ(got.lost, 3U);
}

TEST_F(TracesTest, AreBoundedInNumber) {
    for (size_t i = 0; i < Traces::kMost; i++) traces_.start({}, "root", now_);
    EXPECT_THROW(traces_.start({}, "root", now_), Refusal);
    traces_.stop(2, "root");
    EXPECT_EQ(traces_.start({}, "root", now_), Traces::kMost + 1);
}

}  // namespace
}  // namespace fedge::control
