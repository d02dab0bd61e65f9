// The limits of discovered partners, rule by rule, under virtual time.
#include "dataplane/policy/discovered_partners.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <thread>

namespace fedge::policy {
namespace {

class DiscoveredPartnersTest : public testing::Test {
  protected:
    void make(DiscoveredPartners::Room room) { partners_ = std::make_unique<DiscoveredPartners>(room, HashKey{}); }
    void SetUp() override { make({.partners = 64, .contacts = 8192}); }

    Admission admit(std::string_view domain, std::string_view user = "alice", bool was_suspicious = false) {
        return partners_->admit(domain, user, "example.org", was_suspicious, limits_, now_);
    }
    // So many messages in evenly spread moments of a time; how many were let through.
    int admitted(std::string_view domain, int messages, Duration time) {
        int count = 0;
        for (int i = 0; i < messages; i++, now_ += time / messages) count += admit(domain) == Admission::admitted;
        return count;
    }
    void finals(std::string_view domain, int of, int failed, uint16_t status = 404) {
        for (int i = 0; i < of; i++) partners_->on_final(domain, i < failed ? status : 200, limits_, now_);
    }
    bool throttled(std::string_view domain) {
        now_ += 2s;
        return admitted(domain, 20, 1s) < 20;
    }
    std::map<std::string, DiscoveredPartners::Report> reports(size_t most = 1000) {
        std::map<std::string, DiscoveredPartners::Report> out;
        partners_->take_reports(most, limits_, now_, [&](const auto& report) {
            EXPECT_TRUE(out.emplace(std::string(report.name()), report).second);
        });
        return out;
    }

