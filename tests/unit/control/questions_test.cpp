// The dataplane's questions where a partner is, over a real socket, with a table in place of DNS.
#include "control/publish/questions.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <sstream>

#include "message_generated.h"
#include "tests/unit/control/fake_dataplane.h"
#include "tests/unit/control/scratch.h"
#include "tests/unit/discovery/fake_resolver.h"

namespace fedge::control {
namespace {

using namespace std::chrono_literals;
using discovery::RecordType;

std::vector<uint8_t> question(uint32_t id, const std::string& domain, uint32_t wait_ms = 2000,
                              const char* via = nullptr, contract::Discoverable service = contract::Discoverable::sip) {
    flatbuffers::FlatBufferBuilder b;
    auto body = contract::CreateQuestionDirect(b, id, domain.c_str(), service, contract::SrvMode::microsoft_then_sips,
                                               via, true, wait_ms);
    contract::FinishMessageBuffer(b, contract::CreateMessage(b, contract::Body::Question, body.Union()));
    return {b.GetBufferPointer(), b.GetBufferPointer() + b.GetSize()};
}

class QuestionsTest : public testing::Test {
  protected:
    QuestionsTest() {
        Config config;
        config.dns = {.timeout_s = 5,
                      .ttl_min_s = 30,
                      .ttl_max_s = 3600,
                      .negative_ttl_s = 300,
                      .stale_s = 3600,
                      .cache_size = 10000};
        config.discovery = {.per_second = 100000, .concurrent = 512, .queue = 10000};
        discovery_.configure(config, now_);
        dns_.set("_sipfederationtls._tcp.a.example", RecordType::srv,
                 discovery::test::data({discovery::test::srv(7, 9, 5061, "sip.a.example")}, true, 100));
        dns_.set("sip.a.example", RecordType::a,
                 discovery::test::data({discovery::test::address("198.51.100.7")}, true, 100));
        dns_.set("sip.a.example", RecordType::aaaa, discovery::test::no_data());
    }
    void ask(std::vector<std::vector<uint8_t>> messages) {
        FakeDataplane::Behaviour behaviour;
        behaviour.messages = std::move(messages);
        fake_ = std::make_unique<FakeDataplane>(scratch_.path() + "/dataplane.sock", behaviour);
    }
    // Until so many answers are there; virtual time goes on by 20 ms a turn.
    bool answers(size_t count) {
        for (int i = 0; i < 1500 && fake_->answers().size() < count; i++) {
            now_ += 20ms;
            plane_.on_tick(now_);
            pollfd wait{plane_.descriptor(), POLLIN, 0};
            if (poll(&wait, 1, 2) > 0) plane_.on_readable(now_);
            dns_.answer_all(now_);
            discovery_.on_tick(now_);
        }
        kept_ = fake_->answers();
        return kept_.size() == count;
    }
    const contract::Answer& answer(size_t i) { return *contract::GetMessage(kept_.at(i).data())->body_as_Answer(); }

