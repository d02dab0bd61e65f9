#include "dataplane/contract/verdicts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "dataplane/contract/verdict_builder.h"

namespace fedge::contract {
namespace {

constexpr VerdictKey kKey{0x1234567890abcdef, 0xfedcba0987654321, 0x0f1e2d3c4b5a6978};

// A table with the memory it lies in.
class Table {
  public:
    explicit Table(const VerdictBuilder& builder) : bytes_(builder.build()), aligned_(bytes_.size() + 64) {
        auto at = reinterpret_cast<uintptr_t>(aligned_.data());
        uint8_t* begin = aligned_.data() + (64 - at % 64) % 64;
        std::copy(bytes_.begin(), bytes_.end(), begin);
        std::string error;
        table_ = VerdictTable::open({begin, bytes_.size()}, error);
        EXPECT_TRUE(table_) << error;
    }
    const VerdictTable* get() const { return &*table_; }
    const VerdictTable* operator->() const { return &*table_; }

  private:
    std::vector<uint8_t> bytes_;
    std::vector<uint8_t> aligned_;
    std::optional<VerdictTable> table_;
};

Table table(std::initializer_list<DomainEntry> entries) {
    VerdictBuilder builder(kKey);
    for (const auto& entry : entries) builder.add(entry);
    return Table(builder);
}

struct Case {
    const char* what;
    const char* name;
    Rule rule;
    const char* entry;
};

void PrintTo(const Case& c, std::ostream* out) {
    *out << c.what;
}

class VerdictOfDomain : public testing::TestWithParam<Case> {};

TEST_P(VerdictOfDomain, IsThatOfTheLongestSuffix) {
    Table base = table({{"contoso.com", Rule::allowed},
                        {"it.contoso.com", Rule::blocked},
                        {"lab.it.contoso.com", Rule::allowed},
                        {"com", Rule::blocked},
                        {"both.net", Rule::allowed},
                        {"both.net", Rule::blocked},
                        {"found.org", Rule::discovered},
                        {"sub.partner.org", Rule::discovered},
                        {"partner.org", Rule::allowed},
                        {"xn--bcher-kva.example", Rule::allowed}});
    DomainVerdict got = Verdicts(base.get(), nullptr).domain(GetParam().name);
    EXPECT_EQ(got.rule, GetParam().rule);
    EXPECT_EQ(got.entry, GetParam().entry);
}

INSTANTIATE_TEST_SUITE_P(
    Table, VerdictOfDomain,
    testing::Values(Case{"the name itself", "contoso.com", Rule::allowed, "contoso.com"},
                    Case{"a child", "hr.contoso.com", Rule::allowed, "contoso.com"},
                    Case{"a blocked child", "it.contoso.com", Rule::blocked, "it.contoso.com"},
                    Case{"below a blocked child", "a.b.it.contoso.com", Rule::blocked, "it.contoso.com"},
                    Case{"allowed below blocked below allowed", "x.lab.it.contoso.com", Rule::allowed,
                         "lab.it.contoso.com"},
                    Case{"only on label borders", "notcontoso.com", Rule::blocked, "com"},
                    Case{"a single label", "com", Rule::blocked, "com"},
                    Case{"block wins a tie", "both.net", Rule::blocked, "both.net"},
                    Case{"nothing known", "unknown.net", Rule::none, ""},
                    Case{"discovered", "found.org", Rule::discovered, "found.org"},
                    Case{"discovered is not for children", "a.found.org", Rule::none, ""},
                    Case{"allowed parent before discovered", "sub.partner.org", Rule::allowed, "partner.org"},
                    Case{"an A-label", "www.xn--bcher-kva.example", Rule::allowed, "xn--bcher-kva.example"},
                    Case{"a label border in the middle", "contoso.com.evil.net", Rule::none, ""},
                    Case{"empty", "", Rule::none, ""}, Case{"only dots", "....", Rule::none, ""},
                    Case{"dot in front", ".contoso.com", Rule::allowed, "contoso.com"},
                    Case{"dot at the end", "contoso.com.", Rule::none, ""}));

TEST(Verdicts, NothingIsKnownWithoutTables) {
    EXPECT_EQ(Verdicts().domain("a.com").rule, Rule::none);
    EXPECT_FALSE(Verdicts().user("a@a.com"));
}

TEST(Verdicts, EntryBringsItsProperties) {
    Table base = table({{"a.com", Rule::allowed, Verification::always_verifiable, Purpose::sip_domain, SrvMode::sips,
                         true, false, "edge.a.com"},
                        {"b.com", Rule::allowed, Verification::always_unverifiable, Purpose::client_strict,
                         SrvMode::microsoft, false, true, "edge.a.com"},
                        {"c.com", Rule::allowed}});
    Verdicts verdicts(base.get(), nullptr);
    DomainVerdict a = verdicts.domain("a.com");
    EXPECT_EQ(a.verification, Verification::always_verifiable);
    EXPECT_EQ(a.purpose, Purpose::sip_domain);
    EXPECT_EQ(a.srv_mode, SrvMode::sips);
    EXPECT_TRUE(a.monitored);
    EXPECT_FALSE(a.suspicious);
    EXPECT_EQ(a.via, "edge.a.com");
    DomainVerdict b = verdicts.domain("b.com");
    EXPECT_EQ(b.verification, Verification::always_unverifiable);
    EXPECT_EQ(b.purpose, Purpose::client_strict);
    EXPECT_EQ(b.srv_mode, SrvMode::microsoft);
    EXPECT_FALSE(b.monitored);
    EXPECT_TRUE(b.suspicious);
    EXPECT_EQ(b.via, "edge.a.com");
    DomainVerdict c = verdicts.domain("c.com");
    EXPECT_EQ(c.verification, Verification::use_source);
    EXPECT_EQ(c.purpose, Purpose::server_or_client);
    EXPECT_EQ(c.srv_mode, SrvMode::microsoft_then_sips);
    EXPECT_EQ(c.via, "");
}

TEST(Verdicts, UsersAreFoundByTheirWholeAddress) {
    VerdictBuilder builder(kKey);
    builder.add_user("alice@contoso.com", Access::federation | Access::xmpp);
    builder.add_user("bob@contoso.com", Access{});
    builder.add_user("carol@contoso.com", Access::outside);
    builder.add_user("carol@contoso.com", Access::public_im);
    Table base(builder);
    Verdicts verdicts(base.get(), nullptr);
    EXPECT_EQ(verdicts.user("alice@contoso.com"), Access::federation | Access::xmpp);
    EXPECT_EQ(verdicts.user("bob@contoso.com"), Access{});
    EXPECT_EQ(verdicts.user("carol@contoso.com"), Access::public_im) << "the last one counts";
    EXPECT_FALSE(verdicts.user("dave@contoso.com"));
    EXPECT_FALSE(verdicts.user("contoso.com"));
    EXPECT_EQ(verdicts.domain("alice@contoso.com").rule, Rule::none) << "a user is no domain";
    EXPECT_EQ(base->users(), 3U);
}

TEST(Verdicts, DeltaIsAskedFirst) {
    Table base = table({{"contoso.com", Rule::allowed},
                        {"it.contoso.com", Rule::blocked},
                        {"found.org", Rule::discovered},
                        {"gone.net", Rule::allowed}});
    VerdictBuilder changes(kKey);
    changes.add({"new.example", Rule::allowed});
    changes.add({"contoso.com", Rule::blocked});
    changes.remove("it.contoso.com");
    changes.remove("gone.net");
    changes.remove("found.org");
    changes.remove("never.was.there.at.all");
    Table delta(changes);
    Verdicts verdicts(base.get(), delta.get());
    EXPECT_EQ(verdicts.domain("a.new.example").rule, Rule::allowed);
    EXPECT_EQ(verdicts.domain("contoso.com").rule, Rule::blocked);
    DomainVerdict child = verdicts.domain("it.contoso.com");
    EXPECT_EQ(child.rule, Rule::blocked) << "the parent counts when the child is removed";
    EXPECT_EQ(child.entry, "contoso.com");
    EXPECT_EQ(verdicts.domain("gone.net").rule, Rule::none);
    EXPECT_EQ(verdicts.domain("found.org").rule, Rule::none);
    EXPECT_EQ(Verdicts(nullptr, delta.get()).domain("new.example").rule, Rule::allowed);
    EXPECT_EQ(delta->removed(), 4U);
}

TEST(Verdicts, DeltaRemovesUsersAndChangesThem) {
    VerdictBuilder builder(kKey);
    builder.add_user("alice@contoso.com", Access::federation);
    builder.add_user("bob@contoso.com", Access::federation);
    Table base(builder);
    VerdictBuilder changes(kKey);
    changes.remove("alice@contoso.com");
    changes.add_user("bob@contoso.com", Access::outside);
    Table delta(changes);
    Verdicts verdicts(base.get(), delta.get());
    EXPECT_FALSE(verdicts.user("alice@contoso.com"));
    EXPECT_EQ(verdicts.user("bob@contoso.com"), Access::outside);
}

TEST(Verdicts, DeltaEntryIsStrongerThanItsRemoval) {
    Table base = table({{"a.com", Rule::allowed}});
    VerdictBuilder changes(kKey);
    changes.remove("a.com");
    changes.add({"a.com", Rule::discovered});
    changes.remove("a.com");
    Table delta(changes);
    EXPECT_EQ(Verdicts(base.get(), delta.get()).domain("a.com").rule, Rule::discovered);
}

TEST(Verdicts, NamesOfEveryLengthAreFound) {
    VerdictBuilder builder(kKey);
    std::vector<std::string> names;
    for (size_t length = 1; length <= kMaxDomainEntry; length++) {
        std::string name;
        while (name.size() < length) name += name.size() % 10 == 9 && name.size() + 1 < length ? '.' : 'a';
        names.push_back(name);
        builder.add({names.back(), length % 2 ? Rule::allowed : Rule::blocked, Verification::use_source,
                     Purpose::server_or_client, SrvMode::microsoft_then_sips, false, false, names.back()});
    }
    Table base(builder);
    Verdicts verdicts(base.get(), nullptr);
    for (const auto& name : names) {
        DomainVerdict got = verdicts.domain(name);
        EXPECT_EQ(got.entry, name);
        EXPECT_EQ(got.via, name);
        EXPECT_EQ(got.rule, name.size() % 2 ? Rule::allowed : Rule::blocked);
    }
    EXPECT_EQ(verdicts.domain(std::string(kMaxDomainEntry - 1, 'b') + ".a").rule, Rule::none)
        << "longer than any entry";
}

TEST(Verdicts, DeepNamesAreFoundAndDeeperOnesFallBackToThem) {
    std::string deep = "a";
    while (deep.size() + 2 <= 254) deep += ".a";
    Table base = table({{deep, Rule::allowed}, {"a.a", Rule::blocked}});
    Verdicts verdicts(base.get(), nullptr);
    EXPECT_EQ(verdicts.domain(deep).entry, deep);
    EXPECT_EQ(verdicts.domain("b." + deep).entry, deep.size() + 2 <= kMaxDomainEntry ? deep : "");
    EXPECT_EQ(verdicts.domain("b.a.a").entry, "a.a");
}

TEST(VerdictBuilder, RefusesNamesThatNoLookUpCouldFind) {
    VerdictBuilder builder(kKey);
    EXPECT_THROW(builder.add({"", Rule::allowed}), std::invalid_argument);
    EXPECT_THROW(builder.add({std::string(kMaxDomainEntry + 1, 'a'), Rule::allowed}), std::invalid_argument);
    EXPECT_THROW(builder.add({"a..b", Rule::allowed}), std::invalid_argument);
    EXPECT_THROW(builder.add({".a", Rule::allowed}), std::invalid_argument);
    EXPECT_THROW(builder.add({"a.", Rule::allowed}), std::invalid_argument);
    EXPECT_THROW(builder.add({"a@b", Rule::allowed}), std::invalid_argument);
    EXPECT_THROW(builder.add({"a.b", Rule::none}), std::invalid_argument);
    EXPECT_THROW(builder.add_user("a.b", Access{}), std::invalid_argument);
    EXPECT_THROW(builder.add_user(std::string(kMaxUserEntry, 'a') + "@b", Access{}), std::invalid_argument);
    EXPECT_EQ(builder.size(), 0U);
}

// What the contract says, without a table: for comparison.
class Model {
  public:
    void set(const std::string& name, Rule rule) { rules_[name] = std::max(rules_[name], rule, weaker); }
    void remove(const std::string& name) { rules_.erase(name); }
    void replace(const std::string& name, Rule rule) { rules_[name] = rule; }
    std::pair<Rule, std::string> domain(const std::string& name) const {
        for (size_t at = 0; at != std::string::npos;) {
            auto found = rules_.find(name.substr(at));
            if (found != rules_.end() && (found->second == Rule::allowed || found->second == Rule::blocked))
                return {found->second, found->first};
            size_t dot = name.find('.', at);
            at = dot == std::string::npos ? dot : dot + 1;
        }
        auto found = rules_.find(name);
        if (found != rules_.end()) return {found->second, found->first};
        return {Rule::none, ""};
    }
    const std::map<std::string, Rule>& rules() const { return rules_; }