    PartnerLimits limits_;
    std::unique_ptr<DiscoveredPartners> partners_;
    Instant now_{1h};
};

TEST_F(DiscoveredPartnersTest, TwentyMessagesASecondPass) {
    EXPECT_EQ(admitted("a.com", 20 * 60, 60s), 20 * 60);
}

TEST_F(DiscoveredPartnersTest, TwentyOneMessagesASecondAreThrottledToTwenty) {
    admitted("a.com", 21 * 60, 60s);  // the bucket of one second is empty by then
    EXPECT_EQ(admitted("a.com", 21 * 60, 60s), 20 * 60);
}

TEST_F(DiscoveredPartnersTest, BurstOfOneSecondPasses) {
    for (int i = 0; i < 20; i++) EXPECT_EQ(admit("a.com"), Admission::admitted);
    EXPECT_EQ(admit("a.com"), Admission::rate);
    now_ += 50ms;
    EXPECT_EQ(admit("a.com"), Admission::admitted);
    EXPECT_EQ(admit("a.com"), Admission::rate);
}

TEST_F(DiscoveredPartnersTest, PartnersDoNotShareTheirRates) {
    for (int i = 0; i < 20; i++) admit("a.com");
    EXPECT_EQ(admit("a.com"), Admission::rate);
    EXPECT_EQ(admit("b.com"), Admission::admitted);
}

TEST_F(DiscoveredPartnersTest, RateOfZeroIsNoLimit) {
    limits_.rate = 0;
    for (int i = 0; i < 1000; i++) ASSERT_EQ(admit("a.com"), Admission::admitted);
}

TEST_F(DiscoveredPartnersTest, SixtyPercentOf404AreThrottledToOneMessageASecond) {
    admit("a.com");
    finals("a.com", 20, 12);
    now_ += 1s;
    EXPECT_EQ(admitted("a.com", 300, 30s), 30);
}

struct Verdict {
    const char* what;
    int finals;
    int failed;
    uint16_t status;
    bool suspicious;
};
void PrintTo(const Verdict& v, std::ostream* out) {
    *out << v.what;
}
class SuspicionTest : public DiscoveredPartnersTest, public testing::WithParamInterface<Verdict> {};

TEST_P(SuspicionTest, FollowsFromOneWindow) {
    admit("a.com");
    finals("a.com", GetParam().finals, GetParam().failed, GetParam().status);
    EXPECT_EQ(throttled("a.com"), GetParam().suspicious);
}

INSTANTIATE_TEST_SUITE_P(Windows, SuspicionTest,
                         testing::Values(Verdict{"more than half of 404", 20, 11, 404, true},
                                         Verdict{"more than half of 403", 20, 11, 403, true},
                                         Verdict{"more than half of 480", 20, 11, 480, true},
                                         Verdict{"exactly half", 20, 10, 404, false},
                                         Verdict{"fewer than twenty finals", 19, 19, 404, false},
                                         Verdict{"half of many", 1000, 501, 404, true},
                                         Verdict{"failures of other kinds", 20, 20, 486, false},
                                         Verdict{"server failures", 20, 20, 503, false},
                                         Verdict{"all well", 200, 0, 404, false}));

TEST_F(DiscoveredPartnersTest, FinalsOfDifferentWindowsAreNotAddedUp) {
    admit("a.com");
    finals("a.com", 15, 15);
    now_ += 60s;
    finals("a.com", 15, 15);
    EXPECT_FALSE(throttled("a.com"));
}

TEST_F(DiscoveredPartnersTest, NormalAgainAfterTwoCleanWindows) {
    admit("a.com");
    finals("a.com", 20, 20);
    now_ += 60s;  // the window in which it happened is over
    EXPECT_TRUE(throttled("a.com"));
    now_ += 60s;  // one clean one
    EXPECT_TRUE(throttled("a.com"));
    now_ += 60s;
    EXPECT_FALSE(throttled("a.com"));
}

TEST_F(DiscoveredPartnersTest, BadWindowInBetweenStartsOver) {
    admit("a.com");
    finals("a.com", 20, 20);
    now_ += 61s;
    admit("a.com");
    now_ += 60s;
    finals("a.com", 20, 20);
    now_ += 60s;
    admit("a.com");
    now_ += 60s;
    EXPECT_TRUE(throttled("a.com"));
    now_ += 60s;
    EXPECT_FALSE(throttled("a.com"));
}

TEST_F(DiscoveredPartnersTest, WindowsWithoutAnythingAreClean) {
    admit("a.com");
    finals("a.com", 20, 20);
    now_ += 181s;
    EXPECT_FALSE(throttled("a.com"));
}

TEST_F(DiscoveredPartnersTest, SuspicionOutlivesARestart) {
    EXPECT_EQ(admit("a.com", "alice", true), Admission::admitted);
    EXPECT_EQ(admit("a.com", "alice", true), Admission::rate);
}

TEST_F(DiscoveredPartnersTest, LimitsAreSettings) {
    limits_ = {.rate = 5, .suspicious_rate = 2, .window = 10s, .window_finals = 4, .failed_percent = 25};
    EXPECT_EQ(admitted("a.com", 100, 10s), 50 + 4);
    finals("a.com", 4, 2);
    now_ += 1s;
    EXPECT_EQ(admitted("a.com", 50, 5s), 10 + 1);
}

TEST_F(DiscoveredPartnersTest, ThousandAndFirstUserIsRefusedAndTheOthersGoOn) {
    limits_.rate = 0;
    for (int i = 0; i < 1000; i++) ASSERT_EQ(admit("a.com", "user" + std::to_string(i)), Admission::admitted) << i;
    EXPECT_EQ(admit("a.com", "user1000"), Admission::contacts);
    for (int i = 0; i < 1000; i++) ASSERT_EQ(admit("a.com", "user" + std::to_string(i)), Admission::admitted) << i;
    EXPECT_EQ(admit("a.com", "user1001"), Admission::contacts);
    EXPECT_EQ(admit("b.com", "user1001"), Admission::admitted) << "each partner has its own";
    auto report = reports().at("a.com");
    EXPECT_EQ(report.contacts, 1000u);
    EXPECT_EQ(report.contacts_refused, 2u);
    EXPECT_EQ(report.messages, 2000u);
}

TEST_F(DiscoveredPartnersTest, UsersOfTwoDomainsOfOursAreTwo) {
    limits_.max_contacts = 1;
    EXPECT_EQ(partners_->admit("a.com", "alice", "x.org", false, limits_, now_), Admission::admitted);
    EXPECT_EQ(partners_->admit("a.com", "alice", "y.org", false, limits_, now_), Admission::contacts);
    EXPECT_EQ(partners_->admit("a.com", "alicex", ".org", false, limits_, now_), Admission::contacts);
}

TEST_F(DiscoveredPartnersTest, ContactsWithoutLimitAreNotKept) {
    limits_.max_contacts = 0;
    limits_.rate = 0;
    for (int i = 0; i < 5000; i++) ASSERT_EQ(admit("a.com", "user" + std::to_string(i)), Admission::admitted);
    EXPECT_EQ(reports().at("a.com").contacts, 0u);
}

TEST_F(DiscoveredPartnersTest, WhatTheRateRefusesTakesNoContact) {
    limits_ = {.rate = 1, .max_contacts = 2};
    EXPECT_EQ(admit("a.com", "one"), Admission::admitted);
    EXPECT_EQ(admit("a.com", "two"), Admission::rate);
    now_ += 1s;
    EXPECT_EQ(admit("a.com", "three"), Admission::admitted);
    now_ += 1s;
    EXPECT_EQ(admit("a.com", "two"), Admission::contacts);
}

TEST_F(DiscoveredPartnersTest, RoomForContactsIsBoundedOverAllPartners) {
    make({.partners = 64, .contacts = 256});  // four blocks of 64
    limits_.rate = 0;
    for (const char* domain : {"a.com", "b.com"})
        for (int i = 0; i < 128; i++) ASSERT_EQ(admit(domain, "user" + std::to_string(i)), Admission::admitted);
    EXPECT_EQ(admit("c.com", "user"), Admission::full);
    EXPECT_EQ(admit("a.com", "another"), Admission::full);
    EXPECT_EQ(admit("a.com", "user7"), Admission::admitted) << "known ones go on";
}

TEST_F(DiscoveredPartnersTest, RoomForPartnersIsBoundedAndTheQuietestMakesRoom) {
    make({.partners = 16, .contacts = 8192});
    int full = 0;
    for (int i = 0; i < 200; i++) full += admit("p" + std::to_string(i) + ".com") == Admission::full;
    EXPECT_GE(full, 200 - 32) << "there are twice as many places as partners";
    EXPECT_LT(full, 200 - 15);
    now_ += DiscoveredPartners::kQuiet - 1s;
    EXPECT_EQ(admit("p0.com"), Admission::admitted);
    now_ += 1s;
    for (int i = 1000; i < 1010; i++) EXPECT_EQ(admit("p" + std::to_string(i) + ".com"), Admission::admitted);
    for (int i = 0; i < 20; i++) EXPECT_EQ(admit("p0.com"), Admission::admitted);
    EXPECT_EQ(admit("p0.com"), Admission::rate) << "who was heard of keeps its place and its debts";
}

TEST_F(DiscoveredPartnersTest, WhoMadeRoomGivesItsContactsBack) {
    make({.partners = 16, .contacts = 64 * 32});
    limits_.rate = 0;
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 8; i++) {
            std::string domain = "r" + std::to_string(round) + "-" + std::to_string(i) + ".com";
            ASSERT_EQ(admit(domain), Admission::admitted) << round;
        }
        now_ += DiscoveredPartners::kQuiet;
    }
}

