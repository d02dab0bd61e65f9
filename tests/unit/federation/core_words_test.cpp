// What cores say of a name, compared with what the store has.
#include "control/federation/core_words.h"

#include <gtest/gtest.h>

#include "dataplane/contract/verdict_builder.h"
#include "message_generated.h"

namespace fedge::control {
namespace {

const TableWord kNothing;
const TableWord kFound{"discovered", "partner.example", "", {}};
const TableWord kAllowed{"allowed", "partner.example", "", {}};
const TableWord kVia{"allowed", "partner.example", "sip.partner.example", {}};
const TableWord kBlocked{"blocked", "partner.example", "", {}};
const TableWord kPolicy{"user", "", "", contract::Access::federation};
const TableWord kOther{"user", "", "", contract::Access::outside};

TEST(CoreWords, AreTheSameWhereTheVerdictIs) {
    const TableWord all[] = {kNothing, kAllowed, kVia, kBlocked, kPolicy, kOther};
    for (const TableWord& a : all)
        for (const TableWord& b : all) EXPECT_EQ(a.same(b), &a == &b) << a.text() << ", " << b.text();
    EXPECT_TRUE(kFound.same(kNothing)) << "discovery decides, whoever was found before";
    EXPECT_FALSE(kFound.same(kAllowed));
}

TEST(CoreWords, OfATableAreThoseOfACore) {
    contract::VerdictBuilder builder({1, 2, 3});
    builder.add({.name = "partner.example", .rule = contract::Rule::allowed, .via = "sip.partner.example"});
    builder.add({.name = "evil.example", .rule = contract::Rule::blocked});
    builder.add({.name = "met.example", .rule = contract::Rule::discovered});
    builder.add_user("alice@local.example", contract::Access::federation);
    auto bytes = builder.build();
    std::string error;
    auto table = contract::VerdictTable::open(bytes, error);
    ASSERT_TRUE(table) << error;
    contract::Verdicts verdicts(&*table, nullptr);
    EXPECT_EQ(word_of(verdicts, "it.partner.example").text(), "allow domain partner.example via sip.partner.example");
    EXPECT_EQ(word_of(verdicts, "evil.example").text(), "block domain evil.example");
    EXPECT_EQ(word_of(verdicts, "met.example").text(), "no entry, discovered before");
    EXPECT_EQ(word_of(verdicts, "it.met.example").text(), "no entry");
    EXPECT_TRUE(word_of(verdicts, "alice@local.example").same(kPolicy));
    EXPECT_TRUE(word_of(verdicts, "bob@local.example").same(kNothing));
}

TEST(CoreWords, ComeFromTheContract) {
    flatbuffers::FlatBufferBuilder b;
    std::vector<flatbuffers::Offset<contract::LookupRow>> rows{
        contract::CreateLookupRowDirect(b, 0, 7, 1, 2, "allowed", "partner.example", "sip.partner.example"),
        contract::CreateLookupRowDirect(b, 1, 6, 1, 0, "user", nullptr, nullptr, contract::Access::outside)};
    b.Finish(contract::CreateLookedUpDirect(b, 1, &rows));
    auto words = core_words(*flatbuffers::GetRoot<contract::LookedUp>(b.GetBufferPointer()));
    ASSERT_EQ(words.size(), 2U);
    EXPECT_EQ(words[0].revision, 7U);
    EXPECT_TRUE(words[0].word.same(kVia));
    EXPECT_EQ(words[1].core, 1);
    EXPECT_TRUE(words[1].word.same(kOther));
}

TEST(CoreWords, AreToldAndWhyTheyDiffer) {
    struct Case {
        const char* what;
        std::vector<CoreWord> cores;
        CoreState state;
        bool agree;
        const char* words;
    };
    const Case cases[] = {
        {"one core",
         {{0, 7, kAllowed}},
         {7, false, true},
         true,
         "the core says the same: allow domain partner.example"},
        {"all cores",
         {{0, 7, kAllowed}, {1, 7, kAllowed}},
         {7, false, true},
         true,
         "all 2 cores say the same: allow domain partner.example"},
        {"candidate",
         {{0, 7, kNothing}},
         {7, true, true},
         false,
         "core 0 has no entry and not allow domain partner.example: what is explained is the candidate, which is not "
         "committed"},
        {"one core lags",
         {{0, 7, kAllowed}, {1, 6, kBlocked}},
         {7, false, false},
         false,
         "core 1 has block domain partner.example and not allow domain partner.example: revision 7 is not on this core "
         "yet, which runs on 6"},
        {"the table is being built",
         {{0, 7, kNothing}},
         {7, false, false},
         false,
         "core 0 has no entry and not allow domain partner.example: the table with it is on its way to the cores"},
        {"never",
         {{0, 7, kBlocked}},
         {7, false, true},
         false,
         "core 0 has block domain partner.example and not allow domain partner.example: that should not be: restart "
         "fedge-control, and report it"},
    };
    for (const Case& one : cases) {
        api::Json json = core_words_json("partner.example", kAllowed, one.cores, one.state);
        EXPECT_EQ(json["agree"], one.agree) << one.what;
        EXPECT_EQ(json["words"], one.words) << one.what;
        EXPECT_EQ(json["rows"].size(), one.cores.size()) << one.what;
    }
}

}  // namespace
}  // namespace fedge::control
