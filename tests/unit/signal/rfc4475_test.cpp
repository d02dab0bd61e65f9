// The messages of RFC 4475 through the proxy, from a remote user at a domain of ours: what becomes of each, however it
// was cut on its way.
#include "tests/support/sip_world.h"
#include "tests/unit/sip/rfc4475_verdicts.h"

namespace fedge::signal {
namespace {

using namespace test;

class Torture : public testing::Test {
  protected:
    Torture() : world_(plan()) { inside_ = &world_.inside(); }
    static SipWorld::Plan plan() {
        SipWorld::Plan out;
        out.domains = sip::torture_domains();
        return out;
    }

    // What becomes of `text`, which arrives in these pieces; `behind`: nothing else of it may be seen.
    std::string verdict(const std::vector<std::string_view>& pieces) {
        FakeStream& user = world_.client();
        for (std::string_view piece : pieces)
            if (!user.over()) user.send(bytes_of(piece));
        world_.turn();
        std::string out;
        auto add = [&](const std::string& word) { out += (out.empty() ? "" : ", ") + word; };
        for (SipText got = world_.next_request(*inside_); !got.start.empty(); got = world_.next_request(*inside_))
            add("relayed");
        for (SipText got = world_.next(user); !got.start.empty(); got = world_.next(user))
            add(std::to_string(got.status()));
        if (user.over()) add("closed");
        if (out.empty()) out = world_.proxy().connections().gathered() ? "waits" : "dropped";
        user.reset();
        return out;
    }

    SipWorld world_;
    FakeStream* inside_ = nullptr;
};
class Rfc4475Proxy : public Torture, public testing::WithParamInterface<sip::TortureVerdict> {};

TEST_P(Rfc4475Proxy, Whole) {
    std::string text = sip::torture_message(GetParam().name);
    EXPECT_EQ(verdict({text}), GetParam().verdict);
}

TEST_P(Rfc4475Proxy, CutAtEachByte) {
    const std::string text = sip::torture_message(GetParam().name);
    for (size_t cut = 1; cut < text.size(); cut++) {
        std::string_view all = text;
        ASSERT_EQ(verdict({all.substr(0, cut), all.substr(cut)}), GetParam().verdict) << "cut at " << cut;
    }
    EXPECT_EQ(world_.proxy().connections().gathered(), 0U) << "nothing is kept of who is gone";
}

TEST_P(Rfc4475Proxy, OneByteAtATime) {
    const std::string text = sip::torture_message(GetParam().name);
    std::vector<std::string_view> pieces;
    for (size_t i = 0; i < text.size(); i++) pieces.push_back(std::string_view(text).substr(i, 1));
    EXPECT_EQ(verdict(pieces), GetParam().verdict);
}

// Behind one that leaves the stream sound a good one is served as ever; behind the others nothing is.
TEST_P(Rfc4475Proxy, AMessageBehindIt) {
    const std::string text = sip::torture_message(GetParam().name);
    const std::string good = message_in("behind").set("From", "<sip:bob@example.com>;tag=1").text();
    std::string both = text + good;
    both.replace(text.size() + good.find("contoso.com"), 11, "example.com");
    std::string_view expected = GetParam().verdict;
    bool sound = expected != "waits" && expected.find("closed") == expected.npos;
    std::string got = verdict({both});
    auto relayed = [](std::string_view text) {
        size_t n = 0;
        for (size_t at = text.find("relayed"); at != text.npos; at = text.find("relayed", at + 1)) n++;
        return n;
    };
    EXPECT_EQ(relayed(got), relayed(expected) + sound) << got;
}

size_t body_size(const std::string& message) {
    return message.size() - message.find("\r\n\r\n") - 4;
}

// What waits for more is judged when it is there.
TEST_F(Torture, WhatWaitsIsJudgedWhenItIsWhole) {
    std::string more(9999, 'x');
    const std::string several = sip::torture_message("multi01"), large = sip::torture_message("clerr");
    EXPECT_EQ(verdict({several, "\r\n"}), "400");
    EXPECT_EQ(verdict({large, std::string_view(more).substr(0, 9000)}), "waits");
    EXPECT_EQ(verdict({large, std::string_view(more).substr(0, 9999 - body_size(large))}), "relayed");
}

INSTANTIATE_TEST_SUITE_P(All, Rfc4475Proxy, testing::ValuesIn(sip::kTortureVerdicts),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace fedge::signal