TEST_F(DiscoveredPartnersTest, ImpossibleNamesAreRefused) {
    EXPECT_EQ(admit(""), Admission::full);
    EXPECT_EQ(admit(std::string(256, 'a')), Admission::full);
    EXPECT_EQ(admit(std::string(255, 'a')), Admission::admitted);
    EXPECT_EQ(reports().begin()->first, std::string(255, 'a'));
}

TEST_F(DiscoveredPartnersTest, ResponsesToStrangersLeaveNothing) {
    finals("a.com", 100, 100);
    EXPECT_TRUE(reports().empty());
}

TEST_F(DiscoveredPartnersTest, ReportsSayWhatHappenedSinceTheLast) {
    for (int i = 0; i < 25; i++) admit("a.com");
    finals("a.com", 3, 1);
    admit("b.com");
    auto first = reports();
    EXPECT_EQ(first.size(), 2u);
    EXPECT_EQ(first["a.com"].messages, 20u);
    EXPECT_EQ(first["a.com"].limited, 5u);
    EXPECT_EQ(first["a.com"].finals, 3u);
    EXPECT_EQ(first["a.com"].failed, 1u);
    EXPECT_EQ(first["a.com"].contacts, 1u);
    EXPECT_FALSE(first["a.com"].suspicious);
    EXPECT_TRUE(reports().empty()) << "no news";
    finals("a.com", 30, 30);
    auto second = reports();
    EXPECT_EQ(second.size(), 1u);
    EXPECT_TRUE(second["a.com"].suspicious);
    EXPECT_EQ(second["a.com"].messages, 0u);
    now_ += 181s;
    EXPECT_FALSE(reports().at("a.com").suspicious) << "that it is over is news, too";
    EXPECT_TRUE(reports().empty());
}

