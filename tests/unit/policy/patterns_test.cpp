#include "dataplane/policy/patterns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <stdexcept>

namespace fedge::policy {
namespace {

struct Rule {
    std::string text;
    bool blocked = false;
};

// The text of the rule that decides; "-": none.
class Decider {
  public:
    explicit Decider(std::vector<Rule> rules) : rules_(std::move(rules)) {
        std::deque<std::string> expressions;
        std::vector<Patterns::Entry> entries;
        for (const Rule& rule : rules_)
            entries.push_back({rule.text, expressions.emplace_back(expression_of(rule.text)), rule.blocked});
        patterns_ = Patterns(entries);
        scratch_ = patterns_.make_scratch();
    }
    std::string operator()(std::string_view name) const {
        auto found = patterns_.match(name, scratch_.get());
        return found ? rules_[*found].text : "-";
    }

  private:
    std::vector<Rule> rules_;
    Patterns patterns_;
    Scratch scratch_;
};
std::string decided(const std::vector<Rule>& rules, std::string_view name) {
    return Decider(rules)(name);
}

TEST(Patterns, WhatWildcardsAndExpressionsFit) {
    struct Case {
        const char* pattern;
        const char* name;
        bool fits;
    };
    const Case cases[] = {
        {"*.example.net", "a.example.net", true},
        {"*.example.net", "a.b.example.net", true},
        {"*.example.net", "example.net", false},
        {"*.example.net", "aexample.net", false},
        {"*.example.net", "a.examplexnet", false},
        {"*.example.net", "a.example.net.evil.example", false},
        {"example-*.com", "example-7.com", true},
        {"example-*.com", "example-.com", true},
        {"example-*.com", "example-a.evil.com", false},
        {"example-*.com", "my.example-a.com", false},
        {"*corp.example", "mycorp.example", true},
        {"*corp.example", "a.mycorp.example", false},
        {"edge?.example", "edge1.example", true},
        {"edge?.example", "edge.example", false},
        {"edge?.example", "edge12.example", false},
        {"edge?example.com", "edge.example.com", false},
        {"EDGE?.Example", "edge1.example", true},
        {"/(sip|im)[0-9]+\\.example\\.net/", "sip12.example.net", true},
        {"/(sip|im)[0-9]+\\.example\\.net/", "sip.example.net", false},
        {"/(sip|im)[0-9]+\\.example\\.net/", "xsip12.example.net", false},
        {"/(sip|im)[0-9]+\\.example\\.net/", "sip12.example.net.evil.example", false},
        {"/a.example|b.example/", "b.example", true},
        {"/a.example|b.example/", "b.example.com", false},
        {"/a.example|b.example/", "xb.example", false},
        {"/UPPER\\.example/", "upper.example", true},
        {"/^edge[0-9]\\.example$/", "edge1.example", true},
        {"/^edge[0-9]\\.example$/", "xedge1.example", false},
        {"/[^a]b\\.example/", "cb.example", true},
        {"/[^a]b\\.example/", "b.example", false},  // the marks around a name are not part of it
        {"/b\\.example[^a]?/", "b.example", true},
        {"/.+/", "b.example", true},
        {"*.example", "example", false},
    };
    for (const Case& one : cases) {
        EXPECT_EQ(check_pattern(one.pattern), "") << one.pattern;
        EXPECT_EQ(decided({{one.pattern}}, one.name) == one.pattern, one.fits) << one.pattern << " " << one.name;
    }
}

TEST(Patterns, WhatIsRefusedAndWhy) {
    struct Case {
        std::string text;
        const char* why;
    };
    const Case cases[] = {
        {"", "is empty"},
        {"contoso.com", "enter it as a domain"},
        {"*", "fits every name"},
        {"*.*", "fits every name"},
        {"*..example", "empty label"},
        {"*.example.", "empty label"},
        {".*example", "empty label"},
        {"*.b\xc3\xbc"
         "cher.example",
         "printable ASCII"},
        {"*.a_b.example", "no domain name has"},
        {"*.example.com/x", "no domain name has"},
        {"/abc", "no slash ends"},
        {"//", "empty regular expression"},
        {"/(/", "no regular expression that can be used"},
        {"/a)|(b/", "no regular expression that can be used"},  // would escape from the anchors
        {"/abc\\/", "no regular expression that can be used"},
        {"/(a)\\1/", "no regular expression that can be used"},
        {"/(?=a)b/", "no regular expression that can be used"},
        {"/.*/", "no regular expression that can be used"},  // fits the empty name
        {"/^$/", "empty regular expression"},
        {"/^a\\.example$|^b\\.example$/", "leave ^ and $ out"},
        {"/a\\zb/", "leave ^ and $ out"},
        {"*." + std::string(kMaxPatternLength, 'a'), "more than 256"},
    };
    for (const Case& one : cases)
        EXPECT_NE(check_pattern(one.text).find(one.why), std::string::npos)
            << one.text << ": " << check_pattern(one.text);
}

TEST(Patterns, BlockWinsThenLiteralCharactersThenTheAlphabet) {
    EXPECT_EQ(decided({{"*.example.net"}, {"*.net", true}}, "a.example.net"), "*.net");
    EXPECT_EQ(decided({{"*.net"}, {"*.example.net"}}, "a.example.net"), "*.example.net");
    EXPECT_EQ(decided({{"a*.example"}, {"*b.example"}}, "ab.example"), "*b.example");
    EXPECT_EQ(decided({{"/[a-z]+\\.example\\.net/"}, {"*.net"}}, "a.example.net"), "/[a-z]+\\.example\\.net/");
}

TEST(Patterns, LiteralCharacters) {
    struct Case {
        const char* text;
        size_t count;
    };
    const Case cases[] = {
        {"*.example.net", 12}, {"edge?.example", 12}, {"/abc/", 3},         {"/ab?c/", 2},
        {"/ab*c/", 2},         {"/a[bcd]e/", 2},      {"/a(bcd|efg)h/", 2}, {"/a\\.b/", 3},
        {"/a\\db/", 2},        {"/abc|de/", 2},       {"/a{2,3}b/", 1},     {"/a\\(b/", 2},
    };
    for (const Case& one : cases) EXPECT_EQ(literal_characters(one.text), one.count) << one.text;
}

TEST(Patterns, OrderOfEntryNeverMatters) {
    std::mt19937 random(20130915);
    const char* parts[] = {"*.", "a", "b", "?", "*", "example", ".", "net", "-"};
    for (int round = 0; round < 12; round++) {
        std::vector<Rule> rules;
        while (rules.size() < 6) {
            std::string text;
            for (int i = 0; i < 5; i++) text += parts[random() % std::size(parts)];
            bool known = std::any_of(rules.begin(), rules.end(), [&](const Rule& r) { return r.text == text; });
            if (!known && check_pattern(text).empty()) rules.push_back({text, random() % 2 == 0});
        }
        std::vector<std::string> names;
        for (int i = 0; i < 20; i++) {
            std::string name;
            for (int k = 0; k < 4; k++) name += std::string(parts[random() % std::size(parts)]);
            std::replace(name.begin(), name.end(), '*', 'x');
            std::replace(name.begin(), name.end(), '?', 'y');
            names.push_back(name);
        }
        std::vector<Rule> shuffled = rules;
        std::shuffle(shuffled.begin(), shuffled.end(), random);
        Decider one(rules), other(shuffled);
        for (const std::string& name : names) EXPECT_EQ(one(name), other(name)) << name;
    }
}

TEST(Patterns, ThereMayBeAThousandAndNoMore) {
    std::deque<std::string> texts, expressions;
    std::vector<Patterns::Entry> entries;
    for (size_t i = 0; i < kMaxPatterns; i++) {
        texts.push_back("*.partner" + std::to_string(i) + ".example");
        entries.push_back({texts.back(), expressions.emplace_back(expression_of(texts.back())), false});
    }
    Patterns patterns(entries);
    Scratch scratch = patterns.make_scratch();
    EXPECT_EQ(patterns.match("sip.partner777.example", scratch.get()), 777u);
    EXPECT_FALSE(patterns.match("sip.partner1000.example", scratch.get()));
    entries.push_back({"*.more.example", "x", false});
    EXPECT_THROW(Patterns{entries}, std::runtime_error);
}

TEST(Patterns, WhatCannotBeLookedUpIsNotLetThrough) {
    std::vector<Patterns::Entry> entries{{"*.good.example", "\\.good\\.example>", false},
                                         {"*.bad.example", "\\.bad\\.example>", true}};
    EXPECT_EQ(Patterns(entries).match("a.good.example", nullptr), 1u);
    entries.pop_back();
    EXPECT_FALSE(Patterns(entries).match("a.good.example", nullptr));
}

TEST(Patterns, AnExpressionThatCannotBeUsedIsNamed) {
    std::vector<Patterns::Entry> entries{{"*.good.example", "<good>", false}, {"/bad(/", "bad(", false}};
    try {
        Patterns patterns(entries);
        FAIL();
    } catch (const std::runtime_error& e) {
        EXPECT_NE(std::string(e.what()).find("/bad(/"), std::string::npos) << e.what();
    }
}

}  // namespace
}  // namespace fedge::policy