  private:
    static bool weaker(Rule a, Rule b) {
        auto strength = [](Rule r) { return r == Rule::blocked ? 3 : r == Rule::allowed ? 2 : r == Rule::discovered; };
        return strength(a) < strength(b);
    }
    std::map<std::string, Rule> rules_;
};

std::string random_name(std::mt19937& random) {
    std::string out;
    for (unsigned labels = 1 + random() % 4; labels-- > 0;) {
        if (!out.empty()) out += '.';
        for (unsigned length = 1 + random() % 2; length-- > 0;) out += static_cast<char>('a' + random() % 4);
    }
    return out;
}

Rule random_rule(std::mt19937& random) {
    return static_cast<Rule>(1 + random() % 3);
}

class VerdictsAtRandom : public testing::TestWithParam<unsigned> {};

TEST_P(VerdictsAtRandom, AgreeWithTheModelInAnyOrderOfEntries) {
    std::mt19937 random(GetParam());
    Model model;
    std::vector<std::pair<std::string, Rule>> entries(random() % 400);
    for (auto& [name, rule] : entries) {
        name = random_name(random);
        rule = random_rule(random);
        model.set(name, rule);
    }
    VerdictBuilder first(kKey), second({random(), random(), random()});
    for (const auto& [name, rule] : entries) first.add({name, rule});
    std::shuffle(entries.begin(), entries.end(), random);
    for (const auto& [name, rule] : entries) second.add({name, rule});
    Table a(first), b(second);
    EXPECT_EQ(a->domains(), model.rules().size());
    for (int i = 0; i < 2000; i++) {
        std::string name = random_name(random);
        auto [rule, entry] = model.domain(name);
        for (const Table* t : {&a, &b}) {
            DomainVerdict got = Verdicts(t->get(), nullptr).domain(name);
            ASSERT_EQ(got.rule, rule) << name;
            ASSERT_EQ(got.entry, entry) << name;
        }
    }
}

TEST_P(VerdictsAtRandom, BaseWithDeltaIsAsATableOfWhatIsThen) {
    std::mt19937 random(GetParam());
    Model model;
    VerdictBuilder before(kKey);
    for (unsigned n = random() % 300; n-- > 0;) {
        std::string name = random_name(random);
        if (model.rules().contains(name)) continue;
        Rule rule = random_rule(random);
        model.replace(name, rule);
        before.add({name, rule});
    }
    VerdictBuilder changes(kKey);
    std::set<std::string> changed;
    for (unsigned n = random() % 100; n-- > 0;) {
        std::string name = random_name(random);
        if (!changed.insert(name).second) continue;
        if (random() % 2) {
            model.remove(name);
            changes.remove(name);
        } else {
            Rule rule = random_rule(random);
            model.replace(name, rule);
            changes.add({name, rule});
        }
    }
    Table base(before), delta(changes);
    Verdicts verdicts(base.get(), delta.get());
    for (int i = 0; i < 2000; i++) {
        std::string name = random_name(random);
        auto [rule, entry] = model.domain(name);
        DomainVerdict got = verdicts.domain(name);
        ASSERT_EQ(got.rule, rule) << name;
        ASSERT_EQ(got.entry, entry) << name;
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, VerdictsAtRandom, testing::Range(1U, 41U));

TEST(VerdictTable, LargeTablesTakeAtMost128BytesPerDomain) {
    VerdictBuilder builder(kKey);
    constexpr size_t kDomains = 100'000;
    for (size_t i = 0; i < kDomains; i++) {
        std::string name = "partner-" + std::to_string(i * 7919) + ".example.com";
        builder.add({name, Rule::allowed});
    }
    EXPECT_LE(builder.build().size(), kDomains * 128);
}

}  // namespace
}  // namespace fedge::contract