    Scratch scratch_;
    std::ostringstream lines_;
    Log log_{lines_, Severity::debug};
    Clock::time_point now_{1h};
    discovery::test::FakeResolver dns_;
    Dataplane plane_{scratch_.path() + "/dataplane.sock", log_};
    discovery::Discovery discovery_{dns_, log_, [](uint32_t) { return 0U; }};
    Questions questions_{plane_, discovery_};
    std::unique_ptr<FakeDataplane> fake_;
    std::vector<std::vector<uint8_t>> kept_;
};

TEST_F(QuestionsTest, TheAnswerSaysWhereAPartnerIs) {
    ask({question(5, "a.example")});
    ASSERT_TRUE(answers(1));
    const auto& a = answer(0);
    EXPECT_EQ(a.id(), 5U);
    EXPECT_EQ(a.domain()->str(), "a.example");
    EXPECT_EQ(a.finding(), contract::Finding::found);
    EXPECT_EQ(a.code(), 0);
    EXPECT_EQ(a.keep_s(), 100U);
    EXPECT_TRUE(a.validated());
    EXPECT_FALSE(a.stale());
    ASSERT_EQ(a.targets()->size(), 1U);
    const auto& target = *a.targets()->Get(0);
    EXPECT_EQ(target.host()->str(), "sip.a.example");
    EXPECT_EQ(target.port(), 5061);
    EXPECT_EQ(target.priority(), 7);
    EXPECT_EQ(target.weight(), 9);
    ASSERT_EQ(target.addresses()->size(), 1U);
    auto octets = target.addresses()->Get(0)->octets();
    EXPECT_EQ(IpAddress::v6_bytes(octets->data()).text(), "198.51.100.7");
}

TEST_F(QuestionsTest, EveryOutcomeIsAnAnswer) {
    dns_.set("_sipfederationtls._tcp.conflict.example", RecordType::srv,
             discovery::test::data({discovery::test::srv(0, 0, 5061, "sip.a.example")}));
    dns_.set("_sipfederationtls._tcp.broken.example", RecordType::srv, discovery::test::servfail());
    ask({question(1, "none.example"), question(2, "conflict.example"), question(3, "broken.example"),
         question(4, "not a name"), question(5, "a.example", 2000, "sip.a.example"),
         question(6, "none.example", 2000, nullptr, contract::Discoverable::xmpp)});
    ASSERT_TRUE(answers(6));
    std::map<uint32_t, const contract::Answer*> by_id;
    for (size_t i = 0; i < 6; i++) by_id[answer(i).id()] = &answer(i);
    ASSERT_EQ(by_id.size(), 6U);
    EXPECT_EQ(by_id[1]->finding(), contract::Finding::not_found);
    EXPECT_EQ(by_id[1]->code(), 1008);
    EXPECT_EQ(by_id[2]->finding(), contract::Finding::refused);
    EXPECT_EQ(by_id[2]->code(), 1009);
    EXPECT_EQ(by_id[3]->finding(), contract::Finding::failed);
    EXPECT_EQ(by_id[4]->finding(), contract::Finding::failed);
    EXPECT_EQ(by_id[5]->finding(), contract::Finding::found);
    EXPECT_EQ(by_id[5]->via()->str(), "sip.a.example");
    EXPECT_EQ(by_id[6]->service(), contract::Discoverable::xmpp);
    for (const auto& [id, a] : by_id) {
        EXPECT_GE(a->keep_s(), 1U) << id;
        EXPECT_EQ(a->reason()->str().empty(), a->finding() == contract::Finding::found) << id;
    }
}

TEST_F(QuestionsTest, TheAnswerComesBeforeTheDeadlineThoughDnsIsSilent) {
    dns_.silent = true;
    ask({question(1, "a.example", 1000)});
    auto begin = now_;
    ASSERT_TRUE(answers(1));
    EXPECT_LE(now_ - begin, 1000ms);
    EXPECT_EQ(answer(0).finding(), contract::Finding::failed);
}

TEST_F(QuestionsTest, EqualQuestionsShareALookup) {
    std::vector<std::vector<uint8_t>> many;
    for (uint32_t i = 1; i <= 50; i++) many.push_back(question(i, "a.example"));
    ask(many);
    ASSERT_TRUE(answers(50));
    EXPECT_EQ(discovery_.counts().lookups, 1U);
    EXPECT_EQ(questions_.answered(), 50U);
}

TEST_F(QuestionsTest, APartnerWhoMovesIsNews) {
    ask({question(1, "a.example")});
    ASSERT_TRUE(answers(1));
    dns_.set("sip.a.example", RecordType::a,
             discovery::test::data({discovery::test::address("198.51.100.8")}, true, 100));
    now_ += 89s;
    ASSERT_TRUE(answers(2));
    EXPECT_EQ(answer(1).id(), 0U);
    EXPECT_EQ(answer(1).domain()->str(), "a.example");
    EXPECT_EQ(IpAddress::v6_bytes(answer(1).targets()->Get(0)->addresses()->Get(0)->octets()->data()).text(),
              "198.51.100.8");
}

TEST_F(QuestionsTest, APartnerWhoCannotBeReachedIsLookedUpAgainAndNewsIfItHasMoved) {
    ask({question(1, "a.example")});
    ASSERT_TRUE(answers(1));
    dns_.set("sip.a.example", RecordType::a,
             discovery::test::data({discovery::test::address("198.51.100.8")}, true, 100));
    now_ += 12s;
    flatbuffers::FlatBufferBuilder b;
    auto octets = IpAddress::parse("198.51.100.7")->octets();
    contract::Ip address(flatbuffers::span<const uint8_t, 16>(octets.data(), 16));
    std::vector<flatbuffers::Offset<contract::TargetReport>> rows{
        contract::CreateTargetReportDirect(b, "sip.a.example", nullptr, 5061, 0, 1),  // says nothing
        contract::CreateTargetReportDirect(b, "sip.a.example", &address, 5061, 0, 1)};
    auto body = contract::CreateTargetReportsDirect(b, &rows);
    contract::FinishMessageBuffer(b, contract::CreateMessage(b, contract::Body::TargetReports, body.Union()));
    fake_->say({b.GetBufferPointer(), b.GetBufferPointer() + b.GetSize()});
    ASSERT_TRUE(answers(2));
    EXPECT_EQ(answer(1).id(), 0U);
    EXPECT_EQ(discovery_.counts().lost, 1U);
    EXPECT_EQ(IpAddress::v6_bytes(answer(1).targets()->Get(0)->addresses()->Get(0)->octets()->data()).text(),
              "198.51.100.8");
}

}  // namespace
}  // namespace fedge::control
