// Questions of cores on their way through management, and the answers back.
#include "dataplane/core/inquiries.h"

#include <gtest/gtest.h>

#include "dataplane/core/inquiry_desk.h"

namespace fedge::core {
namespace {

using State = policy::Questions::Found::State;
using contract::Finding;

// Two cores and management, without threads; control is the test.
class InquiriesTest : public testing::Test {
  protected:
    struct Asked {
        uint32_t id;
        std::string domain;
    };

    // Everything that waits in mailboxes goes its way.
    void turn() {
        std::array<Inquiry*, 16> some;
        while (uint32_t n = box_.receive(some))
            for (uint32_t i = 0; i < n; i++) management_.on_inquiry(some[i], wall_);
        management_.advance(wall_);
        for (auto& desk : desks_)
            while (desk.turn(now_)) {
            }
    }
    policy::Questions::Found find(int core, std::string_view domain) {
        return desks_[static_cast<size_t>(core)].questions().find({.domain = domain}, now_);
    }
    void answer(uint32_t id, const char* domain, const char* address, Finding finding = Finding::found) {
        flatbuffers::FlatBufferBuilder b;
        std::vector<contract::Ip> ips;
        auto octets = IpAddress::parse(address).value().octets();
        ips.emplace_back(flatbuffers::span<const uint8_t, 16>(octets.data(), 16));
        std::vector<flatbuffers::Offset<contract::Target>> targets{
            contract::CreateTargetDirect(b, "sip.a.com", 5061, 10, 5, false, &ips)};
        b.Finish(contract::CreateAnswerDirect(b, id, domain, contract::Discoverable::sip, nullptr, finding, 1008,
                                              "in words", 60, true, false, &targets));
        management_.on_answer(*flatbuffers::GetRoot<contract::Answer>(b.GetBufferPointer()));
    }
    void go(std::chrono::milliseconds time) {
        now_ += time;
        wall_ += time;
        turn();
    }

