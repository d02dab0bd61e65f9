// Tables that follow a source: whatever changes in whatever order, what is published says what the source says.
#include "control/publish/verdict_publisher.h"

#include <gtest/gtest.h>

#include <random>
#include <sstream>
#include <thread>

#include "dataplane/contract/verdict_memory.h"

namespace fedge::control {
namespace {

using contract::Access;
using contract::Rule;

// A source with all of its history.
class Names final : public VerdictSource {
  public:
    void set(const std::string& name, Rule rule) {
        NamedVerdict verdict;
        verdict.name = name;
        verdict.rule = rule;
        put(verdict);
    }
    void set_user(const std::string& name, Access access) {
        NamedVerdict verdict;
        verdict.name = name;
        verdict.user = true;
        verdict.rule = Rule::allowed;
        verdict.access = access;
        put(verdict);
    }
    void remove(const std::string& name) { set(name, Rule::none); }
    const std::map<std::string, NamedVerdict>& known() const { return known_; }

    Moment now() override { return {static_cast<int64_t>(history_.size()), 0}; }
    bool changes(const Moment& then, size_t most, const Each& each) override {
        asked_changes++;
        size_t given = 0;
        for (auto i = static_cast<size_t>(then.revision); i < history_.size(); i++) {
            if (++given > most) return false;
            each(known_.at(history_[i]));
        }
        return true;
    }
    void begin() override { at_.clear(); }
    bool next(size_t rows, const Each& each) override {
        auto next = known_.upper_bound(at_);
        for (; rows > 0 && next != known_.end(); ++next) {
            at_ = next->first;
            if (next->second.rule == Rule::none) continue;
            each(next->second);
            rows--;
        }
        return next != known_.end();
    }
    int asked_changes = 0;

  private:
    void put(const NamedVerdict& verdict) {
        known_[verdict.name] = verdict;
        history_.push_back(verdict.name);
    }

    std::map<std::string, NamedVerdict> known_;  // with those that are gone
    std::vector<std::string> history_;
    std::string at_;
};

// Tables as a dataplane has them.
struct Published {
    explicit Published(const PublishedTables& tables) {
        std::string error;
        if (tables.base) base = contract::VerdictMemory::map(*tables.base_memory, error);
        if (tables.delta) delta = contract::VerdictMemory::map(*tables.delta_memory, error);
        EXPECT_EQ(error, "");
        if (base && delta) {
            EXPECT_EQ(base->table().key(), delta->table().key());
        }
    }
    contract::Verdicts view() const { return {base ? &base->table() : nullptr, delta ? &delta->table() : nullptr}; }
    std::shared_ptr<const contract::VerdictMemory> base, delta;
};

class VerdictPublisherTest : public testing::Test {
  protected:
    static constexpr VerdictPublisher::Limits kLimits{.delta = 4, .delta_share = 4, .delta_most = 16, .slice = 3};

    // Works until a new base is there, or nothing is left to do.
    void finish() {
        while (publisher_.building()) {
            if (!publisher_.work()) std::this_thread::yield();
        }
    }
    void expect_same() {
        Published published(publisher_.tables());
        for (const auto& [name, verdict] : names_.known()) {
            if (verdict.user) {
                auto access = published.view().user(name);
                EXPECT_EQ(access.has_value(), verdict.rule != Rule::none) << name;
                if (access) {
                    EXPECT_EQ(*access, verdict.access) << name;
                }
            } else {
                EXPECT_EQ(published.view().domain(name).rule, verdict.rule) << name;
            }
        }
    }
    static std::string name(int i) { return "d" + std::to_string(i); }

