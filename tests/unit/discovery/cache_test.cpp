#include "control/discovery/cache.h"

#include <gtest/gtest.h>

namespace fedge::control::discovery {
namespace {

using namespace std::chrono_literals;

Query named(const std::string& name) {
    Query query;
    query.domain = name;
    return query;
}

class CacheTest : public testing::Test {
  protected:
    void put(const std::string& name, Outcome outcome) {
        Entry& entry = cache_.put(named(name));
        entry.known = true;
        entry.route.outcome = outcome;
        cache_.settle(named(name));
    }
    bool has(const std::string& name) { return cache_.peek(named(name)) != nullptr; }
    Cache cache_;
};

TEST_F(CacheTest, NamesThatDoNotExistDoNotPutOutPartners) {
    cache_.resize(100);
    for (int i = 0; i < 60; i++) put("partner" + std::to_string(i), Outcome::found);
    for (int i = 0; i < 1000; i++) put("junk" + std::to_string(i), Outcome::not_found);
    for (int i = 0; i < 60; i++) EXPECT_TRUE(has("partner" + std::to_string(i))) << i;
    EXPECT_EQ(cache_.size(), 100U);
    EXPECT_TRUE(has("junk999"));
    EXPECT_EQ(cache_.evicted(), 960U);
}

TEST_F(CacheTest, AbsencesTakeHalfAtMost) {
    cache_.resize(100);
    for (int i = 0; i < 1000; i++) put("junk" + std::to_string(i), Outcome::failed);
    EXPECT_EQ(cache_.size(), 50U);
    for (int i = 0; i < 1000; i++) put("partner" + std::to_string(i), Outcome::found);
    EXPECT_EQ(cache_.size(), 100U);
}

TEST_F(CacheTest, TheLeastRecentlyUsedGoes) {
    cache_.resize(4);
    for (const char* name : {"a", "b", "c", "d"}) put(name, Outcome::found);
    EXPECT_TRUE(cache_.find(named("a")));
    put("e", Outcome::found);
    EXPECT_TRUE(has("a"));
    EXPECT_FALSE(has("b"));
    cache_.resize(2);
    EXPECT_TRUE(has("a"));
    EXPECT_TRUE(has("e"));
    EXPECT_EQ(cache_.size(), 2U);
}

TEST_F(CacheTest, RefreshesComeInOrderOnceAndGoWithTheirEntry) {
    cache_.resize(100);
    for (const char* name : {"a", "b", "c"}) put(name, Outcome::found);
    Time now{1h};
    cache_.refresh_at(named("a"), now + 10s);
    cache_.refresh_at(named("b"), now + 5s);
    cache_.refresh_at(named("c"), now + 7s);
    cache_.refresh_at(named("a"), now + 1s);  // in place of 10 s
    cache_.refresh_at(named("nobody"), now);
    EXPECT_FALSE(cache_.take_due(now));
    EXPECT_EQ(cache_.take_due(now + 20s)->domain, "a");
    EXPECT_EQ(cache_.take_due(now + 20s)->domain, "b");
    EXPECT_EQ(cache_.take_due(now + 20s)->domain, "c");
    EXPECT_FALSE(cache_.take_due(now + 20s));
    cache_.refresh_at(named("a"), now);
    for (int i = 0; i < 200; i++) put("other" + std::to_string(i), Outcome::found);
    EXPECT_FALSE(has("a"));
    EXPECT_FALSE(cache_.take_due(now + 20s));
}

TEST_F(CacheTest, WalksInPages) {
    cache_.resize(100);
    for (const char* name : {"c", "a", "b"}) put(name, Outcome::found);
    std::string seen;
    auto visit = [&](const Query& query, const Entry&) {
        seen += query.domain;
        return seen.size() < 2;
    };
    cache_.walk(nullptr, visit);
    EXPECT_EQ(seen, "ab");
    Query after = named("b");
    cache_.walk(&after, visit);
    EXPECT_EQ(seen, "abc");
}

}  // namespace
}  // namespace fedge::control::discovery