TEST_F(DiscoveredPartnersTest, ReportsAreBoundedAndGoRound) {
    for (int i = 0; i < 50; i++) admit("p" + std::to_string(i) + ".com");
    std::map<std::string, DiscoveredPartners::Report> all;
    for (int i = 0; i < 5; i++) {
        auto some = reports(10);
        EXPECT_EQ(some.size(), 10u);
        all.merge(some);
    }
    EXPECT_EQ(all.size(), 50u);
    EXPECT_TRUE(reports().empty());
}

TEST_F(DiscoveredPartnersTest, LimitsHoldForAllCoresTogether) {
    make({.partners = 64, .contacts = 65536});
    limits_ = {.rate = 1000, .max_contacts = 500};
    constexpr int kCores = 4;
    std::array<int, kCores> admitted{};
    std::array<int, kCores> contacts{};
    std::vector<std::thread> cores;
    for (int core = 0; core < kCores; core++) {
        cores.emplace_back([&, core] {
            for (int i = 0; i < 2000; i++) {
                std::string user = "u" + std::to_string((i + core * 100) % 700);
                Admission a = partners_->admit("a.com", user, "x", false, limits_, now_);
                admitted[static_cast<size_t>(core)] += a == Admission::admitted;
                contacts[static_cast<size_t>(core)] += a == Admission::contacts;
                partners_->on_final("a.com", 200, limits_, now_);
                partners_->admit("other" + std::to_string(i % 30) + ".com", user, "x", false, limits_, now_);
            }
        });
    }
    uint64_t reported = 0;
    auto take = [&] {
        partners_->take_reports(100, limits_, now_, [&](const auto& r) {
            if (r.name() == "a.com") reported += r.messages;
        });
    };
    for (int i = 0; i < 200; i++) take();
    for (auto& core : cores) core.join();
    take();
    int all = admitted[0] + admitted[1] + admitted[2] + admitted[3];
    int refused = contacts[0] + contacts[1] + contacts[2] + contacts[3];
    EXPECT_LE(all + refused, 1000) << "what contacts refuse has passed the rate";
    EXPECT_GE(all + refused, 1000 - kCores * 8) << "but for lost races";
    EXPECT_EQ(reported, static_cast<uint64_t>(all));
    EXPECT_LE(reports().size(), 31u);
}

}  // namespace
}  // namespace fedge::policy
