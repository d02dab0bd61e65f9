// Discovered partners in control: history, hourly report, alarm, under virtual time.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <sstream>

#include "control/discovered/drop_alarm.h"
#include "control/discovered/history.h"
#include "control/store/store.h"
#include "tests/unit/control/scratch.h"

namespace fedge::control {
namespace {

class DiscoveredTest : public testing::Test {
  protected:
    void open() {
        history_.reset();
        store_.reset();
        store_ = std::make_unique<Store>(scratch_.path());
        history_ = std::make_unique<DiscoveredHistory>(store_->discovered(), log_);
    }
    void SetUp() override { open(); }
    void hear(const PartnerNews& news) { history_->on_news({news}, now_); }
    void go(int64_t seconds, int64_t report_minutes = 60) {
        for (int64_t i = 0; i < seconds; i++) history_->on_tick(++now_, report_minutes);
    }
    // Lines of the log that have all of these.
    size_t lines(std::initializer_list<const char*> words) const {
        std::istringstream all(lines_.str());
        size_t count = 0;
        for (std::string line; std::getline(all, line);)
            count += std::ranges::all_of(words, [&](const char* w) { return line.find(w) != std::string::npos; });
        return count;
    }

    Scratch scratch_;
    std::ostringstream lines_;
    Log log_{lines_, Severity::debug};
    std::unique_ptr<Store> store_;
    std::unique_ptr<DiscoveredHistory> history_;
    int64_t now_ = 1'800'000'000;
};

TEST_F(DiscoveredTest, ReportsAddUp) {
    hear({.domain = "a.com", .messages = 5, .limited = 1, .contacts = 3});
    now_ += 100;
    hear({.domain = "a.com", .messages = 7, .limited = 2, .contacts = 2});
    auto partner = history_->find("a.com");
    ASSERT_TRUE(partner);
    EXPECT_EQ(*partner, (DiscoveredPartner{"a.com", now_ - 100, now_, 12, 3, 3, false, false}));
    EXPECT_FALSE(history_->find("b.com"));
    EXPECT_EQ(history_->count(), 1);
}

TEST_F(DiscoveredTest, HistoryAndVerdictsSurviveARestart) {
    hear({.domain = "a.com", .messages = 5});
    hear({.domain = "bad.com", .messages = 1, .suspicious = true});
    hear({.domain = "many.com", .contacts = 1000, .contacts_refused = 1});
    go(1);  // what an operator must not lose is written at once
    open();
    EXPECT_TRUE(history_->find("bad.com")->suspicious);
    EXPECT_TRUE(history_->find("many.com")->watch);
    hear({.domain = "a.com", .messages = 1, .suspicious = false});
    go(DiscoveredHistory::kWriteEvery);
    open();
    EXPECT_EQ(history_->find("a.com")->messages, 6);
    EXPECT_EQ(history_->find("a.com")->first, 1'800'000'000);
}

TEST_F(DiscoveredTest, WatchStaysAndSuspicionGoes) {
    hear({.domain = "a.com", .contacts_refused = 1, .suspicious = true});
    hear({.domain = "a.com", .messages = 1});
    EXPECT_TRUE(history_->find("a.com")->watch);
    EXPECT_FALSE(history_->find("a.com")->suspicious);
    EXPECT_EQ(lines({"a.com", "watch list"}), 1u);
    EXPECT_EQ(lines({"a.com", "is suspicious"}), 1u);
    EXPECT_EQ(lines({"a.com", "not suspicious any more"}), 1u);
}

TEST_F(DiscoveredTest, PagesAndFilters) {
    for (int i = 0; i < 25; i++)
        hear({.domain = "p" + std::string(1, static_cast<char>('a' + i)) + ".com",
              .contacts_refused = i % 5 == 0,
              .suspicious = i % 2 == 0});
    auto first = history_->page("", 10);
    ASSERT_EQ(first.size(), 10u);
    EXPECT_EQ(first.front().domain, "pa.com");
    EXPECT_EQ(history_->page("pj.com", 100).size(), 15u);
    EXPECT_EQ(history_->page("", 100, {.suspicious = true}).size(), 13u);
    EXPECT_EQ(history_->page("", 100, {.watch = true}).size(), 5u);
    EXPECT_EQ(history_->page("", 100, {.suspicious = true, .watch = true}).size(), 3u);
    EXPECT_EQ(history_->page("", 100, {.contains = "pb"}).size(), 1u);
}

TEST_F(DiscoveredTest, ForgottenPartnerIsNoMore) {
    hear({.domain = "written.com"});
    history_->flush();
    hear({.domain = "unwritten.com"});
    EXPECT_TRUE(history_->forget("written.com"));
    EXPECT_TRUE(history_->forget("unwritten.com"));
    EXPECT_FALSE(history_->forget("never.com"));
    EXPECT_EQ(history_->count(), 0);
}

TEST_F(DiscoveredTest, VerdictTablesHearOfNewOnesAndOfFlags) {
    uint64_t begin = history_->next_change();
    hear({.domain = "a.com"});
    EXPECT_EQ(history_->next_change(), begin + 1);
    EXPECT_EQ(history_->change(begin), "a.com");
    hear({.domain = "a.com", .messages = 9});
    EXPECT_EQ(history_->next_change(), begin + 1) << "messages change no verdict";
    hear({.domain = "a.com", .suspicious = true});
    EXPECT_EQ(history_->next_change(), begin + 2);
    history_->forget("a.com");
    EXPECT_EQ(history_->next_change(), begin + 3);
}

TEST_F(DiscoveredTest, ChangesAreBounded) {
    for (size_t i = 0; i < DiscoveredHistory::kMostChanges + 10; i++) hear({.domain = "d" + std::to_string(i)});
    EXPECT_EQ(history_->next_change() - history_->first_change(), DiscoveredHistory::kMostChanges);
    EXPECT_EQ(history_->change(history_->first_change()), "d10");
}

TEST_F(DiscoveredTest, EveryHourThereIsAReport) {
    go(1);
    hear({.domain = "a.com", .messages = 5});
    hear({.domain = "b.com", .messages = 50, .limited = 7});
    hear({.domain = "c.com", .messages = 1, .contacts_refused = 3});
    go(3599);
    EXPECT_EQ(lines({"in the last 60 min"}), 0u);
    go(1);
    EXPECT_EQ(lines({"discovered partners in the last 60 min: 3: b.com (50 messages), a.com (5 messages), c.com"}), 1u);
    EXPECT_EQ(lines({"rate was limited in the last 60 min: 1: b.com (7 messages refused)"}), 1u);
    EXPECT_EQ(lines({"at the limit of contacts in the last 60 min: 1: c.com (3 messages refused)"}), 1u);
    go(3600);
    EXPECT_EQ(lines({"in the last 60 min"}), 3u) << "nothing happened, nothing is said";
}

TEST_F(DiscoveredTest, ReportNamesTheBusiestOnly) {
    go(1);
    for (uint32_t i = 0; i < 60; i++) hear({.domain = "d" + std::to_string(i) + ".com", .messages = i + 1});
    go(600, 10);
    EXPECT_EQ(lines({"in the last 10 min: 60: d59.com (60 messages), d58.com", "and 10 more"}), 1u);
}

TEST_F(DiscoveredTest, ClockThatIsSetBackStopsNothing) {
    go(1);
    hear({.domain = "a.com", .messages = 5});
    now_ -= 1'000'000;
    go(3601);
    EXPECT_EQ(lines({"in the last 60 min: 1: a.com"}), 1u);
    open();
    EXPECT_TRUE(history_->find("a.com"));
}

class DropAlarmTest : public testing::Test {
  protected:
    void run(uint64_t rate, int64_t seconds) {
        for (int64_t i = 0; i < seconds; i++) alarm_.on_tick(refused_ += rate, ++now_);
    }
    size_t count(const std::string& what) const {
        size_t n = 0;
        for (size_t at = 0; (at = lines_.str().find(what, at)) != std::string::npos; at++) n++;
        return n;
    }

    std::ostringstream lines_;
    Log log_{lines_, Severity::debug};
    DropAlarm alarm_{log_};
    uint64_t refused_ = 1000;
    int64_t now_ = 1'800'000'000;
};

TEST_F(DropAlarmTest, FourASecondAreNoAlarm) {
    run(4, 100);
    EXPECT_EQ(lines_.str(), "");
}

TEST_F(DropAlarmTest, FiveASecondAreAWarningOnce) {
    run(5, 100);
    EXPECT_EQ(count("5 messages of unknown domains"), 1u);
    EXPECT_EQ(count("warning"), 1u) << lines_.str();
}

TEST_F(DropAlarmTest, TenASecondAreAnErrorAndItEnds) {
    run(7, 30);
    run(10, 30);
    run(0, 30);
    EXPECT_EQ(count("7 messages of unknown domains"), 1u);
    EXPECT_EQ(count("10 messages of unknown domains"), 1u);
    EXPECT_EQ(count("error"), 1u) << lines_.str();
    EXPECT_EQ(count("few messages of unknown domains are refused now"), 1u);
}

TEST_F(DropAlarmTest, ShortBurstIsNoAlarm) {
    run(0, 9);
    run(40, 1);
    run(0, 20);
    EXPECT_EQ(lines_.str(), "");
}

TEST_F(DropAlarmTest, AnotherDataplaneCountsAnew) {
    run(1, 20);
    alarm_.on_tick(std::nullopt, ++now_);
    refused_ = 0;
    run(1, 40);
    refused_ = 0;
    run(4, 40);
    EXPECT_EQ(lines_.str(), "");
}

}  // namespace
}  // namespace fedge::control