    contract::CounterBlock block_{};
    SystemRandom random_;
    InquiryBox box_{"test-inquiries", 1024, -1};
    std::array<InquiryDesk, 2> desks_{InquiryDesk{0, -1, box_, Counters(block_), random_},
                                      InquiryDesk{1, -1, box_, Counters(block_), random_}};
    bool connected_ = true;
    std::vector<Asked> asked_;
    Inquiries management_{{0, 1},
                          [this](uint32_t id, const Inquiry& inquiry) {
                              if (connected_) asked_.push_back({id, std::string(inquiry.domain.view())});
                              return connected_;
                          },
                          [this](Inquiry* inquiry) { ASSERT_TRUE(desks_[inquiry->core].inbox().send(inquiry)); }};
    Instant now_{1h};
    Inquiries::Time wall_{std::chrono::hours(1)};
};

TEST_F(InquiriesTest, OneQuestionForAllCoresAndTheAnswerForAll) {
    find(0, "a.com");
    find(1, "a.com");
    find(1, "b.com");
    turn();
    ASSERT_EQ(asked_.size(), 2u);
    EXPECT_EQ(asked_[0].domain, "a.com");
    EXPECT_EQ(asked_[1].domain, "b.com");
    EXPECT_EQ(management_.open(), 2u);
    answer(asked_[0].id, "a.com", "198.51.100.7");
    turn();
    EXPECT_EQ(management_.open(), 1u);
    for (int core : {0, 1}) {
        auto found = find(core, "a.com");
        ASSERT_EQ(found.state, State::known);
        EXPECT_EQ(found.route->targets()[0].host.view(), "sip.a.com");
        EXPECT_EQ(found.route->targets()[0].addresses()[0].text(), "198.51.100.7");
        EXPECT_TRUE(found.route->validated);
        uint64_t key;
        EXPECT_TRUE(desks_[static_cast<size_t>(core)].questions().next_settled(key));
        EXPECT_EQ(key, found.key);
    }
    EXPECT_EQ(find(1, "b.com").state, State::pending);
}

TEST_F(InquiriesTest, WithoutControlAQuestionFailsAtOnce) {
    connected_ = false;
    find(0, "a.com");
    turn();
    auto found = find(0, "a.com");
    ASSERT_EQ(found.state, State::known);
    EXPECT_EQ(found.route->finding, Finding::failed);
    EXPECT_EQ(found.route->reason.view(), "control is not connected");
}

TEST_F(InquiriesTest, WhenControlGoesOpenQuestionsFail) {
    find(0, "a.com");
    find(1, "a.com");
    turn();
    management_.on_control_gone();
    turn();
    EXPECT_EQ(management_.open(), 0u);
    EXPECT_EQ(find(0, "a.com").route->reason.view(), "control is gone");
    EXPECT_EQ(find(1, "a.com").route->reason.view(), "control is gone");
}

TEST_F(InquiriesTest, SilentControlCostsNoObjects) {
    for (int round = 0; round < 5; round++) {
        for (uint32_t i = 0; i < InquiryDesk::kOnTheWay; i++)
            ASSERT_EQ(find(0, "d" + std::to_string(i) + "-" + std::to_string(round) + ".com").state, State::pending)
                << round << " " << i;
        EXPECT_EQ(find(0, "one-too-many.com").state, State::full);
        turn();
        go(5s);  // the core gives up
        for (uint64_t key; desks_[0].questions().next_settled(key);) {
        }
        go(1s);  // management gives the objects back
        EXPECT_EQ(management_.open(), 0u);
    }
}

TEST_F(InquiriesTest, AnswerAfterAllGaveUpIsForgotten) {
    find(0, "a.com");
    turn();
    go(6s);
    answer(asked_[0].id, "a.com", "198.51.100.7");
    turn();
    EXPECT_EQ(find(0, "a.com").route->finding, Finding::failed);
}

TEST_F(InquiriesTest, NewsReachAllCores) {
    for (int core : {0, 1}) find(core, "a.com");
    turn();
    answer(asked_[0].id, "a.com", "198.51.100.7");
    turn();
    answer(0, "a.com", "198.51.100.8");
    turn();
    for (int core : {0, 1}) EXPECT_EQ(find(core, "a.com").state, State::pending) << "asked again";
    turn();
    ASSERT_EQ(asked_.size(), 2u);
    answer(asked_[1].id, "a.com", "198.51.100.8");
    turn();
    EXPECT_EQ(find(1, "a.com").route->targets()[0].addresses()[0].text(), "198.51.100.8");
}

TEST_F(InquiriesTest, MoreNewsThanObjectsAreToldLittleByLittle) {
    constexpr int kDomains = 100;
    auto name = [](int i) { return "d" + std::to_string(i) + ".com"; };
    for (int i = 0; i < kDomains; i++) {
        find(0, name(i));
        turn();
        answer(asked_.back().id, name(i).c_str(), "198.51.100.7");
        turn();
    }
    for (int i = 0; i < kDomains; i++) answer(0, name(i).c_str(), "198.51.100.8");
    for (int i = 0; i < 20; i++) turn();
    for (int i = 0; i < kDomains; i++) EXPECT_EQ(find(0, name(i)).state, State::pending) << i;
}

TEST_F(InquiriesTest, RoutesHaveNoMoreThanCoresTake) {
    flatbuffers::FlatBufferBuilder b;
    auto octets = IpAddress::parse("198.51.100.7").value().octets();
    std::vector<contract::Ip> ips(20, contract::Ip(flatbuffers::span<const uint8_t, 16>(octets.data(), 16)));
    std::vector<contract::Ip> no_ips;
    std::string too_long(300, 'a');
    std::vector<flatbuffers::Offset<contract::Target>> targets{
        contract::CreateTargetDirect(b, too_long.c_str(), 5061, 0, 0, false, &ips),
        contract::CreateTargetDirect(b, "no.address", 5061, 0, 0, false, &no_ips),
        contract::CreateTargetDirect(b, "no.port", 0, 0, 0, false, &ips)};
    for (int i = 0; i < 20; i++)
        targets.push_back(contract::CreateTargetDirect(b, ("t" + std::to_string(i)).c_str(), 5061, 1, 2, true, &ips));
    b.Finish(contract::CreateAnswerDirect(b, 1, "a.com", contract::Discoverable::sip, nullptr, Finding::found, 0,
                                          nullptr, 60, false, true, &targets));
    policy::Route route = route_of(*flatbuffers::GetRoot<contract::Answer>(b.GetBufferPointer()));
    ASSERT_EQ(route.targets().size(), policy::kMaxTargets);
    EXPECT_EQ(route.targets()[0].host.view(), "t0");
    EXPECT_EQ(route.targets()[0].addresses().size(), policy::kMaxAddresses);
    EXPECT_EQ(route.targets()[0].weight, 2u);
    EXPECT_TRUE(route.targets()[0].direct_tls);
    EXPECT_TRUE(route.stale);
}

TEST_F(InquiriesTest, FoundWithoutAnAddressIsNoRoute) {
    flatbuffers::FlatBufferBuilder b;
    b.Finish(contract::CreateAnswerDirect(b, 1, "a.com", contract::Discoverable::sip, nullptr, Finding::found));
    EXPECT_EQ(route_of(*flatbuffers::GetRoot<contract::Answer>(b.GetBufferPointer())).finding, Finding::failed);
}

}  // namespace
}  // namespace fedge::core
