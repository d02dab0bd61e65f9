#include "dataplane/sip/flow_token.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/sip/requests.h"

namespace fedge::sip {
namespace {

constexpr uint64_t kNow = 1'800'000'000;

FlowTokenSettings settings(uint8_t first_key, int keys = 1) {
    FlowTokenSettings s;
    for (int i = 0; i < keys; i++) {
        s.keys.emplace_back();
        s.keys.back().fill(static_cast<uint8_t>(first_key - i));
    }
    s.hash_key.fill(9);
    s.via_lifetime_s = 100;
    s.dialog_lifetime_s = 1000;
    s.path_lifetime_s = 500;
    return s;
}

const Flow kFlow{.node = 3,
                 .core = 7,
                 .side = Side::inside,
                 .connection = 70000,
                 .generation = 0xfffffffe,
                 .peer = 0x0123456789abcdef};

TEST(SipFlowToken, ComesBackAsItWas) {
    FlowTokens tokens{settings(1)};
    for (TokenUse use : {TokenUse::via, TokenUse::record_route, TokenUse::path}) {
        for (Side side : {Side::outside, Side::inside}) {
            Flow flow = kFlow;
            flow.side = side;
            auto token = tokens.issue(use, flow, "context", kNow);
            auto opened = tokens.open(use, view(token), "context", kNow);
            EXPECT_EQ(opened.verdict, TokenVerdict::good);
            EXPECT_EQ(opened.flow, flow);
            const std::string text = "sip:" + std::string{view(token)} + "@edge.example:5061;lr";
            auto uri = Uri::parse(text);
            ASSERT_TRUE(uri) << "a token is a user part";
            EXPECT_EQ(uri->user, view(token));
        }
    }
}

TEST(SipFlowToken, EveryChangedBitIsForged) {
    FlowTokens tokens{settings(1)};
    const auto token = tokens.issue(TokenUse::via, kFlow, "context", kNow);
    for (size_t at = 0; at < token.size(); at++) {
        for (int bit = 0; bit < 8; bit++) {
            auto changed = token;
            changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
            EXPECT_EQ(tokens.open(TokenUse::via, view(changed), "context", kNow).verdict, TokenVerdict::forged)
                << view(token) << "\n"
                << view(changed);
        }
    }
    std::string text{view(token)};
    for (const std::string& other : {text.substr(1), text + "A", std::string{}, std::string(48, 'A'), text + "="})
        EXPECT_EQ(tokens.open(TokenUse::via, other, "context", kNow).verdict, TokenVerdict::forged);
    EXPECT_EQ(tokens.open(TokenUse::record_route, text, "context", kNow).verdict, TokenVerdict::forged);
    EXPECT_EQ(tokens.open(TokenUse::path, text, "context", kNow).verdict, TokenVerdict::forged);
    for (const char* context : {"", "contexT", "context ", "contex"})
        EXPECT_EQ(tokens.open(TokenUse::via, text, context, kNow).verdict, TokenVerdict::forged) << context;
}

TEST(SipFlowToken, KeysRotate) {
    FlowTokens old_tokens{settings(5)}, rotated{settings(6, 2)}, later{settings(7, 2)};
    auto token = old_tokens.issue(TokenUse::via, kFlow, "c", kNow);
    EXPECT_EQ(rotated.open(TokenUse::via, view(token), "c", kNow).flow, kFlow) << "the older key verifies";
    EXPECT_EQ(later.open(TokenUse::via, view(token), "c", kNow).verdict, TokenVerdict::forged);
    auto fresh = rotated.issue(TokenUse::via, kFlow, "c", kNow);
    EXPECT_EQ(old_tokens.open(TokenUse::via, view(fresh), "c", kNow).verdict, TokenVerdict::forged)
        << "the newest signs";
    EXPECT_THROW(FlowTokens{settings(5, 0)}, std::invalid_argument);
    EXPECT_THROW(FlowTokens{settings(9, 9)}, std::invalid_argument);
    EXPECT_NO_THROW(FlowTokens{settings(9, 8)});
}

TEST(SipFlowToken, Expire) {
    FlowTokens tokens{settings(1)};
    auto via = tokens.issue(TokenUse::via, kFlow, "c", kNow);
    auto dialog = tokens.issue(TokenUse::record_route, kFlow, "c", kNow);
    auto verdict = [&](TokenUse use, const FlowTokens::Token& t, uint64_t now) {
        return tokens.open(use, view(t), "c", now).verdict;
    };
    EXPECT_EQ(verdict(TokenUse::via, via, kNow + 100), TokenVerdict::good);
    EXPECT_EQ(verdict(TokenUse::via, via, kNow + 101), TokenVerdict::expired);
    EXPECT_EQ(verdict(TokenUse::record_route, dialog, kNow + 1000), TokenVerdict::good);
    EXPECT_EQ(verdict(TokenUse::record_route, dialog, kNow + 1001), TokenVerdict::expired);
    auto path = tokens.issue(TokenUse::path, kFlow, "c", kNow);
    EXPECT_EQ(verdict(TokenUse::path, path, kNow + 500), TokenVerdict::good);
    EXPECT_EQ(verdict(TokenUse::path, path, kNow + 501), TokenVerdict::expired);
    EXPECT_EQ(verdict(TokenUse::via, via, kNow - 60), TokenVerdict::good) << "clocks of a pool differ a little";
    EXPECT_EQ(verdict(TokenUse::via, via, kNow - 61), TokenVerdict::expired);
    EXPECT_EQ(tokens.open(TokenUse::via, view(via), "c", kNow + 1000).flow, kFlow) << "who it was is still known";
}

std::string branch_of(const FlowTokens& tokens, const RequestText& text, Side side = Side::outside) {
    Parsed m{text};
    return std::string{view(tokens.branch(*m, side))};
}

TEST(SipBranch, CancelAndAckOfARefusalFollowTheirInvite) {
    FlowTokens tokens{settings(1)};
    RequestText invite{.method = "INVITE"};
    const std::string branch = branch_of(tokens, invite);
    EXPECT_EQ(branch.size(), FlowTokens::kBranchSize);
    const std::string via_text = "SIP/2.0/TLS edge.example;branch=" + branch;
    auto via = Via::parse(via_text);
    ASSERT_TRUE(via && via->has_cookie());
    RequestText same = invite;
    EXPECT_EQ(branch_of(tokens, same), branch) << "sent again";
    same.method = "CANCEL";
    EXPECT_EQ(branch_of(tokens, same), branch);
    same.method = "ACK";
    same.to += ";tag=refused";
    EXPECT_EQ(branch_of(tokens, same), branch);
    // A pool member with rotated token keys and the same hash key.
    EXPECT_EQ(branch_of(FlowTokens{settings(2)}, invite), branch);
}

TEST(SipBranch, OtherTransactionsGetOthers) {
    FlowTokens tokens{settings(1)};
    std::set<std::string> seen;
    RequestText text{.method = "INVITE"};
    seen.insert(branch_of(tokens, text));
    EXPECT_TRUE(seen.insert(branch_of(tokens, text, Side::inside)).second);
    for (const char* via : {"SIP/2.0/TLS a.example;branch=z9hG4bKtwo", "SIP/2.0/TLS b.example;branch=z9hG4bKone",
                            "SIP/2.0/TLS a.example:5062;branch=z9hG4bKone", "SIP/2.0/TLS a.example",
                            "SIP/2.0/TLS a.example;branch=1", "SIP/2.0/TLS a.example;branch=1;x"}) {
        text.via = via;
        EXPECT_TRUE(seen.insert(branch_of(tokens, text)).second) << via;
    }
    FlowTokenSettings other_pool = settings(1);
    other_pool.hash_key.fill(1);
    EXPECT_TRUE(seen.insert(branch_of(FlowTokens{other_pool}, text)).second);
}

TEST(SipBranch, LoopsAreSeenAndSpiralsAreNot) {
    FlowTokens tokens{settings(1)};
    RequestText text{.method = "INVITE"};
    std::string branch = branch_of(tokens, text);
    RequestText back = text;
    back.via = "SIP/2.0/TLS front.example;branch=z9hG4bKf, SIP/2.0/TLS edge;branch=" + branch + ";f=x, " + text.via;
    EXPECT_TRUE(tokens.looped(*Parsed{back}, Side::outside));
    EXPECT_FALSE(tokens.looped(*Parsed{text}, Side::outside));
    EXPECT_FALSE(tokens.looped(*Parsed{back}, Side::inside)) << "from the other side it is on its way back";
    auto spiral = [&](auto change) {
        RequestText changed = back;
        change(changed);
        return !tokens.looped(*Parsed{changed}, Side::outside);
    };
    EXPECT_TRUE(spiral([](RequestText& t) { t.uri = "sip:other@b.example"; }));
    EXPECT_TRUE(spiral([](RequestText& t) { t.more = "Route: <sip:x;lr>\r\n"; }));
    EXPECT_TRUE(spiral([](RequestText& t) { t.call_id = "other"; }));
    EXPECT_TRUE(spiral([](RequestText& t) { t.cseq = "8"; }));
    // The pattern of RFC 5393 section 3: what looped is refused however many other Vias surround it.
    back.via += ", SIP/2.0/TLS x;branch=z9hG4bKx, SIP/2.0/TLS y;branch=z9hG4bKy";
    EXPECT_TRUE(tokens.looped(*Parsed{back}, Side::outside));
}

TEST(SipBranch, TagsOfOwnResponses) {
    FlowTokens tokens{settings(1)};
    RequestText text;
    std::string tag{view(tokens.tag(*Parsed{text}))};
    EXPECT_EQ(view(tokens.tag(*Parsed{text})), tag) << "the same when the request is sent again";
    text.call_id = "x";
    EXPECT_NE(view(tokens.tag(*Parsed{text})), tag);
    EXPECT_TRUE(all<kToken>(tag));
    // Longer than one block of the hash.
    text.via = "SIP/2.0/TLS a;branch=z9hG4bK" + std::string(3000, 'x') + "1";
    std::string long_tag{view(tokens.tag(*Parsed{text}))};
    text.via.back() = '2';
    EXPECT_NE(view(tokens.tag(*Parsed{text})), long_tag);
}

}  // namespace
}  // namespace fedge::sip
