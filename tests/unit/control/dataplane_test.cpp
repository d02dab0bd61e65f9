// The connection to the dataplane, against a real socket with a fake dataplane behind it.
#include "control/publish/dataplane.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <sstream>

#include "control/publish/snapshot.h"
#include "message_generated.h"
#include "tests/unit/control/fake_dataplane.h"
#include "tests/unit/control/scratch.h"

namespace fedge::control {
namespace {

using namespace std::chrono_literals;

class DataplaneTest : public testing::Test {
  protected:
    std::string socket() const { return scratch_.path() + "/dataplane.sock"; }
    std::unique_ptr<FakeDataplane> start(FakeDataplane::Behaviour behaviour = {}) {
        return std::make_unique<FakeDataplane>(socket(), std::move(behaviour));
    }

    // Runs the client on real descriptors; time goes on by 20 ms a turn, whatever the clock on the wall does.
    bool run_until(const std::function<bool()>& condition, Clock::duration budget = 20s) {
        for (auto end = now_ + budget; now_ < end; now_ += 20ms) {
            plane_.on_tick(now_);
            pollfd wait{plane_.descriptor(), POLLIN, 0};
            if (poll(&wait, 1, 2) > 0) plane_.on_readable(now_);
            if (condition()) return true;
        }
        return condition();
    }
    bool connect() {
        return run_until([&] { return plane_.connected(); });
    }
    static contract::Descriptor snapshot(uint8_t mark) { return sealed_memory(std::vector<uint8_t>{mark}); }

    struct Outcome {
        std::optional<Adoption> adoption;
        std::string reason;
        AdoptionCallback callback() {
            return [this](Adoption a, const std::string& r) {
                EXPECT_FALSE(adoption.has_value()) << "called twice";
                adoption = a;
                reason = r;
            };
        }
    };