    std::ostringstream lines_;
    Log log_{lines_, Severity::debug};
    Names names_;
    uint64_t keys_ = 0;
    VerdictPublisher publisher_{names_, [this] { return contract::VerdictKey{++keys_, 2, 3}; }, log_, kLimits};
};

TEST_F(VerdictPublisherTest, NothingKnownTakesNoTables) {
    EXPECT_TRUE(publisher_.update());
    EXPECT_EQ(publisher_.tables().base, 0u);
    EXPECT_EQ(publisher_.tables().delta, 0u);
}

TEST_F(VerdictPublisherTest, FewEntriesAreADelta) {
    names_.set("a.com", Rule::allowed);
    names_.set_user("alice@x", Access::federation);
    ASSERT_TRUE(publisher_.update());
    EXPECT_EQ(publisher_.tables().base, 0u);
    EXPECT_NE(publisher_.tables().delta, 0u);
    expect_same();
}

TEST_F(VerdictPublisherTest, WithoutChangesTablesStay) {
    names_.set("a.com", Rule::allowed);
    ASSERT_TRUE(publisher_.update());
    uint64_t delta = publisher_.tables().delta;
    ASSERT_TRUE(publisher_.update());
    EXPECT_EQ(publisher_.tables().delta, delta);
    EXPECT_EQ(names_.asked_changes, 1);
}

TEST_F(VerdictPublisherTest, BaseIsBuiltBesidesWhenTheDeltaGrows) {
    for (int i = 0; i < 6; i++) names_.set(name(i), Rule::allowed);
    ASSERT_TRUE(publisher_.update()) << "the delta serves while the base is built";
    EXPECT_TRUE(publisher_.building());
    expect_same();
    EXPECT_EQ(publisher_.tables().base, 0u);
    names_.set(name(1), Rule::blocked);
    ASSERT_TRUE(publisher_.update());
    expect_same();
    EXPECT_TRUE(publisher_.work()) << "rows are read in slices";
    names_.remove(name(0));
    names_.set(name(9), Rule::discovered);
    finish();
    EXPECT_TRUE(publisher_.renewed());
    EXPECT_EQ(publisher_.tables().base, 0u) << "until the next update";
    ASSERT_TRUE(publisher_.update());
    EXPECT_FALSE(publisher_.renewed());
    EXPECT_NE(publisher_.tables().base, 0u);
    EXPECT_EQ(publisher_.changes(), 3u) << "what changed while it was built";
    expect_same();
}

// A change that is too large to be read in one go waits for a base, though a delta had room for it.
TEST_F(VerdictPublisherTest, ALargeChangeIsReadInSlices) {
    VerdictPublisher::Limits limits{.delta = 64, .delta_most = 64, .slice = 3, .at_once = 8};
    VerdictPublisher publisher(
        names_,
        [this] {
            return contract::VerdictKey{++keys_, 2, 3};
        },
        log_, limits);
    for (int i = 0; i < 8; i++) names_.set(name(i), Rule::allowed);
    ASSERT_TRUE(publisher.update());
    EXPECT_FALSE(publisher.building());
    for (int i = 0; i < 9; i++) names_.set(name(i), Rule::blocked);
    ASSERT_FALSE(publisher.update());
    EXPECT_TRUE(publisher.building());
    EXPECT_EQ(Published(publisher.tables()).view().domain(name(3)).rule, Rule::allowed) << "as it was";
    while (publisher.building()) {
        if (!publisher.work()) std::this_thread::yield();
    }
    ASSERT_TRUE(publisher.update());
    for (int i = 0; i < 9; i++) EXPECT_EQ(Published(publisher.tables()).view().domain(name(i)).rule, Rule::blocked);
}

TEST_F(VerdictPublisherTest, OneChangeDoesNotTouchTheBase) {
    for (int i = 0; i < 6; i++) names_.set(name(i), Rule::allowed);
    publisher_.update();
    finish();
    ASSERT_TRUE(publisher_.update());
    EXPECT_EQ(publisher_.tables().delta, 0u) << "the base has all";
    uint64_t base = publisher_.tables().base;
    names_.set(name(3), Rule::blocked);
    ASSERT_TRUE(publisher_.update());
    EXPECT_EQ(publisher_.tables().base, base);
    EXPECT_NE(publisher_.tables().delta, 0u);
    EXPECT_FALSE(publisher_.building());
    expect_same();
}

TEST_F(VerdictPublisherTest, ImportThatNoDeltaTakesWaitsForItsBase) {
    for (int i = 0; i < 100; i++) names_.set(name(i), Rule::allowed);
    EXPECT_FALSE(publisher_.update());
    EXPECT_FALSE(publisher_.update()) << "and does not start over";
    finish();
    ASSERT_TRUE(publisher_.update());
    EXPECT_EQ(publisher_.tables().delta, 0u);
    expect_same();
}

TEST_F(VerdictPublisherTest, SecondImportWhileTheBaseIsBuiltTakesAnotherBase) {
    for (int i = 0; i < 100; i++) names_.set(name(i), Rule::allowed);
    EXPECT_FALSE(publisher_.update());
    EXPECT_TRUE(publisher_.work());
    for (int i = 0; i < 100; i++) names_.set(name(i), Rule::blocked);
    EXPECT_FALSE(publisher_.update());
    finish();
    EXPECT_FALSE(publisher_.update());
    finish();
    ASSERT_TRUE(publisher_.update());
    expect_same();
}

TEST_F(VerdictPublisherTest, NumbersAreNeverUsedTwice) {
    std::set<uint64_t> ids;
    for (int i = 0; i < 50; i++) {
        names_.set(name(i), Rule::allowed);
        while (!publisher_.update()) finish();
        if (publisher_.tables().delta) {
            EXPECT_TRUE(ids.insert(publisher_.tables().delta).second);
        }
        finish();
        ids.insert(publisher_.tables().base);
    }
    EXPECT_FALSE(ids.contains(publisher_.tables().delta + 1));
}

TEST_F(VerdictPublisherTest, NameThatNoTableTakesIsLeftOutAndLogged) {
    names_.set("bad..name", Rule::allowed);
    names_.set("good.name", Rule::allowed);
    ASSERT_TRUE(publisher_.update());
    EXPECT_EQ(Published(publisher_.tables()).view().domain("good.name").rule, Rule::allowed);
    EXPECT_NE(lines_.str().find("bad..name cannot be published"), std::string::npos);
}

class VerdictPublisherAtRandom : public VerdictPublisherTest, public testing::WithParamInterface<unsigned> {};

TEST_P(VerdictPublisherAtRandom, FollowsItsSource) {
    std::mt19937 random(GetParam());
    for (int round = 0; round < 300; round++) {
        for (unsigned n = random() % (random() % 10 ? 3 : 40); n-- > 0;) {
            int i = static_cast<int>(random() % 60);
            if (i < 50) {
                names_.set(name(i), static_cast<Rule>(random() % 4));
            } else if (random() % 3) {
                names_.set_user("u" + std::to_string(i) + "@x", static_cast<Access>(random() % 32));
            } else {
                names_.remove(name(i));
            }
        }
        for (unsigned n = random() % 20; n-- > 0;) publisher_.work();
        if (publisher_.update()) expect_same();
        if (random() % 5 == 0) finish();
    }
    while (!publisher_.update()) finish();
    expect_same();
}

INSTANTIATE_TEST_SUITE_P(Seeds, VerdictPublisherAtRandom, testing::Range(1U, 21U));

}  // namespace
}  // namespace fedge::control