    Scratch scratch_;
    std::ostringstream lines_;
    Log log_{lines_, Severity::debug};
    Dataplane plane_{socket(), log_};
    Clock::time_point now_{1h};
};

TEST_F(DataplaneTest, PublishesToADataplaneThatComesLater) {
    Outcome outcome;
    plane_.publish(5, snapshot(1), {}, now_, now_ + 1h, outcome.callback());
    EXPECT_FALSE(run_until([&] { return plane_.connected(); }, 1s));
    auto fake = start();
    ASSERT_TRUE(run_until([&] { return outcome.adoption.has_value(); }));
    EXPECT_EQ(*outcome.adoption, Adoption::adopted);
    EXPECT_EQ(plane_.adopted_revision(), 5U);
    EXPECT_TRUE(plane_.adopted());
    EXPECT_EQ(fake->snapshots().at(0), std::vector<uint8_t>{1});
    EXPECT_EQ(plane_.info().version, "9.9");
    ASSERT_EQ(plane_.info().ports.size(), 1U);
    EXPECT_EQ(plane_.info().ports[0].name, "wan");
}

TEST_F(DataplaneTest, PublishesAgainAfterItsRestart) {
    auto fake = start();
    plane_.publish(5, snapshot(1), {}, now_);
    ASSERT_TRUE(run_until([&] { return plane_.adopted(); }));
    for (int i = 0; i < 3; i++) {
        fake.reset();
        ASSERT_TRUE(run_until([&] { return !plane_.connected(); }));
        EXPECT_FALSE(plane_.adopted());
        EXPECT_EQ(plane_.counters(), nullptr);
        fake = start();
        ASSERT_TRUE(run_until([&] { return plane_.adopted(); }));
        EXPECT_EQ(fake->snapshots().size(), 1U);
    }
}

TEST_F(DataplaneTest, RefusalIsTold) {
    auto fake = start({.refuse = "no port wan"});
    Outcome outcome;
    plane_.publish(6, snapshot(1), {}, now_, now_ + 1h, outcome.callback());
    ASSERT_TRUE(run_until([&] { return outcome.adoption.has_value(); }));
    EXPECT_EQ(*outcome.adoption, Adoption::refused);
    EXPECT_EQ(outcome.reason, "no port wan");
    EXPECT_EQ(plane_.refused_reason(), "no port wan");
    EXPECT_FALSE(plane_.adopted());
    EXPECT_NE(lines_.str().find("refused revision 6: no port wan"), std::string::npos);
}

TEST_F(DataplaneTest, NewestSnapshotSupersedesThoseNotSent) {
    Outcome older, same, newest;
    plane_.publish(1, snapshot(1), {}, now_, now_ + 1h, older.callback());
    plane_.publish(2, snapshot(2), {}, now_, now_ + 1h, same.callback());
    plane_.publish(2, snapshot(3), {}, now_, now_ + 1h, newest.callback());
    auto fake = start();
    ASSERT_TRUE(run_until([&] { return newest.adoption.has_value(); }));
    EXPECT_EQ(*older.adoption, Adoption::superseded);
    EXPECT_EQ(older.reason, "revision 2 took its place");
    EXPECT_EQ(*same.adoption, Adoption::adopted) << "its revision is in force, with newer credentials";
    EXPECT_EQ(*newest.adoption, Adoption::adopted);
    EXPECT_EQ(fake->snapshots(), std::vector<std::vector<uint8_t>>{{3}});
}

TEST_F(DataplaneTest, SnapshotsNotSentShareARefusal) {
    Outcome first, second;
    plane_.publish(1, snapshot(1), {}, now_, now_ + 1h, first.callback());
    plane_.publish(2, snapshot(2), {}, now_, now_ + 1h, second.callback());
    auto fake = start({.refuse = "no port wan"});
    ASSERT_TRUE(run_until([&] { return second.adoption.has_value(); }));
    EXPECT_EQ(*first.adoption, Adoption::refused);
    EXPECT_EQ(first.reason, "no port wan");
    EXPECT_EQ(*second.adoption, Adoption::refused);
}

TEST_F(DataplaneTest, SilenceEndsAtTheDeadlineAndOneSnapshotIsInFlight) {
    auto fake = start({.answer_publish = false});
    Outcome outcome, next;
    plane_.publish(1, snapshot(1), {}, now_, now_ + 5s, outcome.callback());
    ASSERT_TRUE(connect());
    auto begun = now_;
    ASSERT_TRUE(run_until([&] { return outcome.adoption.has_value(); }));
    EXPECT_EQ(*outcome.adoption, Adoption::pending);
    EXPECT_GE(now_ - begun, 4s);
    plane_.publish(2, snapshot(2), {}, now_, now_ + 1s, next.callback());
    ASSERT_TRUE(run_until([&] { return next.adoption.has_value(); }));
    EXPECT_EQ(fake->snapshots().size(), 1U);
}

TEST_F(DataplaneTest, ReadsCounters) {
    auto fake = start();
    ASSERT_TRUE(connect());
    ASSERT_NE(plane_.counters(), nullptr);
    EXPECT_EQ(plane_.counters()->cores(), 2U);
    EXPECT_EQ(plane_.counters()->counter(1, 3), 1003U);
    EXPECT_EQ(plane_.counters()->drop(1, 3), 1503U);
}

TEST_F(DataplaneTest, RefusesStrangersAndSaysSoOnce) {
    struct Case {
        FakeDataplane::Behaviour behaviour;
        const char* said;
    };
    Case cases[] = {{{.contract = 99}, "contract version 99"},
                    {{.send_counters = false}, "no counter memory"},
                    {{.cores = 0}, "does not hold its cores"}};
    for (const auto& c : cases) {
        lines_.str("");
        std::ostringstream lines;
        Log log(lines, Severity::debug);
        Dataplane plane(socket(), log);
        auto fake = start(c.behaviour);
        for (int i = 0; i < 100 && fake->connections() < 3; i++) {
            plane.on_tick(now_ += 250ms);
            pollfd wait{plane.descriptor(), POLLIN, 0};
            if (poll(&wait, 1, 50) > 0) plane.on_readable(now_);
            EXPECT_FALSE(plane.connected());
        }
        EXPECT_GE(fake->connections(), 3U);
        size_t at = lines.str().find(c.said);
        ASSERT_NE(at, std::string::npos) << lines.str();
        EXPECT_EQ(lines.str().find(c.said, at + 1), std::string::npos) << "logged again and again";
    }
}

TEST_F(DataplaneTest, EachReasonIsLoggedUntilItChanges) {
    auto lines = [&] {
        std::string log = lines_.str();
        return std::count(log.begin(), log.end(), '\n');
    };
    run_until([] { return false; }, 2s);
    EXPECT_EQ(lines(), 1) << lines_.str();
    auto fake = start({.contract = 99});
    run_until([&] { return fake->connections() > 2; });
    EXPECT_NE(lines_.str().find("contract version 99"), std::string::npos) << lines_.str();
    EXPECT_EQ(lines(), 2) << lines_.str();
    fake.reset();
    fake = start({.send_counters = false});
    run_until([&] { return fake->connections() > 2; });
    EXPECT_NE(lines_.str().find("no counter memory"), std::string::npos) << lines_.str();
    fake.reset();
    fake = start();
    ASSERT_TRUE(connect());
    fake.reset();
    lines_.str("");
    run_until([] { return false; }, 5s);
    EXPECT_EQ(lines(), 2) << "closed, then nobody there: " << lines_.str();
}

TEST_F(DataplaneTest, QuestionsAreAnsweredTimeOutOrFail) {
    std::string error;
    bool answered = false;
    auto ask = [&](contract::Kind kind) {
        answered = false;
        plane_.query(kind, 0, 10, now_, [&](const contract::Page* page, const std::string& e) {
            answered = true;
            error = e;
            EXPECT_EQ(page == nullptr, !e.empty());
        });
    };
    ask(contract::Kind::cores);
    EXPECT_TRUE(answered);
    EXPECT_EQ(error, "the dataplane is not connected");

    auto fake = start({.allocations = 3});
    ASSERT_TRUE(connect());
    ask(contract::Kind::allocations);
    ASSERT_TRUE(run_until([&] { return answered; }));
    EXPECT_EQ(error, "");
    ask(contract::Kind::streams);
    ASSERT_TRUE(run_until([&] { return answered; }));
    EXPECT_EQ(error, "no streams today");

    fake.reset();
    ASSERT_TRUE(run_until([&] { return !plane_.connected(); }));
    fake = start({.answer_questions = false});
    ASSERT_TRUE(connect());
    ask(contract::Kind::allocations);
    EXPECT_FALSE(run_until([&] { return answered; }, 1900ms));
    EXPECT_TRUE(run_until([&] { return answered; }, 300ms));
    EXPECT_EQ(error, "the dataplane did not answer in time");
    ask(contract::Kind::allocations);
    fake.reset();
    ASSERT_TRUE(run_until([&] { return answered; }, 1s));
    EXPECT_EQ(error, "the connection was closed");
}

TEST_F(DataplaneTest, EventsGoToTheLogInOneLine) {
    auto fake = start({.event = "core 1 stalls\nerror: forged"});
    ASSERT_TRUE(run_until([&] { return lines_.str().find("stalls") != std::string::npos; }));
    EXPECT_NE(lines_.str().find("warning: dataplane: core 1 stalls?error: forged\n"), std::string::npos)
        << lines_.str();
}

TEST_F(DataplaneTest, NeverGivesUpAndComplainsOnce) {
    run_until([] { return false; }, 60s);
    std::string log = lines_.str();
    EXPECT_NE(log.find("no dataplane at"), std::string::npos);
    EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1);
    auto fake = start();
    EXPECT_TRUE(connect());
}

PublishedTables tables(uint64_t base, uint64_t delta) {
    auto memory = std::make_shared<const contract::Descriptor>(sealed_memory(std::vector<uint8_t>{1}));
    return {base, delta, memory, memory};
}

TEST_F(DataplaneTest, SendsEachVerdictTableOnceToADataplaneAndAllToTheNext) {
    using Sent = std::vector<uint64_t>;
    auto fake = start();
    ASSERT_TRUE(connect());
    auto publish = [&](uint64_t revision, uint64_t base, uint64_t delta) {
        plane_.publish(revision, snapshot(1), tables(base, delta), now_);
        ASSERT_TRUE(run_until([&] { return plane_.adopted(); }));
    };
    publish(1, 1, 2);
    EXPECT_EQ(fake->tables().sent, (Sent{1, 2}));
    publish(2, 1, 3);
    EXPECT_EQ(fake->tables().sent, (Sent{1, 2, 3})) << "the base is there already";
    publish(3, 1, 3);
    EXPECT_EQ(fake->tables().sent, (Sent{1, 2, 3}));
    publish(4, 1, 0);
    EXPECT_EQ(fake->tables().sent, (Sent{1, 2, 3}));
    publish(5, 1, 4);
    EXPECT_EQ(fake->tables().named.back(), (std::pair<uint64_t, uint64_t>{1, 4}));

    fake.reset();
    fake = start();
    ASSERT_TRUE(run_until([&] { return plane_.adopted_revision() == 5 && plane_.adopted(); }));
    EXPECT_EQ(fake->tables().sent, (Sent{1, 4})) << "another dataplane gets all";
    EXPECT_EQ(fake->tables().named.back(), (std::pair<uint64_t, uint64_t>{1, 4}));
}

TEST_F(DataplaneTest, SendsTablesAgainAfterARefusal) {
    auto fake = start({.refuse = "verdict table 1 did not arrive"});
    ASSERT_TRUE(connect());
    plane_.publish(1, snapshot(1), tables(1, 0), now_);
    ASSERT_TRUE(run_until([&] { return !plane_.refused_reason().empty(); }));
    fake->refuse_from_now("");
    plane_.publish(2, snapshot(1), tables(1, 0), now_);
    ASSERT_TRUE(run_until([&] { return plane_.adopted(); }));
    EXPECT_EQ(fake->tables().sent, (std::vector<uint64_t>{1, 1}));
}

TEST_F(DataplaneTest, AsksTheCoresForAVerdict) {
    auto fake = start();
    std::optional<size_t> rows;
    std::string error;
    auto note = [&](const contract::LookedUp* found, const std::string& why) {
        rows = found ? found->rows()->size() : 0;
        error = why;
    };
    plane_.lookup("a.com", now_, note);
    EXPECT_EQ(error, "the dataplane is not connected");
    ASSERT_TRUE(connect());
    rows.reset();
    plane_.lookup("a.com", now_, note);
    ASSERT_TRUE(run_until([&] { return rows.has_value(); }));
    EXPECT_EQ(*rows, 2u);
    EXPECT_EQ(error, "");
    rows.reset();
    plane_.lookup("busy", now_, note);
    ASSERT_TRUE(run_until([&] { return rows.has_value(); }));
    EXPECT_EQ(error, "not now");
}

TEST_F(DataplaneTest, HandsOnReportsAboutDiscoveredPartners) {
    auto fake = start();
    std::string heard;
    plane_.on_partner_reports([&](const contract::PartnerReports& reports) {
        for (const auto* row : *reports.rows()) heard += row->domain()->str() + " " + std::to_string(row->messages());
    });
    ASSERT_TRUE(connect());
    fake->report("found.org", 7);
    ASSERT_TRUE(run_until([&] { return !heard.empty(); }));
    EXPECT_EQ(heard, "found.org 7");
}

}  // namespace
}  // namespace fedge::control
